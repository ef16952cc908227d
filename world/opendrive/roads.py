"""Road elements -> RoadModel: plan view, profiles, lane sections, speeds, links. No sampling here."""

import numpy as np

from world.budget import MAX_LANES, MAX_ROADS
from world.kinds import LaneKind
from world.opendrive.cubic import ZERO, PiecewiseCubic
from world.opendrive.geometry import PolyCurve, ReferenceLine
from world.opendrive.marks import read_marks
from world.opendrive.model import LaneModel, RoadLink, RoadModel, SectionModel, SpeedRecord
from world.opendrive.xml import MAX_ABS, Element, Reading, children, integer, number, text_id

MAX_ROAD = 1e6  # [m]
MAX_NODES = 12_000_000  # of all tables from arc length to parameter
SPEED_UNITS = {"m/s": 1.0, "km/h": 1 / 3.6, "kmh": 1 / 3.6, "mph": 0.44704, "": 1.0}
SLOWEST, FASTEST = 0.5, 150.0  # [m/s] of a limit
NO_LIMIT = 130 / 3.6  # [m/s] what a road without a limit is driven at (advisory speed of German motorways)
KINDS = {
    "driving": LaneKind.DRIVING, "bidirectional": LaneKind.BIDIRECTIONAL, "biking": LaneKind.BIKING,
    "sidewalk": LaneKind.SIDEWALK, "walking": LaneKind.SIDEWALK, "shoulder": LaneKind.SHOULDER,
    "parking": LaneKind.PARKING, "border": LaneKind.BORDER, "median": LaneKind.MEDIAN,
    "restricted": LaneKind.RESTRICTED, "stop": LaneKind.STOP, "entry": LaneKind.ENTRY, "exit": LaneKind.EXIT,
    "onramp": LaneKind.ON_RAMP, "offramp": LaneKind.OFF_RAMP, "connectingramp": LaneKind.ON_RAMP,
    "sliplane": LaneKind.DRIVING, "bus": LaneKind.DRIVING, "taxi": LaneKind.DRIVING, "hov": LaneKind.DRIVING,
    "mwyentry": LaneKind.ENTRY, "mwyexit": LaneKind.EXIT, "curb": LaneKind.CURB, "none": LaneKind.NONE,
    "rail": LaneKind.OTHER, "tram": LaneKind.OTHER, "roadworks": LaneKind.OTHER, "shared": LaneKind.OTHER,
    "special1": LaneKind.OTHER, "special2": LaneKind.OTHER, "special3": LaneKind.OTHER,
}  # fmt: skip
UNDIRECTED = {
    LaneKind.SIDEWALK, LaneKind.NONE, LaneKind.MEDIAN, LaneKind.CURB, LaneKind.OTHER, LaneKind.BORDER,
    LaneKind.RESTRICTED,
}  # fmt: skip


def read_road(reading: Reading, element: Element) -> RoadModel:
    """One road.

    Raises:
        MapError: a number, an id or a part without which the road cannot be laid out is missing or wrong.
    """
    key = text_id(reading, element)
    reading.total(element, "roads", 1, MAX_ROADS)
    length = number(reading, element, "length")
    if not 0 < length <= MAX_ROAD:
        raise reading.error(element, f"length={length:g} m must be in (0, {MAX_ROAD:g}]")
    reference = _reference(reading, element, length)
    left_hand = _left_hand(reading, element)
    link = element.find("link")
    types = children(element, "type")
    road = RoadModel(
        element=element, id=key, length=length, left_hand=left_hand, reference=reference,
        junction=None if element.get("junction", "-1") in ("-1", "") else element.get("junction"),
        elevation=_profile(reading, element, "elevationProfile/elevation"),
        superelevation=_profile(reading, element, "lateralProfile/superelevation"),
        offset=_profile(reading, element, "lanes/laneOffset"),
        sections=[], speeds=_road_speeds(reading, types), town=types[0].get("type", "") if types else "",
        predecessor=_link(reading, link, "predecessor"), successor=_link(reading, link, "successor"),
    )  # fmt: skip
    for tag in ("crossfall", "shape"):
        if records := children(element, f"lateralProfile/{tag}"):
            reading.skip(f"lateralProfile {tag}", len(records))
    for tag in ("railroad", "CRG"):
        if records := children(element, tag) + children(element, f"surface/{tag}"):
            reading.skip(tag, len(records))
    road.sections = _sections(reading, element, road)
    return road


def _left_hand(reading: Reading, element: Element) -> bool:
    rule = element.get("rule", "RHT").upper()
    if rule not in ("RHT", "LHT"):
        raise reading.error(element, f"rule={rule[:20]!r} must be RHT or LHT")
    return rule == "LHT"


