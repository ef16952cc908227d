"""From roads and furniture to an OpenDRIVE file, through `scenariogeneration`.

The library knows roads, lanes, objects, signals and junctions; what it lacks (a header with bounds, a signal's
physical position, controllers, priorities) is added to the tree it yields. Numbers are rounded to the nanometre, so
the file is the same, byte for byte, on every run.
"""

import math
import xml.etree.ElementTree as ET

from scenariogeneration import xodr

from scenarios.mapgen.description import LaneProfile, Town
from scenarios.mapgen.furniture import (
    HEAD_SIZE,
    SIGN_FOOT,
    SIGN_SIZE,
    ControllerSpec,
    Furniture,
    SignalSpec,
    ThingSpec,
    furnish,
)
from scenarios.mapgen.lanes import cross_section
from scenarios.mapgen.network import Contact, Crossing, Network, Road, lay_out

GEO_REFERENCE = "+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
LICENCE = (
    " CC-BY 4.0. Geometry follows a town of the CARLA simulator (c) CARLA team, CC-BY 4.0; "
    "written by scenarios/mapgen, do not edit. "
)
MARGIN = 40.0  # [m] of the header's bounds beyond the pavements, for what stands there
SIGN_TYPES = {"stop": ("DE", "206"), "yield": ("DE", "205"), "limit": ("DE", "274"), "light": ("OpenDRIVE", "1000001")}
NUMBERS = frozenset(
    "s t x y z a b c d u v hdg hOffset zOffset pitch roll length width height radius curvature sOffset".split()
)


def town_xml(town: Town) -> bytes:
    """The town as an OpenDRIVE file."""
    network = lay_out(town)
    furniture = furnish(network)
    document = xodr.OpenDrive(town.title, revMinor="7", geo_reference=GEO_REFERENCE)
    for road in network.roads:
        document.add_road(_road(road, furniture, town.profile))
    for crossing in network.crossings:
        document.add_junction(_junction(crossing))
    root = document.get_element()
    _finish(root, network, furniture)
    ET.indent(root, " ")
    comment = f'<?xml version="1.0" encoding="UTF-8"?>\n<!--{LICENCE}-->\n'.encode()
    return comment + ET.tostring(root, encoding="utf-8") + b"\n"


# --- Roads -------------------------------------------------------------------------------------------------------


def _road(road: Road, furniture: Furniture, profile: LaneProfile) -> xodr.Road:
    view = xodr.PlanView()
    for start, seg in zip(road.path.starts, road.path.segments, strict=True):
        shape = xodr.Arc(seg.curvature, length=seg.length) if seg.curvature else xodr.Line(seg.length)
        view.add_fixed_geometry(shape, seg.x, seg.y, seg.heading, start)
    out = xodr.Road(road.id, view, cross_section(road, profile), road.junction or -1, road.name)
    for contact, add in ((road.before, out.add_predecessor), (road.after, out.add_successor)):
        add(_element(contact), contact.id, _point(contact))
    for s, kmh in road.limits:
        out.add_type(xodr.RoadType.town, s, speed=kmh, speed_unit="km/h")
    out.add_elevation(0, 0, 0, 0, 0)
    out.add_superelevation(0, 0, 0, 0, 0)
    for thing in furniture.things:
        if thing.road == road.id:
            out.add_object(_object(thing))
    for signal in furniture.signals:
        if signal.road == road.id:
            out.add_signal(_signal(signal))
    return out


def _element(contact: Contact) -> xodr.ElementType:
    return xodr.ElementType.road if contact.kind == "road" else xodr.ElementType.junction


def _point(contact: Contact) -> xodr.ContactPoint | None:
    return None if contact.point is None else xodr.ContactPoint[contact.point]


# --- Furniture ---------------------------------------------------------------------------------------------------


class _Signal(xodr.Signal):
    """A signal that keeps the id it was given and may hang away from its logical place."""

    pose: tuple[float, float, float, float] | None = None

    def _update_id(self) -> None:
        """Ids are unique by construction; the library's registry would outlive the document."""

    def get_element(self) -> ET.Element:
        element = super().get_element()
        if self.pose is not None:
            place = dict(zip(("x", "y", "z", "hdg"), map(str, self.pose), strict=True))
            ET.SubElement(element, "positionInertial", {**place, "pitch": "0", "roll": "0"})
        return element


class _Object(xodr.Object):
    """An object that keeps the id it was given."""

    def _update_id(self) -> None:
        """Ids are unique by construction; the library's registry would outlive the document."""


def _signal(spec: SignalSpec) -> xodr.Signal:
    country, code = SIGN_TYPES[spec.kind]
    light = spec.kind == "light"
    width, height = HEAD_SIZE if light else (SIGN_SIZE, SIGN_SIZE)
    out = _Signal(
        spec.s, spec.t, country, code, str(spec.value) if spec.value else "-1", id=str(spec.id),
        name=f"{spec.kind} {spec.id}", dynamic=xodr.Dynamic.yes if light else xodr.Dynamic.no,
        value=spec.value or None, unit="km/h" if spec.value else None,
        zOffset=spec.pose[2] if spec.pose else SIGN_FOOT,
        orientation=xodr.Orientation.positive if spec.sense > 0 else xodr.Orientation.negative,
        width=width, height=height,
    )  # fmt: skip
    out.pose = spec.pose
    out.add_validity(spec.lane, spec.lane)
    return out


