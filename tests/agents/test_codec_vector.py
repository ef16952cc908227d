"""The `vector` observation against a slow, obvious reference, and what all encodings have in common."""

import math

import numpy as np
import pytest

from agents.codec import OBSERVATIONS, BevCodec, BevConfig, LidarCodec, LidarConfig, VectorCodec, make_codec
from agents.scene_fields import FIELDS, empty_scene, scene_arrays, scene_of
from tests.agents.scenes import driven_engine, made_up_scene, on
from world.kinds import BodyKind, LightState, Relation
from world.observation import STATE_SIZE, VECTOR_OBJECTS, VECTOR_ROUTE_INDEX, VECTOR_SIZE, vector_entries
from world.records import Scene


def reference(scene: Scene, b: int, k: int) -> np.ndarray:
    """The vector of one driver: values by name, each divided by its scale and clipped."""
    e, r, a, o, lanes = scene.ego, scene.route, scene.ahead, scene.objects, scene.lanes
    value = {
        "ego.speed": e.speed[b, k], "ego.accel": e.accel[b, k], "ego.yaw_rate": e.yaw_rate[b, k],
        "ego.steer": e.steer[b, k], "ego.lane_offset": e.lane_offset[b, k], "ego.lane_angle": e.lane_angle[b, k],
        "ego.on_lane": e.on_lane[b, k], "ego.route_offset": r.offset[b, k], "ego.remaining": r.remaining[b, k],
        "ego.length": e.size[b, k, 0], "ego.speed_limit": scene.speed_limit[b, k],
    }  # fmt: skip
    for n, i in enumerate(VECTOR_ROUTE_INDEX):
        if r.valid[b, k, i]:
            value |= {f"route.{n}.x": r.xy[b, k, i, 0], f"route.{n}.y": r.xy[b, k, i, 1]}
            value[f"route.{n}.limit"] = r.limit[b, k, i]
    relation = lanes.relation[b, k][lanes.valid[b, k]].tolist()
    own = relation.index(Relation.EGO) if Relation.EGO in relation else None
    for side, change in (("left", lanes.change_left), ("right", lanes.change_right)):
        there = int(Relation[side.upper()]) in relation
        value[f"lanes.{side}_lane"] = there
        value[f"lanes.{side}_change"] = there and own is not None and change[b, k, own]
    value["lanes.half_width"] = r.half_width[b, k, 0] * r.valid[b, k, 0]
    if a.light_valid[b, k]:
        state = LightState(int(a.light_state[b, k]))
        value["ahead.light_red"] = state == LightState.RED
        value["ahead.light_amber"] = state in (LightState.AMBER, LightState.RED_AMBER)
        value["ahead.light_green"] = state == LightState.GREEN
        value["ahead.light_distance"] = a.light_distance[b, k]
    for ours, theirs in (("stop", "stop"), ("give_way", "yield"), ("crosswalk", "crosswalk")):
        if getattr(a, f"{theirs}_valid")[b, k]:
            value |= {f"ahead.{ours}": 1, f"ahead.{ours}_distance": getattr(a, f"{theirs}_distance")[b, k]}
    for n in range(VECTOR_OBJECTS):
        if o.valid[b, k, n]:
            code = {BodyKind.PEDESTRIAN: 1.0, BodyKind.BICYCLE: 0.5}.get(BodyKind(int(o.kind[b, k, n])), 0.0)
            entry = {
                "valid": 1, "x": o.xy[b, k, n, 0], "y": o.xy[b, k, n, 1],
                "relative_vx": o.velocity[b, k, n, 0] - e.speed[b, k], "relative_vy": o.velocity[b, k, n, 1],
                "cos_yaw": math.cos(o.yaw[b, k, n]), "sin_yaw": math.sin(o.yaw[b, k, n]),
                "length": o.size[b, k, n, 0], "kind": code,
            }  # fmt: skip
            value |= {f"object.{n}.{name}": v for name, v in entry.items()}
    out = [float(value.pop(e.name, 0.0)) / e.scale for e in vector_entries()]
    assert not value  # every value has a place
    return np.clip(out, -1, 1) * bool(scene.active[b, k])


