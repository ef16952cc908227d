"""`python -m perception predict PATH --out DIR`: what is seen on a picture, a folder or a video, drawn and as JSON.

A picture a.jpg gives DIR/a.jpg.overlay.jpg and DIR/a.jpg.json; a video v.mp4 gives DIR/v.mp4.overlay.mp4 and
DIR/v.mp4.jsonl, one frame a line, and at last {"error": why} where the video ends early. What is done with the same
settings is skipped. Exit status: 0 all done, 1 some pictures could not be used (they are named), 2 bad request.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from perception.calibration import read_calibration
from perception.lane_finders import METHODS
from perception.pictures import VIDEO_SUFFIXES, Frame, frames
from perception.seen import classical_seer, cnn_seer
from perception.vanishing import CameraGuess
from world.files import whole
from world.names import unknown_name

U8 = NDArray[np.uint8]
Seer = Callable[[U8], tuple[dict[str, Any], U8]]  # a picture -> what is seen, the picture with drawings
_FORMAT = "tarmac.predict/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="a picture, a folder of pictures, or a video")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where drawings and JSON go")
    parser.add_argument("--method", default="cnn", help=f"what looks: {', '.join(METHODS)} (default: cnn)")
    guess = CameraGuess()
    parser.add_argument(
        "--camera-fov", type=float, metavar="DEG", help=f"horizontal (default: {math.degrees(guess.fov):.0f} assumed)"
    )
    parser.add_argument(
        "--camera-height", type=float, metavar="M", help=f"above the road (default: {guess.height} assumed)"
    )
    parser.add_argument(
        "--pitch", type=float, metavar="DEG", help="of the camera, upwards (default: found in each picture)"
    )
    parser.add_argument("--calibration", type=Path, metavar="FILE", help="JSON of a calibrated lens (classical only)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="ONNX file of the network (default: the shipped)")


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """What the answer depends on beside the picture.

    Raises:
        ValueError: a value is out of range, or does not go with the method.
    """
    if args.method not in METHODS:
        raise ValueError(unknown_name("method", args.method, METHODS))
    for name, value, low, high in (
        ("--camera-fov", args.camera_fov, 2.0, 160.0), ("--camera-height", args.camera_height, 0.2, 10.0),
        ("--pitch", args.pitch, -45.0, 45.0),
    ):  # fmt: skip
        if value is not None and not low <= value <= high:
            raise ValueError(f"{name} is {value:g}; allowed are {low:g} to {high:g}")
    if args.method != "classical" and args.calibration is not None:
        raise ValueError("--calibration goes with --method classical")
    if args.calibration is not None and args.camera_fov is not None:
        raise ValueError("--camera-fov: the calibration says it already")
    if args.method != "cnn" and args.weights is not None:
        raise ValueError("--weights goes with --method cnn")
    return {
        "method": args.method, "camera_fov": args.camera_fov, "camera_height": args.camera_height,
        "pitch": args.pitch, "calibration": None if args.calibration is None else str(args.calibration),
        "weights": None if args.weights is None else str(args.weights),
    }  # fmt: skip


def make_seer(args: argparse.Namespace, video: bool) -> Seer:
    """What looks at the pictures. Args: video: the pictures follow each other."""
    guess = CameraGuess(
        fov=CameraGuess.fov if args.camera_fov is None else math.radians(args.camera_fov),
        height=CameraGuess.height if args.camera_height is None else args.camera_height,
    )
    pitch = None if args.pitch is None else math.radians(args.pitch)
    if args.method == "cnn":
        return cnn_seer(guess, pitch, args.weights)
    calibration = None if args.calibration is None else read_calibration(args.calibration)
    return classical_seer(guess, pitch, calibration, video)


def main(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    if args.path.is_dir() and args.path.resolve() == args.out.resolve():
        raise ValueError(f"--out {args.out} is the folder of the pictures; another one is needed")
    if args.out.exists() and not args.out.is_dir():
        raise ValueError(f"--out {args.out} is a file; a folder is needed")
    video = args.path.suffix.lower() in VIDEO_SUFFIXES and args.path.is_file()
    console = Console(stderr=True)
    broken: list[str] = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        if video:
            done = run_video(args, settings, progress, broken)
        else:
            done = run_pictures(args, settings, progress, broken)
    for line in broken:
        print(f"perception predict: {line}", file=sys.stderr)
    seen, skipped = done
    print(f"{seen} seen, {skipped} done before, {len(broken)} could not be used; in {args.out}")
    return 1 if broken else 0


def run_pictures(args: argparse.Namespace, settings: dict, progress: Progress, broken: list[str]) -> tuple[int, int]:
    """(pictures looked at, pictures that were done before)."""

    def known(name: str) -> bool:
        return is_done(args.out / f"{name}.json", settings) and (args.out / f"{name}.overlay.jpg").is_file()

    total, pictures = frames(args.path, args.out, known)
    see = make_seer(args, video=False)
    args.out.mkdir(parents=True, exist_ok=True)
    task = progress.add_task("pictures", total=total)
    seen = skipped = 0
    for frame in pictures:
        if frame.rgb is None:
            skipped += not frame.error
            broken += [frame.error] if frame.error else []
        else:
            try:
                said, drawn = see(frame.rgb)
            except ValueError as error:  # of another size than the calibration's, for instance
                broken.append(f"{args.path}: {frame.name}: {error}")
                progress.advance(task)
                continue
            target = args.out / frame.name
            target.parent.mkdir(parents=True, exist_ok=True)
            write_picture(target.with_name(f"{target.name}.overlay.jpg"), drawn)
            report = _report(frame, said, settings)
            write_text(target.with_name(f"{target.name}.json"), json.dumps(report, indent=1) + "\n")
            seen += 1
        progress.advance(task)
    return seen, skipped


def run_video(args: argparse.Namespace, settings: dict, progress: Progress, broken: list[str]) -> tuple[int, int]:
    """(frames looked at, frames that were done before). A video is done as a whole or not at all."""
    drawn_path = args.out / f"{args.path.name}.overlay.mp4"
    told_path = args.out / f"{args.path.name}.jsonl"
    if drawn_path.is_file() and is_done(told_path, settings):
        with open(told_path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        broken += [line["error"] for line in lines if "error" in line]
        return 0, sum("error" not in line for line in lines)
    total, pictures = frames(args.path)
    see = make_seer(args, video=True)
    args.out.mkdir(parents=True, exist_ok=True)
    rate = cv2.VideoCapture(str(args.path)).get(cv2.CAP_PROP_FPS) or 25.0
    part = drawn_path.with_name(f".{os.getpid()}.{drawn_path.name}")
    task = progress.add_task("frames", total=total)
    writer, told = None, []
    try:
        for frame in pictures:
            if frame.rgb is None:
                broken.append(frame.error)
                continue
            said, drawn = see(frame.rgb)
            if writer is None:
                size = drawn.shape[1], drawn.shape[0]
                writer = cv2.VideoWriter(str(part), cv2.VideoWriter_fourcc(*"mp4v"), rate, size)  # type: ignore
                if not writer.isOpened():
                    raise ValueError(f"{drawn_path}: OpenCV cannot write this video")
            writer.write(np.ascontiguousarray(drawn[..., ::-1]))
            told.append(json.dumps(_report(frame, said, settings)))
            progress.advance(task)
        if writer is not None:
            writer.release()
            os.replace(part, drawn_path)
            errors = [json.dumps({"error": error}) for error in broken]
            write_text(told_path, "\n".join(told + errors) + "\n")
    finally:
        part.unlink(missing_ok=True)
    return len(told), 0


def _report(frame: Frame, said: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    assert frame.rgb is not None
    size = {"width": frame.rgb.shape[1], "height": frame.rgb.shape[0]}
    return {"format": _FORMAT, "settings": settings, "name": frame.name} | size | said


def is_done(path: Path, settings: dict[str, Any]) -> bool:
    """A report is there, whole, and of the same settings."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.loads(file.readline() if path.suffix == ".jsonl" else file.read())
        return data["format"] == _FORMAT and data["settings"] == settings
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def write_text(path: Path, text: str) -> None:
    """To a temporary name, then renamed."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_picture(path: Path, rgb: U8) -> None:
    """As JPEG: to a temporary name, then renamed."""
    good, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not good:
        raise ValueError(f"{path}: OpenCV cannot write this picture")
    with whole(path) as part:
        part.write_bytes(data.tobytes())
