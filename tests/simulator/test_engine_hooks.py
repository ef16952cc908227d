"""Hooks: each does what it says, is logged, can be done again from the log, and refuses what makes no sense."""

import inspect
import math

import numpy as np
import pytest

from simulator.engine import Engine
from simulator.hooks import EngineHooks
from tests.simulator.engine_stage import assert_same, drive, map_set, run_for, scenario, snapshot, toy_engine
from world.kinds import BodyKind, Controller, LightState
from world.protocols import Hooks
from world.records import Control, HookOp

CAR, BUS, WALKER = int(BodyKind.CAR), int(BodyKind.BUS), int(BodyKind.PEDESTRIAN)
TRAFFIC, EXTERNAL, SCRIPTED = (int(c) for c in (Controller.TRAFFIC, Controller.EXTERNAL, Controller.SCRIPTED))
NAMES = [n for n, f in vars(Hooks).items() if inspect.isfunction(f) and not n.startswith("_")]
RIGHT = -1.75  # [m] y of the lane of the straight road that runs along x


@pytest.fixture
def road():
    """A straight road, x from 0 to 300, nobody on it."""
    with toy_engine("straight") as engine:
        yield engine


def names(engine, world=0):
    return [op.name for op in engine.take_hook_ops(world)]


def test_every_hook_of_the_protocol_is_there_with_its_parameters():
    assert len(NAMES) == 10
    for name in NAMES:
        wanted = inspect.signature(getattr(Hooks, name)).parameters
        assert list(inspect.signature(getattr(EngineHooks, name)).parameters) == list(wanted), name


# --- Bodies --------------------------------------------------------------------------------------------------------


def test_spawn_puts_a_scripted_body_that_keeps_its_speed(road):
    i = road.hooks.spawn(0, CAR, (50.0, RIGHT), 0.0, 10.0)
    state, bodies = road.state, road.bodies
    assert state.valid[0, i] and state.controller[0, i] == SCRIPTED and state.generation[0, i] == 1
    assert bodies.kind[0, i] == CAR and 4.0 < bodies.length[0, i] < 5.0
    run_for(road, 2.0)
    assert state.x[0, i] == pytest.approx(70.0, abs=0.01) and state.y[0, i] == pytest.approx(RIGHT, abs=1e-4)
    (op,) = road.take_hook_ops(0)
    assert (op.step, op.name) == (0, "spawn") and op.args["xy"] == (50.0, RIGHT) and op.args["kind"] == CAR


def test_spawn_takes_a_size_and_scales_the_wheelbase(road):
    plain = road.hooks.spawn(0, CAR, (50.0, RIGHT), 0.0)
    i = road.hooks.spawn(0, CAR, (80.0, RIGHT), 0.0, length=6.0, width=2.4)
    b = road.bodies
    assert (b.length[0, i], b.width[0, i]) == (6.0, np.float32(2.4))
    assert b.wheelbase[0, i] / 6.0 == pytest.approx(b.wheelbase[0, plain] / b.length[0, plain], rel=1e-5)


def test_spawned_traffic_drives_its_lane_by_itself(road):
    i = road.hooks.spawn(0, BUS, (40.0, RIGHT + 0.4), 0.1, 3.0, TRAFFIC)
    run_for(road, 8.0)
    assert 70.0 < road.state.x[0, i] < 200.0 and road.state.y[0, i] == pytest.approx(RIGHT, abs=0.2)
    assert road.state.speed[0, i] > 6.0


def test_spawn_lies_on_the_ground():
    with Engine(map_set("town02"), scenario()) as engine:
        engine.reset([1])
        t = engine.maps.tables
        lane = next(r for r in t.lanes if r["drivable"] == 1)
        p = t.points[lane["point0"] + 2]
        i = engine.hooks.spawn(0, CAR, (float(p["x"]), float(p["y"])), float(p["heading"]))
        assert engine.state.z[0, i] == pytest.approx(float(p["z"]), abs=0.3)


