"""From a network and its furniture to an OpenDRIVE 1.7 document, through lxml.

Same conventions as our towns (docs/maps.md). Numbers are rounded to the nanometre, so that a file is the same, byte
for byte, on every run.
"""

import math
from itertools import chain
from typing import Any, TypeAlias

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from scenarios.procedural.furniture import Furniture, Light, Sign, Thing
from scenarios.procedural.network import Contact, Junction, Lane, Mark, Network, Road

GEO_REFERENCE = "+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
LICENCE = " MIT. Written by scenarios/procedural, do not edit. "
MARGIN = 50.0  # [m] of the header's bounds beyond the reference lines
LINE_WIDTH = 0.12  # [m]
SIGN_CODES = {"stop": "206", "yield": "205", "limit": "274"}
SIGN_SIZE, SIGN_FOOT = "0.75", "2"  # [m]
HEAD_SIZE = ("0.35", "1")  # [m] width, height of a light
OBJECT_KINDS = {
    "crosswalk": ("crosswalk", "zebra"), "stopline": ("none", "stopLine"), "building": ("building", "house"),
    "tree": ("tree", "deciduous"), "barrier": ("barrier", "guardRail"),
}  # fmt: skip
Element: TypeAlias = Any  # lxml.etree._Element; lxml ships no types


def document(network: Network, furniture: Furniture) -> bytes:
    """The OpenDRIVE file of a network."""
    root = etree.Element("OpenDRIVE")
    _header(root, network)
    signals: dict[int, list[Light | Sign]] = {}
    for signal in chain(furniture.lights, furniture.signs):
        signals.setdefault(signal.road, []).append(signal)
    things: dict[int, list[Thing]] = {}
    for thing in furniture.things:
        things.setdefault(thing.road, []).append(thing)
    for road in network.roads:
        _road(root, road, things.get(road.id, []), signals.get(road.id, []))
    for controller in furniture.controllers:
        element = _sub(root, "controller", id=controller.id, name=controller.name, sequence=controller.phase)
        for light in controller.lights:
            _sub(element, "control", signalId=light, type="0")
    for junction in network.junctions:
        _junction(root, junction, furniture)
    etree.indent(root, " ")
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<!--{LICENCE}-->\n'.encode()
    return head + etree.tostring(root) + b"\n"


def number(value: float) -> str:
    """The shortest decimal within a nanometre (and never '-0')."""
    if not math.isfinite(value):
        raise ValueError(f"a map cannot hold the number {value}")
    text = f"{value:.9f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _sub(parent: Element, tag: str, **attributes: object) -> Element:
    told = {k: number(v) if isinstance(v, float) else str(v) for k, v in attributes.items() if v is not None}
    return etree.SubElement(parent, tag, told)


def _header(root: Element, network: Network) -> None:
    places = [s.at(f * s.length) for r in network.roads for s in r.path.segments for f in (0.0, 0.5, 1.0)]
    xs, ys = [p[0] for p in places], [p[1] for p in places]
    edges = {"north": max(ys) + MARGIN, "south": min(ys) - MARGIN, "east": max(xs) + MARGIN, "west": min(xs) - MARGIN}
    bounds = {k: round(v, 2) for k, v in edges.items()}
    header = _sub(
        root, "header", revMajor="1", revMinor="7", name=network.title, version="1.00", vendor="Tarmac", **bounds
    )
    _sub(header, "geoReference").text = etree.CDATA(GEO_REFERENCE)


# --- Roads -------------------------------------------------------------------------------------------------------


def _road(root: Element, road: Road, things: list[Thing], signals: list[Light | Sign]) -> None:
    out = _sub(
        root, "road", rule="RHT", id=road.id, junction=road.junction or -1, length=road.path.length, name=road.name
    )
    link = _sub(out, "link")
    for tag, contact in (("predecessor", road.before), ("successor", road.after)):
        if contact is not None:
            _contact(link, tag, contact)
    for s, kmh in road.limits:
        _sub(_sub(out, "type", s=s, type=road.kind), "speed", max=kmh, unit="km/h")
    view = _sub(out, "planView")
    for start, seg in zip(road.path.starts, road.path.segments, strict=True):
        place = _sub(view, "geometry", s=start, x=seg.x, y=seg.y, hdg=seg.heading, length=seg.length)
        if seg.curvature:
            _sub(place, "arc", curvature=seg.curvature)
        else:
            _sub(place, "line")
    profile = _sub(out, "elevationProfile")
    for s, a, b, c, d in road.elevation or ((0.0, 0.0, 0.0, 0.0, 0.0),):
        _sub(profile, "elevation", s=s, a=a, b=b, c=c, d=d)
    _lanes(out, road)
    if things:
        objects = _sub(out, "objects")
        for thing in things:
            _object(objects, thing)
    if signals:
        group = _sub(out, "signals")
        for signal in signals:
            _signal(group, signal)


def _contact(link: Element, tag: str, contact: Contact) -> None:
    _sub(link, tag, elementType=contact.kind, elementId=contact.id, contactPoint=contact.point)


def _lanes(out: Element, road: Road) -> None:
    section = _sub(_sub(out, "lanes"), "laneSection", s=0)
    if road.left:
        left = _sub(section, "left")
        for n in range(len(road.left), 0, -1):
            _lane(left, n, road.left[n - 1], road.path.length)
    middle = _sub(_sub(section, "center"), "lane", id=0, type="none", level="false")
    _marks(middle, road.middle)
    if road.right:
        right = _sub(section, "right")
        for n, lane in enumerate(road.right, 1):
            _lane(right, -n, lane, road.path.length)


