"""The compact description a town is written in: nodes, streets, zones, crosswalks, blocks of houses, trees.

Frame: OpenDRIVE's inertial frame (x east, y north), metres; speed limits are in km/h because signs are.
Streets run from junction to junction; corner nodes on the way round them off. `s` counts from a street's first
stop of road surface, i.e. from the edge of its first junction. Traffic keeps right.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class LaneProfile:
    """Cross-section, the same on both sides of the centre line, all widths in metres."""

    driving: float = 4.0
    shoulder: float = 0.3
    sidewalk: float = 4.0

    @property
    def kerb(self) -> float:
        """Distance [m] of the kerb from the centre line."""
        return self.driving + self.shoulder

    @property
    def back(self) -> float:
        """Distance [m] of the pavement's far edge from the centre line."""
        return self.kerb + self.sidewalk


@dataclass(frozen=True)
class Corner:
    """A bend of a street: one radius [m], or two for a compound curve, in the street's direction."""

    x: float
    y: float
    radii: tuple[float, ...]


@dataclass(frozen=True)
class Junction:
    """Where streets meet.

    Arms are named by the compass ("n", "e", "s", "w": where the arm leads). `turns` gives the radius [m] of the
    centre-line curve between two arms, e.g. {"es": 8.0}; (right, left) if right and left turns differ.
    """

    x: float
    y: float
    name: str
    turns: dict[str, float | tuple[float, float]]
    arm: float  # [m] from the node to the edge of the junction, on every arm
    crosswalks: str = ""  # arms with a crosswalk, e.g. "ns"
    control: dict[str, str] | None = None  # arm -> "stop" | "yield"; None: every arm has a light


@dataclass(frozen=True)
class Street:
    """A road from one junction to another along `nodes`."""

    nodes: tuple[str, ...]
    name: str
    limits: tuple[tuple[float, int], ...]  # (s [m] where it begins, km/h); signs stand at every change
    crosswalks: tuple[float, ...] = ()  # s [m] of mid-block crosswalks


@dataclass(frozen=True)
class Block:
    """A rectangle of building land; houses line the sides named in `sides` ("nesw"), facing outwards."""

    x0: float
    y0: float
    x1: float
    y1: float
    sides: str = "nesw"
    setback: float = 4.0  # [m] of front garden inside the rectangle
    depth: float = 12.0  # [m] of every house
    fronts: tuple[float, ...] = (18.0, 14.0, 22.0)  # [m] widths, in turn
    heights: tuple[float, ...] = (7.0, 10.0, 6.0)  # [m] in turn
    gap: float = 4.0  # [m] between houses
    trees: float = 0.0  # [m] spacing of trees in the front gardens; 0: none


@dataclass(frozen=True)
class Trees:
    """Trees from (x0, y0) to (x1, y1) every `spacing` [m], in `rows` rows that far apart to the left of the line."""

    x0: float
    y0: float
    x1: float
    y1: float
    spacing: float = 15.0
    rows: int = 1


@dataclass(frozen=True)
class Town:
    """One town; everything else of the file follows from it."""

    name: str
    title: str
    nodes: dict[str, Corner | Junction]
    streets: tuple[Street, ...]
    profile: LaneProfile = LaneProfile()
    blocks: tuple[Block, ...] = ()
    trees: tuple[Trees, ...] = field(default=())
