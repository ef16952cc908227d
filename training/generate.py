"""Labelled pictures for the perception: traffic on our maps, seen by random cameras in random weather.

Shard n of a seed is a function of (seed, n): an interrupted run goes on where it stopped, processes share the work.
"""

import argparse
import math
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from perception.dataset import CAMERA_FIELDS, ShardWriter
from scenarios.registry import find_scenario, for_seed, scenario_map
from simulator.camera import CameraLook, CameraRenderer
from simulator.camera_bake import GroundLook
from simulator.camera_labels import label_boxes, label_lines
from simulator.camera_things import SIGN_ROW
from simulator.engine import Engine
from world.camera import RIG, CameraSpec
from world.kinds import BodyKind, LaneKind, LightState
from world.mapset import pack_maps
from world.names import unknown_name
from world.records import Control
from world.roadmap import RoadMap
from world.sign_names import SIGN_NAMES
from world.weather import CLEAR

SHARD = 64  # pictures
WIDTH, HEIGHT = 320, 160  # [px]
SPLITS = {  # (scenario, weight); procedural towns of a split have seeds of their own
    "train": (("town01", 0.3), ("procedural", 0.4), ("highway", 0.1), ("intersection", 0.1), ("roundabout", 0.1)),
    "val": (("town01", 0.4), ("procedural", 0.6)),
    "test": (("town02", 0.5), ("procedural", 0.5)),
}
_FIRST_TOWN = {"train": 10_000, "val": 2_000_000, "test": 3_000_000}
_DRAW = {"train": 1, "val": 2, "test": 3}
_WARM, _BETWEEN, _EACH = 160, 25, 3  # engine steps before the first pictures, between two times; pictures each time
_HOSTS = (BodyKind.CAR, BodyKind.VAN)
_RIDERS = (BodyKind.BICYCLE, BodyKind.MOTORCYCLE)
_CLOSE = 0.4  # of the pictures with somebody put close before the camera: rare in traffic, and what matters most
_POSE = ("x", "y", "z", "yaw")


@dataclass(frozen=True)
class Job:
    """One shard to make."""

    out: Path
    split: str
    seed: int
    number: int
    rig: bool = False  # the pipeline's own cameras instead of random ones


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the shards")
    parser.add_argument(
        "--pictures", type=int, default=16000, help=f"how many, rounded up to shards of {SHARD} (default: 16000)"
    )
    parser.add_argument("--split", default="train", help=f"maps and seeds: {', '.join(SPLITS)} (default: train)")
    parser.add_argument("--seed", type=int, default=0, help="other ones make other pictures (default: 0)")
    parser.add_argument("--rig", action="store_true", help="the pipeline's cameras, clear noon, as it drives")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that share the work (default: all)")


