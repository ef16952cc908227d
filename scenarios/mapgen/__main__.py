"""`python -m scenarios.mapgen [NAME...] [--out DIR]`: write our towns as OpenDRIVE files."""

import argparse
import difflib
import sys
from pathlib import Path

from scenarios.mapgen.towns import TOWNS

MAPS = Path(__file__).resolve().parent.parent / "maps"


def main(arguments: list[str] | None = None) -> int:
    """Write the named towns (all, if none is named); 2 on a name that does not exist."""
    parser = argparse.ArgumentParser(
        prog="python -m scenarios.mapgen", description="Write our towns as OpenDRIVE files."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(TOWNS)} (default: all)")
    parser.add_argument("--out", type=Path, default=MAPS, metavar="DIR", help="where to (default: %(default)s)")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in TOWNS:
            close = difflib.get_close_matches(name, TOWNS, n=1) or list(TOWNS)
            print(f"unknown town '{name}'; did you mean {' or '.join(close)}?", file=sys.stderr)
            return 2
    try:
        from scenarios.mapgen.write import write_town  # needs the generator's library, naming towns does not
    except ModuleNotFoundError as error:
        if error.name != "scenariogeneration":
            raise
        print(f"{parser.prog} needs the library {error.name}: pip install -e '.[dev]'", file=sys.stderr)
        return 2

    for name in options.names or TOWNS:
        path = write_town(TOWNS[name], options.out)
        print(f"{path}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
