"""The faces of signs by number: 0-42 are GTSRB's classes, then those that it lacks, then the American ones.

The sign classifier's classes are these, in this order, and one more at the end: no sign.
"""

GTSRB_CLASSES = 43
SIGN_NAMES = (
    "limit 20", "limit 30", "limit 50", "limit 60", "limit 70", "limit 80", "end of limit 80", "limit 100", "limit 120",
    "no passing", "no passing of lorries", "right of way at the crossing", "priority road", "yield", "stop",
    "no vehicles", "no lorries", "no entry", "danger", "bend left", "bend right", "double bend", "bumpy road",
    "slippery road", "road narrows on the right", "road works", "traffic signals", "pedestrians", "children",
    "bicycles", "ice or snow", "wild animals", "end of all limits", "turn right", "turn left", "ahead only",
    "ahead or right", "ahead or left", "keep right", "keep left", "roundabout", "end of no passing",
    "end of no passing of lorries",
    # not in GTSRB
    "limit 10", "limit 40", "limit 90", "limit 110", "limit 130", "pedestrian crossing",
    # American (its stop sign is GTSRB's face 14)
    "us yield", "us limit 15", "us limit 20", "us limit 25", "us limit 30", "us limit 35", "us limit 40",
    "us limit 45", "us limit 50", "us limit 55", "us limit 60", "us limit 65", "us limit 70", "us limit 75",
)  # fmt: skip
NO_SIGN = len(SIGN_NAMES)  # the classifier's last class
_MPH = 0.44704  # [m/s]


def sign_limit(face: int) -> float | None:
    """[m/s] that a face limits speed to; None where it limits nothing."""
    name = SIGN_NAMES[face] if 0 <= face < NO_SIGN else ""
    if name.startswith("limit "):
        return float(name[6:]) / 3.6
    if name.startswith("us limit "):
        return float(name[9:]) * _MPH
    return None


def face_of(name: str) -> int:
    """Number of a face. Raises ValueError: there is none of that name."""
    if name not in SIGN_NAMES:
        from world.names import unknown_name

        raise ValueError(unknown_name("sign", name, SIGN_NAMES))
    return SIGN_NAMES.index(name)
