"""`python -m scenarios.mapgen [NAME...] [--out DIR]`: write our maps as OpenDRIVE files."""

import argparse
import difflib
import os
import sys
import tempfile
from pathlib import Path

from scenarios.mapgen.towns import TOWNS
from scenarios.procedural.sites import SITES

MAPS = Path(__file__).resolve().parent.parent / "maps"


def main(arguments: list[str] | None = None) -> int:
    """Write the named maps (all, if none is named); 2 on a name that does not exist."""
    parser = argparse.ArgumentParser(
        prog="python -m scenarios.mapgen", description="Write our maps as OpenDRIVE files."
    )
    names = [*TOWNS, *SITES]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names)} (default: all)")
    parser.add_argument("--out", type=Path, default=MAPS, metavar="DIR", help="where to (default: %(default)s)")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1) or names
            print(f"unknown map '{name}'; did you mean {' or '.join(close)}?", file=sys.stderr)
            return 2
    for name in options.names or names:
        path = options.out / f"{name}.xodr"
        try:
            data = SITES[name]() if name in SITES else _town(name)
        except ModuleNotFoundError as error:
            if error.name != "scenariogeneration":
                raise
            print(f"{parser.prog} {name} needs the library {error.name}: pip install -e '.[dev]'", file=sys.stderr)
            return 2
        write_file(path, data)
        print(f"{path}: {path.stat().st_size} bytes")
    return 0


def _town(name: str) -> bytes:
    from scenarios.mapgen.write import town_xml  # needs the generator's library, naming towns does not

    return town_xml(TOWNS[name])


def write_file(path: Path, data: bytes) -> None:
    """Writes a file in one move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


if __name__ == "__main__":
    sys.exit(main())
