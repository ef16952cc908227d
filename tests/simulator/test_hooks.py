"""Hooks do what they say, refuse what they must, and can be replayed from their log."""

import numpy as np
import pytest

from simulator.engine import Engine
from tests.simulator.engine_rig import drive, make_engine
from world.kinds import BodyKind, Controller, LightState
from world.protocols import Backend
from world.records import Control


@pytest.fixture
def engine():
    with make_engine("grid", vehicles=6, pedestrians=0, spare=3) as engine:
        engine.reset([2])
        yield engine


def lane_pose(engine: Engine, lane: int = 0, s: float = 40.0) -> tuple[tuple[float, float], float]:
    row = engine.maps.tables.lanes[lane]
    point = engine.maps.tables.points[row["point0"] + int(s / row["step"])]
    return (float(point["x"]), float(point["y"])), float(point["heading"])


def free_lane(engine: Engine) -> int:
    used = set(engine.model.slots.lane[0][engine.state.valid[0]].tolist())
    lanes = engine.maps.tables.lanes
    fits = [i for i in range(len(lanes)) if lanes["drivable"][i] and lanes["junction"][i] < 0 and i not in used]
    return fits[0]


def test_the_engine_is_a_backend(engine):
    assert isinstance(engine, Backend)


def test_spawned_traffic_drives_off_and_despawn_frees_the_slot(engine):
    xy, yaw = lane_pose(engine, free_lane(engine))
    slot = engine.hooks.spawn(0, int(BodyKind.VAN), xy, yaw, 3.0, controller=int(Controller.TRAFFIC))
    assert slot == 1 + 6 and engine.state.valid[0, slot] and engine.state.generation[0, slot] == 1
    drive(engine, 40, 0.0)
    moved = np.hypot(engine.state.x[0, slot] - xy[0], engine.state.y[0, slot] - xy[1])
    assert moved > 4.0
    engine.hooks.despawn(0, slot)
    assert not engine.state.valid[0, slot]
    drive(engine, 5, 0.0)
    again = engine.hooks.spawn(0, int(BodyKind.CAR), xy, yaw)
    assert again == slot and engine.state.generation[0, slot] == 2


def test_spawn_refuses_a_taken_place_and_a_full_world(engine):
    with pytest.raises(ValueError, match="is taken"):
        engine.hooks.spawn(0, 0, (float(engine.state.x[0, 1]), float(engine.state.y[0, 1])), 0.0)
    for k in range(3):
        engine.hooks.spawn(0, 0, (1000.0 + 10 * k, 1000.0), 0.0)
    with pytest.raises(ValueError, match="spare slots"):
        engine.hooks.spawn(0, 0, (2000.0, 0.0), 0.0)


def test_traffic_must_be_on_a_lane(engine):
    with pytest.raises(ValueError, match="not on a lane"):
        engine.hooks.spawn(0, 0, (1000.0, 1000.0), 0.0, controller=int(Controller.TRAFFIC))
    assert not engine.state.valid[0, 7]


def test_a_scripted_car_follows_its_path_at_its_speed(engine):
    start = np.array([500.0, 500.0])
    slot = engine.hooks.spawn(0, int(BodyKind.CAR), tuple(start), 0.0, 8.0)
    path = start + np.array([[0, 0], [30, 0], [60, 10], [100, 10]])
    engine.hooks.set_target_path(0, slot, path.astype(np.float32))
    engine.hooks.set_target_speed(0, slot, 8.0)
    drive(engine, 200, 0.0)
    x, y = engine.state.x[0, slot] - 500, engine.state.y[0, slot] - 500
    assert 75 < x < 82 and abs(y - 10) < 0.3
    assert engine.state.speed[0, slot] == pytest.approx(8.0, abs=0.1)


def test_a_scripted_walker_walks_straight_on(engine):
    slot = engine.hooks.spawn(0, int(BodyKind.PEDESTRIAN), (500.0, 500.0), np.pi / 2, 1.0)
    engine.hooks.set_target_speed(0, slot, 1.4)
    drive(engine, 100, 0.0)
    assert 6.3 < engine.state.y[0, slot] - 500 <= 7.0 and engine.state.x[0, slot] == pytest.approx(500, abs=0.01)


def test_target_speed_and_offset_of_traffic():
    with make_engine("straight", vehicles=0, pedestrians=0, drivers=0) as engine:
        engine.reset([1])
        slot = engine.hooks.spawn(0, 0, (20.0, -1.75), 0.0, 5.0, controller=int(Controller.TRAFFIC))
        engine.hooks.set_target_speed(0, slot, 6.0)
        engine.hooks.set_target_lane_offset(0, slot, 0.5)
        drive(engine, 240)
        assert engine.state.speed[0, slot] == pytest.approx(6.0, abs=0.2)
        assert engine.state.y[0, slot] == pytest.approx(-1.25, abs=0.02)
        engine.hooks.set_target_speed(0, slot, None)
        drive(engine, 120)
        assert engine.state.speed[0, slot] > 9.0


def test_a_driver_can_be_handed_to_traffic_and_back(engine):
    engine.hooks.set_controller(0, 0, int(Controller.TRAFFIC))
    drive(engine, 100, 0.0)
    assert engine.state.speed[0, 0] > 1.0 or engine.model.traffic.row[0, 0]["reason"] > 0
    engine.hooks.set_controller(0, 0, int(Controller.EXTERNAL))
    drive(engine, 120, -4.0)
    assert engine.state.speed[0, 0] == 0.0
    with pytest.raises(ValueError, match="EXTERNAL is for slots below 1"):
        engine.hooks.set_controller(0, 1, int(Controller.EXTERNAL))


