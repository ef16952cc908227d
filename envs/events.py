"""Which of the judge's events end an episode, by name, and events as bits of a mask."""

from collections.abc import Iterable

import numpy as np

from world.kinds import EventKind
from world.names import unknown_name
from world.scenario import JudgeConfig

COLLISION = ("collision_pedestrian", "collision_vehicle", "collision_static")
ENDS: dict[str, tuple[EventKind, ...]] = {
    "collision": tuple(EventKind[name.upper()] for name in COLLISION),
    **{kind.name.lower(): (kind,) for kind in EventKind if kind not in (EventKind.TIMEOUT, EventKind.COMPLETED)},
}
# What ends an episode unless the config says otherwise
DEFAULT_ENDS = ("collision", "red_light", "off_road", "route_deviation", "blocked")
NAMES = tuple(kind.name.lower() for kind in EventKind)


def ends_mask(names: Iterable[str]) -> int:
    """Bits of the events that end an episode; an arrival always does.

    Raises:
        ValueError: an unknown name, with the nearest match.
    """
    mask = 1 << int(EventKind.COMPLETED)
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ValueError(f"ends: got {names!r}, expected a tuple of names, such as ('collision', 'off_road')")
    for name in names:
        if name == "completed":
            raise ValueError("ends: 'completed' cannot be named: an arrival always ends an episode")
        if name not in ENDS:
            raise ValueError(unknown_name("event that ends an episode", str(name), ENDS))
        mask |= sum(1 << int(kind) for kind in ENDS[name])
    return mask


def judge_config(names: Iterable[str]) -> JudgeConfig:
    """A judge that ends a run only for what is named (and for arrival and time)."""
    told = set(names)
    far = float(np.float32(1e9))
    standard = JudgeConfig()
    return JudgeConfig(
        deviation_limit=standard.deviation_limit if "route_deviation" in told else far,
        blocked_time=standard.blocked_time if "blocked" in told else far,
    )


def event_names(mask: int) -> tuple[str, ...]:
    """Names of the events whose bits are set."""
    return tuple(name for kind, name in enumerate(NAMES) if mask >> kind & 1)
