"""Average precision of detectors on anybody's pictures with Pascal VOC boxes."""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.metrics import Matches
from perception.pictures import read_picture
from perception.voc import read_voc
from world.camera import CameraSpec
from world.camera_tags import ThingKind

F64 = NDArray[np.float64]
# What a detector answers for a picture (H, W, 3): (N,) ThingKind, (N,) score, (N, 4) box [px] x0 y0 x1 y1
Detector = Callable[[NDArray[np.uint8]], tuple[NDArray, F64, F64]]
KIND_OF_NAME: Mapping[str, ThingKind] = {
    "vehicle": ThingKind.VEHICLE, "car": ThingKind.VEHICLE, "truck": ThingKind.VEHICLE, "bus": ThingKind.VEHICLE,
    "van": ThingKind.VEHICLE,
    "bike": ThingKind.CYCLIST, "bicycle": ThingKind.CYCLIST, "motobike": ThingKind.CYCLIST,
    "motorbike": ThingKind.CYCLIST, "motorcycle": ThingKind.CYCLIST, "cyclist": ThingKind.CYCLIST,
    "rider": ThingKind.CYCLIST,
    "pedestrian": ThingKind.PEDESTRIAN, "person": ThingKind.PEDESTRIAN, "walker": ThingKind.PEDESTRIAN,
    "traffic_light": ThingKind.LIGHT, "traffic light": ThingKind.LIGHT, "trafficlight": ThingKind.LIGHT,
    "traffic_sign": ThingKind.SIGN, "traffic sign": ThingKind.SIGN, "trafficsign": ThingKind.SIGN,
}  # fmt: skip


def cnn_detector(camera: CameraSpec | None = None, weights: Path | None = None, least: float = 0.05) -> Detector:
    """The network's detector. Args: camera: None: guessed in each picture; least: score of what is told."""
    from perception.any_picture import AnyPicture  # here: readers of boxes need no ONNX Runtime

    look = AnyPicture(weights, camera)

    def detect(picture: NDArray[np.uint8]) -> tuple[NDArray, F64, F64]:
        things = look(picture, np.full(len(ThingKind), least)).things
        return things.kind, things.score, things.box

    return detect


def evaluate_voc(
    root: Path | str, detector: Detector | None = None, names: Mapping[str, ThingKind] = KIND_OF_NAME,
    camera: CameraSpec | None = None, weights: Path | None = None, iou: float = 0.5, smallest: float = 0.0,
) -> dict[str, Any]:  # fmt: skip
    """AP at an overlap, by kind of thing.

    Args:
        root: folder of pictures and XML files.
        detector: None: the network that is shipped.
        names: kind of each class of the labels; classes that are not in it are counted and left out.
        camera: of the pictures; None: guessed in each.
        weights: the network's file; None: the one that is shipped.
        iou: overlap of a match.
        smallest: [px] height below which a labelled box is neither to be found nor wrong.

    Returns:
        data, n pictures, ap (mean over the kinds that are labelled), per_class {name: {ap, n}}, iou, unmapped
        {class: n}, seconds (processor time of the detector), unusable ("file: why" each).

    Raises:
        ValueError: no such folder, no labels, not one usable picture; the network's file cannot be used.
    """
    data = read_voc(root)
    detect = detector or cnn_detector(camera, weights)
    matches = {kind: Matches(iou) for kind in ThingKind}
    unmapped: dict[str, int] = {}
    seconds, n = 0.0, 0
    for item in data.pictures:
        try:
            rgb = read_picture(item.path)
        except ValueError as error:
            data.broken.append(str(error))
            continue
        start = time.process_time()
        kind, score, box = detect(rgb)
        seconds, n = seconds + time.process_time() - start, n + 1
        for name in item.names:
            if name not in names:
                unmapped[name] = unmapped.get(name, 0) + 1
        own = np.array([int(names.get(name, -1)) for name in item.names], np.int64)
        ignored = item.difficult | (item.boxes[:, 3] - item.boxes[:, 1] < smallest)
        for k, match in matches.items():
            found, true = np.asarray(kind) == int(k), own == int(k)
            match.add(np.asarray(box)[found], np.asarray(score)[found], item.boxes[true], ignored[true])
    if n == 0:
        why = f"; the first: {data.broken[0]}" if data.broken else ""
        raise ValueError(f"{root}: none of {len(data.broken)} labelled pictures can be used{why}")
    per_class = {k.name.lower(): {"ap": m.average_precision(), "n": m.wanted} for k, m in matches.items() if m.wanted}
    mean = float(np.mean([v["ap"] for v in per_class.values()])) if per_class else math.nan
    return {
        "data": "voc", "n": n, "ap": mean, "per_class": per_class, "iou": iou, "unmapped": unmapped,
        "seconds": seconds, "unusable": data.broken,
    }  # fmt: skip