def main(args: argparse.Namespace) -> int:
    if args.split not in SPLITS:
        raise ValueError(unknown_name("split", args.split, SPLITS))
    for name, value in (("pictures", args.pictures), ("processes", args.processes)):
        if value < 1:
            raise ValueError(f"--{name} {value}: allowed is 1 or more")
    args.out.mkdir(parents=True, exist_ok=True)
    count = math.ceil(args.pictures / SHARD)
    jobs = [Job(args.out, args.split, args.seed, n, args.rig) for n in range(count)]
    todo = [job for job in jobs if not _is_made(job)]
    columns = (TextColumn("pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    start = time.perf_counter()
    with Progress(*columns) as progress:
        bar = progress.add_task("", total=count * SHARD, completed=(count - len(todo)) * SHARD)
        if args.processes == 1:
            for job in todo:
                make_shard(job)
                progress.advance(bar, SHARD)
        else:
            with ProcessPoolExecutor(args.processes) as pool:
                for _ in pool.map(make_shard, todo):
                    progress.advance(bar, SHARD)
    before = f", {(count - len(todo)) * SHARD} were there" if len(todo) < count else ""
    print(f"{len(todo) * SHARD} pictures in {time.perf_counter() - start:.0f} s{before}, {args.out}")
    return 0


def _path(job: Job) -> Path:
    return job.out / f"{job.split}-{job.seed}-{job.number:05d}.npz"


def _is_made(job: Job) -> bool:
    """Whether its shard is there. Raises ValueError: it is, but broken, or seen by other cameras."""
    path = _path(job)
    if not path.exists():
        return False
    try:
        with np.load(path, allow_pickle=False) as data:
            first = data["camera"][0]
    except Exception as error:  # numpy, zipfile and zlib have kinds of errors of their own
        raise ValueError(f"{path}: no shard of labelled pictures ({error}); remove it to make it anew") from error
    rig = np.array_equal(first, [getattr(RIG[0], name) for name in CAMERA_FIELDS])
    if rig != job.rig:
        there, wanted = ("--rig", "other cameras") if rig else ("other cameras", "--rig")
        raise ValueError(f"{path}: its pictures are of {there}, wanted are {wanted}; another --out or --seed")
    return True


def make_shard(job: Job) -> Path:
    """Render, label and write one shard."""
    rng = np.random.default_rng([0x5EE, _DRAW[job.split], job.seed, job.number])
    names, weights = zip(*SPLITS[job.split], strict=True)
    name = str(rng.choice(names, p=np.array(weights) / sum(weights)))
    scenario = for_seed(find_scenario(name), _FIRST_TOWN[job.split] + 1000 * job.seed + job.number)
    many = name != "highway"
    crowd = {"vehicles": int(rng.integers(40, 90)), "pedestrians": int(rng.integers(30, 90)) if many else 0}
    if job.rig:
        crowd = {"vehicles": scenario.vehicles, "pedestrians": scenario.pedestrians}
    scenario = replace(scenario, drivers=0, **crowd)
    road_map = scenario_map(scenario)
    writer = ShardWriter(_path(job))
    with Engine(pack_maps([road_map]), scenario) as engine:
        engine.reset([int(rng.integers(1 << 40))])
        nothing = Control(np.zeros((1, 0), np.float32), np.zeros((1, 0), np.float32))
        renderer = CameraRenderer(engine)
        if not job.rig:
            renderer.put_signs(0, _more_signs(road_map, rng))
        ground = GroundLook() if job.rig else _ground_look(rng)
        for _ in range(_WARM):
            engine.step(nothing)
        taken = 0
        while taken < SHARD:
            for _ in range(_BETWEEN):
                engine.step(nothing)
            hosts = _hosts(engine)
            odds = np.ones(len(hosts)) if job.rig else _worth(engine, hosts)
            most = min(_EACH, SHARD - taken, len(hosts))
            for slot in rng.choice(hosts, most, replace=False, p=odds / odds.sum()):
                _take(engine, renderer, writer, int(slot), ground, rng, job.rig, taken)
                taken += 1
    writer.close()
    return _path(job)


def _hosts(engine: Engine) -> np.ndarray:
    """Slots of vehicles that may carry a camera."""
    fine = engine.state.valid[0] & np.isin(engine.bodies.kind[0], [int(k) for k in _HOSTS])
    return np.flatnonzero(fine & (engine.model.slots.lane[0] >= 0))


def _worth(engine: Engine, hosts: np.ndarray) -> np.ndarray:
    """(n,) how often a view is to be taken, against others: cyclists, people and lights that face it are rare."""
    state, bodies, m = engine.state, engine.bodies, engine.maps.maps[0]
    xy = np.stack((state.x[0], state.y[0]), axis=1)
    yaw = state.yaw[0, hosts]
    kind = np.where(state.valid[0], bodies.kind[0], -1)
    look = np.stack((np.cos(yaw), np.sin(yaw)), axis=1)

    def near(points: np.ndarray, far: float) -> np.ndarray:
        """(n, m) whether points are ahead."""
        off = points[None, :, :2] - xy[hosts, None]
        ahead = (off * look[:, None]).sum(axis=2)
        aside = off[..., 1] * look[:, None, 0] - off[..., 0] * look[:, None, 1]
        return (ahead > 4.0) & (ahead < far) & (np.abs(aside) < 0.5 * ahead + 3.0)

    riders = np.isin(kind, [int(k) for k in _RIDERS])
    faced = np.cos(m.light_yaw[None] - yaw[:, None]) < -0.5
    return (
        1.0 + 4.0 * near(xy[riders], 40.0).any(axis=1) + near(xy[kind == BodyKind.PEDESTRIAN], 30.0).any(axis=1)
        + 3.0 * (near(m.light_xyz, 60.0) & faced).any(axis=1)
    )  # fmt: skip


def _take(
    engine: Engine, renderer: CameraRenderer, writer: ShardWriter, slot: int, ground: GroundLook,
    rng: np.random.Generator, rig: bool, number: int,
) -> None:  # fmt: skip
    """One picture with its labels."""
    lights = engine.model.worlds.light
    kept = lights.copy()
    if not rig and rng.random() < 0.5:  # states that last a moment are seen as often as others
        states = (LightState.RED, LightState.GREEN, LightState.AMBER, LightState.RED_AMBER, LightState.OFF)
        lights[:] = rng.choice([int(s) for s in states], lights.shape, p=(0.3, 0.3, 0.17, 0.13, 0.1))
    if rig:
        spec, look, weather = RIG[number % len(RIG)], CameraLook(), CLEAR
    else:
        spec, look, weather = _camera(rng), _look(rng, ground), _weather(rng)
    moved = put_close(engine, slot, spec, rng) if not rig and rng.random() < _CLOSE else {}
    seed = int(rng.integers(1 << 31))
    picture = renderer.render(spec, 0, slot, look, weather, seed)
    boxes = label_boxes(engine, 0, slot, spec, picture, renderer.props(0), weather, seed)
    writer.add(picture.rgb, picture.tag, spec, boxes, label_lines(engine, 0, slot, spec, picture))
    lights[:] = kept
    for other, pose in moved.items():
        for name, value in zip(_POSE, pose, strict=True):
            getattr(engine.state, name)[0, other] = value


def put_close(
    engine: Engine, slot: int, spec: CameraSpec, rng: np.random.Generator
) -> dict[int, tuple[float, ...]]:  # fmt: skip
    """Put one or two others close before a host, where there is room; returns where they were, by slot.

    Args:
        slot: of the host. spec: the camera that looks.
    """
    state, bodies = engine.state, engine.bodies
    kinds = np.where(state.valid[0], bodies.kind[0], -1)
    kinds[slot] = -1
    groups = [np.isin(kinds, [int(k) for k in _RIDERS]), kinds == BodyKind.PEDESTRIAN, kinds >= 0]
    moved: dict[int, tuple[float, ...]] = {}
    for _ in range(int(rng.integers(1, 3))):
        fits = np.flatnonzero(groups[int(rng.choice(3, p=(0.4, 0.35, 0.25)))])
        if not len(fits):
            continue
        other = int(rng.choice(fits))
        half = 0.5 * float(bodies.length[0, other])
        ahead = 0.5 * float(bodies.length[0, slot]) + half + 0.3 + 10.0 * float(rng.random()) ** 2
        room = min(math.tan(0.5 * spec.fov) * ahead, 5.0)
        aside = float(rng.uniform(-room, room)) if rng.random() < 0.6 else float(rng.normal(0.0, 0.5))
        yaw = float(state.yaw[0, slot])
        x = float(state.x[0, slot]) + math.cos(yaw) * ahead - math.sin(yaw) * aside
        y = float(state.y[0, slot]) + math.sin(yaw) * ahead + math.cos(yaw) * aside
        apart = np.hypot(state.x[0] - x, state.y[0] - y) - 0.5 * bodies.length[0] - half
        apart[[other, slot]] = 1.0
        if float(apart[state.valid[0]].min()) < 0.3:
            continue
        moved.setdefault(other, tuple(float(getattr(state, name)[0, other]) for name in _POSE))
        turned = rng.choice([0.0, math.pi, 0.5 * math.pi, -0.5 * math.pi], p=(0.5, 0.2, 0.15, 0.15))
        for name, value in zip(_POSE, (x, y, state.z[0, slot], yaw + turned + rng.normal(0.0, 0.3)), strict=True):
            getattr(state, name)[0, other] = value
    return moved


def _camera(rng: np.random.Generator) -> CameraSpec:
    """A wide or a narrow camera somewhere behind a windscreen, not quite straight."""
    wide = rng.random() < 0.55
    fov = rng.uniform(75.0, 118.0) if wide else rng.uniform(24.0, 45.0)
    if rng.random() < 0.35:
        fov = 100.0 if wide else 30.0  # the rig's own
    spread = 2.5 if wide else 1.2
    pitch, yaw = np.radians(rng.normal(0.0, spread)), np.radians(rng.normal(0.0, 3.0 if wide else 1.5))
    roll = np.radians(rng.normal(0.0, 1.0)) if rng.random() < 0.4 else 0.0
    bent = (0.0, 0.0, 0.0, 0.0, 0.0)
    if wide and rng.random() < 0.2:
        corner = math.tan(math.radians(0.5 * fov)) ** 2 * (1.0 + (HEIGHT / WIDTH) ** 2)  # squared radius there
        bent = (float(rng.uniform(-0.1, 0.1)) / corner, 0.0, 0.0, 0.0, 0.0)
    return CameraSpec(
        "picture", WIDTH, HEIGHT, math.radians(fov), x=float(rng.uniform(0.0, 1.2)), y=float(rng.uniform(-0.9, 0.9)),
        z=float(rng.uniform(1.2, 2.0)), yaw=float(yaw), pitch=float(pitch), roll=float(roll), distortion=bent,
    )  # fmt: skip


def _weather(rng: np.random.Generator) -> dict[str, float]:
    """Any hour of any day."""
    draw = rng.random()
    weather = CLEAR | {
        "cloud": float(rng.random() ** 1.5), "sun_height": float(rng.uniform(0.08, 1.4)),
        "sun_azimuth": float(rng.uniform(-math.pi, math.pi)),
    }  # fmt: skip
    if draw < 0.12:
        weather |= {"sun_height": float(rng.uniform(-0.6, -0.05))}
    elif draw < 0.24:
        weather |= {"fog": float(rng.uniform(0.003, 0.04)), "cloud": float(rng.uniform(0.6, 1.0))}
    elif draw < 0.38:
        weather |= {"rain": float(rng.uniform(0.2, 1.0)), "wetness": 1.0, "cloud": float(rng.uniform(0.7, 1.0))}
        weather |= {
            "fog": float(rng.uniform(0.0, 0.008)),
            "sun_height": float(rng.choice([0.6, 1.0, -0.4], p=(0.4, 0.4, 0.2))),
        }
    elif draw < 0.48:
        weather |= {"wetness": float(rng.uniform(0.3, 1.0))}
    return weather


def _look(rng: np.random.Generator, ground: GroundLook) -> CameraLook:
    """Exposure, noise, blur, compression."""
    return CameraLook(
        exposure=float(np.exp(rng.normal(0.0, 0.22))), noise=float(rng.uniform(1.0, 8.0)), shadows=rng.random() < 0.9,
        blur=float(rng.uniform(1.0, 4.0)) if rng.random() < 0.2 else 0.0, blur_angle=float(rng.uniform(0.0, math.pi)),
        jpeg=int(rng.integers(40, 96)) if rng.random() < 0.3 else 0, ground=ground,
    )  # fmt: skip


def _ground_look(rng: np.random.Generator) -> GroundLook:
    """Asphalt, paint and grass of one place."""
    green = rng.uniform(0.0, 1.0)
    grass = (1 - green) * np.array([140.0, 125.0, 90.0]) + green * np.array([70.0, 105.0, 50.0])
    return GroundLook(
        seed=int(rng.integers(1 << 30)), asphalt=float(rng.uniform(60.0, 150.0)),
        asphalt_spread=float(rng.uniform(4.0, 18.0)), paint=float(rng.uniform(170.0, 250.0)),
        wear=float(rng.uniform(0.0, 0.6)), line_width=float(rng.uniform(0.1, 0.18)), dash=float(rng.uniform(2.0, 6.0)),
        gap=float(rng.uniform(3.0, 9.0)), grass=_rgb(grass * rng.uniform(0.7, 1.2)),
        pavement=float(rng.uniform(120.0, 190.0)), cracks=float(rng.uniform(0.0, 3.0)),
    )  # fmt: skip


def _rgb(color: np.ndarray) -> tuple[float, float, float]:
    return float(color[0]), float(color[1]), float(color[2])


def _more_signs(m: RoadMap, rng: np.random.Generator) -> np.ndarray:
    """Signs of all faces beside the lanes of a map: the map's own are few and of few kinds."""
    kinds = np.repeat(m.lane_kind, np.diff(m.lane_start))
    outside = np.repeat((m.lane_right < 0) & (m.lane_junction < 0), np.diff(m.lane_start))
    fine = np.flatnonzero((kinds == LaneKind.DRIVING) & outside)
    if not len(fine):
        return np.zeros(0, SIGN_ROW)
    n = min(max(len(fine) // 30, 20), 400)
    at = rng.choice(fine, n)
    heading = m.point_heading[at].astype(np.float64)
    out = 0.5 * m.point_width[at] + rng.uniform(0.8, 3.8, n)
    rows = np.zeros(n, SIGN_ROW)
    rows["x"], rows["y"] = m.point_xyz[at, 0] + np.sin(heading) * out, m.point_xyz[at, 1] - np.cos(heading) * out
    rows["ground_z"] = m.point_xyz[at, 2]
    rows["z"] = rows["ground_z"] + rng.uniform(1.8, 3.2, n)
    rows["yaw"] = heading + math.pi + rng.normal(0.0, 0.15, n)
    rows["tilt"], rows["size"] = rng.normal(0.0, 0.04, n), rng.uniform(0.6, 0.95, n)
    rows["dirt"], rows["face"] = rng.uniform(0.65, 1.0, n), rng.integers(0, len(SIGN_NAMES), n)
    return rows
