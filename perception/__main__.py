"""`python -m perception COMMAND`; each command is a module's `add_arguments` and `main`."""

import argparse
import importlib
import sys

COMMANDS = {  # name: (module, what it does)
    "generate": ("training.generate", "render labelled pictures for training and evaluation"),
    "train": ("training.fit", "train the networks that are shipped"),
    "evaluate": ("training.evaluate", "tables of scores, in simulation or on anybody's data"),
    "predict": ("perception.predict", "draw what the networks see on a picture, a folder or a video"),
    "calibrate": ("perception.calibrate", "find a camera's lens by pictures of a chessboard"),
    "export": ("training.export", "write ONNX files of the trained networks, checked against torch"),
}
_TRAIN = ("torch", "safetensors", "tensorboard", "onnx", "onnxscript")  # what the extra of that name brings


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 some pictures could not be used, 2 bad request or bad input, 130 Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m perception", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    given = sys.argv[1:] if argv is None else argv
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if given and given[0] == name:  # only what is asked for is loaded: torch takes seconds
            importlib.import_module(module).add_arguments(command)
    args = parser.parse_args(given)
    try:
        return importlib.import_module(COMMANDS[args.command][0]).main(args)
    except (ValueError, OSError) as error:
        print(f"perception {args.command}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _TRAIN:
            raise
        told = f'{error.name} is not installed; pip install "tarmac[train]" brings it'
        print(f"perception {args.command}: {told}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
