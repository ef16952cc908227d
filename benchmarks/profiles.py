"""What can be measured: each profile with the content of its step, its contenders and the rate they are compared by."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.compare import QUICK, Contender, Follow, Timing, compare
from benchmarks.peers import start_peer, training_python
from benchmarks.recorded import recorded_for
from benchmarks.worker import Worker
from world.names import unknown_name


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    quick: bool = False
    peers: bool = True


@dataclass(frozen=True)
class Profile:
    """One thing that is measured.

    Attributes:
        name: on the command line and in the JSON.
        title: one line for tables.
        step: what a step holds.
        rate: of benchmarks.compare.RATES, the one that contenders are compared by.
        contenders: who is measured, in this order.
        recorded: the profiles whose recorded figures stand here.
        measure: makes the figures.
    """

    name: str
    title: str
    step: str
    rate: str
    contenders: tuple[Contender, ...]
    measure: Callable[["Profile", Options, Follow], dict[str, Any]]
    recorded: tuple[str, ...] = ()

    def run(self, options: Options, follow: Follow) -> dict[str, Any]:
        """All figures, as they stand in the JSON under `profiles.NAME`."""
        found = self.measure(self, options, follow)
        recorded = [r.entry() for r in recorded_for(self.recorded)]
        return {"what": self.step, "rate": self.rate, **found, "recorded": recorded}


def in_turns(profile: Profile, options: Options, follow: Follow) -> dict[str, Any]:
    """Contenders window by window; without peers where they are not wanted."""
    contenders = tuple(c for c in profile.contenders if c.ours or options.peers)
    return compare(contenders, profile.rate, QUICK if options.quick else Timing(), follow)


def _traffic(profile: Profile, options: Options, follow: Follow) -> dict[str, Any]:
    """Our engine and SUMO on the same streets, of two sizes; threads and resets."""
    from benchmarks import traffic

    config = replace(traffic.QUICK if options.quick else traffic.TrafficConfig(), peers=options.peers)
    return traffic.run_traffic(config, follow.say)


def _peer(key: str, title: str, environment: str, script: str, *more: str) -> Contender:
    return Contender(key, title, lambda core: start_peer(environment, title, script, core, *more))


def _ours(key: str, title: str, task: str, goal: float) -> Contender:
    """A task of benchmarks.env_worker."""
    command = (sys.executable, "-m", "benchmarks.env_worker")
    return Contender(key, title, lambda core: Worker(title, [*command, str(core), task]), ours=True, goal=goal)


def _our_learner(core: int) -> Worker:
    return Worker("Tarmac, SB3 PPO", [training_python(), "-m", "benchmarks.learn_worker", str(core)])


HIGHWAY_ENV = _peer("highway_env", "HighwayEnv highway-fast-v0", "highway_env", "highway.py")
METADRIVE = _peer("metadrive", "MetaDrive, 240 rays", "metadrive", "metadrive_drive.py")
CAR_RACING = _peer("car_racing", "CarRacing-v3, 96x96x3", "car_racing", "car_racing.py")
SB3_HIGHWAY = _peer("sb3_highway", "SB3 PPO, highway-fast-v0", "sb3", "sb3_ppo.py", "highway")
SB3_CARTPOLE = _peer("sb3_cartpole", "SB3 PPO, 8 CartPoles", "sb3", "sb3_ppo.py", "cartpole")

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "rich",
            "learning drivers only, observation of 1848 floats as PufferDrive's",
            "1022 controlled drivers in 73 worlds of town01, collision, off-road, resets, 1848 floats; "
            "ours_rollout: into 32 buffers in turn, a rollout in place",
            "agent_steps_per_s",
            (
                _ours("ours", "Tarmac", "rich", 1e6),
                _ours("ours_rollout", "Tarmac, rollout of 32 buffers", "rich_rollout", 0.6e6),
            ),
            in_turns,
            recorded=("rich",),
        ),
        Profile(
            "compact",
            "learning drivers among reactive traffic, default observation",
            "1022 controlled drivers in 73 worlds, 6 other vehicles each, lights, collision, off-road, resets",
            "agent_steps_per_s",
            (_ours("ours", "Tarmac", "compact", 2e6),),
            in_turns,
            recorded=("rich",),
        ),
        Profile(
            "highway",
            "one driver among 20 IDM/MOBIL vehicles, a decision a second, 5 sub-steps",
            "a decision of one driver in a world of 20 vehicles, with observation, collision, off-road and resets",
            "env_steps_per_s",
            (
                _ours("ours", "Tarmac, gymnasium.make", "highway", 5e3),
                _ours("ours_batch256", "Tarmac, batch of 256", "highway256", 100e3),
                HIGHWAY_ENV,
            ),
            in_turns,
            recorded=("highway",),
        ),
        Profile(
            "lidar",
            "one driver among 20 vehicles on a random town, 240 rays",
            "a decision of one driver in each of 64 worlds of 20 vehicles (MetaDrive: 1 world), 240 rays, resets",
            "env_steps_per_s",
            (_ours("ours", "Tarmac, batch of 64", "lidar", 50e3), METADRIVE),
            in_turns,
            recorded=("lidar",),
        ),
        Profile(
            "learning",
            "SB3's PPO end to end on the task of the profile highway",
            "a sample: a decision of one driver on the highway, and its share of all epochs of learning",
            "samples_per_s",
            (
                Contender("ours", "Tarmac, SB3 PPO, batch of 256", _our_learner, ours=True, goal=30e3),
                SB3_HIGHWAY,
                SB3_CARTPOLE,
            ),
            in_turns,
            recorded=("learning",),
        ),
        Profile(
            "traffic",
            "reactive vehicles on a signalised grid at 0.1 s, no observation",
            "500 and 5000 vehicles, every junction rule on; no controlled agent, no observation",
            "vehicle_updates_per_s",
            (Contender("ours", "Tarmac", ours=True, goal=10e6), Contender("sumo", "SUMO")),
            _traffic,
            recorded=("traffic",),
        ),
        Profile(
            "peers",
            "simulators that none of ours stands beside, each on its own task",
            "one step of each peer's own environment",
            "env_steps_per_s",
            (CAR_RACING,),
            in_turns,
            recorded=("camera",),
        ),
    )
}


def chosen(names: Sequence[str]) -> list[Profile]:
    """Profiles by name, all of them where none is named, each once.

    Raises:
        ValueError: a name that does not exist.
    """
    for name in names:
        if name not in PROFILES:
            raise ValueError(unknown_name("profile", name, [*PROFILES, "diagram", "observations", "cores", "cuda"]))
    return [PROFILES[name] for name in dict.fromkeys(names or PROFILES)]
