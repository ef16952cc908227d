"""Objects beside and on the road: crosswalks, stop lines, buildings, trees, barriers; CARLA's painted speed signs.

Source: ASAM OpenDRIVE 1.8, chapter 13 (objects).
"""

import math
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from world.budget import MAX_CORNERS
from world.draft import MapDraft
from world.kinds import EdgeKind, SignKind
from world.opendrive.catalog import Meaning
from world.opendrive.frame import road_point, road_points
from world.opendrive.furniture import StopLine
from world.opendrive.model import RoadModel
from world.opendrive.roads import SLOWEST
from world.opendrive.signals import Signal, Use
from world.opendrive.xml import Element, Reading, children, number, text_id

F64 = NDArray[np.float64]
MAX_OBJECTS = 200_000  # after repeats
BARRIERS = {"barrier", "railing", "wall", "fence", "guardrail", "jersey"}
TREES = {"tree", "vegetation", "bush"}
TALLEST, TALLEST_TREE, WIDEST_TREE = 1000.0, 150.0, 50.0  # [m] more is no measure of a building or tree
BUILDING_HEIGHT, TREE_HEIGHT, TREE_RADIUS = 6.0, 6.0, 2.0  # [m] assumed where the file has none


@dataclass
class Placed:
    """One instance of an object (a repeat makes many)."""

    s: float  # [m]
    t: float  # [m]
    z: float  # [m] above the road
    length: float  # [m] along u, 0 unknown
    width: float  # [m] along v
    height: float  # [m]
    radius: float  # [m], 0 unknown


@dataclass
class Objects:
    """What objects add besides what goes to the draft directly."""

    lines: dict[str, list[StopLine]] = field(default_factory=dict)  # by road
    signals: list[Signal] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)


def read_objects(reading: Reading, draft: MapDraft, roads: dict[str, RoadModel], objects: Objects) -> None:
    """Fills crosswalks, buildings, trees and barrier edges of the draft, and `objects`. The rest is counted."""
    for road in roads.values():
        for element in children(road.element, "objects/object"):
            reading.total(element, "objects", 1, MAX_OBJECTS)
            kind, name = element.get("type", "").lower(), element.get("name", "").lower()
            if kind in ("-1", "none", "obstacle", ""):
                kind = _by_name(name) or kind
            reader = READERS.get(kind)
            if reader is None:
                label = kind if kind not in ("-1", "none", "") else re.sub(r"[^a-z]+", " ", name.split("/")[-1]).strip()
                reading.skip(f"object {label[:30] or 'without a type'}")
                continue
            reader(reading, draft, road, element, objects)
        for tag in ("objectReference", "tunnel", "bridge"):
            reading.skipped_if(tag, len(children(road.element, f"objects/{tag}")))


def _by_name(name: str) -> str | None:
    """Kind of an object whose type says nothing, by the names that CARLA's and RoadRunner's maps use."""
    if re.fullmatch(r"speed_[0-9]+", name):
        return "speed sign"
    for prefix, kind in (("stopline", "stopline"), ("building", "building"), ("house", "building"), ("tree", "tree")):
        if name.startswith(prefix):
            return kind
    return None


def _instances(reading: Reading, road: RoadModel, element: Element, objects: Objects) -> list[Placed]:
    """Where an object stands; a repeat with a distance replaces the object by its copies.

    Raises:
        MapError: more than MAX_OBJECTS in all.
    """
    names = ("s", "t", "zOffset", "length", "width", "height", "radius")
    base = Placed(*(number(reading, element, name, None if name in "st" else 0.0) for name in names))
    found: list[Placed] = []
    repeats = children(element, "repeat")
    for repeat in repeats:
        start, length = number(reading, repeat, "s", base.s), number(reading, repeat, "length")
        distance = number(reading, repeat, "distance", 0.0)
        if distance <= 0 or length < 0:
            reading.skip("repeat without a distance")
            continue
        count = min(length, road.length) / distance
        reading.total(repeat, "objects", int(min(count, 1e9) + 1e-9), MAX_OBJECTS)
        for k in range(int(count + 1e-9) + 1):
            found.append(_interpolate(reading, repeat, base, start, k * distance, max(length, 1e-9)))
    return found if repeats else [base]


