"""SUMO's input files from one of our maps: the same streets, limits, turns, signal timing, vehicles and random routes.

Every lane outside of junctions becomes an edge with our lane's centre line as its shape, every junction of ours a node.
`netconvert` (part of SUMO) makes the network of them, see `benchmarks.sumo_worker`.
"""

from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from simulator import fleet, lights
from world.kinds import BodyKind, LaneKind
from world.roadmap import RoadMap

HEADWAY = 1.3  # [s] middle of the range that our drivers are drawn from
MIN_GAP = 2.0  # [m]
DRIVE = 1.6  # [m/s^2]
# What netconvert is told, so that lights answer to traffic as ours do, with two phases and left turns that give way
SIGNALS = {
    "tls.default-type": "actuated", "tls.layout": "opposites", "tls.left-green.time": 0,
    "tls.min-dur": int(lights.MIN_GREEN), "tls.max-dur": int(lights.MAX_GREEN),
    "tls.yellow.time": int(lights.AMBER_TIME), "tls.allred.time": int(lights.ALL_RED_TIME),
}  # fmt: skip


class Streets:
    """A map's driving lanes outside of junctions as edges between nodes.

    Raises:
        ValueError: a street with several lanes a direction, which this does not translate.
    """

    def __init__(self, road_map: RoadMap):
        self.map = m = road_map
        driving = np.asarray(m.lane_kind) == LaneKind.DRIVING
        self.lanes = np.flatnonzero(driving & (np.asarray(m.lane_junction) < 0))
        side = np.stack([m.lane_left[self.lanes], m.lane_right[self.lanes]])
        if driving[side[side >= 0]].any():
            raise ValueError(f"map {m.name}: a street has several lanes a direction; allowed is one")
        self.length = np.asarray(m.lane_length, np.float64)
        self._next = {int(a): self._onward(int(a), driving) for a in self.lanes}

    def _after(self, lane: int, start: NDArray, flat: NDArray) -> list[int]:
        return [int(a) for a in flat[start[lane] : start[lane + 1]]]

    def _onward(self, lane: int, driving: NDArray) -> list[int]:
        """Edges reached from an edge, straight or over one junction lane."""
        out = []
        for a in self._after(lane, self.map.successor_start, self.map.successor):
            if self.map.lane_junction[a] < 0:
                out.append(a)
            elif driving[a]:
                out += self._after(a, self.map.successor_start, self.map.successor)
        return out

    def node(self, lane: int, at_end: bool) -> str:
        """The node at an end of an edge: the junction there, or a joint with the next edge."""
        m = self.map
        start, flat = (
            (m.successor_start, m.successor) if at_end else (m.predecessor_start, m.predecessor)
        )  # fmt: skip
        beyond = self._after(lane, start, flat)
        junction = {int(m.lane_junction[a]) for a in beyond}
        if junction and min(junction) >= 0:
            return f"j{min(junction)}"
        return f"n{lane if at_end or not beyond else beyond[0]}"

    def points(self, lane: int) -> NDArray[np.float64]:
        """(M, 2) [m] centre line; the ends alone where it is straight."""
        a, z = self.map.lane_start[lane], self.map.lane_start[lane + 1]
        xy = np.asarray(self.map.point_xyz[a:z, :2], np.float64)
        straight = abs(np.hypot(*(xy[-1] - xy[0])) - self.length[lane]) < 0.01
        return xy[[0, -1]] if straight else xy

    def limit(self, lane: int) -> float:
        """[m/s]"""
        return float(self.map.point_limit[self.map.lane_start[lane]])

    def onward(self, lane: int) -> list[int]:
        """Edges that may follow an edge."""
        return self._next[lane]


