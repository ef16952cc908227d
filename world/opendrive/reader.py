"""From a file to a MapDraft, step by step."""

from pathlib import Path

from world.draft import LaneDraft, LaneKey, MapDraft
from world.opendrive.lanes import MAX_POINTS, sample_road
from world.opendrive.links import Linker, read_junctions
from world.opendrive.model import RoadModel
from world.opendrive.roads import read_road
from world.opendrive.xml import Element, Reading, children, content_hash, parse, read_bytes


def read_draft(path: str | Path) -> MapDraft:
    """Reads an OpenDRIVE file, .xodr or .xodr.gz.

    Returns:
        The draft, in the file's inertial frame; `skipped` counts what was not understood or had to be assumed.

    Raises:
        MapError: the file cannot be used; names the file, the element with its line, and the reason.
    """
    path = Path(path)
    return draft_from_bytes(read_bytes(path), path)


def draft_from_bytes(data: bytes, path: Path) -> MapDraft:
    """As `read_draft`, from the uncompressed bytes; `path` serves for the name and for errors."""
    reading = Reading(str(path))
    root = parse(data, reading)
    _check_header(reading, root)
    roads = _read_roads(reading, root)
    junctions = read_junctions(reading, root, roads)
    drafts = _sample(reading, roads)
    Linker(reading, roads, junctions).link(drafts)
    name = path.name.removesuffix(".gz").removesuffix(".xodr")
    draft = MapDraft(name=name, source_hash=content_hash(data), lanes=list(drafts.values()), skipped=reading.skipped)
    return draft


def _check_header(reading: Reading, root: Element) -> None:
    header = root.find("header")
    if header is None:
        reading.skip("no header (read as OpenDRIVE 1.8)")
        return
    major, minor = header.get("revMajor", ""), header.get("revMinor", "")
    if major != "1":
        raise reading.error(header, f"revMajor={major[:10]!r}: OpenDRIVE 1.4 to 1.8 is read")
    if minor not in ("4", "5", "6", "7", "8"):
        reading.skip(f"revision 1.{minor[:10]} (read as if 1.4 to 1.8)")


def _read_roads(reading: Reading, root: Element) -> dict[str, RoadModel]:
    roads: dict[str, RoadModel] = {}
    for element in children(root, "road"):
        road = read_road(reading, element)
        if road.id in roads:
            raise reading.error(element, "a road of this id stands twice in the file")
        roads[road.id] = road
    if not roads:
        raise reading.error(root, "holds no road")
    return roads


def _sample(reading: Reading, roads: dict[str, RoadModel]) -> dict[LaneKey, LaneDraft]:
    drafts: dict[LaneKey, LaneDraft] = {}
    budget = MAX_POINTS
    for road in roads.values():
        for draft in sample_road(reading, road, budget):
            drafts[draft.key] = draft
            budget -= len(draft.width)
    if not drafts:
        raise reading.error("OpenDRIVE", "holds no lane with a width")
    return drafts