def _interpolate(reading: Reading, repeat: Element, base: Placed, start: float, ds: float, length: float) -> Placed:
    """The copy at ds [m] along a repeat: every measure runs from its start to its end value."""

    def between(name: str, otherwise: float) -> float:
        first = number(reading, repeat, name + "Start", otherwise)
        return first + (number(reading, repeat, name + "End", first) - first) * ds / length

    return Placed(
        start + ds, between("t", base.t), between("zOffset", base.z), between("length", base.length),
        between("width", base.width), between("height", base.height), between("radius", base.radius),
    )  # fmt: skip


def _outline(reading: Reading, road: RoadModel, element: Element, place: Placed) -> tuple[F64, float] | None:
    """Corners (n, 3) [m], inertial, and the height of an object: its outline, its circle or its box."""
    reading.total(element, "corners of objects", 4, MAX_CORNERS)
    base, heading = road_point(road, place.s, place.t, place.z)
    heading += number(reading, element, "hdg", 0.0)
    outline = element.find("outline") if element.find("outline") is not None else element.find("outlines/outline")
    local, tall = [], place.height
    if outline is not None:
        reading.total(element, "corners of objects", len(outline), MAX_CORNERS)
        if corners := children(outline, "cornerRoad"):
            s, t, dz, height = (
                np.array([number(reading, c, n, d) for c in corners])
                for n, d in (("s", None), ("t", None), ("dz", 0.0), ("height", 0.0))
            )
            return road_points(road, s, t, dz), max(tall, float(height.max()))
        for corner in children(outline, "cornerLocal"):
            u, v, z = number(reading, corner, "u"), number(reading, corner, "v"), number(reading, corner, "z", 0.0)
            local.append([u, v, z])
            tall = max(tall, number(reading, corner, "height", 0.0))
    if not local:
        if place.radius > 0:
            angle = np.arange(12) * (2 * math.pi / 12)
            local = np.stack([place.radius * np.cos(angle), place.radius * np.sin(angle), 0 * angle], 1).tolist()
        elif place.length > 0 and place.width > 0:
            u, v = place.length / 2, place.width / 2
            local = [[-u, -v, 0], [u, -v, 0], [u, v, 0], [-u, v, 0]]
        else:
            return None
    points = np.array(local, np.float64)
    cos, sin = math.cos(heading), math.sin(heading)
    x, y = points[:, 0] * cos - points[:, 1] * sin, points[:, 0] * sin + points[:, 1] * cos
    return np.stack([base[0] + x, base[1] + y, base[2] + points[:, 2]], 1), tall


def _ring(points: F64) -> F64 | None:
    """A counter-clockwise outline without repeated corners; None where it has no area."""
    keep = np.hypot(*(points - np.roll(points, 1, 0))[:, :2].T) > 1e-3
    points = points[keep]
    if len(points) < 3:
        return None
    x, y = points[:, 0] - points[0, 0], points[:, 1] - points[0, 1]
    area = 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    if abs(area) < 0.01:
        return None
    return points if area > 0 else points[::-1].copy()


def _crosswalk(reading: Reading, draft: MapDraft, road: RoadModel, element: Element, objects: Objects) -> None:
    for place in _instances(reading, road, element, objects):
        found = _outline(reading, road, element, place)
        ring = None if found is None else _ring(found[0])
        if ring is None:
            reading.skip("crosswalk without an area")
        else:
            draft.crosswalks.append(ring)


def _building(reading: Reading, draft: MapDraft, road: RoadModel, element: Element, objects: Objects) -> None:
    for place in _instances(reading, road, element, objects):
        found = _outline(reading, road, element, place)
        ring = None if found is None else _ring(found[0])
        if found is None or ring is None:
            reading.skip("building without an area")
            continue
        usable = 0 < found[1] <= TALLEST
        if not usable:
            reading.skip(f"building without a height ({BUILDING_HEIGHT:g} m assumed)")
        draft.buildings.append((ring, found[1] if usable else BUILDING_HEIGHT))