def _reference(reading: Reading, road: Element, length: float) -> ReferenceLine:
    """The plan view. Records of no length are counted and left out; a negative length is an error."""
    rows, poly = [], {}
    for record in children(road, "planView/geometry"):
        s, size = number(reading, record, "s"), number(reading, record, "length")
        if not (0 <= s <= MAX_ROAD and 0 <= size <= MAX_ROAD):
            reason = f"s={s:g} and length={size:g} must not be negative or above {MAX_ROAD:g}"
            raise reading.error(record, reason)
        if size < 1e-9:
            reading.skip("geometry of no length")
            continue
        if rows and s <= rows[-1][0]:
            raise reading.error(record, f"s={s:g} must be greater than that of the record before ({rows[-1][0]:g})")
        shape = next((child for child in record if child.tag in SHAPES), None)
        if shape is None:
            raise reading.error(record, f"holds none of {', '.join(SHAPES)}")
        k0, rate, curve = SHAPES[shape.tag](reading, shape, size)
        if curve is not None:
            poly[len(rows)] = curve
            reading.total(record, "nodes of polynomial curves", len(curve.node_s), MAX_NODES)
        rows.append((s, *(number(reading, record, name) for name in ("x", "y", "hdg")), k0, rate))
        end = s + size
    if not rows:
        raise reading.error(road, "has no planView with a geometry")
    start, x, y, heading, k0, rate = np.array(rows).T.copy()
    line = ReferenceLine(start, x, y, heading, k0, rate, poly)
    if end < length - 0.1 - 0.01 * length:
        raise reading.error(road, f"length={length:g} m, but its geometry ends at s={end:g} m")
    reading.skipped_if("geometry beyond the length of its road", int(end > length + 0.1 + 0.01 * length))
    reading.skipped_if("geometry records that do not meet (gap over 0.1 m)", int((line.gaps() > 0.1).sum()))
    return line


def _line(reading: Reading, shape: Element, length: float) -> tuple[float, float, None]:
    return 0.0, 0.0, None


def _arc(reading: Reading, shape: Element, length: float) -> tuple[float, float, None]:
    return number(reading, shape, "curvature"), 0.0, None


def _spiral(reading: Reading, shape: Element, length: float) -> tuple[float, float, None]:
    start, end = number(reading, shape, "curvStart"), number(reading, shape, "curvEnd")
    return start, (end - start) / length, None


def _poly3(reading: Reading, shape: Element, length: float) -> tuple[float, float, PolyCurve]:
    v = np.array([number(reading, shape, c) for c in "abcd"])
    return 0.0, 0.0, PolyCurve.make(np.array([0.0, 1.0, 0.0, 0.0]), v, length, length, cut=True)


def _param_poly3(reading: Reading, shape: Element, length: float) -> tuple[float, float, PolyCurve]:
    u = np.array([number(reading, shape, c + "U") for c in "abcd"])
    v = np.array([number(reading, shape, c + "V") for c in "abcd"])
    span = shape.get("pRange", "normalized")
    if span not in ("arcLength", "normalized"):
        raise reading.error(shape, f"pRange={span[:20]!r} must be arcLength or normalized")
    curve = PolyCurve.make(u, v, length if span == "arcLength" else 1.0, length, cut=False)
    if not curve.true_length > 0:
        raise reading.error(shape, "describes a single point")
    ratio = curve.true_length / length
    if not 0.5 < ratio < 2.0:
        reason = f"describes a curve of {curve.true_length:.4g} m, but its geometry has length={length:g} m"
        raise reading.error(shape, reason)
    reading.skipped_if("paramPoly3 more than 2 % longer or shorter than its length", int(abs(ratio - 1) > 0.02))
    return 0.0, 0.0, curve


SHAPES = {"line": _line, "arc": _arc, "spiral": _spiral, "poly3": _poly3, "paramPoly3": _param_poly3}


def _profile(reading: Reading, road: Element, path: str) -> PiecewiseCubic:
    """A profile over the road's s; zero where the file has none."""
    return _cubic(reading, children(road, path), "s") or ZERO


def _cubic(reading: Reading, records: list[Element], start: str) -> PiecewiseCubic | None:
    """Records with a, b, c, d from `start`, sorted; None without records."""
    if not records:
        return None
    names = (start, "a", "b", "c", "d")
    try:  # fast; what is wrong is told by `number`
        rows = np.array([[float(r.get(name)) for name in names] for r in records])
        sound = bool((np.abs(rows) <= MAX_ABS).all())
    except (TypeError, ValueError):
        sound = False
    if not sound:
        rows = np.array([[number(reading, r, name) for name in names] for r in records])
    if len(rows) > 1 and (np.diff(rows[:, 0]) < 0).any():
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
    return PiecewiseCubic(rows[:, 0].copy(), rows[:, 1:].copy())


def _link(reading: Reading, link: Element | None, tag: str) -> RoadLink | None:
    found = children(link, tag)
    if not found:
        return None
    element = found[0]
    kind = element.get("elementType", "road")
    if kind not in ("road", "junction"):
        raise reading.error(element, f"elementType={kind[:20]!r} must be road or junction")
    contact = element.get("contactPoint")
    if kind == "road" and contact not in ("start", "end"):
        if element.get("elementS") is not None:
            reading.skip("link to a virtual junction")
            return None
        raise reading.error(element, f"contactPoint={str(contact)[:20]!r} must be start or end")
    return RoadLink(element, kind == "junction", text_id(reading, element, "elementId"), contact == "end")


