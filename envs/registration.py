"""The environments by name, for gymnasium.make and gymnasium.make_vec. Imports no engine: registering costs nothing."""

import gymnasium

ENTRY = "envs.drive:DriveEnv"
VECTOR_ENTRY = "envs.vector:DriveVectorEnv"
# id -> options of the environment's constructor
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "Tarmac/Town01-v0": {"scenario": "town01"},
    "Tarmac/Town02-v0": {"scenario": "town02"},
    "Tarmac/Highway-v0": {"preset": "highway"},
    "Tarmac/Roundabout-v0": {"scenario": "roundabout"},
    "Tarmac/Intersection-v0": {"scenario": "intersection"},
    "Tarmac/Procedural-v0": {"scenario": "procedural"},
    "Tarmac/Drive-v0": {},  # gymnasium.make("Tarmac/Drive-v0", scenario="my_town.xodr")
}


def register_all() -> None:
    """Make all environments known to Gymnasium; a second call does nothing.

    Episodes end by their own time limit, which is part of the environment, so there is no TimeLimit wrapper around it.
    """
    for name, options in ENVIRONMENTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                name, entry_point=ENTRY, vector_entry_point=VECTOR_ENTRY, kwargs=dict(options), order_enforce=False
            )