def test_spare_slots_run_out_and_come_back():
    with toy_engine("straight", spare=2) as engine:
        first, _ = (engine.hooks.spawn(0, CAR, (x, RIGHT), 0.0) for x in (20.0, 40.0))
        with pytest.raises(ValueError, match="all 2 spare slots of world 0"):
            engine.hooks.spawn(0, CAR, (60.0, RIGHT), 0.0)
        engine.hooks.despawn(0, first)
        assert not engine.state.valid[0, first]
        assert engine.hooks.spawn(0, CAR, (60.0, RIGHT), 0.0) == first
        assert engine.state.generation[0, first] == 2  # another one than before


def test_despawned_traffic_does_not_come_back():
    with toy_engine("grid", vehicles=8) as engine:
        engine.hooks.despawn(0, 3)
        run_for(engine, 20.0)
        assert not engine.state.valid[0, 3] and engine.state.valid[0].sum() == 7


def test_despawned_walkers_do_not_come_back():
    with toy_engine("grid", pedestrians=5) as engine:
        engine.hooks.despawn(0, 2)
        run_for(engine, 5.0)
        assert not engine.state.valid[0, 2] and engine.state.valid[0].sum() == 4


def test_teleport_moves_a_body_without_sweeping_over_what_is_between(road):
    i = road.hooks.spawn(0, CAR, (50.0, RIGHT), 0.0, 5.0)
    road.hooks.teleport(0, i, (200.0, -RIGHT), math.pi, 2.0)
    s, slots = road.state, road.model.slots
    assert (s.x[0, i], s.y[0, i], s.speed[0, i]) == (200.0, 1.75, 2.0) and abs(s.yaw[0, i]) == pytest.approx(math.pi)
    assert s.vx[0, i] == pytest.approx(-2.0) and slots.old_x[0, i] == 200.0
    run_for(road, 1.0)
    assert s.x[0, i] == pytest.approx(198.0, abs=0.01)


def test_teleported_traffic_drives_on_from_there():
    with toy_engine("grid", vehicles=1) as engine:
        s = engine.state
        row = next(r for r in engine.maps.tables.lanes if r["drivable"] == 1 and r["junction"] < 0 and r["length"] > 50)
        p = engine.maps.tables.points[row["point0"] + 3]
        engine.hooks.teleport(0, 0, (float(p["x"]), float(p["y"])), float(p["heading"]), 5.0)
        run_for(engine, 2.0)
        assert 5.0 < np.hypot(s.x[0, 0] - p["x"], s.y[0, 0] - p["y"]) < 25.0


def test_traffic_that_cannot_be_put_somewhere_stays_where_it_is():
    with toy_engine("grid", vehicles=4) as engine, toy_engine("grid", vehicles=4) as other:
        before = snapshot(engine)
        with pytest.raises(ValueError, match="slot 1 at .* is not on a lane"):
            engine.hooks.teleport(0, 1, (-500.0, -500.0), 0.0)
        assert_same(snapshot(engine), before)
        assert names(engine) == []
        drive(engine, 40), drive(other, 40)
        assert_same(snapshot(engine), snapshot(other))


def test_set_controller_hands_a_slot_over_and_back():
    with toy_engine("grid", vehicles=3) as engine:
        run_for(engine, 3.0)
        i = int(np.argmax(engine.state.speed[0]))
        speed = engine.state.speed[0, i].copy()
        engine.hooks.set_controller(0, i, SCRIPTED)
        run_for(engine, 0.5)
        assert engine.state.speed[0, i] == pytest.approx(speed, abs=0.3)
        engine.hooks.set_target_speed(0, i, 0.0)
        run_for(engine, 4.0)
        assert engine.state.speed[0, i] < 0.3
        engine.hooks.set_target_speed(0, i, None)
        engine.hooks.set_controller(0, i, TRAFFIC)
        assert names(engine) == ["set_controller", "set_target_speed", "set_target_speed", "set_controller"]


