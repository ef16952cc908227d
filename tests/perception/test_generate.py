"""How the training pictures' scenes are made."""

import math
from dataclasses import replace

import numpy as np
import pytest

from scenarios.registry import find_scenario, scenario_map
from simulator.engine import Engine
from training.generate import put_close
from world.camera import CameraSpec
from world.mapset import pack_maps


@pytest.fixture(scope="module")
def engine():
    scenario = replace(find_scenario("intersection"), drivers=0, vehicles=20, pedestrians=15)
    with Engine(pack_maps([scenario_map(scenario)]), scenario) as made:
        made.reset([3])
        yield made


def test_others_are_put_close_ahead_where_there_is_room_and_their_places_are_told(engine):
    state, bodies, rng = engine.state, engine.bodies, np.random.default_rng(0)
    host, spec, put = int(np.flatnonzero(state.valid[0])[0]), CameraSpec("picture", fov=math.radians(90.0)), 0
    before = {name: getattr(state, name)[0].copy() for name in ("x", "y", "z", "yaw")}
    for _ in range(60):
        moved = put_close(engine, host, spec, rng)
        yaw = float(state.yaw[0, host])
        dx, dy = state.x[0] - state.x[0, host], state.y[0] - state.y[0, host]
        ahead, aside = math.cos(yaw) * dx + math.sin(yaw) * dy, math.cos(yaw) * dy - math.sin(yaw) * dx
        for other in moved:
            gap = ahead[other] - 0.5 * (bodies.length[0, host] + bodies.length[0, other])
            assert other != host and 0.2 < gap < 10.4 and abs(aside[other]) < 5.1
        for other, pose in moved.items():
            for name, value in zip(("x", "y", "z", "yaw"), pose, strict=True):
                getattr(state, name)[0, other] = value
        put += len(moved)
        assert all((getattr(state, name)[0] == value).all() for name, value in before.items())
    assert put > 20