def write_network(road_map: RoadMap, folder: Path) -> Streets:
    """Write `plain.nod.xml`, `plain.edg.xml`, `plain.con.xml` and netconvert's `net.cfg` into a folder."""
    streets = Streets(road_map)
    ends: dict[str, list[NDArray]] = {}
    edges, turns = [], []
    for lane in map(int, streets.lanes):
        xy = streets.points(lane)
        begin, end = streets.node(lane, False), streets.node(lane, True)
        ends.setdefault(begin, []).append(xy[0])
        ends.setdefault(end, []).append(xy[-1])
        shape = " ".join(f"{x:.2f},{y:.2f}" for x, y in xy)
        edges.append(
            f'<edge id="e{lane}" from="{begin}" to="{end}" numLanes="1" speed="{streets.limit(lane):.3f}" '
            f'spreadType="center" shape="{shape}"/>'
        )
        turns += [f'<connection from="e{lane}" to="e{a}" fromLane="0" toLane="0"/>' for a in streets.onward(lane)]
    lit = _with_lights(road_map)
    nodes = []
    for name, places in ends.items():
        x, y = np.mean(places, axis=0)
        kind = "traffic_light" if name in lit else "priority"
        nodes.append(f'<node id="{name}" x="{x:.2f}" y="{y:.2f}" type="{kind}"/>')
    for stem, tag, rows in (("nod", "nodes", nodes), ("edg", "edges", edges), ("con", "connections", turns)):
        _write(folder / f"plain.{stem}.xml", tag, rows)
    files = {"node-files": "plain.nod.xml", "edge-files": "plain.edg.xml", "connection-files": "plain.con.xml"}
    options = {**files, **SIGNALS, "output-file": "grid.net.xml", "no-turnarounds": "true"}
    _write(folder / "net.cfg", "configuration", [f'<{k} value="{v}"/>' for k, v in options.items()])
    return streets


def _with_lights(m: RoadMap) -> set[str]:
    """Nodes of the junctions whose lanes stop at lights."""
    lane_of_stop = np.repeat(np.arange(len(m.lane_length)), np.diff(m.stop_start))
    out = set()
    for lane in lane_of_stop[np.asarray(m.stop_light) >= 0]:
        around = [int(lane), *m.successor[m.successor_start[lane] : m.successor_start[lane + 1]]]
        out |= {f"j{int(m.lane_junction[a])}" for a in around if m.lane_junction[a] >= 0}
    return out


def write_demand(streets: Streets, vehicles: int, seed: int, least: float, folder: Path) -> None:
    """Write `demand.rou.xml`: vehicles that stand somewhere at time 0 and drive at least `least` [m] at random.

    Kinds, lengths and top speeds are those of `simulator.fleet` in the same shares, turns are drawn evenly as ours.
    """
    draw = np.random.default_rng(seed)
    weight = streets.length[streets.lanes] / streets.length[streets.lanes].sum()
    kinds = [f"k{k}" for k in range(len(fleet.SHARE)) if fleet.SHARE[k] > 0]
    rows = [_vehicle_type(int(name[1:])) for name in kinds]
    share = np.array([fleet.SHARE[int(name[1:])] for name in kinds])
    kind = draw.choice(len(kinds), size=vehicles, p=share / share.sum())
    start = draw.choice(streets.lanes, size=vehicles, p=weight)
    for v in range(vehicles):
        lane, way, length = int(start[v]), [int(start[v])], 0.0
        while length < least:
            choices = streets.onward(lane)
            lane = choices[int(draw.integers(len(choices)))]
            way.append(lane)
            length += float(streets.length[lane])
        edges = " ".join(f"e{a}" for a in way)
        rows.append(
            f'<vehicle id="v{v}" type="{kinds[kind[v]]}" depart="0" departPos="random_free" departSpeed="0">'
            f'<route edges="{edges}"/></vehicle>'
        )
    _write(folder / "demand.rou.xml", "routes", rows)


def _vehicle_type(kind: int) -> str:
    """SUMO's default car-following model (Krauss) with our sizes and the middle of our drivers' parameters."""
    values = {
        "id": f"k{kind}", "vClass": "passenger", "carFollowModel": "Krauss", "length": f"{fleet._LENGTH[kind]:.2f}",
        "width": f"{fleet._WIDTH[kind]:.2f}", "maxSpeed": f"{fleet._SPEED[kind]:.1f}", "minGap": MIN_GAP,
        "tau": HEADWAY, "accel": f"{DRIVE * fleet._SCALE[kind]:.2f}", "speedFactor": "normc(0.95,0.06,0.85,1.05)",
    }  # fmt: skip
    return (
        f"<!-- {BodyKind(kind).name} --><vType "
        + " ".join(f"{k}={quoteattr(str(v))}" for k, v in values.items())
        + "/>"
    )


def _write(path: Path, tag: str, rows: list[str]) -> None:
    path.write_text(f"<{tag}>\n" + "\n".join(rows) + f"\n</{tag}>\n")