def test_a_driver_can_be_handed_to_traffic_and_back():
    with Engine(map_set("town02"), scenario(drivers=1)) as engine:
        engine.reset([4])
        engine.hooks.set_controller(0, 0, TRAFFIC)
        run_for(engine, 6.0)
        assert engine.state.speed[0, 0] > 2.0
        engine.hooks.set_controller(0, 0, EXTERNAL)
        run_for(engine, 6.0)  # the agent brakes
        assert engine.state.speed[0, 0] == 0.0


# --- Targets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("controller", [TRAFFIC, SCRIPTED])
def test_set_target_speed_and_back(road, controller):
    i = road.hooks.spawn(0, CAR, (20.0, RIGHT), 0.0, 8.0, controller)
    road.hooks.set_target_speed(0, i, 4.0)
    run_for(road, 8.0)
    assert road.state.speed[0, i] == pytest.approx(4.0, abs=0.25)
    road.hooks.set_target_speed(0, i, None)
    run_for(road, 6.0)
    if controller == TRAFFIC:
        assert road.state.speed[0, i] > 8.0  # its own wish again
    else:
        assert road.state.speed[0, i] == pytest.approx(4.0, abs=0.25)


def test_set_target_speed_of_a_walker():
    with toy_engine("grid", pedestrians=4) as engine:
        run_for(engine, 2.0)
        for i in range(4):
            engine.hooks.set_target_speed(0, i, 0.0)
        run_for(engine, 2.0)
        assert (engine.state.speed[0, :4] == 0).all()


@pytest.mark.parametrize("kind", [CAR, WALKER])
def test_a_scripted_body_follows_its_path(road, kind):
    s = np.linspace(0, 60, 40)
    path = np.stack([20 + s, RIGHT + 3 * np.sin(s / 12)], -1).astype(np.float32)
    i = road.hooks.spawn(0, kind, tuple(map(float, path[0])), 0.2, 2.0)
    road.hooks.set_target_speed(0, i, 2.0 if kind == WALKER else 6.0)
    road.hooks.set_target_path(0, i, path)
    off, ahead = [], []

    def look():
        gap = np.hypot(path[:, 0] - road.state.x[0, i], path[:, 1] - road.state.y[0, i])
        off.append(abs(road.state.y[0, i] - np.interp(road.state.x[0, i], path[:, 0], path[:, 1])))
        ahead.append(int(gap.argmin()))

    run_for(road, 8.0, look)
    assert max(off) < 0.6 and max(ahead) > (8 if kind == WALKER else 25)
    road.hooks.set_target_path(0, i, None)
    yaw = road.state.yaw[0, i].copy()
    run_for(road, 1.0)
    assert road.state.yaw[0, i] == pytest.approx(yaw, abs=0.05)  # straight on
    assert names(road) == ["spawn", "set_target_speed", "set_target_path", "set_target_path"]


def test_many_paths_at_a_time_and_again(road):
    slots = [road.hooks.spawn(0, CAR, (20.0 + 30 * k, RIGHT), 0.0, 3.0) for k in range(5)]
    for _ in range(20):
        for k, i in enumerate(slots):
            road.hooks.set_target_path(0, i, np.array([[0, RIGHT], [300 + k, RIGHT]], np.float32))
    row, traffic = road.model.traffic.row[0], road.model.traffic
    assert len(set(row["path"][slots])) == 5 and len(traffic.path) == 8
    assert [float(traffic.path[row["path"][i], 1, 0]) for i in slots] == [300, 301, 302, 303, 304]
    run_for(road, 1.0)
    assert np.abs(road.state.y[0, slots] - RIGHT).max() < 0.01


def test_set_target_lane_offset(road):
    i = road.hooks.spawn(0, CAR, (20.0, RIGHT), 0.0, 8.0, TRAFFIC)
    road.hooks.set_target_lane_offset(0, i, 0.6)
    run_for(road, 8.0)
    assert road.state.y[0, i] == pytest.approx(RIGHT + 0.6, abs=0.1)
    assert names(road) == ["spawn", "set_target_lane_offset"]


# --- World ---------------------------------------------------------------------------------------------------------


