"""Random towns: streets, bends, T and X junctions, roundabouts, slip roads, one and two lanes each way.

`town(seed)` is a function of the seed alone. Layouts that turn out to overlap themselves are thrown away and drawn
again; the count of attempts is part of the function.
"""

import math
from dataclasses import dataclass, field

from scenarios.mapgen.geometry import Path, polyline_path, wrap
from scenarios.procedural.connect import join
from scenarios.procedural.furniture import Furniture, driving_lanes
from scenarios.procedural.houses import build_up
from scenarios.procedural.layout import Chain, Dice, Key, Layout, draw_layout
from scenarios.procedural.network import End, Network, Road, Way
from scenarios.procedural.overlap import overlaps, too_tight
from scenarios.procedural.pieces import (
    FACING,
    LANE,
    VERGE,
    crossing_ways,
    facing_phases,
    part,
    roundabout,
    street,
    transition_ways,
)

Arm = tuple[int, int]  # chain, end (0 start, 1 end)
ATTEMPTS = 200
KERB_RADIUS = 7.0  # [m] of corners
LEAST_ARM = 12.0  # [m]
BEND_RADII = (22.0, 60.0)  # [m]
LEAST_BEND = 14.0  # [m]
ISLAND = (16.0, 20.0)  # [m] radius of a roundabout's island
RING_ARM = 19.0  # [m] from the island to where the arms begin
RING_HALF_ANGLE = math.radians(25.0)
RING_GAP = math.radians(68.0)  # [rad] between two arms of a roundabout at least
OPENING = 50.0  # [m] over which a second lane begins or ends
SLIP_NEAR, SLIP_NOSE = 28.0, 35.0  # [m] from an arm to a slip road's nose, length of the nose
SLIP_SPREAD = math.radians(9.0)
WIDE, ROUND, SLIPS, CHANGES = 0.35, 0.3, 0.5, 0.35  # shares


@dataclass
class Site:
    """A town under construction. An arm is (chain, end) of the layout."""

    dice: Dice
    layout: Layout
    network: Network
    furniture: Furniture = field(default_factory=Furniture)
    round: dict[Key, float] = field(default_factory=dict)  # nodes that are roundabouts: radius [m] of the island
    lanes: list[list[int]] = field(default_factory=list)  # of each chain, each way, at both ends
    limits: list[int] = field(default_factory=list)  # [km/h] of each chain
    slips: dict[Arm, str] = field(default_factory=dict)  # arm -> "out": a slip road leaves before it, "in": comes in
    slip_roads: list[tuple[Arm, Arm]] = field(default_factory=list)
    ends: dict[Arm, End] = field(default_factory=dict)
    noses: dict[Arm, tuple[End, End]] = field(default_factory=dict)  # far, near end of the junction at a slip road


def town(seed: int) -> tuple[Network, Furniture]:
    """Roads and furniture of the town of a seed.

    Raises:
        ValueError: the seed is negative, or no layout of it works (which has not been seen).
    """
    if seed < 0:
        raise ValueError(f"procedural town: got seed {seed}, allowed are 0 and above")
    for attempt in range(ATTEMPTS):
        dice = Dice(seed, attempt)
        layout = draw_layout(dice)
        site = None if layout is None else _build(seed, dice, layout)
        if site is not None:
            build_up(dice, site.network, site.furniture)
            return site.network, site.furniture
    raise ValueError(f"procedural town: none of {ATTEMPTS} layouts of seed {seed} works")


def _build(seed: int, dice: Dice, layout: Layout) -> Site | None:
    """The town of a layout, without houses; None where it overlaps itself."""
    site = Site(dice, layout, Network(f"procedural-{seed}", f"Procedural {seed}"))
    _choose(site)
    arms = {key: _arm_lengths(site, key) for key in layout.arms}
    for c, chain in enumerate(layout.chains):
        path = _path(site, chain, [arms[chain.ends[e]][layout.arms[chain.ends[e]].index((c, e))] for e in (0, 1)])
        if path is None or not _lay(site, c, path):
            return None
    for before, after in site.slip_roads:
        _slip(site, before, after)
    for key in layout.arms:
        _junction(site, key)
    return None if too_tight(site.network) or overlaps(site.network) else site


# --- Choices -----------------------------------------------------------------------------------------------------


def _choose(site: Site) -> None:
    """Roundabouts, lanes, limits and slip roads."""
    dice, layout = site.dice, site.layout
    for key in layout.arms:
        if min(layout.gaps(key)) > RING_GAP and dice.chance(ROUND):
            site.round[key] = dice.between(*ISLAND)
    for chain in layout.chains:
        wide = dice.chance(WIDE)
        own = [2 if wide and chain.ends[e] not in site.round else 1 for e in (0, 1)]
        if wide and dice.chance(CHANGES):
            own[dice.pick((0, 1))] = 1
        if len(set(own)) == 2 and _straight(chain) < 110.0 + OPENING:
            own = [1, 1]
        site.lanes.append(own)
        site.limits.append(dice.pick((50, 50, 60)) if wide else dice.pick((30, 40, 50, 50)))
    for key in layout.arms:
        gaps = layout.gaps(key)
        for k, arm in enumerate(layout.arms[key]):
            after = layout.arms[key][(k + 1) % len(gaps)]
            fits = math.radians(75.0) < gaps[k] < math.radians(110.0) and key not in site.round
            if fits and not site.slip_roads and all(_slip_fits(site, a) for a in (arm, after)) and dice.chance(SLIPS):
                site.slip_roads.append((arm, after))
                site.slips[arm], site.slips[after] = "out", "in"


