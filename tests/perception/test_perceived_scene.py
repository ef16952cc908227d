"""The perceived Scene against the true one, with eyes that make no errors: each field means the same."""

import numpy as np
import pytest

from agents.pipeline import PipelineAgent
from envs.backends import make_backend
from perception.scene import DEFAULT_LIMIT
from scenarios.registry import adapt, find_scenario
from simulator.engine import Engine
from tests.perception.oracle import PERFECT, OraclePercept
from world.kinds import LightState, Relation
from world.records import SCENE_ROUTE_STEP

SENSORS = ("gnss", "imu", "odometry")
UNTIL = 1100  # control steps: through a light and a turn


@pytest.fixture(scope="module")
def pairs():
    """(true, perceived) values of every 10th step of a drive through town01."""
    backend = make_backend("light", adapt(find_scenario("town01"), 30, 10, None))
    backend.reset([1])
    assert isinstance(backend, Engine)
    agent = PipelineAgent(OraclePercept(backend, 0, PERFECT))
    agent.reset(backend.task)
    rows = []
    for step in range(UNTIL):
        true = backend.scene()
        decision = agent.act(backend.sensors(SENSORS))
        if step % 10 == 0 and step > 20:
            rows.append((picked(true), picked(decision.scene)))
        backend.step(decision.control)
    return rows


def picked(scene):
    """Copies of what is compared of driver 0 of world 0."""
    route, ahead, objects, ego = scene.route, scene.ahead, scene.objects, scene.ego
    told = {n: np.array(getattr(ahead, n)[0, 0]) for n in type(ahead).__dataclass_fields__}
    told |= {f"route_{n}": np.array(getattr(route, n)[0, 0]) for n in type(route).__dataclass_fields__}
    told |= {f"object_{n}": np.array(getattr(objects, n)[0, 0]) for n in type(objects).__dataclass_fields__}
    told |= {n: np.array(getattr(ego, n)[0, 0]) for n in type(ego).__dataclass_fields__}
    told |= {f"lane_{n}": np.array(getattr(scene.lanes, n)[0, 0]) for n in ("xy", "point_valid", "relation", "valid")}
    return told | {"limit": float(scene.speed_limit[0, 0]), "time": float(scene.time[0, 0]),
                   "active": bool(scene.active[0, 0])}  # fmt: skip


def aside(points, line):
    """[m] of points (n, 2) from a polyline."""
    a, e = line[:-1], np.diff(line, axis=0)
    d = points[:, None] - a
    f = np.clip((d * e).sum(-1) / np.maximum((e * e).sum(-1), 1e-9), 0, 1)
    return np.hypot(*(d - f[..., None] * e).transpose(2, 0, 1)).min(axis=1)


def test_pose_and_ego(pairs):
    off = np.array([p["pose"] - t["pose"] for t, p in pairs])
    yaw = pairs[0][0]["pose"][2]
    assert np.hypot(off[:, 0], off[:, 1]).max() < 1.2, yaw
    assert np.abs((off[:, 2] + np.pi) % (2 * np.pi) - np.pi).max() < 0.05
    assert max(abs(float(p["speed"] - t["speed"])) for t, p in pairs) < 0.3
    assert np.percentile([abs(float(p["accel"] - t["accel"])) for t, p in pairs], 95) < 0.2
    for name in ("size", "wheelbase", "rear_axle"):
        assert all(np.array_equal(t[name], p[name]) for t, p in pairs)


def test_route_lies_on_the_true_one(pairs):
    off, steps = [], []
    for t, p in pairs:
        true, seen = t["route_xy"][t["route_valid"]], p["route_xy"][p["route_valid"]]
        if len(true) > 12:
            off.append(aside(seen[:9], true))
            steps.append(np.hypot(*np.diff(seen[:9], axis=0).T))
    off = np.array(off)
    assert np.median(off) < 0.05 and np.percentile(off, 90) < 0.3 and off[:, :5].max() < 1.2
    short = np.abs(np.array(steps) - SCENE_ROUTE_STEP)
    assert np.percentile(short, 99) < 0.05 and short.max() < 0.15  # chords of the tightest bends
    assert np.percentile([abs(float(p["route_offset"] - t["route_offset"])) for t, p in pairs], 90) < 0.15
    assert np.mean([p["route_command"] == t["route_command"] for t, p in pairs]) > 0.9
    assert all(abs(p["route_remaining"] - t["route_remaining"]) < 8.0 for t, p in pairs)
    width = [np.abs(p["route_half_width"][:5] - t["route_half_width"][:5]).max() for t, p in pairs[20:]]
    assert np.median(width) < 0.1


def test_light_ahead(pairs):
    near = [(t, p) for t, p in pairs if t["light_valid"] and 1.0 < t["light_distance"] < 30.0]
    assert len(near) > 10
    assert np.mean([bool(p["light_valid"]) for _, p in near]) > 0.95
    seen = [(t, p) for t, p in near if p["light_valid"]]
    assert np.mean([t["light_state"] == p["light_state"] for t, p in seen]) > 0.85  # votes lag by a few looks
    assert not any(p["light_state"] == LightState.GREEN and t["light_state"] == LightState.RED for t, p in seen)
    short = [float(t["light_distance"] - p["light_distance"]) for t, p in seen]  # one stops before the line
    assert 0.4 < np.median(short) < 1.2


def test_limits_are_those_of_the_signs_passed(pairs):
    assert pairs[0][1]["limit"] == pytest.approx(DEFAULT_LIMIT)
    changes = [i for i in range(1, len(pairs)) if pairs[i][1]["limit"] != pairs[i - 1][1]["limit"]]
    assert changes
    for i in changes:
        assert any(abs(pairs[i][1]["limit"] - t["limit"]) < 0.1 for t, _ in pairs[max(i - 2, 0) : i + 3])


def test_objects_close_ahead(pairs):
    missed, far, speed = 0, [], []
    for t, p in pairs:
        for i in np.flatnonzero(t["object_valid"]):
            x, y = t["object_xy"][i]
            if not (4.0 < x < 25.0 and abs(y) < 2.0):
                continue
            gaps = np.hypot(*(p["object_xy"][p["object_valid"]] - (x, y)).T)
            if not len(gaps) or gaps.min() > 3.0:
                missed += 1
                continue
            j = np.flatnonzero(p["object_valid"])[gaps.argmin()]
            far.append(gaps.min())
            speed.append(np.hypot(*(p["object_velocity"][j] - t["object_velocity"][i])))
    assert len(far) > 12 and missed < 0.15 * len(far)
    assert np.median(far) < 0.5 and np.median(speed) < 0.6


def test_lanes_show_the_own_one(pairs):
    for t, p in pairs[::10]:
        if p["lane_valid"][0] and t["on_lane"] and t["route_half_width"][0] > 0:
            assert p["lane_relation"][0] == Relation.EGO
            ahead = p["lane_xy"][0][p["lane_point_valid"][0]][2:8]
            true = t["route_xy"][t["route_valid"]]
            if len(true) > 12 and len(ahead):
                assert aside(ahead, true).max() < 1.2
    assert all(p["active"] and p["time"] == pytest.approx(t["time"]) for t, p in pairs)
