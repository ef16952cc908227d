"""Fundamental diagram: flow and speed against density, on a single-lane ring and on the scenario `highway`.

Density, flow and speed are Edie's: of all vehicle time and distance in a piece of road over a piece of time,
k = time / (length * T), q = distance / (length * T), v = q / k.
Source: Edie, Discussion of traffic stream measurements and definitions (1963); Treiber, Kesting, Traffic Flow Dynamics
(2013), chapters 3 and 4.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from scenarios.procedural import ring
from scenarios.registry import find_scenario, scenario_map
from simulator.engine import Engine
from world.kinds import LaneKind
from world.mapset import pack_maps
from world.records import Control
from world.roadmap import RoadMap
from world.scenario import Scenario

DT, A_CALL = 0.1, 10  # [s] engine step; steps between two looks
LOOK = DT * A_CALL  # [s]
CELL_LENGTH = 500.0  # [m] least length of a road on which it is measured
CELL_LIMIT = 99.0 / 3.6  # [m/s] least limit of such a road
STOPPED = 5.0 / 3.6  # [m/s]
BIN = 5.0  # [vehicles/km] of the table
CAPACITY = (1600.0, 2400.0)  # [vehicles/h/lane] of real roads: Treiber, Kesting (2013), section 4.2
LAG = 300.0  # [m] between the two places that waves are compared at


@dataclass(frozen=True)
class DiagramConfig:
    """What is driven, and how long."""

    ring_length: float = 2000.0  # [m]
    ring_densities: tuple[float, ...] = (4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 45, 50, 55, 60, 70, 80)  # [vehicles/km]
    wave_density: float = 50.0  # [vehicles/km] of the space-time picture
    highway_vehicles: tuple[int, ...] = (100, 200, 300, 400, 550, 700, 850, 1000)
    settle: float = 900.0  # [s] before measuring: waves take their time to grow
    measure: float = 600.0  # [s]
    highway_settle: float = 300.0  # [s]
    highway_measure: float = 300.0  # [s]
    interval: float = 60.0  # [s] of a measured point
    seeds: tuple[int, ...] = (1, 2, 3)  # a world each


QUICK = DiagramConfig(
    ring_densities=(10, 20, 30, 40, 50),
    highway_vehicles=(200, 600),
    settle=300.0,
    measure=120.0,
    highway_settle=120.0,
    highway_measure=120.0,
    seeds=(1,),
)


class Cells:
    """The roads of a map that are measured: long, fast, outside of junctions; all lanes of a road together."""

    def __init__(self, road_map: RoadMap):
        m = road_map
        limit = np.asarray(m.point_limit)[np.asarray(m.lane_start[:-1])]
        chosen = (np.asarray(m.lane_kind) == LaneKind.DRIVING) & (np.asarray(m.lane_junction) < 0)
        chosen &= (np.asarray(m.lane_length) > CELL_LENGTH) & (limit > CELL_LIMIT)
        road = np.asarray(m.lane_road) * 2 + (np.asarray(m.lane_id) > 0)
        names, index = np.unique(road[chosen], return_inverse=True)
        self.count = len(names)
        self.of_lane = np.full(len(m.lane_length), self.count)  # one more for what is not measured
        self.of_lane[chosen] = index
        self.length = np.bincount(index, np.asarray(m.lane_length, np.float64)[chosen])  # [m] of lanes of each cell

    def sums(self, lane: NDArray, speed: NDArray) -> NDArray:
        """(2, cells) vehicles and their summed speed [m/s] in each cell."""
        cell = self.of_lane[lane]
        counts = np.bincount(cell, minlength=self.count + 1)[:-1]
        return np.stack([counts, np.bincount(cell, speed, self.count + 1)[:-1]])


@dataclass
class Seen:
    """What one run gave."""

    points: NDArray[np.float64]  # (M, 2) density [vehicles/km], flow [vehicles/h], both a lane
    whole: tuple[float, float]  # the same of all cells over all time
    spread: float  # [m/s] standard deviation of speed between vehicles at one time, mean
    stopped: float  # share of vehicles slower than STOPPED
    tracks: NDArray[np.float64]  # (T, N, 2) [m] along the ring and [m/s], of world 0; NaN: not there; or empty


def drive(road_map: RoadMap, vehicles: int, config: DiagramConfig, place: NDArray[np.float64] | None = None) -> Seen:
    """Let traffic settle, then measure it.

    Args:
        place: (L,) [m] where each lane begins along a ring, to record tracks.
    """
    plan = Scenario("diagram", Path("diagram"), vehicles=vehicles, drivers=0, dt=DT, control_every=A_CALL)
    worlds, cells = len(config.seeds), Cells(road_map)
    nobody = np.zeros((worlds, 0), np.float32)
    control = Control(nobody, nobody)
    looks = round(config.measure / LOOK)
    sums, spread, stopped, tracks = np.zeros((looks, worlds, 2, cells.count)), [], [], []
    with Engine(pack_maps([road_map]), plan, worlds=worlds) as engine:
        engine.reset(config.seeds)
        for _ in range(round(config.settle / LOOK)):
            engine.step(control)
        slots = engine.model.slots
        for t in range(looks):
            engine.step(control)
            for b in range(worlds):
                valid = slots.valid[b]
                lane, speed = slots.lane[b][valid], slots.speed[b][valid]
                sums[t, b] = cells.sums(lane, speed)
                spread.append(speed.std())
                stopped.append((speed < STOPPED).mean())
            if place is not None:
                s = place[slots.lane[0]] + slots.lane_s[0]
                tracks.append(np.where(slots.valid[0], [s, slots.speed[0]], np.nan).T)
    return Seen(_points(sums, cells, config), _whole(sums, cells), float(np.mean(spread)), float(np.mean(stopped)),
                np.array(tracks))  # fmt: skip


def _points(sums: NDArray, cells: Cells, config: DiagramConfig) -> NDArray[np.float64]:
    """Density and flow of every cell over every interval."""
    each = max(round(config.interval / LOOK), 1)
    whole = len(sums) // each * each
    means = sums[:whole].reshape(-1, each, *sums.shape[1:]).mean(axis=1) / cells.length  # (intervals, worlds, 2, cells)
    return np.moveaxis(means, 2, -1).reshape(-1, 2) * (1000.0, 3600.0)


def _whole(sums: NDArray, cells: Cells) -> tuple[float, float]:
    density, flow = sums.mean(axis=(0, 1)).sum(axis=-1) / cells.length.sum()
    return float(density * 1000.0), float(flow * 3600.0)


def ring_places(road_map: RoadMap) -> NDArray[np.float64]:
    """(L,) [m] where each lane of a single-lane ring begins, counted from the first."""
    place, done = np.zeros(len(road_map.lane_length)), 0.0
    first = lane = int(np.flatnonzero(np.asarray(road_map.lane_kind) == LaneKind.DRIVING)[0])
    while True:
        place[lane] = done
        done += float(road_map.lane_length[lane])
        lane = int(road_map.successor[road_map.successor_start[lane]])
        if lane == first:
            return place


def wave_speed(tracks: NDArray[np.float64], length: float) -> float | None:
    """[km/h] at which disturbances travel along a ring, against the traffic if negative; None where there are none.

    Speeds at places LAG apart are compared: the delay at which they resemble each other most is the wave's.
    """
    steps = 20.0  # [m] of a place
    bins = int(length // steps)
    total, count = np.zeros((2, len(tracks), bins))
    for t, now in enumerate(tracks):
        there = np.isfinite(now[:, 0])
        index = (now[there, 0] % length / length * bins).astype(int)
        np.add.at(total[t], index, now[there, 1])
        np.add.at(count[t], index, 1)
    seen = count > 0
    field = np.where(seen, total / np.maximum(count, 1), np.nan)
    field -= np.nanmean(field)
    if float(np.nanstd(field)) < 1.0:
        return None
    shifted = np.roll(field, round(LAG / steps), axis=1)  # what was LAG further back stands here
    best, delay = 0.0, 0
    for lag in range(10, min(241, len(field))):
        alike = float(np.nanmean(field[:-lag] * shifted[lag:]))  # later, further back
        if alike > best:
            best, delay = alike, lag
    return -LAG / (delay * LOOK) * 3.6 if delay else None


def _figures(vehicles: int, seen: Seen) -> dict[str, float]:
    density, flow = seen.whole
    return {
        "vehicles": vehicles, "density": density, "flow": flow, "speed_kmh": flow / density if density else 0.0,
        "speed_spread": seen.spread, "stopped": seen.stopped,
    }  # fmt: skip


def _binned(points: NDArray[np.float64]) -> list[dict[str, float]]:
    """Mean flow and speed by density."""
    number = (points[:, 0] // BIN).astype(int)
    out = []
    for k in np.unique(number):
        density, flow = points[number == k].mean(axis=0)
        if density > 0:
            out.append(
                {"density": density, "flow": flow, "speed_kmh": flow / density, "count": int((number == k).sum())}
            )
    return out


def run_diagram(config: DiagramConfig) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """All figures, and what the pictures show: (M, 2) points of both roads, tracks of the ring beyond capacity."""
    road = ring(config.ring_length)
    place = ring_places(road)
    rows, points = [], []
    for density in config.ring_densities:
        vehicles = round(density * config.ring_length / 1000.0)
        seen = drive(road, vehicles, config)
        rows.append(_figures(vehicles, seen))
        points.append(seen.points)
    waves = drive(road, round(config.wave_density * config.ring_length / 1000.0), config, place)
    found: dict[str, Any] = {
        "what": f"dt {DT} s, {len(config.seeds)} worlds; to settle and measured: ring {config.settle:g} and "
        f"{config.measure:g} s, highway {config.highway_settle:g} and {config.highway_measure:g} s",
        "ring": {
            "length_m": config.ring_length, "rows": rows, "capacity": max(row["flow"] for row in rows),
            "peak": float(np.quantile(np.concatenate(points)[:, 1], 0.99)),
            "waves": {**_figures(waves.tracks.shape[1], waves),
                      "wave_speed_kmh": wave_speed(waves.tracks, config.ring_length)},
        },
    }  # fmt: skip
    pictures = {"ring": np.concatenate(points), "tracks": waves.tracks}
    highway = scenario_map(find_scenario("highway"))
    shorter = replace(config, settle=config.highway_settle, measure=config.highway_measure)
    runs = [(n, drive(highway, n, shorter)) for n in config.highway_vehicles]
    pictures["highway"] = np.concatenate([seen.points for _, seen in runs])
    bins = _binned(pictures["highway"])
    found["highway"] = {"rows": [_figures(n, seen) for n, seen in runs], "bins": bins,
                        "capacity": max(row["flow"] for row in bins),
                        "peak": float(np.quantile(pictures["highway"][:, 1], 0.99))}  # fmt: skip
    return found, pictures


HEAD = ("vehicles", "/km/lane", "/h/lane", "km/h", "spread [m/s]", "below 5 km/h")


def show_diagram(found: dict[str, Any], console: Console) -> None:
    """Tables of both roads."""
    console.print(f"[bold]diagram[/bold]: {found['what']}", highlight=False)
    keys = ("vehicles", "density", "flow", "speed_kmh", "speed_spread", "stopped")
    forms = ("{}", "{:.1f}", "{:.0f}", "{:.1f}", "{:.2f}", "{:.0%}")
    for name in ("ring", "highway"):
        table = Table(*HEAD, title=name)
        for row in found[name]["rows"]:
            table.add_row(*(form.format(row[key]) for key, form in zip(keys, forms, strict=True)))
        console.print(table)
        said = (
            f"capacity {found[name]['capacity']:.0f} vehicles/h/lane, busiest 1 % of points {found[name]['peak']:.0f}"
        )
        console.print(f"{name}: {said} (real roads: {CAPACITY[0]:.0f} to {CAPACITY[1]:.0f})", highlight=False)
    waves = found["ring"]["waves"]
    speed = waves["wave_speed_kmh"]
    said = "no waves" if speed is None else f"waves travel at {speed:.0f} km/h (real roads: -15 to -20)"
    console.print(f"ring at {waves['density']:.0f} vehicles/km: {said}", highlight=False)
