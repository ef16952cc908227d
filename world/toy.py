"""Small maps for tests and examples, as MapDrafts: a straight road, a ring, a junction with four arms.

Every function returns a MapDraft; `toy_map(name)` builds one by name. Right-hand traffic unless said otherwise.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.build import build_road_map
from world.draft import LaneDraft, LaneKey, LightDraft, MapDraft, StopDraft
from world.kinds import LaneKind, MarkColor, MarkKind, StopKind
from world.roadmap import RoadMap

WIDTH = 3.5  # [m] of a driving lane
PAVEMENT = 2.0  # [m] of a sidewalk
LIMIT = 50 / 3.6  # [m/s]


@dataclass
class Path:
    """Part of a straight line or circle: start pose, length, curvature."""

    x: float  # [m]
    y: float  # [m]
    heading: float  # [rad]
    length: float  # [m]
    curvature: float = 0.0  # [1/m]

    def sample(self, offset: float = 0.0) -> tuple[NDArray, NDArray, NDArray, float]:
        """(n, 3) points, (n,) heading, (n,) curvature and length of the path moved `offset` m to the left."""
        length = self.length * (1 - self.curvature * offset)
        curvature = self.curvature / (1 - self.curvature * offset)
        step = 2.0 if curvature == 0 else min(2.0, np.sqrt(0.07 / abs(curvature)))  # chord error < 1 cm
        s = np.linspace(0, length, max(2, int(np.ceil(length / step)) + 1))
        heading = self.heading + curvature * s
        x0, y0 = self.x - np.sin(self.heading) * offset, self.y + np.cos(self.heading) * offset
        if curvature == 0:
            x, y = x0 + s * np.cos(self.heading), y0 + s * np.sin(self.heading)
        else:
            x = x0 + (np.sin(heading) - np.sin(self.heading)) / curvature
            y = y0 - (np.cos(heading) - np.cos(self.heading)) / curvature
        return np.stack([x, y, np.zeros_like(x)], axis=1), heading, np.full_like(s, curvature), length


def toy_lane(
    key: LaneKey,
    path: Path,
    offset: float = 0.0,
    *,
    kind: LaneKind = LaneKind.DRIVING,
    width: float = WIDTH,
    limit: float = LIMIT,
    backward: bool = False,
    marks: tuple[MarkKind, MarkKind] = (MarkKind.NONE, MarkKind.NONE),
    z: float = 0.0,
    **links,
) -> LaneDraft:
    """A lane whose centre lies `offset` m to the left of the path; `backward` turns its direction of travel."""
    xyz, heading, curvature, length = path.sample(offset)
    xyz[:, 2] = z
    road_s = (0.0, path.length)
    if backward:
        xyz, heading, curvature = xyz[::-1].copy(), heading[::-1] + np.pi, -curvature[::-1]
        road_s = (path.length, 0.0)
    n = len(xyz)
    allowed = [m in (MarkKind.BROKEN, MarkKind.BOTTS_DOTS) for m in marks]
    return LaneDraft(
        key=key,
        kind=kind,
        xyz=xyz,
        heading=heading,
        curvature=curvature,
        width=np.full(n, width),
        limit=np.full(n, limit),
        length=length,
        road_s=road_s,
        mark_left=np.full(n, int(marks[0]), np.int8),
        mark_right=np.full(n, int(marks[1]), np.int8),
        color_left=np.full(n, int(MarkColor.YELLOW if links.get("opposite") else MarkColor.WHITE), np.int8),
        color_right=np.full(n, int(MarkColor.WHITE), np.int8),
        change_left=np.full(n, allowed[0]),
        change_right=np.full(n, allowed[1]),
        **links,
    )


def toy_road(
    road: str, path: Path, ways: tuple[int, int] = (1, 1), *, pavement: bool = True, z: float = 0.0
) -> list[LaneDraft]:
    """Lanes of a road along `path` (its middle): ways[0] lanes forward on the right, ways[1] back on the left.

    Lane ids as in OpenDRIVE: -1, -2, ... to the right, 1, 2, ... to the left; sidewalks outermost.
    """
    lanes = []
    for backward, count in ((False, ways[0]), (True, ways[1])):
        sign = 1 if backward else -1
        other = ways[0] if backward else ways[1]
        for i in range(1, count + 1):
            middle = MarkKind.BROKEN if ways[0] == ways[1] == 1 else MarkKind.SOLID_SOLID
            left = MarkKind.BROKEN if i > 1 else (middle if other else MarkKind.SOLID)
            lanes.append(
                toy_lane(
                    (road, 0, sign * i),
                    path,
                    sign * (i - 0.5) * WIDTH,
                    backward=backward,
                    marks=(left, MarkKind.BROKEN if i < count else MarkKind.SOLID),
                    z=z,
                    left=(road, 0, sign * (i - 1)) if i > 1 else None,
                    right=(road, 0, sign * (i + 1)) if i < count else None,
                    opposite=(road, 0, -sign) if i == 1 and other else None,
                )
            )
        if pavement:
            key = (road, 0, sign * (count + 1))
            lanes.append(
                toy_lane(key, path, sign * (count * WIDTH + PAVEMENT / 2), kind=LaneKind.SIDEWALK, width=PAVEMENT, z=z)
            )
    return lanes


def toy_draft(name: str, lanes: list[LaneDraft], **more) -> MapDraft:
    """A MapDraft of the lanes, its hash from their keys and points; `more` are further fields of MapDraft."""
    digest = hashlib.sha256(name.encode())
    for lane in lanes:
        digest.update(repr(lane.key).encode() + lane.xyz.tobytes())
    return MapDraft(name=name, source_hash=digest.hexdigest(), lanes=lanes, **more)


def straight_road(length: float = 300.0, ways: tuple[int, int] = (1, 1), *, name: str = "straight") -> MapDraft:
    """A straight road along x through the origin, `ways` lanes forward and back, sidewalks on both sides."""
    return toy_draft(name, toy_road("r", Path(0.0, 0.0, 0.0, length), ways))


def multi_lane_road(length: float = 600.0, lanes: int = 3, *, name: str = "multi_lane") -> MapDraft:
    """A one-way road of several lanes along x, lane changes allowed between all of them, no sidewalks."""
    return toy_draft(name, toy_road("r", Path(0.0, 0.0, 0.0, length), (lanes, 0), pavement=False))


def ring(radius: float = 40.0, lanes: int = 1, *, name: str = "ring") -> MapDraft:
    """A closed circle driven counter-clockwise, of two half circles that follow each other."""
    roads = []
    for half in (0, 1):
        path = Path(radius * (1 - 2 * half), 0.0, np.pi * (0.5 + half), np.pi * radius, 1 / radius)
        own = toy_road(f"r{half}", path, (lanes, 0), pavement=False)
        for lane in own:
            lane.successors = [(f"r{1 - half}", 0, lane.key[2])]
        roads += own
    return toy_draft(name, roads)


_TURNS = {1: "right", 2: "straight", 3: "left"}  # exit arm minus entry arm, modulo 4, arms counter-clockwise


def _connection(entry: int, exit_arm: int, size: float, offset: float) -> Path:
    """Centre line from the lane `offset` m right of the middle of one arm to the same lane of another arm."""
    heading = entry * np.pi / 2 + np.pi  # towards the middle
    c, s = np.cos(heading), np.sin(heading)
    x, y = -size * c + offset * s, -size * s - offset * c
    turn = _TURNS[(exit_arm - entry) % 4]
    if turn == "straight":
        return Path(x, y, heading, 2 * size)
    radius = size - offset if turn == "right" else size + offset
    return Path(x, y, heading, radius * np.pi / 2, (-1 if turn == "right" else 1) / radius)


def junction(
    arm: float = 80.0,
    size: float = 12.0,
    *,
    lanes: int = 1,
    control: str = "lights",
    stop_on_connection: bool = False,
    arms: tuple[int, ...] = (0, 1, 2, 3),
    loop: bool = False,
    name: str = "junction",
) -> MapDraft:
    """A junction at the origin; arm k leaves it at heading k * 90 degrees, with sidewalks and crosswalks.

    Args:
        arm: [m] length of each arm.
        size: [m] half width of the junction's square.
        lanes: driving lanes each way; with two or more, the left lane also turns left and the right lane right.
        control: "lights", "stop" (arms 1 and 3 stop), "all_stop", "yield" (arms 1 and 3 yield) or "none".
        stop_on_connection: stop lines lie at s = 0 of the connecting lanes instead of at the end of the arms.
        arms: the arms that exist (three of them make a T).
        loop: lanes that leave on an arm come back on it (a U-turn in no length), so that traffic never ends.
        name: of the map.
    """
    if control not in ("lights", "stop", "all_stop", "yield", "none"):
        raise ValueError(f"control {control!r} is unknown; allowed: lights, stop, all_stop, yield, none")
    drafts: list[LaneDraft] = []
    for k in arms:
        h = k * np.pi / 2
        own = toy_road(f"a{k}", Path(size * np.cos(h), size * np.sin(h), h, arm), (lanes, lanes))
        if loop:
            for i in range(1, lanes + 1):
                lane = next(d for d in own if d.key[2] == -i)
                lane.successors = [(f"a{k}", 0, i)]
        drafts += own
    by_key = {d.key: d for d in drafts}
    stops: list[StopDraft] = []
    for entry in arms:
        connections = _connections(entry, arms, size, lanes)
        for lane in connections:
            by_key[(f"a{entry}", 0, int(lane.key[0][-1]))].successors.append(lane.key)
        drafts += connections
        for i in range(1, lanes + 1):
            stops += _toy_stops(entry, i, connections, arm, control, stop_on_connection)
    drafts += [_corner(k, size, lanes) for k in arms if (k + 1) % 4 in arms]
    lights = [_toy_light(k, size, lanes) for k in arms] if control == "lights" else []
    return toy_draft(
        name,
        drafts,
        stops=stops,
        lights=lights,
        crosswalks=[_toy_crosswalk(k, size, lanes) for k in arms],
    )


def _connections(entry: int, arms: tuple[int, ...], size: float, lanes: int) -> list[LaneDraft]:
    """Connecting lanes of one approach: straight from every lane, left from the innermost, right from the outermost."""
    out = []
    for exit_arm in arms:
        turn = _TURNS.get((exit_arm - entry) % 4)
        own = {None: (), "straight": range(1, lanes + 1), "left": (1,), "right": (lanes,)}[turn]
        for i in own:
            key = (f"c{entry}{exit_arm}{i}", 0, -1)
            path = _connection(entry, exit_arm, size, (i - 0.5) * WIDTH)
            lane = toy_lane(key, path, junction="j", successors=[(f"a{exit_arm}", 0, -i)])
            out.append(lane)
    return out


def _toy_stops(
    entry: int, i: int, connections: list[LaneDraft], arm: float, control: str, inside: bool
) -> list[StopDraft]:
    minor = entry % 2 == 1
    kind = {"lights": StopKind.LIGHT, "all_stop": StopKind.STOP}.get(control)
    if minor and control in ("stop", "yield"):
        kind = StopKind.STOP if control == "stop" else StopKind.YIELD
    if kind is None:
        return []
    light = f"L{entry}" if kind == StopKind.LIGHT else None
    if inside:
        own = [lane for lane in connections if lane.key[0].endswith(str(i))]
        return [StopDraft(lane.key, 0.0, kind, light) for lane in own]
    return [StopDraft((f"a{entry}", 0, i), arm - 6.0, kind, light)]


def _toy_light(k: int, size: float, lanes: int) -> LightDraft:
    """A head on the far right corner, facing the drivers who come in on arm k."""
    h = k * np.pi / 2
    right = lanes * WIDTH + 1.0  # driver's right when heading in
    x, y = -size * np.cos(h) - right * np.sin(h), -size * np.sin(h) + right * np.cos(h)
    return LightDraft(f"L{k}", (x, y, 3.5), h, "j")


def _toy_crosswalk(k: int, size: float, lanes: int) -> NDArray[np.float64]:
    h = k * np.pi / 2
    half = lanes * WIDTH
    c, s = np.cos(h), np.sin(h)
    corners = [(size + 1.5, -half), (size + 4.5, -half), (size + 4.5, half), (size + 1.5, half)]
    return np.array([(u * c - v * s, u * s + v * c, 0.0) for u, v in corners])


def _corner(k: int, size: float, lanes: int) -> LaneDraft:
    """Sidewalk around the corner between arm k and the next arm counter-clockwise."""
    h = k * np.pi / 2
    side = lanes * WIDTH + PAVEMENT / 2
    c, s = np.cos(h), np.sin(h)
    radius = size - side
    path = Path(size * c - side * s, size * s + side * c, h + np.pi, radius * np.pi / 2, -1 / radius)
    return toy_lane((f"p{k}", 0, -1), path, kind=LaneKind.SIDEWALK, width=PAVEMENT, junction="j")


def grid_town(
    blocks: int = 2, block: float = 80.0, size: float = 12.0, *, control: str = "lights", name: str = "grid"
) -> MapDraft:
    """A square grid of (blocks + 1)^2 junctions joined by straight roads, closed (no dead end), sidewalks, crosswalks.

    Args:
        blocks: roads along one side.
        block: [m] length of the road between two junctions.
        size: [m] half width of a junction.
        control: as in `junction`.
        name: of the map.
    """
    n, pitch = blocks + 1, block + 2 * size
    drafts: list[LaneDraft] = []
    stops, lights, crosswalks = [], [], []
    for i in range(n):
        for j in range(n):
            arms = tuple(
                k for k, (u, v) in enumerate(((1, 0), (0, 1), (-1, 0), (0, -1))) if 0 <= i + u < n and 0 <= j + v < n
            )
            part = junction(block, size, control=control, arms=arms)
            _place(part, f"{i}{j}", (i * pitch, j * pitch))
            drafts += part.lanes
            stops, lights = stops + part.stops, lights + part.lights
            crosswalks += part.crosswalks
    merged = _merge_arms(drafts, stops, n)
    return toy_draft(name, merged, stops=stops, lights=lights, crosswalks=crosswalks)


def _place(part: MapDraft, tag: str, at: tuple[float, float]) -> None:
    """Move a junction draft and give its roads, lights and junction names of their own."""
    shift = np.array([*at, 0.0])

    def named(key: LaneKey) -> LaneKey:
        return (f"{tag}{key[0]}", key[1], key[2])

    for lane in part.lanes:
        lane.key, lane.xyz = named(lane.key), lane.xyz + shift
        lane.successors = [named(k) for k in lane.successors]
        lane.left, lane.right, lane.opposite = (k and named(k) for k in (lane.left, lane.right, lane.opposite))
        lane.junction = lane.junction and tag
    for stop in part.stops:
        stop.lane, stop.light = named(stop.lane), stop.light and tag + stop.light
    for light in part.lights:
        light.id, light.plan = tag + light.id, tag
        light.xyz = tuple(float(v) for v in np.array(light.xyz) + shift)  # type: ignore[assignment]
    part.crosswalks = [polygon + shift for polygon in part.crosswalks]


def _merge_arms(drafts: list[LaneDraft], stops: list[StopDraft], n: int) -> list[LaneDraft]:
    """Arm 0 of junction (i, j) is arm 2 of (i + 1, j), arm 1 is arm 3 of (i, j + 1): keep one road of each two."""
    same: dict[LaneKey, LaneKey] = {}
    for i in range(n):
        for j in range(n):
            for arm, other, (u, v) in ((0, 2, (1, 0)), (1, 3, (0, 1))):
                if i + u < n and j + v < n:
                    for lane in (-2, -1, 1, 2):
                        same[(f"{i + u}{j + v}a{other}", 0, lane)] = (f"{i}{j}a{arm}", 0, -lane)
    by_key = {d.key: d for d in drafts}
    for gone, kept in same.items():
        by_key[kept].successors += by_key[gone].successors
    for lane in drafts:
        lane.successors = [same.get(k, k) for k in lane.successors]
    for stop in stops:
        stop.lane = same.get(stop.lane, stop.lane)
    return [d for d in drafts if d.key not in same]


TOYS = {
    "straight": straight_road,
    "multi_lane": multi_lane_road,
    "ring": ring,
    "junction": junction,
    "grid": grid_town,
}


def toy_map(name: str = "junction", **options) -> RoadMap:
    """A toy map by name, built; options go to the function of that name.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in TOYS:
        raise ValueError(f"toy map {name!r} is unknown; allowed: {', '.join(TOYS)}")
    return build_road_map(TOYS[name](**options))
