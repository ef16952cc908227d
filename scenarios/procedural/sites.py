"""The maps of this package that are kept as files in `scenarios/maps`, by name."""

from collections.abc import Callable

from scenarios.procedural.document import document
from scenarios.procedural.furniture import Furniture
from scenarios.procedural.highway import highway
from scenarios.procedural.houses import build_up
from scenarios.procedural.intersection import intersection
from scenarios.procedural.layout import Dice
from scenarios.procedural.network import Network
from scenarios.procedural.roundabout import roundabouts


def _file(make: Callable[[], tuple[Network, Furniture]], built_up: bool = True) -> Callable[[], bytes]:
    def write() -> bytes:
        network, furniture = make()
        if built_up:
            build_up(Dice(0, 0), network, furniture)
        return document(network, furniture)

    return write


SITES: dict[str, Callable[[], bytes]] = {
    "highway": _file(highway, built_up=False),
    "roundabout": _file(roundabouts),
    "intersection": _file(intersection),
}  # name -> OpenDRIVE file
