"""EpisodeScorer: the figures of every driver's episode, gathered online, without a record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from replay.metrics.comfort import SAMPLE_DT, Comfort, comfort
from replay.metrics.ground import GroundMeter
from replay.metrics.infractions import at_fault_collisions, count_infractions, outcome, outside_fraction, per_km
from replay.metrics.leaderboard import driving_score_20, driving_score_21
from replay.metrics.min_speed import MinSpeedMeter
from replay.metrics.nuplan import (
    NuplanScore,
    at_fault_term,
    direction_term,
    making_progress_term,
    most_against,
    nuplan_score,
    progress_term,
    speed_limit_term,
)
from replay.metrics.trace import Trace
from replay.metrics.ttc import TTC_HORIZON, TtcMeter
from world.kinds import BodyKind
from world.records import Bodies, Event, StepResult, WorldState
from world.roadmap import MapSet

FIRST_WALKER = int(BodyKind.PEDESTRIAN)


@dataclass(frozen=True)
class EpisodeScore:
    """The figures of one driver's episode."""

    route_length_m: float
    route_completion: float  # in [0, 1]
    ds_lb20: float  # 0-100 CARLA leaderboard 2.0 driving score
    ds_lb21: float  # 0-100 CARLA leaderboard 2.1 driving score
    infractions: dict[str, int]  # name -> count, every name present
    infractions_per_km: dict[str, float]  # per km of route done; empty below a metre
    outcome: str  # completed, route_deviation, blocked, timeout, collision, cut, running
    sim_time_s: float
    driven_m: float
    mean_speed: float  # [m/s]
    at_fault_collisions: int
    outside_fraction: float  # share of the driven way outside the route's lanes
    min_speed: tuple[float, ...]  # driver's over traffic's mean speed, a checkpoint each; empty without traffic
    ttc_fraction: float  # share of samples with a time to collision of at least 0.95 s
    ttc_min_s: float | None  # smallest; None: never below the horizon of 3 s
    comfort_fraction: float  # share of samples within all of nuPlan's comfort bounds
    comfort: Comfort
    nuplan: NuplanScore | None  # nuPlan's closed-loop score and its terms; None where the scorer has no map

    def to_dict(self) -> dict:
        """Plain types, for JSON."""
        return asdict(self)