def test_set_light_holds_a_light_until_it_is_given_back():
    with toy_engine("junction", vehicles=2) as engine, toy_engine("junction", vehicles=2) as plain:
        for light in range(4):
            engine.hooks.set_light(0, light, LightState.AMBER)
        seen = []
        run_for(engine, 50.0, lambda: seen.append(engine.state.light[0, :4].copy()))
        assert (np.array(seen) == LightState.AMBER).all()
        for light in range(4):
            engine.hooks.set_light(0, light, None)
        seen.clear()
        run_for(engine, 60.0, lambda: seen.append(engine.state.light[0, :4].copy()))
        assert {int(v) for v in np.unique(seen)} >= {LightState.RED, LightState.GREEN}
        run_for(plain, 1.0)
        assert int(LightState.OFF) not in plain.state.light[0, :4]


def test_set_weather_is_kept_and_changes_no_state(road):
    hashes = []
    for rain in (None, 0.5):
        road.reset([1])
        if rain is not None:
            road.hooks.set_weather(0, rain=rain, fog=0.25)
            road.hooks.set_weather(0, fog=0.75)
            assert road.hooks.weather[0] == {"rain": 0.5, "fog": 0.75}
        hashes.append(int(drive(road, 10)[-1, 0]))
    assert hashes[0] == hashes[1] and names(road) == ["set_weather", "set_weather"]


@pytest.mark.parametrize("controller", [TRAFFIC, SCRIPTED])
def test_friction_bounds_braking(road, controller):
    i = road.hooks.spawn(0, CAR, (20.0, RIGHT), 0.0, 12.0, controller)
    road.hooks.set_friction(0, 0.2)
    road.hooks.set_target_speed(0, i, 0.0)
    if controller == TRAFFIC:
        road.hooks.spawn(0, CAR, (45.0, RIGHT), 0.0, 0.0)
    least = []
    run_for(road, 3.0, lambda: least.append(float(road.state.accel[0, i])))
    assert -0.2 * 9.81 - 1e-3 <= min(least) < -0.2 * 9.81 + 0.3


# --- What is refused -----------------------------------------------------------------------------------------------

WRONG = [
    ("spawn", (9, CAR, (0.0, 0.0), 0.0), "world 9 does not exist; allowed are 0 to 0"),
    ("spawn", (-1, CAR, (0.0, 0.0), 0.0), "world -1 does not exist"),
    ("spawn", (0, 42, (0.0, 0.0), 0.0), "42 is not a valid BodyKind"),
    ("spawn", (0, CAR, (math.nan, 0.0), 0.0), "pose is .*nan.*, expected finite"),
    ("spawn", (0, CAR, (100.0, 0.0), 0.0, math.inf), "pose is .*inf.*, expected finite"),
    ("spawn", (0, CAR, (100.0, 0.0), 0.0, 0.0, 7), "7 is not a valid Controller"),
    ("spawn", (0, CAR, (100.0, 0.0), 0.0, 0.0, EXTERNAL), "EXTERNAL is for the engine's drivers"),
    ("spawn", (0, WALKER, (100.0, 0.0), 0.0, 0.0, TRAFFIC), "a spawned pedestrian is SCRIPTED"),
    ("spawn", (0, CAR, (50.0, RIGHT + 1), 0.5), r"the place \(50.00, -0.75\) in world 0 is taken"),
    ("spawn", (0, CAR, (100.0, 90.0), 0.0, 0.0, TRAFFIC), "not on a lane that runs its way"),
    ("spawn", (0, CAR, (100.0, RIGHT), math.pi, 0.0, TRAFFIC), "not on a lane that runs its way"),
    ("spawn", (0, CAR, (100.0, 0.0), 0.0, 0.0, SCRIPTED, -4.0), "length is -4.0"),
    ("spawn", (0, CAR, (100.0, 0.0), 0.0, 0.0, SCRIPTED, 4.0, math.nan), "width is nan"),
    ("despawn", (0, 99), "slot 99 does not exist"),
    ("despawn", (0, 3), "slot 3 of world 0 holds nobody"),
    ("teleport", (0, 0, (math.nan, 0.0), 0.0), "pose is"),
    ("teleport", (0, 5, (0.0, 0.0), 0.0), "slot 5 of world 0 holds nobody"),
    ("set_controller", (0, 0, 5), "5 is not a valid Controller"),
    ("set_controller", (0, 0, EXTERNAL), "EXTERNAL is for slots below 0"),
    ("set_target_speed", (0, 0, -1.0), "speed is -1.0 m/s, allowed is 0 or more"),
    ("set_target_speed", (0, 0, math.nan), "speed is"),
    ("set_target_path", (0, 0, np.zeros((1, 2))), r"path has shape \(1, 2\), expected \(2 to 256, 2\)"),
    ("set_target_path", (0, 0, np.zeros((300, 2))), r"path has shape \(300, 2\)"),
    ("set_target_path", (0, 0, np.full((3, 2), np.nan)), "path is"),
    ("set_target_lane_offset", (0, 0, 6.0), "offset is 6.0 m, allowed is -5 to 5"),
    ("set_target_lane_offset", (0, 0, math.nan), "offset is"),
    ("set_light", (0, 0, 1), "light 0 does not exist; the map has 0"),
    ("set_friction", (0, 0.0), "friction is 0.0, allowed is more than 0"),
    ("set_friction", (0, math.nan), "friction is nan"),
]


