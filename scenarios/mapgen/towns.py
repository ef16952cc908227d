"""The towns of this folder by name."""

from scenarios.mapgen.description import Town
from scenarios.mapgen.town01 import TOWN01
from scenarios.mapgen.town02 import TOWN02

TOWNS: dict[str, Town] = {town.name: town for town in (TOWN01, TOWN02)}
