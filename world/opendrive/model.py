"""What is read of a road before anything is sampled: records as they stand in the file, numbers checked."""

from dataclasses import dataclass, field

from world.kinds import LaneKind
from world.opendrive.cubic import PiecewiseCubic
from world.opendrive.geometry import ReferenceLine
from world.opendrive.xml import Element


@dataclass(frozen=True)
class RoadLink:
    """Predecessor or successor of a road."""

    element: Element
    junction: bool  # True: `target` is a junction
    target: str
    at_end: bool  # contact point of a target road


@dataclass(frozen=True)
class Mark:
    """One roadMark record."""

    offset: float  # [m] from the section's start
    kind: int  # MarkKind, first line = nearer to the reference line (centre lane: left)
    color: int  # MarkColor
    change: int  # bit 0: to decreasing lane ids (right, along s) allowed, bit 1: to increasing ids (left)


@dataclass(frozen=True)
class SpeedRecord:
    """A speed limit from s on; `limit` is None where the file sets none."""

    start: float  # [m]
    limit: float | None  # [m/s]


@dataclass(eq=False)
class LaneModel:
    """One lane of one section."""

    element: Element
    id: int
    kind: LaneKind
    width: PiecewiseCubic | None  # over s from the section's start
    border: PiecewiseCubic | None  # t of the outer border, where there is no width
    marks: list[Mark]
    speeds: list[SpeedRecord]  # start is measured from the section's start
    predecessors: list[int]
    successors: list[int]
    forward: bool = True  # points run along s
    height: float = 0.0  # [m] mean of the inner and outer height of its first record
    level: bool = False


@dataclass
class SectionModel:
    """One lane section, `end` included."""

    element: Element
    index: int
    start: float  # [m]
    end: float  # [m]
    center_marks: list[Mark]
    lanes: dict[int, LaneModel] = field(default_factory=dict)  # without lane 0


@dataclass
class RoadModel:
    """One road."""

    element: Element
    id: str
    length: float  # [m]
    junction: str | None
    left_hand: bool
    reference: ReferenceLine
    elevation: PiecewiseCubic
    superelevation: PiecewiseCubic  # [rad] over s
    offset: PiecewiseCubic  # laneOffset
    sections: list[SectionModel]
    speeds: list[SpeedRecord]
    town: str  # type of the first type record, "" without one
    predecessor: RoadLink | None
    successor: RoadLink | None


@dataclass(frozen=True)
class Connection:
    """One connection of a junction."""

    incoming: str
    connecting: str
    at_end: bool  # contact point on the connecting (direct junction: linked) road
    lanes: tuple[tuple[int, int], ...]  # from, to


@dataclass
class JunctionModel:
    """One junction that is not virtual."""

    id: str
    kind: str  # "default", "direct", ...
    connections: list[Connection]
    priorities: list[tuple[str, str]]  # high road, low road
    controllers: list[tuple[int, str]]  # sequence, controller id
