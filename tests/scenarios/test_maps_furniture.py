"""What stands in our towns: lights a stopped driver sees, signs where limits begin, crosswalks, houses off the road."""

import math

import numpy as np
import pytest
import shapely
from lxml import etree
from shapely.geometry import Point, Polygon

from tests.data import ROOT
from tests.scenarios.xodr_sampling import SampledRoad, sample_roads, wrapped

MAPS = ROOT / "scenarios" / "maps"
SIGNED = {  # the approaches that docs/maps.md lists
    "town01": {
        ("West Crescent", "206"),
        ("West Crescent", "205"),
        ("South Crescent", "206"),
        ("South Crescent", "205"),
    },
    "town02": {("North Crescent", "206"), ("North Crescent", "205")},
}


@pytest.fixture(scope="module", params=SIGNED)
def town(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def roads(town) -> dict[str, SampledRoad]:
    return sample_roads(MAPS / f"{town}.xodr")


@pytest.fixture(scope="module")
def bands(roads) -> dict[str, shapely.Geometry]:
    """Ground by lane kind: union of the lanes' outlines."""
    parts: dict[str, list] = {}
    for road in roads.values():
        for kind in ("driving", "shoulder", "sidewalk"):
            for lane in road.lanes(kind):
                keep = corners(road, lane)
                inner, outer = road.points(lane, 0.0)[keep, :2], road.points(lane, 1.0)[keep, :2]
                quads = [
                    Polygon([inner[i], inner[i + 1], outer[i + 1], outer[i]]).buffer(0) for i in range(len(inner) - 1)
                ]
                parts.setdefault(kind, []).append(shapely.union_all(quads).buffer(0.01))
    return {kind: shapely.union_all(items) for kind, items in parts.items()}


def corners(road: SampledRoad, lane: int) -> np.ndarray:
    """Indices of the samples that shape a lane: those between which it bends or changes width."""
    change = np.abs(np.diff(road.xyh[:, 2])) + np.abs(np.diff(road.width(lane))) > 1e-9
    return np.flatnonzero(np.concatenate([[True], change[1:] | change[:-1], [True]]))


def place(road: SampledRoad, element: etree._Element) -> tuple[float, float, float]:
    """x, y, heading of an object's or signal's (s, t)."""
    s, t = float(element.get("s")), float(element.get("t"))
    assert 0.0 <= s <= road.length
    i = min(max(int(np.searchsorted(road.s, s)) - 1, 0), len(road.s) - 1)
    x, y, h = road.xyh[i]
    k = 0.0 if i + 1 == len(road.s) else (road.xyh[i + 1, 2] - h) / max(road.s[i + 1] - road.s[i], 1e-9)
    ds = s - road.s[i]
    x, y, h = x + ds * math.cos(h + k * ds / 2), y + ds * math.sin(h + k * ds / 2), h + k * ds
    return x - t * math.sin(h), y + t * math.cos(h), h


def shape(road: SampledRoad, element: etree._Element) -> Polygon:
    """Outline of an object on the ground."""
    x, y, h = place(road, element)
    h += float(element.get("hdg"))
    corners = [(float(c.get("u")), float(c.get("v"))) for c in element.iter("cornerLocal")]
    cos, sin = math.cos(h), math.sin(h)
    return Polygon([(x + u * cos - v * sin, y + u * sin + v * cos) for u, v in corners])


def things(roads: dict[str, SampledRoad], kind: str) -> list[tuple[SampledRoad, etree._Element]]:
    return [(road, e) for road in roads.values() for e in road.element.xpath(f"objects/object[@type='{kind}']")]


def signals(roads: dict[str, SampledRoad], kind: str) -> list[tuple[SampledRoad, etree._Element]]:
    return [(road, e) for road in roads.values() for e in road.element.xpath(f"signals/signal[@type='{kind}']")]


def test_a_driver_stopped_at_the_line_sees_the_light(roads):
    """10-35 m ahead, within 20 degrees of straight ahead, 4.5-5.5 m up, and facing the driver."""
    for road, light in signals(roads, "1000001"):
        lane = int(light.find("validity").get("fromLane"))
        x, y, h = road.points(lane)[np.abs(road.s - float(light.get("s"))).argmin()]
        head = light.find("positionInertial")
        dx, dy = float(head.get("x")) - x, float(head.get("y")) - y
        middle = float(head.get("z")) + float(light.get("height")) / 2
        assert 10.0 < math.hypot(dx, dy) < 35.0
        assert abs(wrapped(math.atan2(dy, dx) - h)) < math.radians(20)
        assert abs(wrapped(float(head.get("hdg")) - h)) < math.radians(5)  # heading of the traffic it is for
        assert 4.5 <= middle <= 5.5


def test_every_light_has_a_phase_of_its_junction(town):
    root = etree.parse(MAPS / f"{town}.xodr").getroot()
    lights = {s.get("id") for s in root.iter("signal") if s.get("type") == "1000001"}
    control = {c.get("id"): [k.get("signalId") for k in c] for c in root.findall("controller")}
    assert sorted(i for members in control.values() for i in members) == sorted(lights)
    used = [c.get("id") for c in root.findall("junction/controller")]
    assert sorted(used) == sorted(control)


def test_signed_approaches_are_those_the_docs_list(town, roads):
    found = {(road.element.get("name"), kind) for kind in ("205", "206") for road, _ in signals(roads, kind)}
    assert found == SIGNED[town]
    docs = (ROOT / "docs" / "maps.md").read_text(encoding="utf-8")
    assert all(name in docs for name, _ in found)


def test_signs_stand_on_pavements_to_the_right(roads, bands):
    for kind in ("205", "206", "274"):
        for road, sign in signals(roads, kind):
            x, y, _ = place(road, sign)
            assert bands["sidewalk"].contains(Point(x, y)), sign.get("name")
            lane = int(sign.find("validity").get("fromLane"))
            assert (float(sign.get("t")) > 0) == (lane > 0) == (sign.get("orientation") == "-")


def test_a_sign_stands_where_each_limit_begins(roads):
    """Driving a lane either way, the limit never changes without a sign that says so at that very place."""
    changes = 0
    for road in roads.values():
        records = [(float(t.get("s")), float(t.find("speed").get("max"))) for t in road.element.findall("type")]
        said = {
            (float(e.get("s")), e.get("orientation"), float(e.get("value")))
            for e in road.element.xpath("signals/signal[@type='274']")
        }
        for (_, before), (s, after) in zip(records, records[1:], strict=False):
            assert {(s, "+", after), (s, "-", before)} <= said
            changes += 1
        for s, sense, value in said:  # and no sign lies
            behind = [v for at, v in records if at <= s][-1 if sense == "+" or s not in dict(records) else -2]
            assert value == behind
    assert changes >= 8


def test_limits_do_not_change_at_junctions(roads):
    for road in roads.values():
        if road.junction == "-1":
            continue
        (limit,) = (float(t.find("speed").get("max")) for t in road.element.findall("type"))
        for tag in ("predecessor", "successor"):
            contact = road.element.find(f"link/{tag}")
            at = 0 if contact.get("contactPoint") == "start" else -1
            records = roads[contact.get("elementId")].element.findall("type")
            assert float(records[at].find("speed").get("max")) == limit


def test_crosswalks_reach_from_pavement_to_pavement(roads, bands):
    crosswalks = things(roads, "crosswalk")
    assert len(crosswalks) > 15
    for road, element in crosswalks:
        outline = shape(road, element)
        ends = outline.intersection(bands["sidewalk"])
        assert len(getattr(ends, "geoms", [])) == 2, element.get("name")
        assert outline.difference(shapely.union_all(list(bands.values()))).area < 0.05


def test_stop_lines_lie_across_the_lane_before_the_crosswalk(roads):
    lines = [(r, e) for r, e in things(roads, "none") if e.get("subtype") == "stopLine"]
    stops = [pair for kind in ("1000001", "205", "206") for pair in signals(roads, kind)]
    assert len(lines) == len(stops)
    crosswalks = shapely.union_all([shape(r, e) for r, e in things(roads, "crosswalk")])
    for road, line in lines:
        assert not shape(road, line).intersects(crosswalks)
        assert any(r is road and s.get("s") == line.get("s") for r, s in stops)


def test_houses_and_trees_stand_clear(roads, bands):
    """No house touches a road, a pavement, a tree or another house; no stem stands on a road or a pavement."""
    houses = [shape(r, e) for r, e in things(roads, "building")]
    assert len(houses) > 40
    assert all(float(e.get("height")) >= 3.0 for _, e in things(roads, "building"))
    ground = shapely.union_all(list(bands.values()))
    for i, house in enumerate(houses):
        assert house.distance(ground) > 1.0
        assert min(house.distance(other) for other in houses[i + 1 :] + [Point(1e6, 0)]) > 1.0
    stems = [Point(*place(r, e)[:2]) for r, e in things(roads, "tree")]
    assert len(stems) > 60
    for stem in stems:
        assert stem.distance(ground) > 0.5
        assert min(stem.distance(house) for house in houses) > 1.0


def test_junctions_have_no_holes_a_wheel_could_fall_into(bands):
    surface = bands["driving"].union(bands["shoulder"]).buffer(0.05)
    blocks = [hole for part in getattr(surface, "geoms", [surface]) for hole in part.interiors]
    small = [Polygon(hole).area for hole in blocks if Polygon(hole).area < 200.0]
    assert sum(small) < 2.0, small


def test_pavements_are_unbroken_round_the_blocks(bands):
    """Each block's pavement is one ring: as many pieces as there are blocks and the outside."""
    pieces = list(bands["sidewalk"].buffer(0.05).geoms)
    assert all(piece.area > 300.0 for piece in pieces)
    assert all(len(piece.interiors) >= 1 for piece in pieces)
