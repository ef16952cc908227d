"""RouteLine: a route's lane pieces as one smooth polyline, and the sparse waypoints a driver is told.

Where the route changes lanes, the line leaves the old centre line and joins the new one along a quintic blend (no jump
in heading or curvature); everywhere else it is the lanes' centre line.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.kinds import Command, Turn
from world.lane_arrays import wrap
from world.roadmap import RoadMap

ROUTE_STEP = 1.0  # [m] between two points of a route
TAME_REACH = 24.0  # [m]
BLEND = 36.0  # [m] length of a lane change where there is room
_APART = 0.1  # [m] lanes that a link joins this far aside are blended too
_FINE = 0.25  # [m] spacing of the points that are resampled
_SPARSE = 50.0  # [m] greatest distance of two waypoints
_TURN_COMMAND = {
    int(Turn.LEFT): Command.LEFT,
    int(Turn.RIGHT): Command.RIGHT,
    int(Turn.STRAIGHT): Command.STRAIGHT,
    int(Turn.U_TURN): Command.LEFT,
    int(Turn.NONE): Command.LANE_FOLLOW,
}


@dataclass(frozen=True, eq=False)
class Route:
    """Lane pieces in order: from s0 to s1 of each lane; the next piece goes on, or lies beside (a lane change)."""

    lane: NDArray[np.int32]  # (M,) lane of the RoadMap
    s0: NDArray[np.float32]  # (M,) [m]
    s1: NDArray[np.float32]  # (M,) [m] >= s0
    change: NDArray[np.int8]  # (M,) 1: the piece is reached by a change to the left, -1: to the right, 0: it follows
    cost: float  # [m] length plus what the lane changes count

    @property
    def length(self) -> float:
        """[m] along the lanes."""
        return float((self.s1.astype(np.float64) - self.s0).sum())


@dataclass(frozen=True, eq=False)
class RouteLine:
    """A route's points, ROUTE_STEP apart; (R,) each, map frame. The length is a whole number of steps."""

    x: NDArray[np.float32]  # [m]
    y: NDArray[np.float32]  # [m]
    z: NDArray[np.float32]  # [m]
    yaw: NDArray[np.float32]  # [rad]
    curvature: NDArray[np.float32]  # [1/m] left positive
    half_width: NDArray[np.float32]  # [m] of the lane
    limit: NDArray[np.float32]  # [m/s]
    lane: NDArray[np.int32]  # lane of the RoadMap
    lane_s: NDArray[np.float32]  # [m] along that lane
    junction: NDArray[np.bool_]
    command: NDArray[np.int8]  # Command: what is done at the point
    tame: NDArray[np.bool_]  # around the point it bends so little that who is near finds its nearest point downhill
    piece_lane: NDArray[np.int32]  # (M,) lanes in order
    piece_start: NDArray[np.float32]  # (M,) [m] progress at which the piece begins
    piece_s0: NDArray[np.float32]  # (M,) [m] along the lane
    piece_s1: NDArray[np.float32]  # (M,) [m] along the lane
    length: float  # [m]


def _tame(yaw: NDArray) -> NDArray[np.bool_]:
    """(R,) points within TAME_REACH of which the line turns by at most 45 degrees, and never tighter than 10 m."""
    turn = np.abs(wrap(np.diff(yaw, prepend=yaw[:1])))
    summed = np.concatenate(([0.0], np.cumsum(turn)))
    reach, last = int(TAME_REACH / ROUTE_STEP), len(yaw)
    low = np.maximum(np.arange(last) - reach, 0)
    high = np.minimum(np.arange(last) + reach + 1, last)
    tight = np.concatenate(([0], np.cumsum(turn > 0.1 * ROUTE_STEP)))
    return (summed[high] - summed[low] <= np.pi / 4) & (tight[high] == tight[low])


