"""What an agent answers, checked before the simulator and the record see it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.config import RunError
from world.protocols import Agent, Privilege
from world.records import Control, Decision, Plan, Task

LARGEST = float(np.finfo(np.float32).max)


class AgentError(RunError):
    """An agent that failed: raised, or answered what is no decision. `step` counts control steps of the episode."""

    def __init__(self, agent: str, step: int, got: str):
        super().__init__(f"agent {agent} failed at control step {step}: {got}")
        self.agent, self.step, self.got = agent, step, got


def prepare(agent: Agent) -> None:
    """Let the agent load or compile what it needs, if it wants to. Raises AgentError."""
    _asked(agent, 0, "prepare()", getattr(agent, "prepare", lambda: None))


def reset(agent: Agent, task: Task, privilege: Privilege | None) -> None:
    """Tell the agent of a new episode. Raises AgentError."""
    _asked(agent, 0, "reset()", lambda: agent.reset(task, privilege=privilege))


def _asked(agent: Agent, step: int, what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (Exception, SystemExit) as error:  # whatever a driver of anybody's raises
        raise AgentError(agent.name, step, f"{what} raised {type(error).__name__}: {error}") from error


def act(agent: Agent, observation: Any, shape: tuple[int, ...], step: int) -> Decision:
    """The agent's decision, with finite float32 controls of shape (B, K) and a plan that fits, if any.

    Raises:
        AgentError: the agent raised, or its answer is none; names agent, step and what was got.
    """
    decision = _asked(agent, step, "act()", lambda: agent.act(observation))
    try:
        return _checked(decision, shape)
    except _Wrong as wrong:
        raise AgentError(agent.name, step, str(wrong)) from None


class _Wrong(Exception):
    """An answer that is none."""


def _checked(decision: Any, shape: tuple[int, ...]) -> Decision:
    if not isinstance(decision, Decision):
        raise _Wrong(f"act() gave {_what(decision)}, a Decision is needed")
    if not isinstance(decision.control, Control):
        raise _Wrong(f"control is {_what(decision.control)}, a Control is needed")
    told = {n: _numbers(f"control.{n}", getattr(decision.control, n), shape) for n in ("steer", "accel")}
    if decision.plan is not None:
        _check_plan(decision.plan, shape)
    return replace(decision, control=Control(**told))


def _what(value: Any) -> str:
    """A value in a few words."""
    if value is None:
        return "None"
    return f"a {type(value).__name__}" + (f" of shape {value.shape}" if isinstance(value, np.ndarray) else "")


def _numbers(name: str, values: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """As float32. Raises _Wrong unless these are finite numbers of float32's range in an array of that shape."""
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise _Wrong(f"{name} is {_what(values)}, an array is needed ({error})") from None
    if array.dtype.kind not in "fiu":
        raise _Wrong(f"{name} is {_what(values)} with dtype {array.dtype}, numbers are needed")
    if array.shape != shape:
        raise _Wrong(f"{name} has shape {array.shape}, (worlds, drivers) = {shape} is needed")
    bad = np.argwhere(~(np.abs(array.astype(np.float64)) <= LARGEST))
    if len(bad):
        b, k = map(int, bad[0])
        raise _Wrong(f"{name}[{b}, {k}] is {array[b, k]}, a finite number is needed")
    return array.astype(np.float32)


def _check_plan(plan: Any, shape: tuple[int, ...]) -> None:
    """Raises _Wrong unless the plan's arrays fit together; numbers that are not finite are an invalid plan's right."""
    if not isinstance(plan, Plan):
        raise _Wrong(f"plan is {_what(plan)}, a Plan or None is needed")
    points = np.shape(plan.time)
    wanted = {"xy": (*shape, *points, 2), "speed": (*shape, *points), "valid": shape}
    for name, size in wanted.items():
        array = getattr(plan, name)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "bfiu":
            raise _Wrong(f"plan.{name} is {_what(array)}, an array of numbers is needed")
        if array.shape != size:
            raise _Wrong(f"plan.{name} has shape {array.shape}, {size} is needed with plan.time of shape {points}")
