"""Spaces of actions."""

import numpy as np
from gymnasium import spaces

from agents.actions import CHOICES, WIDTH
from envs.options import EnvConfig


def action_space(config: EnvConfig) -> spaces.Space:
    """The space of one driver's action; see agents.actions."""
    if config.action in CHOICES:
        return spaces.Discrete(CHOICES[config.action])
    return spaces.Box(-1.0, 1.0, (WIDTH[config.action],), np.float32)
