"""Which lane follows which: lane links within a road, between roads and through junctions; neighbours side by side.

Only links in the direction of travel are kept: a lane leaves its road at one end and must enter the next one where that
lane's travel begins. Lanes that were not sampled (no width, no length) are passed through.
"""

from collections import deque

from world.budget import MAX_LINKS, spend
from world.draft import LaneDraft, LaneKey
from world.kinds import LaneKind
from world.opendrive.model import Connection, JunctionModel, RoadLink, RoadModel
from world.opendrive.xml import Element, Reading, children, integer, text_id

MOTOR = {
    LaneKind.DRIVING, LaneKind.BIDIRECTIONAL, LaneKind.ENTRY, LaneKind.EXIT, LaneKind.ON_RAMP, LaneKind.OFF_RAMP,
}  # fmt: skip
THROUGH = 8  # lanes without width or length in a row that are passed through
Place = tuple[str, int, int, bool]  # road, section, lane, True where it is entered at its end


def read_junctions(reading: Reading, root: Element, roads: dict[str, RoadModel]) -> dict[str, JunctionModel]:
    """Junctions by id. Virtual ones and crossings are counted; so are connections of roads that do not exist."""
    junctions: dict[str, JunctionModel] = {}
    for element in children(root, "junction"):
        key, kind = text_id(reading, element), element.get("type", "default")
        if kind not in ("default", "direct"):
            reading.skip(f"junction of type {kind[:20]!r}")
            continue
        if key in junctions:
            raise reading.error(element, "a junction of this id stands twice in the file")
        connections = [c for e in children(element, "connection") if (c := _connection(reading, e, kind, roads))]
        junctions[key] = JunctionModel(
            key, kind, connections,
            [(e.get("high", ""), e.get("low", "")) for e in children(element, "priority")],
            [(_sequence(e), text_id(reading, e)) for e in children(element, "controller")],
        )  # fmt: skip
    return junctions


def _sequence(element: Element) -> int:
    text = element.get("sequence", "0")
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def _connection(reading: Reading, element: Element, kind: str, roads: dict[str, RoadModel]) -> Connection | None:
    if element.get("type") == "virtual":
        reading.skip("virtual connection")
        return None
    incoming = text_id(reading, element, "incomingRoad")
    target = text_id(reading, element, "linkedRoad" if kind == "direct" else "connectingRoad")
    contact = element.get("contactPoint")
    if contact not in ("start", "end"):
        raise reading.error(element, f"contactPoint={str(contact)[:20]!r} must be start or end")
    if incoming not in roads or target not in roads:
        reading.skip("junction connection of a road that does not exist")
        return None
    links = tuple((integer(reading, e, "from"), integer(reading, e, "to")) for e in children(element, "laneLink"))
    return Connection(incoming, target, contact == "end", links)


