"""The drivers by name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from world.names import unknown_name

if TYPE_CHECKING:
    from world.protocols import Agent


def _expert() -> "Agent":
    from agents.expert import ExpertAgent

    return ExpertAgent()


def _pipeline() -> "Agent":
    from agents.pipeline import PipelineAgent

    return PipelineAgent()


AGENTS: dict[str, Callable[[], "Agent"]] = {"expert": _expert, "pipeline": _pipeline}


def make_agent(name: str) -> "Agent":
    """A new agent.

    Raises:
        ValueError: unknown name, with the nearest match.
    """
    if name not in AGENTS:
        raise ValueError(unknown_name("agent", name, AGENTS))
    return AGENTS[name]()