@pytest.mark.parametrize(("name", "args", "words"), WRONG, ids=[f"{n}-{k}" for k, (n, _, _) in enumerate(WRONG)])
def test_what_makes_no_sense_is_refused_and_changes_nothing(road, name, args, words):
    i = road.hooks.spawn(0, CAR, (50.0, RIGHT), 0.0, 2.0)
    road.hooks.set_target_path(0, i, np.array([[50, RIGHT], [90, 0]], np.float32))
    names(road)
    before = snapshot(road)
    with pytest.raises(ValueError, match=words):
        getattr(road.hooks, name)(*args)
    assert names(road) == []
    assert_same(snapshot(road), before)
    run_for(road, 4.0)
    assert road.state.y[0, i] > RIGHT + 0.15  # its path is still there


def test_unknown_weather_and_light_states_are_named():
    with toy_engine("junction") as engine:
        with pytest.raises(ValueError, match="'rian'.*rain"):
            engine.hooks.set_weather(0, rian=1.0)
        with pytest.raises(ValueError, match="rain is"):
            engine.hooks.set_weather(0, rain=math.nan)
        with pytest.raises(ValueError, match="9 is not a valid LightState"):
            engine.hooks.set_light(0, 0, 9)
        with pytest.raises(ValueError, match="light 4 does not exist; the map has 4"):
            engine.hooks.set_light(0, 4, 1)
        assert engine.hooks.weather == [{}] and names(engine) == []


def test_hooks_of_a_world_that_was_never_reset_or_of_a_driver():
    with Engine(map_set("town02"), scenario(drivers=1)) as engine:
        with pytest.raises(ValueError, match="world 0 was never reset"):
            engine.hooks.set_friction(0, 0.5)
        engine.reset([1])
        with pytest.raises(ValueError, match="slot 0 is a driver's and stays"):
            engine.hooks.despawn(0, 0)


# --- Directors and logs --------------------------------------------------------------------------------------------


class Author:
    """Uses every hook but set_light (its map has no lights) and keeps the times at which it was called."""

    def __init__(self):
        self.calls = []

    def reset(self, world, hooks, state):
        self.calls.append((world, "reset"))
        self.slots = getattr(self, "slots", {})
        self.slots[world] = hooks.spawn(world, CAR, (30.0 + world, RIGHT), 0.0, 6.0)
        hooks.set_target_speed(world, self.slots[world], 5.0)

    def tick(self, world, hooks, state, time):
        self.calls.append((world, time))
        step, slot = int(state.step[world]), self.slots[world]
        if step == 5:
            hooks.set_target_path(world, slot, np.array([[30, RIGHT], [60, 0], [120, RIGHT]]))
            hooks.set_friction(world, 0.7)
            hooks.set_weather(world, fog=0.1)
        if step == 9:
            other = hooks.spawn(world, CAR, (90.0, -RIGHT), math.pi, 4.0, TRAFFIC)
            hooks.set_target_lane_offset(world, other, 0.3)
            gone = hooks.spawn(world, WALKER, (70.0, 8.0), 1.0, 1.0, length=0.7, width=0.5)
            hooks.teleport(world, gone, (75.0, 9.0), 2.0, 0.5)
        if step == 20:
            hooks.set_controller(world, slot + 1, SCRIPTED)
            hooks.despawn(world, slot + 2)