class Linker:
    """Follows links over the models of one map."""

    def __init__(self, reading: Reading, roads: dict[str, RoadModel], junctions: dict[str, JunctionModel]):
        self.reading, self.roads, self.junctions = reading, roads, junctions
        self.incoming: dict[tuple[str, str], list[Connection]] = {}
        for junction in junctions.values():
            for connection in junction.connections:
                self.incoming.setdefault((junction.id, connection.incoming), []).append(connection)

    def link(self, drafts: dict[LaneKey, LaneDraft]) -> None:
        """Fills successors, left, right and opposite of every draft."""
        for road in self.roads.values():
            self._check_road_links(road)
        for key, draft in drafts.items():
            road = self.roads[key[0]]
            lane = road.sections[key[1]].lanes[key[2]]
            draft.successors = self._successors((key[0], key[1], key[2], not lane.forward), drafts)
            self.reading.total(lane.element, "links between lanes", len(draft.successors), MAX_LINKS)
        link_neighbours(self.roads, drafts)

    def _check_road_links(self, road: RoadModel) -> None:
        for link in (road.predecessor, road.successor):
            known = self.junctions if link and link.junction else self.roads
            if link and link.target not in known:
                what = "junction" if link.junction else "road"
                self.reading.skip(f"link to a {what} that does not exist or is not read")

    def _successors(self, place: Place, drafts: dict[LaneKey, LaneDraft]) -> list[LaneKey]:
        """Drafts that follow a lane entered at `place`, through up to THROUGH lanes that have none."""
        found: dict[LaneKey, None] = {}
        seen, front = {place}, deque([(place, 0)])
        while front:
            place, depth = front.popleft()
            spend(f"links of road {place[0]}")
            kind = self.roads[place[0]].sections[place[1]].lanes[place[2]].kind
            for road, section, lane, at_end in dict.fromkeys(self._next(place)):
                model = self.roads[road].sections[section].lanes.get(lane)
                beyond = (road, section, lane, at_end)
                if model is None:
                    self.reading.skip("lane link to a lane that does not exist")
                elif model.forward == at_end:
                    if kind in MOTOR and model.kind in MOTOR:
                        self.reading.skip("lane link against the direction of travel")
                elif (road, section, lane) in drafts:
                    found[(road, section, lane)] = None
                elif depth < THROUGH and beyond not in seen:
                    seen.add(beyond)
                    front.append((beyond, depth + 1))
        return list(found)

    def _next(self, place: Place) -> list[Place]:
        """Places that links name after a lane that was entered at one end and is left at the other."""
        key, index, lane_id, entered_at_end = place
        road = self.roads[key]
        lane, leaves_at_end = road.sections[index].lanes[lane_id], not entered_at_end
        ids = lane.successors if leaves_at_end else lane.predecessors
        after = index + (1 if leaves_at_end else -1)
        if 0 <= after < len(road.sections):
            return [(key, after, i, not leaves_at_end) for i in ids]
        link = road.successor if leaves_at_end else road.predecessor
        if link is None:
            return []
        if link.junction:
            return self._through(road, lane_id, leaves_at_end, link)
        if link.target not in self.roads:
            return []
        section = len(self.roads[link.target].sections) - 1 if link.at_end else 0
        return [(link.target, section, i, link.at_end) for i in ids]

    def _through(self, road: RoadModel, lane_id: int, leaves_at_end: bool, link: RoadLink) -> list[Place]:
        """Lanes of a junction that begin at one end of a road's lane."""
        ends = (road.predecessor, road.successor)
        both_ends = all(end is not None and end.junction and end.target == link.target for end in ends)
        found: list[Place] = []
        for connection in self.incoming.get((link.target, road.id), []):
            target = self.roads[connection.connecting]
            back = target.successor if connection.at_end else target.predecessor
            if both_ends and back and back.target == road.id and back.at_end != leaves_at_end:
                continue  # the connection belongs to the road's other end
            spend(f"connections of junction {link.target}")
            section = len(target.sections) - 1 if connection.at_end else 0
            pairs = connection.lanes
            if not pairs:
                at_end, lanes = connection.at_end, target.sections[section].lanes.values()
                pairs = tuple((i, x.id) for x in lanes for i in (x.successors if at_end else x.predecessors))
            found += [(target.id, section, to, connection.at_end) for start, to in pairs if start == lane_id]
        return found


def link_neighbours(roads: dict[str, RoadModel], drafts: dict[LaneKey, LaneDraft]) -> None:
    """Fills left and right (same way, same traffic) and opposite (motor traffic the other way) of every draft."""
    for road in roads.values():
        for section in road.sections:
            keys = [k for i in sorted(section.lanes) if (k := (road.id, section.index, i)) in drafts]
            for right, left in zip(keys, keys[1:], strict=False):
                _pair(drafts[right], drafts[left], section.lanes[right[2]].forward, section.lanes[left[2]].forward)


def _pair(right: LaneDraft, left: LaneDraft, right_forward: bool, left_forward: bool) -> None:
    """Relates two lanes side by side; right and left are meant along s."""
    motor = right.kind in MOTOR and left.kind in MOTOR
    if not motor and not (right.kind == left.kind == LaneKind.BIKING):
        return
    if right_forward != left_forward:
        if motor:
            right.opposite, left.opposite = left.key, right.key
    elif right_forward:
        right.left, left.right = left.key, right.key
    else:
        right.right, left.left = left.key, right.key
