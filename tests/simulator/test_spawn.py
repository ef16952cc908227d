"""Spawning: seeded, clear of others, a mix of bodies, speeds from which one can stop."""

import numpy as np

from scenarios.registry import MAPS
from simulator.engine import Engine
from simulator.overlap import overlapping_pairs
from simulator.traffic import make_network
from tests.simulator.engine_rig import drive, make_engine, toy_maps
from world.kinds import BodyKind
from world.mapset import pack_maps
from world.opendrive import load_map
from world.pack import Pack
from world.scenario import Scenario


def test_nobody_overlaps_at_the_start():
    with make_engine("grid", vehicles=45, pedestrians=20, worlds=6) as engine:
        engine.reset(range(6))
        packed = Pack(engine.model.slots)
        for b in range(6):
            assert engine.state.valid[b, :46].sum() >= 44
            assert overlapping_pairs(b, packed) == []


def test_vehicles_start_on_lanes_outside_of_junctions_along_them():
    with make_engine("grid", vehicles=30, pedestrians=0) as engine:
        engine.reset([3])
        model, tables = engine.model, engine.maps.tables
        lanes = model.slots.lane[0, 1:31]
        assert (tables.lanes["junction"][lanes] < 0).all() and (tables.lanes["drivable"][lanes] == 1).all()
        points = tables.points[tables.lanes["point0"][lanes]]
        turn = np.angle(np.exp(1j * (model.slots.yaw[0, 1:31] - points["heading"])))
        assert np.abs(turn).max() < 0.01


def test_the_driver_stands_at_the_start_of_its_route():
    with make_engine("grid") as engine:
        engine.reset([3])
        routes = engine.privilege.routes
        assert engine.state.x[0, 0] == routes.x[0, 0, 0] and engine.state.y[0, 0] == routes.y[0, 0, 0]
        assert engine.state.speed[0, 0] == 0 and routes.length[0, 0] >= 150
        task = engine.task
        assert task.waypoint_valid[0, 0].sum() >= 3 and task.vehicle.wheelbase[0, 0] > 2
        gaps = np.linalg.norm(np.diff(task.waypoint[0, 0][task.waypoint_valid[0, 0]], axis=0), axis=1)
        assert gaps.max() <= 50.5


def test_bodies_are_a_mix_of_plausible_sizes():
    with make_engine("grid", vehicles=40, pedestrians=0, worlds=12, drivers=0) as engine:
        engine.reset(range(12))
        kind = engine.bodies.kind[:, :40][engine.state.valid[:, :40]]
        share = np.bincount(kind, minlength=7) / len(kind)
        assert 0.6 < share[BodyKind.CAR] < 0.8 and share[BodyKind.PEDESTRIAN] == 0
        assert (np.delete(share[:6], BodyKind.BUS) > 0).all() and share[BodyKind.BUS] == 0  # no room for two in a bend
        length = engine.bodies.length[:, :40][engine.state.valid[:, :40]]
        assert length.min() > 1.5 and length.max() <= 12.5


def test_buses_drive_where_they_have_room_and_stay_there():
    maps = pack_maps([load_map(MAPS / "highway.xodr")])
    with Engine(maps, Scenario("test", MAPS, vehicles=120, drivers=0)) as engine:
        engine.reset([4])
        roomy, kind = engine.model.network.roomy, engine.bodies.kind[0]
        assert 0.2 < roomy.mean() < 1.0
        for _ in range(20):
            bus = engine.state.valid[0] & (kind == BodyKind.BUS)
            assert bus.any() and roomy[engine.model.slots.lane[0, bus]].all()
            drive(engine, 20)


def test_more_vehicles_leave_the_first_ones_where_they_were():
    few, many = (make_engine("grid", vehicles=n, pedestrians=0) for n in (10, 20))
    with few, many:
        few.reset([8])
        many.reset([8])
        for name in ("x", "y", "kind", "length"):
            source = few.state if name in ("x", "y") else few.bodies
            other = many.state if name in ("x", "y") else many.bodies
            assert np.array_equal(getattr(source, name)[0, :11], getattr(other, name)[0, :11])


def test_vehicles_at_a_dead_end_come_back_elsewhere():
    with make_engine("straight", vehicles=4, pedestrians=0, drivers=0) as engine:
        engine.reset([1])
        drive(engine, 2400)
        assert engine.state.generation[0, :4].max() >= 2
        assert engine.state.valid[0, :4].any()


def test_dead_ends_are_found():
    grid, straight = make_network(toy_maps("grid")), make_network(toy_maps("straight"))
    drivable = toy_maps("grid").tables.lanes["drivable"] == 1
    assert grid.alive[drivable].all() and not straight.alive.any()


def test_the_speed_profile_slows_before_curves_and_never_jumps_down():
    maps = toy_maps("junction/none")
    cap, tables = make_network(maps).cap, maps.tables
    for lane in tables.lanes[tables.lanes["drivable"] == 1]:
        own = cap[lane["point0"] : lane["point0"] + lane["points"]].astype(float)
        fall = (own[:-1] ** 2 - own[1:] ** 2) / (2 * lane["step"])
        assert fall.max() <= 1.5 + 1e-3
        limit = tables.points["limit"][lane["point0"] : lane["point0"] + lane["points"]]
        assert (own <= limit + 1e-4).all()