def _tree(reading: Reading, draft: MapDraft, road: RoadModel, element: Element, objects: Objects) -> None:
    for place in _instances(reading, road, element, objects):
        long, short = max(place.length, place.width), min(place.length, place.width)
        if element.get("type", "").lower() != "tree" and not place.radius and long > 2 * max(short, 0.5):
            reading.skip("vegetation that is not a tree")
            continue
        radius = place.radius or long / 2
        radius = radius if radius <= WIDEST_TREE else 0.0
        height = place.height if place.height <= TALLEST_TREE else 0.0
        if radius <= 0 or height <= 0:
            reading.skip(f"tree without radius or height ({TREE_RADIUS:g} m, {TREE_HEIGHT:g} m assumed)")
        x, y, z = road_point(road, place.s, place.t, place.z)[0]
        size = (radius if radius > 0 else TREE_RADIUS, height if height > 0 else TREE_HEIGHT)
        draft.trees.append((float(x), float(y), float(z), *size))


def _barrier(reading: Reading, draft: MapDraft, road: RoadModel, element: Element, objects: Objects) -> None:
    """Barriers become edges: their outline, or the line of a continuous repeat."""
    lines = [r for r in children(element, "repeat") if number(reading, r, "distance", 0.0) <= 0]
    for repeat in lines:
        length = number(reading, repeat, "length")
        count = max(2, int(min(length, road.length) / 2.0) + 1)
        reading.total(repeat, "corners of objects", count, MAX_CORNERS)
        s = np.linspace(0.0, min(max(length, 0.0), road.length), count)
        first = number(reading, repeat, "tStart", number(reading, element, "t"))
        t = first + (number(reading, repeat, "tEnd", first) - first) * s / max(length, 1e-9)
        start = number(reading, repeat, "s", number(reading, element, "s"))
        draft.edges.append((road_points(road, start + s, t, np.zeros_like(s)), EdgeKind.BARRIER))
    if not lines:
        for place in _instances(reading, road, element, objects):
            found = _outline(reading, road, element, place)
            if found is None:
                reading.skip("barrier without an outline")
            else:
                draft.edges.append((np.concatenate([found[0], found[0][:1]]), EdgeKind.BARRIER))


def _stop_line(reading: Reading, draft: MapDraft, road: RoadModel, element: Element, objects: Objects) -> None:
    for place in _instances(reading, road, element, objects):
        line = StopLine(place.s, place.t, 0.5 * max(place.length, place.width), element.get("orientation", "none"))
        objects.lines.setdefault(road.id, []).append(line)


def _speed_sign(reading: Reading, draft: MapDraft, road: RoadModel, element: Element, objects: Objects) -> None:
    """CARLA's "Speed_30" objects: a limit in km/h for the traffic of the side of the road where it stands."""
    key = text_id(reading, element)
    value = int(element.get("name", "").lower()[6:9]) / 3.6
    if value < SLOWEST:
        reading.skip(f"speed sign below {SLOWEST:g} m/s")
        return
    turn = math.remainder(number(reading, element, "hdg", 0.0), math.pi)  # the side says which way it looks
    for place in _instances(reading, road, element, objects):
        forward = (place.t < 0) != road.left_hand
        signal = Signal(
            element, f"object {key}", road, place.s, place.t, place.z, place.height, turn,
            "+" if forward else "-", Meaning(sign=SignKind.SPEED_LIMIT, value=value),
        )  # fmt: skip
        objects.signals.append(signal)
        objects.uses.append(Use(signal, road, place.s, signal.orientation))


READERS = {
    "crosswalk": _crosswalk, "building": _building, "stopline": _stop_line, "speed sign": _speed_sign,
    **dict.fromkeys(TREES, _tree), **dict.fromkeys(BARRIERS, _barrier),
}  # fmt: skip