def encoded(name: str, scene: Scene):
    codec = make_codec(name)
    out = codec.buffer(*scene.active.shape)
    codec.encode(scene, out)
    return out


@pytest.mark.parametrize("seed", range(8))
def test_vector_is_the_reference(seed):
    scene = made_up_scene(seed)
    got = encoded("vector", scene)
    for b, k in np.ndindex(*scene.active.shape):
        assert got[b, k] == pytest.approx(reference(scene, b, k), abs=1e-6)


@pytest.mark.parametrize("name", ["town01", "roundabout"])
def test_vector_of_true_scenes_is_the_reference(name):
    engine = driven_engine(name)
    for _ in range(4):
        scene = on(engine, 25)
        got = encoded("vector", scene)
        for b, k in np.ndindex(*scene.active.shape):
            assert got[b, k] == pytest.approx(reference(scene, b, k), abs=1e-6)
        assert (got != 0).any(axis=(0, 1)).sum() > 100


def test_a_hand_computed_vector():
    scene = empty_scene(1, 1)
    scene.active[:], scene.ego.speed[:], scene.speed_limit[:] = True, 15.0, 10.0
    scene.route.valid[0, 0, :6], scene.route.xy[0, 0, 5] = True, (10.0, -2.0)
    scene.ahead.light_valid[:], scene.ahead.light_state[:] = True, int(LightState.RED)
    scene.ahead.light_distance[:] = 25.0
    o = scene.objects
    o.valid[0, 0, 0], o.xy[0, 0, 0], o.velocity[0, 0, 0], o.yaw[0, 0, 0] = True, (20, 3), (9, 0), np.pi / 2
    o.size[0, 0, 0], o.kind[0, 0, 0] = (4, 2), int(BodyKind.BICYCLE)
    got = encoded("vector", scene)[0, 0]
    told = {e.name: float(v) for e, v in zip(vector_entries(), got, strict=True) if v}
    want = {
        "ego.speed": 0.5, "ego.speed_limit": 0.25, "route.3.x": 0.1, "route.3.y": -0.02, "ahead.light_red": 1.0,
        "ahead.light_distance": 0.25, "object.0.valid": 1.0, "object.0.x": 0.2, "object.0.y": 0.03,
        "object.0.relative_vx": -0.2, "object.0.sin_yaw": 1.0, "object.0.length": 0.4, "object.0.kind": 0.5,
    }  # fmt: skip
    assert abs(told.pop("object.0.cos_yaw", 0.0)) < 1e-6
    assert told == pytest.approx(want, abs=1e-6)


def test_entries_have_names_of_their_own():
    entries = vector_entries()
    assert len({e.name for e in entries}) == len(entries) == VECTOR_SIZE == 128
    assert STATE_SIZE == VECTOR_SIZE - VECTOR_OBJECTS * 9


def shaken(seed: int) -> Scene:
    """A Scene with numbers that no world has."""
    scene = made_up_scene(seed)
    r = np.random.default_rng(seed)
    for array in scene_arrays(scene).values():
        if array.dtype == np.float32 and array is not scene.time:
            array *= r.choice([-1e4, -10, 1, 10, 1e4, 1e20], array.shape)
    return scene


@pytest.mark.parametrize("name", ["vector", "lidar", "bev"])
def test_numbers_stay_within_their_bounds(name):
    codec = make_codec(name)
    scenes = [made_up_scene(s) for s in range(4)] + [shaken(s) for s in range(4)]
    space = codec.space()
    for scene in scenes:
        out = codec.buffer(2, 3)
        codec.encode(scene, out)
        assert np.isfinite(out).all() and (out >= codec.low).all() and (out <= codec.high).all()
        assert space.contains(out[0, 0])


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_drivers_that_take_no_part_are_zero_and_what_was_there_before_is_gone(name):
    scene = made_up_scene(3)
    codec = make_codec(name)
    out = codec.buffer(2, 3)
    for array in out.values() if isinstance(out, dict) else [out]:
        array.fill(1)
    codec.encode(scene, out)
    for array in out.values() if isinstance(out, dict) else [out]:
        assert (array[1, 2] == 0).all()
    assert any((array[0, 0] != 0).any() for array in (out.values() if isinstance(out, dict) else [out]))