class EpisodeScorer:
    """Watches (B, K) drivers tick by tick.

    Call `reset` when episodes begin, `tick` after every control step, `score` when one has ended (or at any time). A
    driver is watched until its StepResult says terminated or truncated, and then again after the next reset.
    """

    def __init__(self, worlds: int, drivers: int, dt: float, maps: MapSet | None = None):
        """Args: dt: [s] between ticks (engine step times control_every); maps: for nuPlan's score, None: without."""
        if not dt > 0:
            raise ValueError(f"dt is {dt} s; allowed: > 0")
        self.shape, self.dt = (worlds, drivers), dt
        self._every = max(1, round(SAMPLE_DT / dt))  # ticks a sample
        self.route_length = np.zeros(self.shape, np.float32)
        self.progress = np.zeros(self.shape, np.float32)
        self.driven = np.zeros(self.shape)
        self.ticks = np.zeros(self.shape, np.int64)
        self.active = np.zeros(self.shape, np.bool_)
        self.done = np.zeros(self.shape, np.bool_)
        self.events: list[list[list[Event]]] = [[[] for _ in range(drivers)] for _ in range(worlds)]
        self.min_speed = MinSpeedMeter(worlds, drivers)
        self.ttc = TtcMeter(worlds, drivers)
        self.trace = Trace(worlds, drivers)
        self.ground = None if maps is None else GroundMeter(worlds, drivers, maps)

    def reset(self, route_length: NDArray[np.float32], mask: NDArray[np.bool_] | None = None) -> None:
        """Begin episodes. Args: route_length: (B, K) [m]; mask: (B, K) drivers that begin, None means all."""
        mask = np.ones(self.shape, np.bool_) if mask is None else mask
        self.route_length[mask] = np.asarray(route_length, np.float32)[mask]
        for array in (self.progress, self.driven, self.ticks, self.done):
            array[mask] = 0
        self.active[mask] = True
        for b, k in zip(*np.nonzero(mask), strict=True):
            self.events[b][k] = []
        self.min_speed.reset(mask)
        self.ttc.reset(mask)
        self.trace.reset(mask)
        if self.ground is not None:
            self.ground.reset(mask)

    def tick(
        self, state: WorldState, bodies: Bodies, result: StepResult, wide: NDArray[np.bool_] | None = None
    ) -> None:
        """Take in the state after a control step and what the step led to.

        Args:
            state: after the step, (B, N).
            bodies: (B, N).
            result: events, progress and ends, (B, K).
            wide: (B, K) drivers in a junction or between lanes (their TTC also looks to the sides).
        """
        k = self.shape[1]
        speed = np.asarray(state.speed[:, :k], np.float32)
        self.progress = np.where(self.active, result.progress, self.progress)
        self.ticks += self.active
        self.driven += np.where(self.active, np.abs(speed) * self.dt, 0.0)
        for event in result.events:
            if self.active[event.world, event.driver]:
                self.events[event.world][event.driver].append(event)
        traffic = np.asarray(state.valid[:, k:], np.bool_) & np.asarray(bodies.kind[:, k:] < FIRST_WALKER)
        count = traffic.sum(axis=1)
        mean = np.where(traffic, np.abs(state.speed[:, k:]), 0.0).sum(axis=1) / np.maximum(count, 1)
        self.min_speed.tick(self.progress, self.route_length, speed, mean, count, self.active)
        sampled = self.active & (self.ticks % self._every == 0)
        self.ttc.tick(state, bodies, sampled, wide)
        if self.ground is not None:
            self.ground.tick(state, bodies, sampled)
        self.trace.tick(state.vx[:, :k], state.vy[:, :k], state.yaw[:, :k], self.active)
        ended = self.active & np.logical_or(result.terminated, result.truncated)
        self.done |= ended
        self.active &= ~ended

    def score(self, b: int, k: int) -> EpisodeScore:
        """Figures of driver k of world b up to now."""
        events = self.events[b][k]
        counts = count_infractions(events)
        end = outcome(events, bool(self.done[b, k]))
        length = float(self.route_length[b, k])
        completion = 1.0 if end == "completed" else min(1.0, max(0.0, float(self.progress[b, k]) / max(length, 1e-6)))
        outside, ratios = outside_fraction(events), self.min_speed.result(b, k)
        time = float(self.ticks[b, k] * self.dt)
        smooth = comfort(*self.trace.sampled(b, k, self.dt, SAMPLE_DT), SAMPLE_DT)
        smallest = float(self.ttc.smallest[b, k])
        return EpisodeScore(
            route_length_m=length,
            route_completion=completion,
            ds_lb20=driving_score_20(completion, counts, outside, ratios),
            ds_lb21=driving_score_21(completion, counts, outside, ratios),
            infractions=counts,
            infractions_per_km=per_km(counts, completion * length / 1000.0),
            outcome=end,
            sim_time_s=time,
            driven_m=float(self.driven[b, k]),
            mean_speed=float(self.driven[b, k]) / time if time > 0 else 0.0,
            at_fault_collisions=at_fault_collisions(events),
            outside_fraction=outside,
            min_speed=ratios,
            ttc_fraction=self.ttc.fraction(b, k),
            ttc_min_s=smallest if smallest <= TTC_HORIZON else None,
            comfort_fraction=smooth.fraction,
            comfort=smooth,
            nuplan=self._nuplan(b, k, completion * length, smooth),
        )

    def _nuplan(self, b: int, k: int, progress: float, smooth: Comfort) -> NuplanScore | None:
        """nuPlan's score of driver k of world b, who has done `progress` m of its route."""
        if self.ground is None:
            return None
        row, events = self.ground.rows[b, k], self.events[b][k]
        share = progress_term(progress, float(self.route_length[b, k]))
        against = most_against(self.ground.advance(b, k), self._every * self.dt)
        caused = at_fault_collisions(events) > 0
        return nuplan_score(
            {
                "at_fault": at_fault_term(events),
                "drivable": float(not row["off"]),
                "making_progress": making_progress_term(share),
                "direction": direction_term(against),
                "progress": share,
                "ttc": float(self.ttc.failed[b, k] == 0 and not caused),
                "speed_limit": speed_limit_term(float(row["overspeed"]), int(row["samples"])),
                "comfort": float(smooth.comfortable),
            }
        )


_MEANS = (
    "route_length_m route_completion ds_lb20 ds_lb21 sim_time_s driven_m mean_speed at_fault_collisions "
    "outside_fraction ttc_fraction comfort_fraction"
).split()


def mean_scores(scores: Sequence[EpisodeScore]) -> dict:
    """Mean of every figure over episodes (all of them, as the leaderboard does), for JSON.

    `nuplan` holds the means of nuPlan's score and terms, None where no episode has them.
    Infractions are mean counts an episode; per km they are total counts over total kilometres of route done;
    `outcomes` counts the episodes by outcome.
    """
    if not scores:
        raise ValueError("mean of no episodes; allowed: at least one")
    n = len(scores)
    totals: Counter[str] = Counter()
    for score in scores:
        totals.update(score.infractions)
    names = scores[0].infractions.keys()
    km = sum(s.route_completion * s.route_length_m for s in scores) / 1000.0
    out: dict = {name: sum(float(getattr(s, name)) for s in scores) / n for name in _MEANS}
    out["infractions"] = {name: totals[name] / n for name in names}
    out["infractions_per_km"] = per_km({name: totals[name] for name in names}, km)
    rated = [s.nuplan.to_dict() for s in scores if s.nuplan is not None]
    out["nuplan"] = {name: sum(r[name] for r in rated) / len(rated) for name in rated[0]} if rated else None
    out["outcomes"] = dict(Counter(s.outcome for s in scores))
    out["episodes"] = n
    return out