def test_a_director_is_called_at_every_tick_of_every_world():
    author = Author()
    plan = scenario(vehicles=2, control_every=3)
    with Engine(map_set("straight"), plan, worlds=2, director=author) as engine:
        engine.reset([1, 2])
        assert author.calls == [(0, "reset"), (1, "reset")]
        author.calls.clear()
        drive(engine, 4)
        assert author.calls == [(b, pytest.approx(0.05 * n)) for n in range(12) for b in range(2)]
        author.calls.clear()
        engine.reset([3, 4], np.array([False, True]))
        assert author.calls == [(1, "reset")]


def test_what_a_director_did_can_be_done_again_from_the_log():
    plan = scenario(vehicles=4)
    with Engine(map_set("straight"), plan, worlds=2, director=Author()) as engine:
        engine.reset([5, 6])
        log, hashes = [[], []], []
        for _ in range(60):
            engine.step(_no_drivers(2))
            for b in range(2):
                log[b] += engine.take_hook_ops(b)
            hashes.append(engine.state_hash.copy())
    assert {op.name for op in log[1]} == set(NAMES) - {"set_light"}
    assert [op.step for op in log[0]] == sorted(op.step for op in log[0])
    for b in range(2):
        with Engine(map_set("straight"), plan) as again:
            again.reset([5 + b])
            todo = list(log[b])
            for n in range(60):
                while todo and todo[0].step == n:
                    again.hooks.apply(0, todo.pop(0))
                again.step(_no_drivers(1))
                assert again.state_hash[0] == hashes[n][b], f"world {b}, step {n}"
            assert again.take_hook_ops(0) == log[b]  # doing it again is logged the same


def _no_drivers(worlds):
    return Control(np.zeros((worlds, 0), np.float32), np.zeros((worlds, 0), np.float32))


def test_hooks_of_one_world_leave_the_others_alone():
    plan = scenario(vehicles=10, pedestrians=5)
    with Engine(map_set("grid"), plan, worlds=2) as engine, Engine(map_set("grid"), plan) as alone:
        engine.reset([1, 2])
        alone.reset([2])
        engine.hooks.despawn(0, 1)
        engine.hooks.set_friction(0, 0.2)
        engine.hooks.set_light(0, 1, 4)
        engine.hooks.set_controller(0, 2, SCRIPTED)
        engine.hooks.set_target_path(0, 2, np.array([[0, 0], [9, 9]]))
        assert (drive(engine, 100)[:, 1] == drive(alone, 100)[:, 0]).all()
        assert engine.take_hook_ops(1) == [] and len(engine.take_hook_ops(0)) == 5


def test_taking_the_log_empties_it_and_a_reset_does_too(road):
    road.hooks.set_friction(0, 0.5)
    drive(road, 3)
    road.hooks.set_friction(0, 0.6)
    assert [(o.step, o.args) for o in road.take_hook_ops(0)] == [(0, {"friction": 0.5}), (3, {"friction": 0.6})]
    assert road.take_hook_ops(0) == []
    road.hooks.set_friction(0, 0.5)
    road.reset([1])
    assert road.take_hook_ops(0) == []


@pytest.mark.parametrize(
    "name, args", [("_slot", {"slot": 0}), ("take", {}), ("apply", {}), ("set_friction", {"x": 1})]
)
def test_a_log_cannot_call_anything_but_the_hooks(name, args):
    engine = toy_engine()
    with pytest.raises(ValueError, match="hook operation"):
        engine.hooks.apply(0, HookOp(0, name, args))
