"""The maps of this package that are kept as files in `scenarios/maps`, by name."""

from collections.abc import Callable

from scenarios.procedural.document import document
from scenarios.procedural.furniture import Furniture
from scenarios.procedural.highway import highway
from scenarios.procedural.intersection import intersection
from scenarios.procedural.network import Network
from scenarios.procedural.roundabout import roundabouts


def _file(make: Callable[[], tuple[Network, Furniture]]) -> Callable[[], bytes]:
    return lambda: document(*make())


SITES: dict[str, Callable[[], bytes]] = {
    "highway": _file(highway),
    "roundabout": _file(roundabouts),
    "intersection": _file(intersection),
}  # name -> OpenDRIVE file
