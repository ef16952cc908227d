"""Compile every kernel once, by one process, and say so. (placeholder)"""


def warm_up() -> None:
    """Compile."""