def _straight(chain: Chain) -> float:
    return sum(math.dist(a, b) for a, b in zip(chain.points, chain.points[1:], strict=False))


def _slip_fits(site: Site, arm: Arm) -> bool:
    chain = site.layout.chains[arm[0]]
    return len(set(site.lanes[arm[0]])) == 1 and chain.leg(arm[1]) > 130.0 and _straight(chain) > 150.0


# --- Streets -----------------------------------------------------------------------------------------------------


def _arm_lengths(site: Site, key: Key) -> list[float]:
    """[m] from a node to where each of its arms begins: enough for the kerbs of its corners."""
    arms, gaps = site.layout.arms[key], site.layout.gaps(key)
    if key in site.round:
        return [site.round[key] + RING_ARM] * len(arms)
    half = [site.lanes[c][e] * LANE + VERGE for c, e in arms]
    out = [LEAST_ARM] * len(arms)
    for k, gap in enumerate(gaps):
        after = (k + 1) % len(arms)
        if gap > math.radians(150.0):
            continue
        round_ = KERB_RADIUS / math.tan(gap / 2.0)
        for own, other in ((k, after), (after, k)):
            meet = (half[other] + half[own] * math.cos(gap)) / math.sin(gap)
            out[own] = max(out[own], meet + round_ + 0.5)
    return out


def _path(site: Site, chain: Chain, arms: list[float]) -> Path | None:
    """The street's reference line between its junctions; None where a bend would be too tight."""
    points = list(chain.points)
    for end, near in ((0, 1), (-1, -2)):
        leg = math.dist(points[end], points[near])
        if leg < arms[end] + 10.0:
            return None
        f = arms[end] / leg
        points[end] = tuple(a + f * (b - a) for a, b in zip(points[end], points[near], strict=True))  # type: ignore[misc]
    radii = []
    for k in range(1, len(points) - 1):
        before, after = math.dist(points[k - 1], points[k]), math.dist(points[k], points[k + 1])
        room = min(before if k == 1 else before / 2.0, after if k == len(points) - 2 else after / 2.0) - 5.0
        h0 = math.atan2(points[k][1] - points[k - 1][1], points[k][0] - points[k - 1][0])
        h1 = math.atan2(points[k + 1][1] - points[k][1], points[k + 1][0] - points[k][0])
        turn = abs(wrap(h1 - h0))
        if turn < 1e-3:
            return None
        wanted = site.dice.between(*BEND_RADII) * (1.0 if turn > 0.6 else 3.0)
        radius = min(wanted, room / math.tan(turn / 2.0))
        if radius < LEAST_BEND + LANE * max(map(max, site.lanes)):
            return None
        radii.append((radius,))
    return polyline_path(points, radii)


def _lay(site: Site, c: int, path: Path) -> bool:
    """The roads of a chain from end to end: pieces, and junctions where lanes begin or slip roads part."""
    n0, n1 = site.lanes[c]
    name, limit = f"Street {c + 1}", site.limits[c]
    cuts: list[tuple[float, float, Arm | None]] = []  # junctions along the street; the slip road's arm
    if (c, 0) in site.slips:
        cuts.append((SLIP_NEAR, SLIP_NEAR + SLIP_NOSE, (c, 0)))
    if n0 != n1:
        middle = path.length / 2.0
        cuts.append((middle - OPENING / 2.0, middle + OPENING / 2.0, None))
    if (c, 1) in site.slips:
        cuts.append((path.length - SLIP_NEAR - SLIP_NOSE, path.length - SLIP_NEAR, (c, 1)))
    bounds = [0.0, *(s for cut in cuts for s in cut[:2]), path.length]
    if any(b - a < 15.0 for a, b in zip(bounds[::2], bounds[1::2], strict=True)):
        return False
    roads, lanes = [], n0
    for k, (s0, s1) in enumerate(zip(bounds[::2], bounds[1::2], strict=True)):
        if k and cuts[k - 1][2] is None:
            lanes = n1
        first, last = k == 0, k == len(cuts)
        walks = _pavements(site, c, first and (c, 0) in site.slips, last and (c, 1) in site.slips)
        road = street(
            site.network, part(path, s0, s1), (lanes, lanes), limit=limit, name=name, pavements=walks,
            open_ends=(not first, not last),
        )  # fmt: skip
        roads.append(road)
        _dress(site, road, limit)
    for (_, _, arm), a, b in zip(cuts, roads, roads[1:], strict=False):
        ends = End(a, False), End(b, True)
        if arm is None:
            site.network.junction(f"{name}, lanes", ends, transition_ways(*ends))
        else:
            site.noses[arm] = ends if arm[1] == 1 else (ends[1], ends[0])
    site.ends[(c, 0)], site.ends[(c, 1)] = End(roads[0], True), End(roads[-1], False)
    return True


