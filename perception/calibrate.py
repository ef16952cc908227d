"""`python -m perception calibrate PATH --out FILE`: a camera's lens by pictures of a chessboard."""

import argparse
import math
from pathlib import Path

from perception.calibration import calibrate, write_calibration
from perception.pictures import PICTURE_SUFFIXES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="a folder of pictures of one chessboard")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON that predict --calibration takes")
    parser.add_argument(
        "--board", default="9x6", metavar="AxB", help="inner corners across and down (default: %(default)s)"
    )


def main(args: argparse.Namespace) -> int:
    parts = args.board.lower().split("x")
    if len(parts) != 2 or not all(p.isdigit() and 3 <= int(p) <= 50 for p in parts):
        raise ValueError(f"--board is {args.board}; inner corners across and down are needed, 3 to 50 each, as 9x6")
    if not args.path.is_dir():
        raise ValueError(f"{args.path}: no such folder")
    paths = sorted(p for p in args.path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise ValueError(f"{args.path}: no pictures here (of {', '.join(PICTURE_SUFFIXES)})")
    found = calibrate(paths, (int(parts[0]), int(parts[1])))
    write_calibration(found, args.out)
    print(
        f"{args.out}: {found.width}x{found.height}, {math.degrees(found.fov):.1f} deg across, reprojection error "
        f"{found.error:.2f} px over {found.pictures} of {len(paths)} pictures"
    )
    return 0