def test_teleport_moves_traffic_to_another_lane(engine):
    lane = free_lane(engine)
    xy, yaw = lane_pose(engine, lane)
    engine.hooks.teleport(0, 1, xy, yaw, 2.0)
    assert engine.model.slots.lane[0, 1] == lane
    drive(engine, 1, 0.0)
    assert np.hypot(engine.state.x[0, 1] - xy[0], engine.state.y[0, 1] - xy[1]) < 0.5


def test_lights_can_be_held(engine):
    engine.hooks.set_light(0, 0, int(LightState.AMBER))
    drive(engine, 10)
    assert engine.state.light[0, 0] == LightState.AMBER
    engine.hooks.set_light(0, 0, None)
    drive(engine, 200)
    assert engine.state.light[0, 0] in (LightState.RED, LightState.GREEN, LightState.RED_AMBER, LightState.AMBER)
    with pytest.raises(ValueError, match="does not exist"):
        engine.hooks.set_light(0, 999, 1)


def test_less_friction_makes_longer_braking():
    stopped = {}
    for friction in (1.0, 0.3):
        with make_engine("straight", vehicles=0, pedestrians=0) as engine:
            engine.reset([1])
            x = float(engine.state.x[0, 0])
            engine.hooks.teleport(0, 0, (x, float(engine.state.y[0, 0])), float(engine.state.yaw[0, 0]), 10.0)
            engine.hooks.set_friction(0, friction)
            drive(engine, 100, -8.0)
            stopped[friction] = abs(float(engine.state.x[0, 0]) - x)
    assert stopped[1.0] == pytest.approx(10 * 10 / 16, abs=1.6)
    assert stopped[0.3] == pytest.approx(10 * 10 / (2 * 0.3 * 9.81), abs=1.0)


def test_unknown_weather_names_the_nearest(engine):
    engine.hooks.set_weather(0, rain=0.5)
    assert engine.hooks.weather[0] == {"rain": 0.5}
    with pytest.raises(ValueError, match="rain"):
        engine.hooks.set_weather(0, rian=0.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda h: h.despawn(0, 0),
        lambda h: h.despawn(0, 8),
        lambda h: h.despawn(3, 1),
        lambda h: h.teleport(0, 1, (np.nan, 0.0), 0.0),
        lambda h: h.set_target_speed(0, 1, -1.0),
        lambda h: h.set_target_lane_offset(0, 1, 9.0),
        lambda h: h.set_friction(0, 0.0),
        lambda h: h.set_target_path(0, 1, np.zeros((1, 2))),
    ],
)
def test_bad_requests_are_refused(engine, call):
    with pytest.raises(ValueError, match="hooks"):
        call(engine.hooks)


def test_a_log_of_operations_replays_to_the_same_hash():
    """Hooks are logged with the step they precede; doing them again at those steps gives the same states."""
    ops, hashes = [], []
    for replayed in (False, True):
        with make_engine("grid", vehicles=6, pedestrians=4, spare=3) as engine:
            engine.reset([4])
            for step in range(80):
                if replayed:
                    for op in [op for op in ops if op.step == step]:
                        engine.hooks.apply(0, op)
                elif step == 10:
                    xy, yaw = lane_pose(engine, free_lane(engine))
                    slot = engine.hooks.spawn(0, 1, xy, yaw, 2.0, controller=0)
                elif step == 30:
                    engine.hooks.set_target_speed(0, slot, 3.0)
                    engine.hooks.set_light(0, 1, int(LightState.RED))
                elif step == 50:
                    engine.hooks.set_friction(0, 0.5)
                    engine.hooks.despawn(0, 2)
                drive(engine, 1)
            hashes.append(int(engine.state_hash[0]))
            if not replayed:
                ops = engine.take_hook_ops(0)
                assert [op.step for op in ops] == [10, 30, 30, 50, 50] and engine.take_hook_ops(0) == []
    assert hashes[0] == hashes[1]


def test_a_director_is_called_before_every_engine_step():
    class Counter:
        def __init__(self):
            self.times = []

        def reset(self, world, hooks, state):
            hooks.set_friction(world, 0.7)

        def tick(self, world, hooks, state, time):
            self.times.append(round(time, 3))

    director = Counter()
    with make_engine("straight", vehicles=2, pedestrians=0, director=director) as engine:
        engine.reset([1])
        assert engine.model.worlds.friction[0] == np.float32(0.7)
        drive(engine, 3)
    assert director.times == [0.0, 0.05, 0.1]


def test_engine_refuses_nonsense():
    with pytest.raises(ValueError, match="map_id"):
        make_engine("straight", worlds=2, map_id=[0, 1])
    with pytest.raises(ValueError, match="worlds is 0"):
        make_engine("straight", worlds=0)
    with make_engine("straight", vehicles=0, pedestrians=0) as engine:
        with pytest.raises(RuntimeError, match="never reset"):
            drive(engine, 1)
        with pytest.raises(ValueError, match="got 2 seeds"):
            engine.reset([1, 2])
        engine.reset([1])
        with pytest.raises(ValueError, match="shape"):
            engine.step(Control(np.zeros((1, 2)), np.zeros((1, 2))))
        with pytest.raises(ValueError, match="finite"):
            engine.step(Control(np.array([[np.nan]]), np.zeros((1, 1))))
        with pytest.raises(ValueError, match="sensor 'sonar'"):
            engine.sensors(("sonar",))
