"""Scores of lane finders on anybody's pictures in CULane's or TuSimple's layout."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perception.lane_data import LaneData, LanePicture, culane_categories, read_culane, read_tusimple
from perception.lane_finders import Finder, lane_finder
from perception.lane_metrics import (
    LaneScore,
    TusimpleScore,
    at_rows,
    bootstrap,
    lane_f1,
    pooled_f1,
    tusimple_score,
)
from perception.pictures import read_picture
from world.camera import CameraSpec


def evaluate_culane(
    root: Path | str, method: str = "cnn", listing: Path | str | None = None, finder: Finder | None = None,
    camera: CameraSpec | None = None, weights: Path | None = None, iou: float = 0.5,
) -> dict[str, Any]:  # fmt: skip
    """F1 of drawn lines by CULane's protocol.

    Args:
        root: folder of pictures with NAME.lines.txt beside them.
        method: "cnn" or "classical".
        listing: a list file of pictures below root; None: all that have labels.
        finder: used instead of `method`'s.
        camera: of the pictures; None: found in each.
        weights: the network's file; None: the one that is shipped.
        iou: above which a line is found.

    Returns:
        data, method, n pictures, f1, precision, recall, ci (of f1, 95 %, by drawing pictures anew with a fixed seed),
        per_class {category of CULane's test split, or else "N lanes" of the picture: {n, f1, precision, recall, fp}},
        tp, fp, fn, iou, seconds (processor time of the finder, all pictures), unusable ("file: why" each).

    Raises:
        ValueError: no such folder, method or list; not one usable picture.
    """
    data, category = read_culane(root, listing), culane_categories(root)
    find = finder or lane_finder(method, camera, weights)
    scores: list[LaneScore] = []
    groups: list[str] = []
    seconds = 0.0
    for item, lines, (height, width), spent in _found(find, data):
        seconds += spent
        scores.append(lane_f1(lines, item.lines, width, height, iou=iou))
        groups.append(category.get(item.path) or _lanes(item))
    _some(scores, root, data)
    total = sum(scores, LaneScore(0, 0, 0))
    return {
        "data": "culane", "method": method if finder is None else "given", "n": len(scores), "f1": total.f1,
        "precision": total.precision, "recall": total.recall, "ci": list(bootstrap(scores, pooled_f1)),
        "per_class": {name: _f1(own) for name, own in _by_group(groups, scores).items()}, "tp": total.tp,
        "fp": total.fp, "fn": total.fn, "iou": iou, "seconds": seconds, "unusable": data.broken,
    }  # fmt: skip


def evaluate_tusimple(
    root: Path | str, method: str = "cnn", labels: Path | str | None = None, finder: Finder | None = None,
    camera: CameraSpec | None = None, weights: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Accuracy of points by TuSimple's benchmark, and F1 by CULane's protocol beside it.

    Args:
        root: folder that the labels' raw_file is relative to.
        method: "cnn" or "classical".
        labels: a file of json lines; None: all *.json of root.
        finder: used instead of `method`'s.
        camera: of the pictures; None: found in each.
        weights: the network's file; None: the one that is shipped.

    Returns:
        As evaluate_culane, with accuracy, ci of the accuracy, false_positive, false_negative (means over pictures);
        per_class by number of lanes, with accuracy.

    Raises:
        ValueError: no such folder, method or labels; not one usable picture.
    """
    data = read_tusimple(root, labels)
    find = finder or lane_finder(method, camera, weights)
    scores: list[TusimpleScore] = []
    drawn: list[LaneScore] = []
    groups: list[str] = []
    seconds = 0.0
    for item, lines, (height, width), spent in _found(find, data):
        seconds += spent
        scores.append(tusimple_score([at_rows(line, item.rows) for line in lines], item.lanes, item.rows))
        drawn.append(lane_f1(lines, item.lines, width, height))
        groups.append(_lanes(item))
    _some(scores, root, data)
    total = sum(drawn, LaneScore(0, 0, 0))
    points = _by_group(groups, scores)
    per_class = {k: {"accuracy": _mean_accuracy(points[k])} | _f1(own) for k, own in _by_group(groups, drawn).items()}
    return {
        "data": "tusimple", "method": method if finder is None else "given", "n": len(scores),
        "accuracy": _mean_accuracy(scores), "ci": list(bootstrap(scores, _mean_accuracy)),
        "false_positive": float(np.mean([s.false_positive for s in scores])),
        "false_negative": float(np.mean([s.false_negative for s in scores])), "f1": total.f1,
        "precision": total.precision, "recall": total.recall, "per_class": per_class, "seconds": seconds,
        "unusable": data.broken,
    }  # fmt: skip


def _lanes(item: LanePicture) -> str:
    """The group of a picture by what is labelled in it."""
    return f"{len(item.lines)} lane{'' if len(item.lines) == 1 else 's'}"


def _by_group(groups: Sequence[str], scores: Sequence) -> dict[str, list]:
    """Scores of each group's pictures, by its name."""
    return {name: [s for g, s in zip(groups, scores, strict=True) if g == name] for name in sorted(set(groups))}


def _f1(scores: Sequence[LaneScore]) -> dict[str, float]:
    """{n pictures, f1, precision, recall, fp} of some pictures together."""
    total = sum(scores, LaneScore(0, 0, 0))
    return {"n": len(scores), "f1": total.f1, "precision": total.precision, "recall": total.recall, "fp": total.fp}


def _mean_accuracy(scores: Sequence[TusimpleScore]) -> float:
    return float(np.mean([s.accuracy for s in scores]))


def _found(find: Finder, data: LaneData) -> Iterator[tuple[LanePicture, list, tuple[int, int], float]]:
    """(picture, lines of two points and more, (height, width), seconds); pictures that cannot be read are noted."""
    for item in data.pictures:
        try:
            rgb = read_picture(item.path)
        except ValueError as error:
            data.broken.append(str(error))
            continue
        start = time.process_time()
        lines = [line for line in find(rgb) if len(line) >= 2]
        yield item, lines, (rgb.shape[0], rgb.shape[1]), time.process_time() - start


def _some(scores: Sequence, root: Path | str, data: LaneData) -> None:
    if not scores:
        why = f"; the first: {data.broken[0]}" if data.broken else ""
        raise ValueError(f"{root}: none of {len(data.broken)} labelled pictures can be used{why}")
