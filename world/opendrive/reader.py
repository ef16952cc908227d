"""From a file to a MapDraft, step by step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from world.budget import MAX_POINTS, limited, spend
from world.draft import LaneDraft, MapDraft
from world.opendrive.edges import add_edges
from world.opendrive.furniture import Lanes, StopLine, place_controls, place_lights
from world.opendrive.lanes import HIGHEST, sample_road
from world.opendrive.limits import fill_limits
from world.opendrive.links import Linker, read_junctions
from world.opendrive.model import JunctionModel, RoadModel
from world.opendrive.objects import Objects, read_objects
from world.opendrive.roads import read_road
from world.opendrive.signals import read_signals
from world.opendrive.xml import Element, Reading, children, content_hash, map_name, parse, read_bytes

F64 = NDArray[np.float64]
MAX_EXTENT = 100_000.0  # [m] of all roads along x or y: single precision keeps 4 mm
FARTHEST = 1e8  # [m] of any coordinate: double precision keeps 15 nm
MAX_OFF = 1000.0  # [m]
UNDERSTOOD = {"header", "road", "junction", "controller", "userData", "dataQuality"}


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
    with limited(str(path)):
        return _draft(data, path, Reading(str(path)))


def _draft(data: bytes, path: Path, reading: Reading) -> MapDraft:
    root = parse(data, reading)
    _check_header(reading, root)
    roads = _read_roads(reading, root)  # 1. records
    junctions = read_junctions(reading, root, roads)
    lanes = _sample(reading, roads)  # 2. lane centres, marks, limits
    Linker(reading, roads, junctions).link(lanes.drafts)  # 3. graph
    draft = MapDraft(map_name(path), content_hash(data), lanes=list(lanes.drafts.values()), skipped=reading.skipped)
    objects = Objects()
    read_objects(reading, draft, roads, objects)  # 4. objects
    _place_signals(reading, draft, lanes, roads, junctions, objects, root)  # 5. signals
    add_edges(draft, lanes, roads)  # 6. edges of the drivable surface
    draft.priorities = [(j.id, high, low) for j in junctions.values() for high, low in j.priorities]
    draft.left_hand_traffic = sum(road.left_hand for road in roads.values()) * 2 > len(roads)
    _drop_far(reading, draft)  # 7. bounds
    return draft


def _place_signals(
    reading: Reading,
    draft: MapDraft,
    lanes: Lanes,
    roads: dict[str, RoadModel],
    junctions: dict[str, JunctionModel],
    objects: Objects,
    root: Element,
) -> None:
    """Stop lines, lights, signs, and the limits that only signs or neighbours tell."""
    signals, uses = read_signals(reading, roads)
    for use in uses:
        if use.signal.meaning.stop_line:
            line = StopLine(use.s, None, 0.0, use.orientation)
            objects.lines.setdefault(use.road.id, []).append(line)
    signals = [s for s in signals if not s.meaning.stop_line] + objects.signals
    uses = [use for use in uses if not use.signal.meaning.stop_line] + objects.uses
    held_by = place_controls(reading, draft, lanes, signals, uses, objects.lines)
    place_lights(reading, draft, lanes, signals, held_by, junctions, root)
    fill_limits(reading, lanes, roads, uses)


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
    for element in root:
        if element.tag not in UNDERSTOOD:
            reading.skip(str(element.tag)[:40])
    if not roads:
        raise reading.error(root, "holds no road")
    return roads


def _sample(reading: Reading, roads: dict[str, RoadModel]) -> Lanes:
    lanes = Lanes({}, {})
    budget = MAX_POINTS
    for road in roads.values():
        for draft, s in sample_road(reading, road, budget):
            lanes.drafts[draft.key], lanes.road_s[draft.key] = draft, s
            budget -= len(s)
    if not lanes.drafts:
        raise reading.error("OpenDRIVE", "holds no lane with a width")
    low, high = _box(list(lanes.drafts.values()))
    if max(np.abs(low).max(), np.abs(high).max()) > FARTHEST:
        reason = f"its roads lie between {low} and {high}; coordinates within +-{FARTHEST:g} m are read"
        raise reading.error("OpenDRIVE", reason)
    if not (extent := float((high - low).max())) <= MAX_EXTENT:
        reason = f"its roads span {extent / 1e3:.4g} km; at most {MAX_EXTENT / 1e3:.0f} km along x and y are read"
        raise reading.error("OpenDRIVE", reason)
    return lanes


def _box(drafts: list[LaneDraft]) -> tuple[F64, F64]:
    """Lower left and upper right corner (2,) [m] of all lane centres."""
    ends = np.array([(d.xyz[:, :2].min(axis=0), d.xyz[:, :2].max(axis=0)) for d in drafts])
    return ends[:, 0].min(axis=0), ends[:, 1].max(axis=0)


def _drop_far(reading: Reading, draft: MapDraft) -> None:
    """Leaves out what stands further than MAX_OFF outside of the roads' bounding box."""
    low, high = _box(draft.lanes)

    def near(points: Any) -> bool:
        xy = np.atleast_2d(np.asarray(points, np.float64))[:, :2]
        z = np.atleast_2d(np.asarray(points, np.float64))[:, 2]
        return bool((xy > low - MAX_OFF).all() and (xy < high + MAX_OFF).all() and (np.abs(z) < HIGHEST).all())

    count = 0
    groups: list[tuple[list[Any], Callable[[Any], Any]]] = [
        (draft.signs, lambda sign: sign.xyz),
        (draft.crosswalks, lambda outline: outline),
        (draft.buildings, lambda building: building[0]),
        (draft.trees, lambda tree: tree[:3]),
        (draft.edges, lambda edge: edge[0]),
    ]
    for items, place in groups:
        spend("objects and signs")
        kept = [item for item in items if near(place(item))]
        count += len(items) - len(kept)
        items[:] = kept
    reading.skipped_if(f"object or sign more than {MAX_OFF:.0f} m outside of all roads", count)
    for light in draft.lights:
        if not near(light.xyz):
            reason = f"light {light.id!r} stands more than {MAX_OFF:.0f} m outside of all roads"
            raise reading.error("signals", reason)
