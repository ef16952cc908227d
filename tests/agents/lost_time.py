"""Where the expert loses time: seconds behind a car that always drives at the limit, by what bound its speed.

    python -m tests.agents.lost_time town01 --seeds 0 20 [--brake 3.0 ...]

Prints each episode's scores, its slow quarters with their reasons, and the means. Thresholds of
`planning.config.PlannerConfig` can be given by name, so that one can try them.
"""

import argparse
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from agents.expert import ExpertAgent
from envs.backends import make_backend
from planning.config import PlannerConfig
from planning.speed import REASONS
from replay.metrics import EpisodeScore, EpisodeScorer, in_junction
from scenarios.registry import adapt, find_scenario, for_seed
from world.protocols import Backend

_STANDS = 0.3  # [m/s]


@dataclass
class Quarter:
    """A quarter of a route."""

    time: float = 0.0  # [s]
    lost: Counter[str] = field(default_factory=Counter)  # reason -> [s]
    stood: Counter[str] = field(default_factory=Counter)  # reason -> [s]


def drive(backend: Backend, agent: ExpertAgent, seed: int) -> tuple[EpisodeScore, list[Quarter]]:
    """One episode's score and quarters."""
    backend.reset([seed])
    agent.reset(backend.task, privilege=backend.privilege)
    dt, routes = backend.task.dt * backend.task.control_every, backend.privilege.routes
    scorer = EpisodeScorer(1, 1, dt, backend.privilege.maps)
    scorer.reset(routes.length[:1, :1])
    quarters = [Quarter() for _ in range(4)]
    while True:
        scene = backend.scene()
        limit = max(float(scene.speed_limit[0, 0]), 1.0)
        decision = agent.act(scene)
        result = backend.step(decision.control)
        scorer.tick(backend.state, backend.bodies, result, wide=in_junction(routes, result.progress))
        reason = next((r for r in REASONS[1:] if decision.plan.terms[r][0, 0]), "none")
        speed = abs(float(backend.state.speed[0, 0]))
        quarter = quarters[min(int(4 * result.progress[0, 0] / routes.length[0, 0]), 3)]
        quarter.time += dt
        quarter.lost[reason] += dt * (1 - speed / limit)
        quarter.stood[reason] += dt * (speed < _STANDS)
        if result.terminated[0, 0] or result.truncated[0, 0]:
            return scorer.score(0, 0), quarters


def told(seconds: Counter[str], per: int = 1) -> str:
    """Reasons with the seconds they cost, from half a second on, most first."""
    return ", ".join(f"{r} {s / per:.1f}" for r, s in seconds.most_common() if s / per >= 0.5) or "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("scenario")
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, 5), metavar=("FIRST", "AFTER"))
    parser.add_argument("--vehicles", type=int)
    parser.add_argument("--pedestrians", type=int)
    for name in PlannerConfig._fields:
        parser.add_argument(f"--{name}", type=float, default=PlannerConfig._field_defaults[name])
    args = parser.parse_args()
    config = PlannerConfig(**{name: getattr(args, name) for name in PlannerConfig._fields})
    scenario = adapt(find_scenario(args.scenario), args.vehicles, args.pedestrians, None)
    agent = ExpertAgent(config)
    lost, stood, scores = Counter[str](), Counter[str](), []
    for seed in range(*args.seeds):
        backend = make_backend("light", for_seed(scenario, seed))
        score, quarters = drive(backend, agent, seed)
        backend.close()
        scores.append(score)
        faults = {name: n for name, n in score.infractions.items() if n}
        print(f"seed {seed}: {score.outcome}, ds_lb20 {score.ds_lb20:.1f}, {score.sim_time_s:.0f} s {faults or ''}")
        for i, quarter in enumerate(quarters):
            lost += quarter.lost
            stood += quarter.stood
            if i < len(score.min_speed) and score.min_speed[i] < 0.9:
                print(f"    quarter {i + 1} at {100 * score.min_speed[i]:.0f} % of the traffic, {quarter.time:.0f} s")
                print(f"        lost {told(quarter.lost)}; stood {told(quarter.stood)}")
    mean = {name: np.mean([getattr(s, name) for s in scores]) for name in ("ds_lb20", "ds_lb21", "comfort_fraction")}
    print("mean", {name: round(float(v), 3) for name, v in mean.items()}, f"{len(scores)} episodes")
    print(f"[s] lost an episode: {told(lost, len(scores))}; stood: {told(stood, len(scores))}")


if __name__ == "__main__":
    main()
