"""Street lamps: where they stand, and how their light falls on the road at night."""

import numpy as np
import pytest

from scenarios.registry import find_scenario, for_seed, scenario_map
from simulator.camera import CameraRenderer
from simulator.camera_frame import STREET_LAMPS, make_canvas
from simulator.camera_street import ARM, HEIGHT, LAMP_ROW, gather_lamps, shine_row, stand_lamps
from simulator.engine import Engine
from world.camera import WIDE
from world.camera_tags import Tag
from world.kinds import LaneKind
from world.mapset import pack_maps
from world.weather import CLEAR, find_weather

F = np.float32


@pytest.mark.parametrize("name", ["town01", "procedural"])
def test_they_stand_beside_streets_and_on_no_lane(name):
    m = scenario_map(for_seed(find_scenario(name), 3))
    lamps = stand_lamps(m)
    driven = np.repeat(np.isin(m.lane_kind, [LaneKind.DRIVING, LaneKind.BIKING]), np.diff(m.lane_start))
    away = np.hypot(*(m.point_xyz[driven, None, :2] - np.stack((lamps["x"], lamps["y"]), axis=1)).transpose(2, 0, 1))
    beside = away - 0.5 * m.point_width[driven, None]
    assert len(lamps) > 40 and beside.min() > 0.3 and beside.min(axis=0).max() < 1.2
    over = np.stack((lamps["x"] + ARM * np.cos(lamps["yaw"]), lamps["y"] + ARM * np.sin(lamps["yaw"])), axis=1)
    nearest = np.hypot(*(m.point_xyz[driven, None, :2] - over).transpose(2, 0, 1)) - 0.5 * m.point_width[driven, None]
    assert (nearest.min(axis=0) < 0.0).all(), "the arm reaches over the road"


def test_there_are_none_beside_a_motorway():
    m = scenario_map(find_scenario("highway"))
    fast = m.point_limit.max()
    lamps = stand_lamps(m)
    quick = np.repeat(np.maximum.reduceat(m.point_limit, m.lane_start[:-1]) >= fast, np.diff(m.lane_start))
    if len(lamps):
        away = np.hypot(*(m.point_xyz[quick, None, :2] - np.stack((lamps["x"], lamps["y"]), 1)).transpose(2, 0, 1))
        assert away.min() > 4.0


def lamp_rows(*places):
    rows = np.zeros(len(places), LAMP_ROW)
    rows["x"], rows["y"] = np.array(places).T - np.array([[ARM], [0.0]])  # the arm reaches along x
    return rows


def night_canvas():
    canvas = make_canvas(4, 64)
    canvas.light[0]["night"] = 1.0
    canvas.camera[0]["rz"] = (1.0, 0.0, 0.0)
    return canvas


def test_their_light_falls_off_as_the_formula_says_and_adds_up():
    canvas = night_canvas()
    places = np.array([(20.0, 3.0), (20.0, -9.0)])
    gather_lamps(canvas, lamp_rows(*places))
    assert canvas.street_count[0] == 2
    n, depth = 64, 18.0  # a row of ground 18 m ahead, from 6.4 m on the left to the right
    shine_row(canvas, n, F(0), F(0), F(1), F(6.4 / depth), F(0), F(-0.2 / depth), F(1 / depth), F(0))
    y = 6.4 - 0.2 * np.arange(n)
    r2 = (places[:, :1] - depth) ** 2 + (places[:, 1:] - y) ** 2
    expected = ((HEIGHT**2 / (HEIGHT**2 + r2)) ** 2).sum(axis=0)
    glow = np.array(canvas.glow[:n])
    np.testing.assert_allclose(glow / glow.max(), expected / expected.max(), rtol=1e-4)


def test_the_nearest_are_taken_where_there_are_too_many_and_none_by_day():
    canvas, rng = night_canvas(), np.random.default_rng(0)
    places = rng.uniform((-5.0, -60.0), (90.0, 60.0), (80, 2))
    gather_lamps(canvas, lamp_rows(*places))
    away = np.sort(np.hypot(*places.T))
    assert canvas.street_count[0] == STREET_LAMPS
    np.testing.assert_allclose(np.sqrt(canvas.street[:, 2]), away[:STREET_LAMPS], rtol=1e-4)
    canvas.light[0]["night"] = 0.0
    gather_lamps(canvas, lamp_rows(*places))
    assert canvas.street_count[0] == 0


def test_the_road_is_brighter_under_them_at_night_and_poles_have_their_class():
    scenario = find_scenario("town01")
    with Engine(pack_maps([scenario_map(scenario)]), scenario) as engine:
        engine.reset([3])
        renderer = CameraRenderer(engine)
        lit = renderer.render(WIDE, weather=CLEAR | find_weather("night"))
        ground, rgb = np.isin(lit.tag, [Tag.ROAD, Tag.SIDEWALK]), lit.rgb.astype(float)
        assert (lit.tag == Tag.POLE).any()
        renderer.props(0).lamps["z"] -= 1000.0  # their poles are out of sight
        renderer.props(0).lamps["x"] += 1e5  # and their light
        dark = renderer.render(WIDE, weather=CLEAR | find_weather("night")).rgb
        assert rgb[ground].mean() > 1.1 * dark[ground].mean()
