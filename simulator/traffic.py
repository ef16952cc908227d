"""Traffic: what the engine's own drivers remember, and the per-step lists they look into.

`Traffic` holds one structured row a slot (driver parameters, route, junction, timers), the vehicles of each lane as
linked lists sorted along the lane, claims (who uses or comes to which junction lane) and loose bodies (whatever is in
the way but not on a lane). Lists are rebuilt each step and touch only the lanes that are used.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.fleet import BUS_LENGTH, BUS_WHEELBASE, BUS_WIDTH
from simulator.state import ROUTE_LANES
from world.kinds import ConflictKind, LaneKind, Priority, StopKind
from world.roadmap import MapSet, MapTables

CLAIMS = 4  # junction lanes that one vehicle may announce at a time
LATERAL_COMFORT = 2.2  # [m/s^2] of the speed profile in curves
PROFILE_BRAKE = 1.5  # [m/s^2] of the speed profile ahead of slower places
SPAWN_KINDS = (LaneKind.DRIVING, LaneKind.BIDIRECTIONAL)
SPAWN_END = 18.0  # [m] nobody is put nearer than this to the end of a lane that leads into a junction
SPAWN_BEGIN = 6.0  # [m]
PATH_POINTS = 256  # of a scripted path
LOOSE_CELLS = 256  # of the hashed grid of loose bodies, a power of two

# Why a vehicle brakes (`reason`) and why it may not enter a junction (`hold`)
FREE, LEADER, RED, STOP_SIGN, YIELDING, EXIT_FULL, WALKER, OBSTACLE, ROUTE_END, CONFLICT = range(10)
REASONS = ("free", "leader", "red", "stop_sign", "yielding", "exit_full", "walker", "obstacle", "route_end", "conflict")

TRAFFIC_ROW = np.dtype(
    [  # by use: what every step of every vehicle reads comes first, a cache line at a time
        # The driver, drawn at spawn (see simulator.fleet); soft: world.idm.idm_softness
        ("headway", "f4"), ("min_gap", "f4"), ("drive", "f4"), ("brake", "f4"), ("factor", "f4"), ("soft", "f4"),
        # Square of the speed at which the end of the lane may be passed
        ("exit", "f4"),
        # Lane list: next slot ahead and behind on the lane, the lane under which the slot is listed
        ("ahead", "i4"), ("behind", "i4"), ("listed", "i4"),
        # Decision; standing since [s]; lane being left (-1: none); wish: -1 right, 1 left
        ("command", "f4"), ("reason", "i4"), ("waited", "f4"), ("leaving", "i4"), ("wish", "i4"),
        ("claims", "i4"),  # junction lanes that it has announced itself on
        # Junction ahead: whether it may go (and could at the start of the step), lane asked for, since when (and for
        # the junction before), when it came to the line, why not
        ("granted", "i4"), ("let_in", "i4"), ("entry", "i4"), ("order", "i8"), ("inside", "i8"), ("arrived", "i8"),
        ("hold", "i4"), ("stop_served", "i4"),
        # The lane behind; sideways: d' along the lane and its rate of change
        ("previous", "i4"), ("slope", "f4"), ("bend", "f4"),
        # Route: draws made so far, place in a driver's own route
        ("draws", "i4"), ("place", "i4"), ("polite", "f4"), ("changed", "i8"),
        # Life: the engine keeps the slot populated; lane from which on route_lane is as locate.way_ahead would fill it
        # (-1: none); since when it is away; scripted path
        ("wanted", "i4"), ("way", "i4"), ("gone", "i8"), ("path", "i4"), ("path_s", "f4"),
    ],
    align=True,
)  # fmt: skip
CLAIM_ROW = np.dtype(
    [
        ("lane", "i4"), ("slot", "i4"), ("next", "i4"), ("committed", "i4"), ("hold", "i4"), ("external", "i4"),
        ("front", "f4"), ("length", "f4"), ("speed", "f4"), ("top", "f4"), ("waited", "f4"),
        ("order", "i8"), ("arrived", "i8"),
        ("through", "i4"),  # it may go into the next junction, too
    ],
    align=True,
)  # fmt: skip


RAIL_ROW = np.dtype(
    [
        # Its first point, its direction (along it and upwards) and its heading, where it is straight
        ("x", "f4"), ("y", "f4"), ("z", "f4"), ("ux", "f4"), ("uy", "f4"), ("rise", "f4"), ("heading", "f4"),
        ("straight", "i4"),
        # What it asks of those who drive on it
        ("length", "f4"), ("cap", "f4"), ("junction", "i4"), ("point0", "i4"), ("per_step", "f4"),
        # The line before the junction at its end, if it has one: place, row of tables.stops (-1: none); flags
        ("line", "f4"), ("stop", "i4"), ("flags", "i4"),
    ]
)  # a cache line  # fmt: skip
LANE_BOX = np.dtype([("x0", "f4"), ("x1", "f4"), ("y0", "f4"), ("y1", "f4")])  # [m]
LANE_SLACK = np.float32(0.4)  # [m] beyond the lane's border within which a vehicle keeps its lane
# Flags of a lane: a crosswalk; a light that belongs to no junction; one speed all along; a lane beside it that runs the
# same way; a line at its very start; it runs out into the lane on its left (an entry's acceleration lane)
HAS_CROSSING, HAS_LONE_LIGHT, SAME_CAP, HAS_BESIDE, LINE_AT_START, RUNS_OUT = 1, 2, 4, 8, 16, 32
LINE_REACH = np.float32(25.0)  # [m] a stop line this far before a junction belongs to it


class Traffic(NamedTuple):
    """B worlds, N slots, L lanes of the largest map (indices within the map)."""

    row: np.ndarray  # TRAFFIC_ROW (B, N)
    head: np.ndarray  # int32 (B, L) rearmost slot listed on a lane, -1 none
    tail: np.ndarray  # int32 (B, L) foremost slot
    claim_head: np.ndarray  # int32 (B, L) first claim on a junction lane: slot * CLAIMS + place, -1 none
    claim: np.ndarray  # CLAIM_ROW (B, N, CLAIMS)
    loose: np.ndarray  # int32 (B, N) slots
    loose_count: np.ndarray  # int32 (B,)
    loose_head: np.ndarray  # int32 (B, LOOSE_CELLS) place in `loose` of the last body of a cell, -1 none
    loose_next: np.ndarray  # int32 (B, N) place in `loose` of the next body of the same cell
    moved: np.ndarray  # int32 (B, N) slots to list anew (scratch)
    path: np.ndarray  # float32 (paths, PATH_POINTS, 2) [m] of scripted slots
    path_points: np.ndarray  # int32 (paths,) points used, 0: free


class Network(NamedTuple):
    """Derived from the map set once. P points, L lanes, S places to spawn, all global over the set."""

    cap: np.ndarray  # float32 (P,) [m/s] speed profile: limit, curves, and slower places ahead on the lane
    rails: np.ndarray  # RAIL_ROW (L,)
    box: np.ndarray  # LANE_BOX (L,) around all that is within LANE_SLACK of the lane's band
    lone_lights: np.ndarray  # bool (maps,) the map has lights that belong to no junction
    roomy: np.ndarray  # bool (L,) a bus may drive on for ever without swinging out of its lane
    alive: np.ndarray  # bool (L,) the lane does not lead into a dead end whatever one does
    spawn_start: np.ndarray  # int32 (maps + 1,)
    spawn_lane: np.ndarray  # int32 (S,)
    spawn_s: np.ndarray  # float32 (S,) [m] first place on the lane
    spawn_end: np.ndarray  # float64 (S,) [m] usable length summed over the map's lanes up to and with this one


def make_traffic(worlds: int, slots: int, lanes: int) -> Traffic:
    """Empty traffic."""
    row = np.zeros((worlds, slots), TRAFFIC_ROW)
    for name in ("previous", "ahead", "behind", "listed", "leaving", "entry", "path", "way"):
        row[name] = -1
    claim = np.zeros((worlds, slots, CLAIMS), CLAIM_ROW)
    claim["lane"] = claim["next"] = -1
    return Traffic(
        row=row,
        head=np.full((worlds, lanes), -1, np.int32),
        tail=np.full((worlds, lanes), -1, np.int32),
        claim_head=np.full((worlds, lanes), -1, np.int32),
        claim=claim,
        loose=np.zeros((worlds, slots), np.int32),
        loose_count=np.zeros(worlds, np.int32),
        loose_head=np.full((worlds, LOOSE_CELLS), -1, np.int32),
        loose_next=np.full((worlds, slots), -1, np.int32),
        moved=np.zeros((worlds, slots), np.int32),
        path=np.zeros((1, PATH_POINTS, 2), np.float32),
        path_points=np.zeros(1, np.int32),
    )


def make_network(maps: MapSet) -> Network:
    """Speed profile, dead ends and spawn places of every lane."""
    t = maps.tables
    cap = np.empty(len(t.points), np.float32)
    curve = np.sqrt(LATERAL_COMFORT / np.maximum(np.abs(t.points["curvature"].astype(np.float64)), 1e-4))
    raw = np.minimum(t.points["limit"], curve)
    for lane in t.lanes:
        first, n, step = int(lane["point0"]), int(lane["points"]), float(lane["step"])
        cap[first : first + n] = _brake_ahead(raw[first : first + n], step)
    alive = _alive(t.lanes, t.successors, t.lanes["drivable"] == 1)
    rails = _rails(maps, cap)
    lone = rails["flags"] & HAS_LONE_LIGHT > 0
    lone_lights = np.array([lone[row["lane0"] : row["lane1"]].any() for row in t.maps], np.bool_)
    return Network(cap, rails, _boxes(t), lone_lights, _roomy(t), alive, *_spawn_places(maps, alive))


def empty_network() -> Network:
    """A network of nothing, to take types from."""
    return Network(
        np.zeros(1, np.float32), np.zeros(1, RAIL_ROW), np.zeros(1, LANE_BOX), np.zeros(1, np.bool_),
        np.zeros(1, np.bool_), np.zeros(1, np.bool_), np.zeros(2, np.int32), np.zeros(1, np.int32),
        np.zeros(1, np.float32), np.zeros(1, np.float64),
    )  # fmt: skip


def _boxes(t: MapTables) -> NDArray:
    """LANE_BOX of every lane, a little larger than it has to be."""
    box = np.zeros(len(t.lanes), LANE_BOX)
    first = t.lanes["point0"]
    room = np.maximum.reduceat(t.points["width"], first) / 2 + LANE_SLACK + np.float32(0.05)
    for axis in "xy":
        box[f"{axis}0"] = np.minimum.reduceat(t.points[axis], first) - room
        box[f"{axis}1"] = np.maximum.reduceat(t.points[axis], first) + room
    return box


def _rails(maps: MapSet, cap: NDArray[np.float32]) -> NDArray:
    """RAIL_ROW of every lane."""
    t = maps.tables
    rails = np.zeros(len(t.lanes), RAIL_ROW)
    rails["length"], rails["junction"], rails["point0"] = t.lanes["length"], t.lanes["junction"], t.lanes["point0"]
    rails["cap"] = cap[t.lanes["point0"]]
    rails["per_step"] = 1.0 / t.lanes["step"]
    rails["line"], rails["stop"] = np.inf, -1
    for number, lane in enumerate(t.lanes):
        rail = rails[number]
        first, n = int(lane["point0"]), int(lane["points"])
        _straighten(rail, t.points[first : first + n])
        stop0, stop1 = int(lane["stop0"]), int(lane["stop1"])
        onward = t.lanes["junction"][t.successors[lane["succ0"] : lane["succ1"]]]
        stops = t.stops[stop0:stop1]
        far = stops["s"] <= lane["length"] - LINE_REACH if len(onward) and (onward >= 0).all() else True
        lone = lane["junction"] < 0 and bool(((stops["kind"] == StopKind.LIGHT) & far).any())
        rail["flags"] = (
            HAS_CROSSING * (lane["cross1"] > lane["cross0"])
            | HAS_LONE_LIGHT * lone
            | SAME_CAP * bool((cap[first : first + n] == cap[first]).all())
            | HAS_BESIDE * (lane["left"] >= 0 or lane["right"] >= 0)
            | LINE_AT_START * (stop1 > stop0 and t.stops["s"][stop0] < 1.0)
            | RUNS_OUT * _runs_out(t, lane)
        )
        for q in range(stop0, stop1):
            if lane["length"] - t.stops["s"][q] < LINE_REACH:
                rail["line"], rail["stop"] = t.stops["s"][q], q
    return rails


def _runs_out(t: MapTables, lane: NDArray) -> bool:
    """Whether all that a lane leads to is where the lane on its left leads to as well, whose traffic goes first."""
    if lane["left"] < 0 or lane["junction"] >= 0:
        return False
    ways = _onward(t, lane)
    beyond = {after for way in ways for after in _onward(t, t.lanes[way])}
    next_ways = _onward(t, t.lanes[lane["left"]])
    beside = {after for way in next_ways for after in _onward(t, t.lanes[way])}
    if not beyond or not beyond <= beside or (t.lanes["junction"][ways] < 0).any():
        return False
    for way in ways:
        rows = t.conflicts[t.lanes["conf0"][way] : t.lanes["conf1"][way]]
        gives_way = (rows["kind"] == ConflictKind.MERGE) & (rows["priority"] == Priority.YIELDS)
        if not (gives_way & np.isin(rows["lane"], next_ways)).any():
            return False
    return True


def _onward(t: MapTables, lane: NDArray) -> list[int]:
    return t.successors[lane["succ0"] : lane["succ1"]].tolist()


def _straighten(rail: NDArray, points: NDArray) -> None:
    """Fill the straight line of a lane, if it is one: no point more than 1 mm, no heading more than 0.1 mrad off."""
    xyz = np.stack([points["x"], points["y"], points["z"]], axis=1).astype(np.float64)
    span = xyz[-1] - xyz[0]
    flat = float(np.hypot(span[0], span[1]))
    if flat < 1e-3:
        return
    heading = np.arctan2(span[1], span[0])
    on_line = xyz[0] + np.linspace(0.0, 1.0, len(xyz))[:, None] * span
    turn = np.abs((points["heading"].astype(np.float64) - heading + np.pi) % (2 * np.pi) - np.pi)
    rail["x"], rail["y"], rail["z"] = xyz[0]
    rail["ux"], rail["uy"], rail["heading"] = span[0] / flat, span[1] / flat, heading
    rail["rise"] = span[2] / flat
    rail["straight"] = int(
        np.abs(xyz - on_line).max() < 1e-3 and turn.max() < 1e-4 and abs(flat - rail["length"]) < 1e-2
    )


def _brake_ahead(cap: NDArray, step: float) -> NDArray:
    """v(s)^2 <= v(s + x)^2 + 2 b x for all places ahead on the lane."""
    energy = np.square(cap.astype(np.float64)) + 2 * PROFILE_BRAKE * step * np.arange(len(cap))
    best = np.minimum.accumulate(energy[::-1])[::-1] - 2 * PROFILE_BRAKE * step * np.arange(len(cap))
    return np.sqrt(np.maximum(best, 0.25))


def _roomy(t: MapTables) -> NDArray[np.bool_]:
    """Lanes for buses: where one swings out of its lane in a bend, two that meet there touch.

    Both axles run on a circle of radius R; the outer front corner, half a length ahead of the middle between them, on
    one of radius sqrt((sqrt(R^2 - c^2) + w / 2)^2 + h^2), with c half a wheelbase and h half a length.
    """
    radius = 1.0 / np.maximum(np.abs(t.points["curvature"].astype(np.float64)), 1e-4)
    axle, half, side = 0.5 * BUS_WHEELBASE, 0.5 * BUS_LENGTH, 0.5 * BUS_WIDTH
    corner = np.hypot(np.sqrt(np.maximum(radius**2 - axle**2, 0.0)) + side, half) - radius
    fits = np.logical_and.reduceat(corner <= 0.5 * t.points["width"], t.lanes["point0"])
    return _alive(t.lanes, t.successors, fits & (t.lanes["drivable"] == 1))


def _alive(lanes: NDArray, successors: NDArray, usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Usable lanes from which one may drive on for ever: what is left after pruning dead ends again and again."""
    n = len(lanes)
    alive = usable
    count = np.diff(np.append(lanes["succ0"], len(successors)))
    source = np.repeat(np.arange(n), count)
    while True:
        onward = np.zeros(n, np.int64)
        np.add.at(onward, source, alive[successors] & alive[source])
        kept = alive & (onward > 0)
        if (kept == alive).all():
            return kept
        alive = kept


def _spawn_places(maps: MapSet, alive: NDArray[np.bool_]):
    """Places outside of junctions, off lane ends; where a map has any, on lanes that go on for ever."""
    lanes = maps.tables.lanes
    start, lane_out, s_out, end_out = [0], [], [], []
    for row in maps.tables.maps:
        index = np.arange(row["lane0"], row["lane1"])
        block = lanes[index]
        kind = np.isin(block["kind"], [int(k) for k in SPAWN_KINDS]) & (block["drivable"] == 1)
        usable = block["length"] - SPAWN_BEGIN - SPAWN_END
        fits = kind & (block["junction"] < 0) & (usable > 0)
        chosen = fits & alive[index] if (fits & alive[index]).any() else fits
        lane_out.append(index[chosen])
        s_out.append(np.full(int(chosen.sum()), SPAWN_BEGIN))
        end_out.append(np.cumsum(usable[chosen].astype(np.float64)))
        start.append(start[-1] + int(chosen.sum()))
    return (
        np.array(start, np.int32),
        np.concatenate(lane_out).astype(np.int32),
        np.concatenate(s_out).astype(np.float32),
        np.concatenate(end_out).astype(np.float64),
    )


assert ROUTE_LANES >= CLAIMS