def _road_speeds(reading: Reading, types: list[Element]) -> list[SpeedRecord]:
    found = []
    for element in types:
        limit = element.find("speed")
        value = None if limit is None else read_speed(reading, limit)
        found.append(SpeedRecord(number(reading, element, "s"), value))
    return sorted(found, key=lambda record: record.start)


def read_speed(reading: Reading, element: Element) -> float | None:
    """Limit [m/s] of a speed element; None where it is undefined."""
    text = element.get("max", "").strip()
    if text in ("", "undefined"):
        return None
    if text == "no limit":
        reading.skip("speed 'no limit' (130 km/h assumed)")
        return NO_LIMIT
    unit = element.get("unit", "")
    if unit not in SPEED_UNITS:
        raise reading.error(element, f"unit={unit[:20]!r} must be one of m/s, km/h, mph")
    value = number(reading, element, "max") * SPEED_UNITS[unit]
    if not SLOWEST <= value <= FASTEST:
        reading.skip(f"speed limit below {SLOWEST:g} or above {FASTEST:g} m/s")
        return None
    return value


def _sections(reading: Reading, road: Element, model: RoadModel) -> list[SectionModel]:
    elements = children(road, "lanes/laneSection")
    if not elements:
        raise reading.error(road, "has no laneSection")
    starts = [number(reading, e, "s") for e in elements]
    for before, after, element in zip(starts, starts[1:], elements[1:], strict=False):
        if after < before:
            raise reading.error(element, f"s={after:g} must not be less than that of the section before ({before:g})")
    if not -1e-3 <= starts[0] <= 1.0:
        raise reading.error(elements[0], f"the first laneSection must start at s=0, not {starts[0]:g}")
    ends = [*starts[1:], model.length]
    starts[0] = 0.0
    sections = []
    single = sum(element.get("singleSide") in ("true", "1") for element in elements)
    reading.skipped_if("laneSection of a single side (read as one of both sides)", single)
    for i, element in enumerate(elements):
        if starts[i] > model.length + 0.1:
            raise reading.error(element, f"s={starts[i]:g} lies beyond the road's length ({model.length:g} m)")
        center = element.find("center/lane")
        marks = [] if center is None else read_marks(reading, center)
        section = SectionModel(element, i, starts[i], min(ends[i], model.length), marks)
        for side in ("left", "right"):
            for lane in children(element, f"{side}/lane"):
                _add_lane(reading, section, lane, side, model.left_hand)
        sections.append(section)
    return sections


def _add_lane(reading: Reading, section: SectionModel, element: Element, side: str, left_hand: bool) -> None:
    key = integer(reading, element, "id")
    reading.total(element, "lanes", 1, MAX_LANES)
    if key == 0 or (key > 0) != (side == "left"):
        sign = "positive" if side == "left" else "negative"
        raise reading.error(element, f"a lane of <{side}> must have a {sign} id")
    if key in section.lanes:
        raise reading.error(element, f"lane id {key} stands twice in its section")
    kind = KINDS.get(element.get("type", "none").lower())
    if kind is None:
        reading.skip(f"lane type {element.get('type', '')[:30]!r} (read as OTHER)")
        kind = LaneKind.OTHER
    width = _cubic(reading, children(element, "width"), "sOffset")
    border = None if width is not None else _cubic(reading, children(element, "border"), "sOffset")
    if width is None and border is None:
        reading.skip("lane without width and border (no width assumed)")
        width = ZERO
    link = element.find("link")
    forward = kind in UNDIRECTED or (key < 0) != left_hand
    if element.get("direction") == "reversed" and kind not in UNDIRECTED:
        forward = not forward
    heights = children(element, "height")
    section.lanes[key] = LaneModel(
        element=element, id=key, kind=kind, width=width, border=border, marks=read_marks(reading, element),
        speeds=_lane_speeds(reading, element),
        predecessors=[integer(reading, e, "id") for e in children(link, "predecessor")],
        successors=[integer(reading, e, "id") for e in children(link, "successor")],
        forward=forward,
        height=sum(number(reading, heights[0], name, 0.0) / 2 for name in ("inner", "outer")) if heights else 0.0,
        level=element.get("level") in ("true", "1"),
    )  # fmt: skip
    for tag in ("material", "access", "rule"):
        if found := children(element, tag):
            reading.skip(f"lane {tag}", len(found))


def _lane_speeds(reading: Reading, lane: Element) -> list[SpeedRecord]:
    records = [SpeedRecord(number(reading, e, "sOffset"), read_speed(reading, e)) for e in children(lane, "speed")]
    return sorted(records, key=lambda record: record.start)