def _lane(side: Element, ident: int, lane: Lane, length: float) -> None:
    out = _sub(side, "lane", id=ident, type=lane.kind, level="false")
    if lane.before is not None or lane.after is not None:
        link = _sub(out, "link")
        for tag, other in (("predecessor", lane.before), ("successor", lane.after)):
            if other is not None:
                _sub(link, tag, id=other)
    grown = 0.0 if lane.end_width is None else lane.end_width - lane.width
    c, d = 3.0 * grown / length**2, -2.0 * grown / length**3  # flat at both ends
    _sub(out, "width", sOffset=0, a=lane.width, b=0, c=_coefficient(c), d=_coefficient(d))
    _marks(out, lane.marks)


def _coefficient(value: float) -> str:
    """Coefficients of squares and cubes need more digits than places do."""
    return "0" if value == 0.0 else f"{value:.12e}"


def _marks(lane: Element, marks: tuple[Mark, ...]) -> None:
    for mark in marks:
        width = 0.15 if mark.kind == "curb" else LINE_WIDTH
        _sub(
            lane, "roadMark", sOffset=mark.s, type=mark.kind, weight="standard", color=mark.color, width=width,
            laneChange=mark.change,
        )  # fmt: skip


# --- Furniture ---------------------------------------------------------------------------------------------------


def _signal(group: Element, signal: Light | Sign) -> None:
    light = isinstance(signal, Light)
    width, height = HEAD_SIZE if light else (SIGN_SIZE, SIGN_SIZE)
    code = "1000001" if light else SIGN_CODES[signal.kind]
    value = signal.value if isinstance(signal, Sign) and signal.value else None
    out = _sub(
        group, "signal", s=signal.s, t=signal.t, id=signal.id, name=f"{'light' if light else signal.kind} {signal.id}",
        dynamic="yes" if light else "no", orientation="+" if signal.sense > 0 else "-",
        zOffset=signal.pose[2] if isinstance(signal, Light) else SIGN_FOOT, country="OpenDRIVE" if light else "DE",
        type=code, subtype=value or "-1", value=value, unit="km/h" if value else None, width=width, height=height,
    )  # fmt: skip
    _sub(out, "validity", fromLane=min(signal.lanes), toLane=max(signal.lanes))
    if isinstance(signal, Light):
        x, y, z, heading = signal.pose
        _sub(out, "positionInertial", x=x, y=y, z=z, hdg=heading, pitch=0, roll=0)


def _object(group: Element, thing: Thing) -> None:
    kind, subtype = OBJECT_KINDS[thing.kind]
    us, vs = [u for u, _ in thing.outline], [v for _, v in thing.outline]
    out = _sub(
        group, "object", s=thing.s, t=thing.t, zOffset=0, orientation="none", type=kind, subtype=subtype, id=thing.id,
        name=f"{thing.kind} {thing.id}", hdg=thing.heading, pitch=0, roll=0, height=thing.height,
        length=max(us) - min(us) if us else None, width=max(vs) - min(vs) if vs else None,
        radius=thing.radius or None,
    )  # fmt: skip
    if thing.kind == "barrier":
        _sub(
            out, "repeat", s=thing.s, length=thing.reach, distance=0, tStart=thing.t, tEnd=thing.t, heightStart=0.8,
            heightEnd=0.8, zOffsetStart=0, zOffsetEnd=0,
        )  # fmt: skip
    if thing.outline:
        outline = _sub(out, "outline", id=0, outer="true", closed="true")
        corners = list(thing.outline)
        if thing.kind == "crosswalk":  # CARLA tells one crosswalk from the next by the repeated first corner
            corners.append(corners[0])
        for i, (u, v) in enumerate(corners):
            _sub(outline, "cornerLocal", u=u, v=v, z=0, height=thing.height, id=i)


# --- Junctions ---------------------------------------------------------------------------------------------------


def _junction(root: Element, junction: Junction, furniture: Furniture) -> None:
    out = _sub(root, "junction", name=junction.name, id=junction.id)
    for i, (way, road) in enumerate(junction.ways):
        connection = _sub(
            out, "connection", id=i, incomingRoad=way.entry.road.id, connectingRoad=road.id, contactPoint="start"
        )
        for sign, lanes in ((-1, road.right), (1, road.left)):
            for n, lane in enumerate(lanes, 1):
                if lane.before is not None:
                    _sub(connection, "laneLink", **{"from": lane.before}, to=sign * n)
    for high, low in priorities(junction, furniture):
        _sub(out, "priority", high=high, low=low)
    for controller in furniture.controllers:
        if controller.junction == junction.id:
            _sub(out, "controller", id=controller.id, type=0, sequence=controller.phase)


def priorities(junction: Junction, furniture: Furniture) -> list[tuple[int, int]]:
    """(high, low) roads: streets without a sign before those with one, ways of low rank after all others."""
    signed = furniture.signed.get(junction.id, set())
    streets = list(dict.fromkeys(end.road.id for end in junction.ends))
    pairs = [(a, b) for a in streets for b in streets if a not in signed and b in signed]
    roads = [(road.id, way.low) for way, road in junction.ways]
    return pairs + [(a, b) for a, first in roads for b, second in roads if second and not first]