@pytest.mark.parametrize("name", ["vector", "lidar", "bev"])
def test_a_batch_is_its_worlds(name):
    scene = made_up_scene(5, worlds=4, drivers=2)
    whole = encoded(name, scene)
    for b in range(4):
        one = scene_of({n: a[b : b + 1] for n, a in scene_arrays(scene).items()})
        assert encoded(name, one)[0].tobytes() == whole[b].tobytes()


@pytest.mark.parametrize("name", ["vector", "lidar", "bev"])
def test_a_slice_of_worlds_writes_theirs_alone(name):
    scene, codec = made_up_scene(6, worlds=4, drivers=2), make_codec(name)
    out = codec.buffer(4, 2)
    out.fill(1)
    codec.encode(scene, out, 1, 3)
    assert (out[[0, 3]] == 1).all() and (out[1:3] == encoded(name, scene)[1:3]).all()


@pytest.mark.parametrize("name", ["town01", "highway"])
def test_true_scenes_lie_within_the_space_of_scenes(name):
    codec = make_codec("scene")
    engine = driven_engine(name, worlds=2, drivers=2)
    space, out = codec.space(), codec.buffer(2, 2)
    assert set(space.spaces) == set(FIELDS)
    for _ in range(6):
        scene = on(engine, 20)
        codec.encode(scene, out)
        shown = codec.view(scene)
        for b, k in np.ndindex(2, 2):
            assert space.contains({n: a[b, k] for n, a in out.items()})
            assert space.contains({n: a[b, k] for n, a in shown.items()})
        assert all(np.shares_memory(shown[n], a) for n, a in scene_arrays(scene).items() if a.size)
        if scene.active.all():
            assert all((out[n] == shown[n]).all() for n in FIELDS)


def test_encodings_follow_the_scene_they_are_given():
    """The Pack of the last Scene is not used for another one, nor after its numbers changed."""
    codec, first, second = VectorCodec(), made_up_scene(1), made_up_scene(2)
    out, again = codec.buffer(2, 3), codec.buffer(2, 3)
    for scene, where in ((first, out), (second, again), (first, again), (first, out)):
        codec.encode(scene, where)
        assert where.tobytes() == encoded("vector", scene).tobytes()
    first.ego.speed[0, 0] = 3.0
    codec.encode(first, out)
    assert out[0, 0, 0] == np.float32(3.0) * np.float32(1 / 30)


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="did you mean vector"):
        make_codec("vectr")
    with pytest.raises(ValueError, match="rays is 3, allowed is 4"):
        LidarCodec(LidarConfig(rays=3))
    with pytest.raises(ValueError, match="range is 0"):
        LidarCodec(LidarConfig(range=0))
    with pytest.raises(ValueError, match="size_px is 4"):
        BevCodec(BevConfig(size_px=4))
    codec, scene = VectorCodec(), made_up_scene(1)
    for bad in (np.zeros((2, 3, 127), np.float32), np.zeros((2, 3, 128)), np.zeros((3, 2, 128), np.float32)):
        with pytest.raises(ValueError, match=r"expected float32 of shape \(2, 3, 128\)"):
            codec.encode(scene, bad)
    with pytest.raises(ValueError, match="C-contiguous"):
        codec.encode(scene, np.zeros((2, 3, 256), np.float32)[:, :, ::2])
    wrong = scene_of(scene_arrays(scene) | {"ego_speed": np.zeros((2, 3))})
    with pytest.raises(ValueError, match="ego_speed is float64"):
        codec.encode(wrong, codec.buffer(2, 3))
    with pytest.raises(ValueError, match="mask has shape"):
        bev = BevCodec()
        bev.encode(scene, bev.buffer(2, 3))
        bev.reset(np.ones(7, np.bool_))
