"""Scores of the classifiers on anybody's crops: GTSRB's layouts, a labels.csv, or a folder a class."""

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.crops import LightClassifier, SignClassifier
from perception.pictures import PICTURE_SUFFIXES, read_picture
from world.kinds import LightState
from world.sign_names import GTSRB_CLASSES, SIGN_NAMES

MARGIN = 0.05  # of a region of interest that is added around it
SMALLEST = 2  # [px] side of a crop
_BATCH = 256
_NAMES = {  # columns as the layouts call them
    "file": ("filename", "file", "path", "image"), "x0": ("roi.x1", "roi_x1", "x1"), "y0": ("roi.y1", "roi_y1", "y1"),
    "x1": ("roi.x2", "roi_x2", "x2"), "y1": ("roi.y2", "roi_y2", "y2"),
    "class": ("classid", "class_id", "class", "label"),
}  # fmt: skip
LIGHTS = {"red": LightState.RED, "green": LightState.GREEN, "yellow": LightState.AMBER, "amber": LightState.AMBER,
          "off": LightState.OFF, "red_amber": LightState.RED_AMBER, "red_yellow": LightState.RED_AMBER}  # fmt: skip

Item = tuple[Path, tuple[int, int, int, int] | None, int]  # picture, region of interest, class


def gtsrb_items(root: Path) -> list[Item]:
    """Pictures of a GTSRB folder: csv files anywhere below it, else folders named by class numbers.

    Raises:
        ValueError: no such folder, or no layout that is known, or a broken line (file and line are named).
    """
    if not root.is_dir():
        raise ValueError(f"{root}: there is no such folder")
    items: list[Item] = []
    for table in sorted(p for p in root.rglob("*.csv") if p.is_file()):
        try:
            items += _table_items(table)
        except csv.Error as error:
            raise ValueError(f"{table}: no readable table ({error})") from error
    if items:
        return items
    for folder in sorted(p for p in root.rglob("*") if p.is_dir() and p.name.isdigit()):
        number = int(folder.name)
        if number >= GTSRB_CLASSES:
            raise ValueError(f"{folder}: class {number}; allowed are 0 to {GTSRB_CLASSES - 1}")
        items += [(path, None, number) for path in sorted(folder.iterdir()) if path.suffix.lower() in PICTURE_SUFFIXES]
    if not items:
        raise ValueError(f"{root}: neither a csv with ROI and class columns nor folders named 0 to 42 with pictures")
    return items


def _table_items(table: Path) -> list[Item]:
    with open(table, newline="", encoding="utf-8-sig", errors="replace") as file:
        first = file.readline()
        file.seek(0)
        rows = csv.DictReader(file, delimiter=";" if first.count(";") >= first.count(",") else ",")
        names = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
        column = {key: next((names[n] for n in options if n in names), None) for key, options in _NAMES.items()}
        if column["file"] is None or column["class"] is None:
            return []  # some other table
        items: list[Item] = []
        for row in rows:
            number = rows.line_num
            try:
                name = str(row[column["file"]] or "").strip()
                if not name:
                    raise ValueError("no name of a picture")
                label = int(row[column["class"]])
                roi = None
                if all(column[k] for k in ("x0", "y0", "x1", "y1")):
                    roi = tuple(int(float(row[column[k]])) for k in ("x0", "y0", "x1", "y1"))
            except (TypeError, ValueError) as error:
                raise ValueError(f"{table}: line {number}: {error}") from error
            if not 0 <= label < GTSRB_CLASSES:
                raise ValueError(f"{table}: line {number}: class {label}; allowed are 0 to {GTSRB_CLASSES - 1}")
            items.append((table.parent / name, roi, label))  # type: ignore[arg-type]
    return items


def light_items(root: Path) -> list[Item]:
    """Pictures of traffic lights in folders named by their state.

    Raises:
        ValueError: no such folder, or no folder of a known name.
    """
    if not root.is_dir():
        raise ValueError(f"{root}: there is no such folder")
    items: list[Item] = [
        (path, None, int(LIGHTS[folder.name.lower()]))
        for folder in sorted(root.rglob("*"))
        if folder.is_dir() and folder.name.lower() in LIGHTS
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in PICTURE_SUFFIXES
    ]
    if not items:
        raise ValueError(f"{root}: no pictures in folders named {', '.join(LIGHTS)}")
    return items


def read_crop(item: Item) -> NDArray[np.uint8]:
    """RGB crop of an item with a little room around its region of interest.

    Raises:
        ValueError: the picture cannot be read, or its region of interest is not within it.
    """
    picture = read_picture(item[0], SMALLEST)
    if item[1] is None:
        return picture
    x0, y0, x1, y1 = item[1]
    height, width = picture.shape[:2]
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise ValueError(f"{item[0]}: region of interest {x0}, {y0} to {x1}, {y1} in a picture of {width}x{height}")
    mx, my = round(MARGIN * (x1 - x0)), round(MARGIN * (y1 - y0))
    return np.ascontiguousarray(picture[max(y0 - my, 0) : y1 + my + 1, max(x0 - mx, 0) : x1 + mx + 1])


def score(
    data: str, items: list[Item], classify: Callable, classes: int, names: Callable[[int], str]
) -> dict[str, Any]:
    """{data, n, accuracy, per_class, confusion, seconds, unusable ("file: why" each)} of a classifier.

    Args:
        data: name of the layout. items: to be judged. classify: crops -> (classes, (N, C) probabilities).
        classes: that count. names: of a class.

    Raises:
        ValueError: not one picture can be used.
    """
    truth, found = [], []
    unusable: list[str] = []
    start = time.perf_counter()
    for first in range(0, len(items), _BATCH):
        crops = []
        for item in items[first : first + _BATCH]:
            try:
                crops.append(read_crop(item))
            except ValueError as error:
                unusable.append(str(error))
                continue
            truth.append(item[2])
        if crops:
            found.append(classify(crops)[1][:, :classes].argmax(axis=1))
    if not truth:
        raise ValueError(f"none of {len(items)} pictures can be used; the first: {unusable[0]}")
    said, true = np.concatenate(found), np.array(truth)
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (true, said), 1)
    per_class = {}
    for c in np.flatnonzero(matrix.sum(axis=1)):
        recall, precision = matrix[c, c] / matrix[c].sum(), matrix[c, c] / max(matrix[:, c].sum(), 1)
        per_class[names(int(c))] = {"n": int(matrix[c].sum()), "recall": float(recall), "precision": float(precision)}
    wrong = [[names(int(a)), names(int(b)), int(matrix[a, b])] for a, b in np.argwhere(matrix) if a != b]
    return {
        "data": data, "n": len(true), "accuracy": float((said == true).mean()), "per_class": per_class,
        "confusion": sorted(wrong, key=lambda row: -row[2]),
        "seconds": time.perf_counter() - start, "unusable": unusable,
    }  # fmt: skip


def evaluate_gtsrb(root: Path, weights: Path | None = None) -> dict[str, Any]:
    """Accuracy of the sign classifier; the answer is the most probable of GTSRB's classes."""
    return score("gtsrb", gtsrb_items(Path(root)), SignClassifier(weights), GTSRB_CLASSES, lambda c: SIGN_NAMES[c])


def evaluate_lights(root: Path, weights: Path | None = None) -> dict[str, Any]:
    """Accuracy of the light classifier, and how many reds it calls green."""
    items = light_items(Path(root))
    report = score("lights", items, LightClassifier(weights), len(LightState), lambda c: LightState(c).name.lower())
    report["red_called_green"] = sum(n for a, b, n in report["confusion"] if a == "red" and b == "green")
    return report