def _object(spec: ThingSpec) -> xodr.Object:
    kinds = {
        "crosswalk": (xodr.ObjectType.crosswalk, "zebra"),
        "stopline": (xodr.ObjectType.none, "stopLine"),
        "building": (xodr.ObjectType.building, "house"),
        "tree": (xodr.ObjectType.tree, "deciduous"),
    }
    kind, subtype = kinds[spec.kind]
    us, vs = [u for u, _ in spec.outline], [v for _, v in spec.outline]
    out = _Object(
        spec.s, spec.t, kind, subtype, id=str(spec.id), name=f"{spec.kind} {spec.id}", hdg=spec.heading,
        length=max(us) - min(us) if us else None, width=max(vs) - min(vs) if vs else None,
        height=spec.height, radius=spec.radius or None,
    )  # fmt: skip
    if spec.outline:
        outline = xodr.Outline(closed=True, outer=True, id=0)
        for i, (u, v) in enumerate(spec.outline):
            outline.add_corner(xodr.CornerLocal(u, v, 0.0, spec.height, i))
        if spec.kind == "crosswalk":  # CARLA tells one crosswalk from the next by the repeated first corner
            outline.add_corner(xodr.CornerLocal(*spec.outline[0], 0.0, spec.height, len(spec.outline)))
        out.add_outline(outline)
    return out


# --- Junctions and the rest --------------------------------------------------------------------------------------


def _junction(crossing: Crossing) -> xodr.Junction:
    out = xodr.Junction(crossing.plan.name, crossing.id)
    for movement in crossing.movements:
        road = movement.road
        connection = xodr.Connection(movement.entry.street.id, road.id, xodr.ContactPoint.start)
        for lane, (before, _) in road.lane_links.items():
            connection.add_lanelink(before, lane)
        out.add_connection(connection)
    return out


def _finish(root: ET.Element, network: Network, furniture: Furniture) -> None:
    """Add what the library lacks, and round all numbers."""
    header = root.find("header")
    assert header is not None
    header.attrib.update(_bounds(network), version="1.00", vendor="Tarmac")
    del header.attrib["date"]
    junctions = {int(element.attrib["id"]): element for element in root.findall("junction")}
    first = list(root).index(next(iter(junctions.values())))
    for i, controller in enumerate(furniture.controllers):
        root.insert(first + i, _controller(controller))
    for crossing in network.crossings:
        _add_priorities(junctions[crossing.id], crossing)
        for controller in furniture.controllers:
            if controller.junction == crossing.id:
                attributes = {"id": str(controller.id), "type": "0", "sequence": str(controller.phase)}
                ET.SubElement(junctions[crossing.id], "controller", attributes)
    for element in root.iter():
        _tidy(element)


def _tidy(element: ET.Element) -> None:
    """Round numbers, drop what says nothing, and put an only outline directly into its object, where CARLA reads it."""
    for name in NUMBERS.intersection(element.attrib):
        element.attrib[name] = _number(float(element.attrib[name]))
    if element.get("country") == "OPENDRIVE":
        element.attrib["country"] = "OpenDRIVE"
    for child in list(element):
        if child.tag == "link" and len(child) == 0:
            element.remove(child)
        elif child.tag == "outlines":
            element.remove(child)
            element.extend(child)


def _controller(spec: ControllerSpec) -> ET.Element:
    out = ET.Element("controller", {"id": str(spec.id), "name": spec.name, "sequence": str(spec.phase)})
    for signal in spec.signals:
        ET.SubElement(out, "control", {"signalId": str(signal), "type": "0"})
    return out


def _add_priorities(element: ET.Element, crossing: Crossing) -> None:
    """Streets without a sign go before streets with one."""
    control = crossing.plan.control
    if control is None:
        return
    for letter, arm in crossing.arms.items():
        for other in control:
            if letter not in control:
                attributes = {"high": str(arm.street.id), "low": str(crossing.arms[other].street.id)}
                ET.SubElement(element, "priority", attributes)


def _bounds(network: Network) -> dict[str, str]:
    reach = network.town.profile.back + MARGIN
    points = [p for road in network.roads for p in road.path.samples(5.0)]
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    edges = {"north": max(ys) + reach, "south": min(ys) - reach, "east": max(xs) + reach, "west": min(xs) - reach}
    return {name: _number(round(value, 2)) for name, value in edges.items()}


def _number(value: float) -> str:
    """The shortest decimal within a nanometre (and never '-0')."""
    if not math.isfinite(value):
        raise ValueError(f"a map cannot hold the number {value}")
    text = f"{value:.9f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
