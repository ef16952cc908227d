"""The vector straight from the engine's state is that of the Scene, bit for bit."""

import numpy as np
import pytest

from agents.codec import VectorCodec
from simulator.observe_vector import observe_vector_worlds
from tests.agents.scenes import driven_engine, on
from tests.simulator.engine_stage import controls
from world.observation import VECTOR_SIZE, vector_entries


def fused(engine, first=0, last=None) -> np.ndarray:
    worlds = len(engine.state_hash)
    out = np.full((worlds, engine.model.drivers, VECTOR_SIZE), np.nan, np.float32)
    observe_vector_worlds(engine.address, first, worlds if last is None else last, out)
    return out


@pytest.mark.parametrize(
    ("name", "vehicles", "shown"),
    [("town01", 60, 120), ("highway", 300, 105), ("roundabout", 40, 115), ("procedural", 40, 120)],
)
def test_it_is_the_encoded_scene(name, vehicles, shown):
    engine = driven_engine(name, worlds=4, drivers=3, vehicles=vehicles, pedestrians=40)
    codec = VectorCodec()
    want = codec.buffer(4, 3)
    used = np.zeros(VECTOR_SIZE, bool)
    for _ in range(40):
        scene = on(engine, 8)
        codec.encode(scene, want)
        got = fused(engine)
        same = got == want
        told = [f"{vector_entries()[i].name} of driver {b, k}" for b, k, i in np.argwhere(~same)[:5]]
        assert same.all(), told
        used |= (want != 0).any(axis=(0, 1))
    missing = {vector_entries()[i].name for i in np.flatnonzero(~used)}
    assert used.sum() >= shown, missing


def test_drivers_that_are_done_or_gone_are_zero():
    engine = driven_engine("town01", worlds=2, drivers=3)
    on(engine, 5)
    engine.model.judge.active[0, 1] = False
    engine.model.slots.valid[1, 2] = False
    got = fused(engine)
    gone = np.array([[False, True, False], [False, False, True]])
    assert (got[gone] == 0).all() and (got[~gone] != 0).any(axis=1).all()
    want = VectorCodec().buffer(2, 3)
    VectorCodec().encode(engine.scene(), want)
    assert (got == want).all()


def test_slices_of_worlds_write_theirs_alone_and_change_no_state():
    engine = driven_engine("town01", worlds=3, drivers=2)
    on(engine, 5)
    whole, before = fused(engine), engine.state_hash.copy()
    part = fused(engine, 1, 2)
    assert (part[1] == whole[1]).all() and np.isnan(part[[0, 2]]).all()
    engine.step(controls(engine))
    other = driven_engine("town01", worlds=3, drivers=2)
    on(other, 5)
    assert (before == other.state_hash).all()
    other.step(controls(other))
    assert (engine.state_hash == other.state_hash).all()


def test_a_driver_without_a_route_or_lane():
    engine = driven_engine("town01", worlds=1, drivers=1)
    on(engine, 3)
    engine.model.routes.count[:] = 0
    engine.model.judge.lane[:] = -1
    want = VectorCodec().buffer(1, 1)
    VectorCodec().encode(engine.scene(), want)
    assert (fused(engine) == want).all() and (want[0, 0, 11:56] == 0).all()
