"""The towns of this folder by name."""

from scenarios.mapgen.description import Town
from scenarios.mapgen.town01 import TOWN01

TOWNS: dict[str, Town] = {town.name: town for town in (TOWN01,)}
