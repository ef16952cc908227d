"""Signal elements, their references and validities, as they stand in the file."""

from dataclasses import dataclass, field

from world.kinds import SignKind
from world.opendrive.catalog import Meaning, meaning
from world.opendrive.model import RoadModel
from world.opendrive.xml import Element, Reading, children, integer, number, text_id

MAX_SIGNALS = 200_000  # with references
FACE_HEIGHT = 0.8  # [m] unknown signals at least this high stand beside the road; lower ones are painted on it


@dataclass
class Signal:
    """One signal, placed on its road."""

    element: Element
    id: str  # unique over the map: a repeated id gets its road's
    road: RoadModel
    s: float  # [m]
    t: float  # [m]
    z: float  # [m] foot above the road
    height: float  # [m] of the face, 0 where unknown
    turn: float  # [rad] hOffset
    orientation: str
    meaning: Meaning
    inertial: tuple[float, float, float, float] | None = None  # x, y, z, heading of a physical position


@dataclass
class Use:
    """Where a signal holds: its own place, or that of a reference to it."""

    signal: Signal
    road: RoadModel
    s: float  # [m]
    orientation: str
    ranges: list[tuple[int, int]] = field(default_factory=list)  # lanes from, to; empty: all of the orientation


def read_signals(reading: Reading, roads: dict[str, RoadModel]) -> tuple[list[Signal], list[Use]]:
    """All signals that mean something to us, and every place where one holds. What is unknown is counted."""
    signals: list[Signal] = []
    uses: list[Use] = []
    by_id: dict[str, Signal | None] = {}
    taken: dict[str, int] = {}
    for road in roads.values():
        for element in children(road.element, "signals/signal"):
            key = text_id(reading, element)
            reading.total(element, "signals", 1, MAX_SIGNALS)
            unique = key if key not in taken else f"{key}@{road.id}"
            while unique in taken:
                taken[unique] += 1
                unique = f"{unique}'{taken[unique]}"
            taken[unique] = 0
            signal = _signal(reading, element, unique, road, roads)
            by_id.setdefault(key, signal)
            if signal is not None:
                signals.append(signal)
                uses.append(_use(reading, element, signal, road))
    for road in roads.values():
        for element in children(road.element, "signals/signalReference"):
            key = text_id(reading, element)
            reading.total(element, "signals", 1, MAX_SIGNALS)
            if key not in by_id:
                reading.skip("reference to a signal that does not exist")
            elif (signal := by_id[key]) is not None:
                uses.append(_use(reading, element, signal, road))
    return signals, uses


def _signal(
    reading: Reading, element: Element, key: str, road: RoadModel, roads: dict[str, RoadModel]
) -> Signal | None:
    """One signal, or None (counted) where the catalog does not know it."""
    kind, subtype, country = (element.get(name, "") for name in ("type", "subtype", "country"))
    dynamic = element.get("dynamic", "no") == "yes"
    value = number(reading, element, "value", -1.0)
    known = meaning(country, kind, subtype, value, element.get("unit", ""), element.get("text", ""), dynamic)
    if known is None:
        name = "/".join(part[:12] for part in (country, kind, "" if subtype == "-1" else subtype) if part)
        upright = not dynamic and number(reading, element, "zOffset", 0.0) >= FACE_HEIGHT
        reading.skip(f"signal type {name or 'without a type'}" + (" (a sign of kind OTHER)" if upright else ""))
        if not upright:
            return None
        known = Meaning(sign=SignKind.OTHER)
    if known.pedestrian_light:
        reading.skip("light for pedestrians or cyclists")
        return None
    signal = Signal(
        element, key, road, number(reading, element, "s"), number(reading, element, "t"),
        number(reading, element, "zOffset", 0.0), number(reading, element, "height", 0.0),
        number(reading, element, "hOffset", 0.0), element.get("orientation", "none"), known,
    )  # fmt: skip
    if signal.s < -0.1 or signal.s > road.length + 0.1:
        reading.skip("signal beyond the end of its road (moved to the end)")
        signal.s = min(max(signal.s, 0.0), road.length)
    _physical(reading, element, signal, roads)
    return signal


def _physical(reading: Reading, element: Element, signal: Signal, roads: dict[str, RoadModel]) -> None:
    """positionRoad and positionInertial: a signal may stand elsewhere than where it holds."""
    for place in children(element, "positionInertial"):
        x, y, z, heading = (number(reading, place, name, 0.0) for name in ("x", "y", "z", "hdg"))
        signal.inertial = (x, y, z, heading)
    for place in children(element, "positionRoad"):
        road = roads.get(place.get("roadId", ""))
        if road is None:
            reading.skip("positionRoad of a road that does not exist")
            continue
        signal.road = road
        signal.s, signal.t = number(reading, place, "s"), number(reading, place, "t")
        signal.z, signal.turn = number(reading, place, "zOffset", 0.0), number(reading, place, "hOffset", 0.0)


def _use(reading: Reading, element: Element, signal: Signal, road: RoadModel) -> Use:
    ranges = []
    for validity in children(element, "validity"):
        low, high = integer(reading, validity, "fromLane"), integer(reading, validity, "toLane")
        ranges.append((min(low, high), max(low, high)))
    s = min(max(number(reading, element, "s"), 0.0), road.length)
    return Use(signal, road, s, element.get("orientation", signal.orientation), ranges)