def route_line(road_map: RoadMap, route: Route) -> RouteLine:
    """The polyline of a route.

    The end is cut to a whole number of metres, so the goal lies less than 1 m before the route's own end.

    Raises:
        ValueError: the route is shorter than one step.
    """
    start = np.concatenate(([0.0], np.cumsum(route.s1.astype(np.float64) - route.s0)))
    total = float(start[-1])
    if total < ROUTE_STEP:
        raise ValueError(f"a route of {total:.2f} m is shorter than {ROUTE_STEP} m")
    u = np.linspace(0.0, total, int(np.ceil(total / _FINE)) + 1)  # raw progress: along the centre lines
    piece = np.clip(np.searchsorted(start, u, side="right") - 1, 0, len(route.lane) - 1)
    raw = _on_lanes(road_map, route.lane[piece], route.s0[piece] + (u - start[piece]))
    shift, slope, bend, changing = _shifts(road_map, route, start, u)
    normal = np.stack([-np.sin(raw["heading"]), np.cos(raw["heading"])], axis=1)
    xy = raw["xyz"][:, :2] + shift[:, None] * normal
    stretch = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))))
    count = int(np.floor(stretch[-1] / ROUTE_STEP + 1e-3)) + 1
    at = np.minimum(np.arange(count) * ROUTE_STEP, stretch[-1])
    place = np.interp(at, stretch, u)
    own = np.clip(np.searchsorted(start, place, side="right") - 1, 0, len(route.lane) - 1)
    lane_s = route.s0[own] + (place - start[own])
    exact = _on_lanes(road_map, route.lane[own], lane_s)
    yaw = np.unwrap(raw["heading"]) + np.arctan2(slope, 1 - raw["curvature"] * shift)
    junction = road_map.lane_junction[route.lane[own]] >= 0
    turn = road_map.lane_turn[route.lane[own]]
    command = np.array([int(_TURN_COMMAND[int(t)]) for t in turn], np.int8)
    if road_map.left_hand_traffic:
        command[turn == int(Turn.U_TURN)] = int(Command.RIGHT)
    side = np.rint(np.interp(place, u, changing)).astype(int)
    command[(side > 0) & ~junction] = int(Command.CHANGE_LANE_LEFT)
    command[(side < 0) & ~junction] = int(Command.CHANGE_LANE_RIGHT)
    f32 = np.float32
    yaw = wrap(np.interp(at, stretch, yaw)).astype(f32)
    return RouteLine(
        x=np.interp(at, stretch, xy[:, 0]).astype(f32),
        y=np.interp(at, stretch, xy[:, 1]).astype(f32),
        z=exact["xyz"][:, 2].astype(f32),
        yaw=yaw,
        tame=_tame(yaw),
        curvature=(exact["curvature"] + np.interp(place, u, bend)).astype(f32),
        half_width=(exact["width"] / 2).astype(f32),
        limit=exact["limit"].astype(f32),
        lane=route.lane[own].astype(np.int32),
        lane_s=lane_s.astype(f32),
        junction=junction,
        command=command,
        piece_lane=route.lane.astype(np.int32),
        piece_start=np.interp(start[:-1], u, stretch).astype(f32),
        piece_s0=route.s0.astype(f32),
        piece_s1=route.s1.astype(f32),
        length=(count - 1) * ROUTE_STEP,
    )


def _on_lanes(m: RoadMap, lane: NDArray, s: NDArray) -> dict[str, NDArray[np.float64]]:
    """Centre-line values at (lane, s), linear between points."""
    points = np.diff(m.lane_start)[lane]
    v = np.clip(s / m.lane_step[lane].astype(np.float64), 0, points - 1)
    k = np.minimum(v.astype(np.int64), points - 2)
    t = v - k
    p = m.lane_start[lane] + k
    turn = wrap(m.point_heading[p + 1].astype(np.float64) - m.point_heading[p])
    return {
        "xyz": m.point_xyz[p] * (1 - t)[:, None] + m.point_xyz[p + 1] * t[:, None],
        "heading": m.point_heading[p] + t * turn,
        "curvature": m.point_curvature[p] * (1 - t) + m.point_curvature[p + 1] * t,
        "width": m.point_width[p] * (1 - t) + m.point_width[p + 1] * t,
        "limit": np.where(t >= 1, m.point_limit[p + 1], m.point_limit[p]).astype(np.float64),
    }


def centre_xy(m: RoadMap, lane: int, s: float) -> NDArray[np.float64]:
    """(2,) [m] centre of a lane at arc length s."""
    return _on_lanes(m, np.array([lane]), np.array([s]))["xyz"][0, :2]


