"""Our towns' roads: no gaps, and the geometry, widths, movements and lights of CARLA's towns."""

import math
from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from scipy.spatial import cKDTree

from tests.data import ROOT, shared_data
from tests.scenarios.xodr_sampling import SampledRoad, deviation, driving_lanes, movements, sample_roads, wrapped

MAPS = ROOT / "scenarios" / "maps"
TOWNS = {"town01": "Town01", "town02": "Town02"}


@pytest.fixture(scope="module", params=TOWNS)
def town(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def ours(town) -> dict[str, SampledRoad]:
    return sample_roads(MAPS / f"{town}.xodr")


@pytest.fixture(scope="module")
def theirs(town) -> dict[str, SampledRoad]:
    return sample_roads(original(town))


def original(town: str) -> Path:
    return shared_data(f"opendrive/carla_0915_py123d/{TOWNS[town]}.xodr")


def test_reference_lines_have_no_gaps(ours):
    for road in ours.values():
        ends = np.flatnonzero(np.diff(road.s) <= 1e-9)  # where one geometry ends and the next begins
        jump = road.xyh[ends + 1] - road.xyh[ends]
        assert np.hypot(*jump[:, :2].T).max(initial=0.0) < 1e-4, road.id
        assert np.abs(wrapped(jump[:, 2])).max(initial=0.0) < 1e-6, road.id
        assert road.s[-1] == pytest.approx(road.length, abs=1e-6)


def test_lanes_meet_their_successors(ours):
    """Every lane of a movement begins and ends where its street's lane does, in position, heading and width."""
    checked = 0
    for road in ours.values():
        if road.junction == "-1":
            continue
        for end, tag in ((0, "predecessor"), (-1, "successor")):
            contact = road.element.find(f"link/{tag}")
            street = ours[contact.get("elementId")]
            at = 0 if contact.get("contactPoint") == "start" else -1
            for lane in [i for kind in ("driving", "shoulder", "sidewalk") for i in road.lanes(kind)]:
                (link,) = road.element.xpath(f".//lane[@id='{lane}']/link/{tag}")
                other = int(link.get("id"))
                gap = road.points(lane)[end] - street.points(other)[at]
                assert np.hypot(*gap[:2]) < 1e-3
                assert abs(wrapped(gap[2])) < 1e-4
                assert road.width(lane)[end] == pytest.approx(street.width(other)[at], abs=1e-6)
                checked += 1
    assert checked > 150


def test_only_lines_and_arcs_and_few_of_them(ours):
    shapes = [shape.tag for road in ours.values() for geometry in road.element.iter("geometry") for shape in geometry]
    assert set(shapes) == {"line", "arc"}
    assert len(shapes) < 3.2 * len(ours)


def test_centre_lines_follow_carla(ours, theirs):
    on_roads, in_junctions = deviation(ours, theirs)
    assert on_roads.max() < 0.25
    assert in_junctions.max() < 0.5


def test_lane_widths_are_carlas(ours, theirs):
    for roads in (ours, theirs):
        for road in roads.values():
            for kind, width in (("driving", 4.0), ("shoulder", 0.3)):
                for lane in road.lanes(kind):
                    assert np.allclose(road.width(lane), width, atol=1e-6)
            if road.junction == "-1":
                assert all(np.allclose(road.width(lane), 4.0, atol=0.1) for lane in road.lanes("sidewalk"))


def test_pavements_turn_corners_without_folding(ours):
    for road in ours.values():
        for lane in road.lanes("sidewalk"):
            points = road.points(lane)
            step = np.diff(points[:, :2], axis=0)
            heading = road.xyh[:-1, 2]
            along = np.cos(heading) * step[:, 0] + np.sin(heading) * step[:, 1]
            assert along.min() > -1e-6, f"road {road.id} lane {lane} runs backwards"
            assert road.width(lane).min() > 2.0


def test_movements_are_carlas(ours, theirs):
    """Same ways through the junctions: every one of CARLA's has one of ours that begins and ends beside it."""
    mine, real = movements(ours), movements(theirs)
    for way in real:
        heading = np.abs(wrapped(mine[:, [2, 5]] - way[[2, 5]])).max(axis=1)
        aside = [_aside(mine[:, k : k + 2], way[k : k + 3]) for k in (0, 3)]
        match = (heading < 0.05) & (aside[0] < 0.3) & (aside[1] < 0.3)
        near = np.hypot(*(mine[:, :2] - way[:2]).T) + np.hypot(*(mine[:, 3:5] - way[3:5]).T)
        assert (near[match] < 8.0).sum() == 1, way


def _aside(points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """(n,) distance [m] of points from the straight line through a pose."""
    dx, dy = (points - pose[:2]).T
    return np.abs(dy * math.cos(pose[2]) - dx * math.sin(pose[2]))


def test_light_controlled_approaches_are_carlas(town, ours, theirs):
    """CARLA hangs one light before every way into a junction; so do we, and nowhere else."""
    real = movements({k: r for k, r in theirs.items() if r.element.find("signals/signalReference") is not None})
    root = etree.parse(MAPS / f"{town}.xodr").getroot()
    stops = []
    for road in root.iter("road"):
        for signal in road.xpath("signals/signal[@type='1000001']"):
            points = ours[road.get("id")].points(int(signal.find("validity").get("fromLane")))
            at = np.abs(ours[road.get("id")].s - float(signal.get("s"))).argmin()
            stops.append(points[at])
    stops = np.array(stops)
    hits = np.zeros(len(stops), int)
    for way in real:
        near = (np.hypot(*(stops[:, :2] - way[:2]).T) < 8.0) & (np.abs(wrapped(stops[:, 2] - way[2])) < 0.1)
        assert near.sum() == 1, way
        hits += near
    assert (hits == 2).all()  # two ways leave each approach of a T-junction


def test_public_routes_lie_on_our_lanes(town, ours):
    lanes = cKDTree(driving_lanes(ours)[:, :2])
    folder = shared_data("routes/plant_training_town0102")
    count = 0
    for path in sorted(folder.glob(f"{TOWNS[town]}_*.xml")):
        for point in etree.parse(path).getroot().iter("waypoint"):
            distance = lanes.query([float(point.get("x")), -float(point.get("y"))])[0]
            assert distance < 1.6, f"{path.name}: {dict(point.attrib)}"
            count += 1
    assert count > 100
