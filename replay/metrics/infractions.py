"""Counts of what the judge reported, by name, and per kilometre.

Source of the per-kilometre figure: CARLA leaderboard, `statistics_manager.compute_global_statistics` (infractions over
the kilometres of route completed, not over those driven in circles).
"""

from collections.abc import Iterable, Mapping

from world.kinds import EventKind, Fault
from world.records import Event

NAMES: dict[int, str] = {int(kind): kind.name.lower() for kind in EventKind}
INFRACTIONS: tuple[str, ...] = tuple(NAMES[int(k)] for k in EventKind if k is not EventKind.COMPLETED)
COLLISIONS = (int(EventKind.COLLISION_PEDESTRIAN), int(EventKind.COLLISION_VEHICLE), int(EventKind.COLLISION_STATIC))
MIN_KM = 1e-3  # a route of less than a metre gives no rate


def count_infractions(events: Iterable[Event]) -> dict[str, int]:
    """Every name of INFRACTIONS -> how often the events hold it (zeros included)."""
    counts = dict.fromkeys(INFRACTIONS, 0)
    for event in events:
        if event.kind not in NAMES:
            raise ValueError(f"event kind {event.kind} at step {event.step} is unknown; allowed: {sorted(NAMES)}")
        if event.kind != EventKind.COMPLETED:
            counts[NAMES[event.kind]] += 1
    return counts


def at_fault_collisions(events: Iterable[Event]) -> int:
    """Collisions that the driver caused (nuPlan's notion, which the judge decides)."""
    return sum(1 for e in events if e.kind in COLLISIONS and e.fault == Fault.DRIVER)


def per_km(counts: Mapping[str, float], km: float) -> dict[str, float]:
    """Counts over kilometres of route done; empty below one metre, where no rate means anything."""
    return {} if km < MIN_KM else {name: n / km for name, n in counts.items()}


def outside_fraction(events: Iterable[Event]) -> float:
    """Share in [0, 1] of the driven way outside the route's lanes: the largest value of OUTSIDE_ROUTE_LANES events."""
    values = [e.value for e in events if e.kind == EventKind.OUTSIDE_ROUTE_LANES]
    return min(1.0, max(0.0, max(values, default=0.0)))


_ENDS = (
    (EventKind.COMPLETED, "completed"),
    (EventKind.ROUTE_DEVIATION, "route_deviation"),
    (EventKind.BLOCKED, "blocked"),
    (EventKind.TIMEOUT, "timeout"),
)


def outcome(events: Iterable[Event], done: bool) -> str:
    """How an episode ended: completed, route_deviation, blocked, timeout, collision (where that ends it), cut, running.

    Args:
        events: of the episode.
        done: the driver was terminated or truncated; without an event that says why it was "cut" from outside.
    """
    kinds = {e.kind for e in events}
    for kind, name in _ENDS:
        if int(kind) in kinds:
            return name
    if not done:
        return "running"
    return "collision" if kinds & set(COLLISIONS) else "cut"
