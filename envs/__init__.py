"""The faces of the simulator: the episode loop, and runs of whole scenarios."""