def blend(u: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Quintic 0 -> 1 over u in [0, 1] with its first two derivatives, which are zero at both ends."""
    v = np.clip(u, 0.0, 1.0)
    value = v * v * v * (10.0 + v * (6.0 * v - 15.0))
    return value, 30.0 * v * v * (1 - v) ** 2, 60.0 * v * (1 - v) * (1 - 2 * v)


def _shifts(m: RoadMap, route: Route, start: NDArray, u: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """How the line lies beside the raw line, which jumps at lane changes.

    Returns:
        shift [m] to the left of the raw line; slope [-] and bend [1/m] of the line against the lanes' direction;
        +-1 where a change goes on.
    """
    shift, slope, bend, changing = (np.zeros_like(u) for _ in range(4))
    for i, across in _jumps(m, route):
        middle = start[i]
        half = max(0.5, min(BLEND / 2, _room(m, route, start, i, -1), _room(m, route, start, i, 1)))
        w, first, second = blend((u - middle + half) / (2 * half))
        shift += across * (w - (u >= middle))
        slope += across * first / (2 * half)
        bend += across * second / (2 * half) ** 2
        changing[np.abs(u - middle) <= half] = np.sign(route.change[i])
    return shift, slope, bend, changing


def _jumps(m: RoadMap, route: Route) -> list[tuple[int, float]]:
    """Pieces that begin beside the end of the one before, with the step [m] to the left: changes, and bad links."""
    if len(route.lane) < 2:
        return []
    a = _on_lanes(m, route.lane[:-1], route.s1[:-1].astype(np.float64))
    b = _on_lanes(m, route.lane[1:], route.s0[1:].astype(np.float64))
    gap = b["xyz"] - a["xyz"]
    across = np.cos(b["heading"]) * gap[:, 1] - np.sin(b["heading"]) * gap[:, 0]
    return [(i + 1, float(across[i])) for i in np.flatnonzero((route.change[1:] != 0) | (np.abs(across) > _APART))]


def _room(m: RoadMap, route: Route, start: NDArray, i: int, way: int) -> float:
    """[m] that the change into piece i may take backwards (way -1) or forwards: to a junction, half way to the next.

    A bad link is blended over the two lanes that it joins.
    """
    at = i - 1 if way < 0 else i
    if not route.change[i]:
        return min(float(start[at + 1] - start[at]), BLEND / 4)
    room = 0.0
    while 0 <= at < len(route.lane) and room < BLEND:
        if m.lane_junction[route.lane[at]] >= 0:
            return room
        room += float(start[at + 1] - start[at])
        border = at if way < 0 else at + 1
        if border < len(route.lane) and route.change[border] != 0:
            return room / 2
        at += way
    return room


def sparse_waypoints(line: RouteLine) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """What a driver is told of a route: waypoints (W, 2) [m] and Command (W,), start and goal included.

    Waypoints lie where the command changes (a junction or a lane change begins or ends) and between those at equal
    distances of at most 50 m. A waypoint's command holds from it on; the goal's is LANE_FOLLOW.
    """
    last = len(line.x) - 1
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(line.command)) + 1, [last])).astype(int)
    bounds = np.unique(bounds)
    picked: list[int] = []
    for first, end in zip(bounds[:-1], bounds[1:], strict=True):
        parts = int(np.ceil((end - first) * ROUTE_STEP / _SPARSE))
        picked += np.rint(np.linspace(first, end, parts + 1)).astype(int)[:-1].tolist()
    command = np.append(line.command[picked], int(Command.LANE_FOLLOW)).astype(np.int8)
    index = np.append(picked, last).astype(int)
    return np.stack([line.x[index], line.y[index]], axis=1), command


def pack_waypoints(
    lines: list[list[RouteLine | None]], most: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.bool_]]:
    """Task's waypoint (B, K, W, 2), command (B, K, W) and waypoint_valid (B, K, W) of routes given as [world][driver].

    Args:
        lines: B lists of K routes or None.
        most: W at least (the longest list decides otherwise).
    """
    sparse = [[None if line is None else sparse_waypoints(line) for line in row] for row in lines]
    most = max([most, 1, *(len(w[1]) for row in sparse for w in row if w is not None)])
    shape = (len(lines), max((len(row) for row in lines), default=0), most)
    waypoint, command = np.zeros((*shape, 2), np.float32), np.full(shape, int(Command.LANE_FOLLOW), np.int8)
    valid = np.zeros(shape, np.bool_)
    for b, row in enumerate(sparse):
        for k, item in enumerate(row):
            if item is not None:
                n = len(item[1])
                waypoint[b, k, :n], command[b, k, :n], valid[b, k, :n] = item[0], item[1], True
    return waypoint, command, valid