def _pavements(site: Site, c: int, at_start: bool, at_end: bool) -> tuple[bool, bool]:
    """Pavement right and left of a piece of street: none on a slip road's side between it and its junction."""
    right = left = True
    if at_start:  # seen from the junction: traffic towards it runs on the left of the reference line
        left, right = site.slips[(c, 0)] != "out", site.slips[(c, 0)] != "in"
    if at_end:
        right, left = right and site.slips[(c, 1)] != "out", left and site.slips[(c, 1)] != "in"
    return right, left


def _dress(site: Site, road: Road, limit: int) -> None:
    """Limit signs, and sometimes a crosswalk in the middle."""
    length = road.path.length
    if length > 40.0:
        for sign, s in ((-1, 14.0), (1, length - 14.0)):
            site.furniture.add_limit(road, s, sign, limit)
    if length > 110.0 and site.dice.chance(0.4):
        site.furniture.add_crosswalk(road, length * site.dice.between(0.42, 0.58))


def _slip(site: Site, before: Arm, after: Arm) -> None:
    """A slip road for right turns past a junction: out of the street before it, into the one after it."""
    network = site.network
    far_a, near_a = site.noses[before]
    far_b, near_b = site.noses[after]
    n, m = driving_lanes(far_a, True), driving_lanes(far_b, False)
    x0, y0, h0 = _beside(near_a, False, n)
    x1, y1, h1 = _beside(near_b, True, m)
    path = join((x0, y0, wrap(h0 - SLIP_SPREAD)), (x1, y1, wrap(h1 + SLIP_SPREAD)))
    road = street(
        network, path, (1, 0), limit=min(site.limits[before[0]], site.limits[after[0]]), name="Slip Road",
        pavements=(True, False),
    )  # fmt: skip
    ramp = End(road, True)
    leaving = [Way(far_a, near_a, 1, 1, n), Way(near_a, far_a, 1, 1, n, kerb=True), Way(far_a, ramp, n, 1, kerb=True)]
    network.junction("Slip Road, exit", [far_a, near_a, ramp], leaving)
    ramp = End(road, False)
    coming = [Way(near_b, far_b, 1, 1, m), Way(far_b, near_b, 1, 1, m, kerb=True)]
    coming.append(Way(ramp, far_b, 1, m, kerb=True, low=True))
    network.junction("Slip Road, entry", [near_b, far_b, ramp], coming)


def _beside(near: End, inward: bool, lanes: int) -> tuple[float, float, float]:
    """Where a slip road's left border lies at its nose: beside the lanes that lead out of (or into) a piece's end."""
    x, y, h = near.pose(1, inward)
    aside = lanes * LANE + 2.0 * VERGE + 1.0
    return x + aside * math.sin(h), y - aside * math.cos(h), h


# --- Junctions ---------------------------------------------------------------------------------------------------


def _junction(site: Site, key: Key) -> None:
    network, furniture, dice = site.network, site.furniture, site.dice
    ends = [site.ends[arm] for arm in site.layout.arms[key]]
    number = f"{key[0]},{key[1]}"
    if key in site.round:
        place = site.layout.places[key]
        roundabout(network, furniture, f"Roundabout {number}", place, site.round[key], ends, RING_HALF_ANGLE)
        return
    junction = network.junction(f"Junction {number}", ends, crossing_ways(ends))
    slip = any(arm in site.slips for arm in site.layout.arms[key])
    walks = [] if slip else [end for end in ends if dice.chance(0.7)]
    wide = any(driving_lanes(end, True) > 1 for end in ends)
    if slip or dice.chance(0.7 if wide or len(ends) == 4 else 0.35):
        furniture.signal(junction, facing_phases(ends), walks)
        return
    kind = dice.pick(("stop", "yield"))
    if not wide and len(ends) == 4 and dice.chance(0.25):
        signed, kind = list(ends), "stop"  # all-way stop
    elif not wide and len(ends) == 3 and dice.chance(0.15):
        signed = []  # priority to the right
    else:
        signed = _minor(ends)
    for end in ends:
        if end in signed:
            furniture.control(junction, end, kind, end in walks)
        elif end in walks:
            furniture.add_crosswalk(end.road, end.s_before(3.0))


def _minor(ends: list[End]) -> list[End]:
    """Ends that give way: all but the two that face each other best, the wider ones first."""
    pairs = []
    for i, a in enumerate(ends):
        for b in ends[i + 1 :]:
            bend = abs(wrap(a.heading - b.heading + math.pi))
            lanes = driving_lanes(a, True) + driving_lanes(b, True)
            pairs.append((bend > FACING, -lanes, bend, ends.index(a), ends.index(b)))
    major = min(pairs)[3:]
    return [end for k, end in enumerate(ends) if k not in major]
