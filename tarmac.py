"""`import tarmac` registers the environments ("Tarmac/Town01-v0", ...) and gives the version of this checkout."""

from envs.registration import register_all

__version__ = "0.1.0"

register_all()
