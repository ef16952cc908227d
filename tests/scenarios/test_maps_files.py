"""The generator: same bytes every time, the committed ones; clear words on bad input; what the file says of itself."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from scenarios.mapgen.__main__ import main
from scenarios.mapgen.description import Corner, Junction, Street, Town
from scenarios.mapgen.network import lay_out
from scenarios.mapgen.towns import TOWNS
from scenarios.procedural import town_xodr
from scenarios.procedural.sites import SITES
from tests.data import ROOT

MAPS = ROOT / "scenarios" / "maps"


@pytest.fixture(params=TOWNS)
def root(request) -> etree._Element:
    return etree.parse(MAPS / f"{request.param}.xodr").getroot()


def test_the_generator_writes_the_committed_files(tmp_path):
    pytest.importorskip("scenariogeneration")
    for _ in range(2):
        assert main(["--out", str(tmp_path)]) == 0
        for name in (*TOWNS, *SITES):
            assert (tmp_path / f"{name}.xodr").read_bytes() == (MAPS / f"{name}.xodr").read_bytes(), (
                f"{name}.xodr is out of date: run python -m scenarios.mapgen"
            )
    assert len(list(tmp_path.iterdir())) == len(TOWNS) + len(SITES)


def test_an_unknown_map_is_told(capsys):
    assert main(["twn01"]) == 2
    assert "unknown map 'twn01'; did you mean town01?" in capsys.readouterr().err


def test_header_bounds_hold_the_roads(root):
    header = root.find("header")
    assert header.get("vendor") == "Tarmac" and "date" not in header.attrib
    assert header.find("geoReference").text.startswith("+proj=tmerc")
    north, south, east, west = (float(header.get(name)) for name in ("north", "south", "east", "west"))
    for geometry in root.iter("geometry"):
        assert west < float(geometry.get("x")) < east and south < float(geometry.get("y")) < north


@pytest.mark.parametrize("path", ["road", "junction", "controller", ".//object", ".//signal"])
def test_ids_are_unique(root, path):
    count = Counter(element.get("id") for element in root.findall(path))
    assert count and max(count.values()) == 1


def schema() -> etree.XMLSchema:
    """ASAM's schema comes with the quality checker (pip install --no-deps asam-qc-opendrive)."""
    checker = importlib.util.find_spec("qc_opendrive")
    if checker is None:
        pytest.skip("asam-qc-opendrive, which brings ASAM's schema, is not installed")
    folder = Path(list(checker.submodule_search_locations)[0]) / "schema" / "1.7.0"
    return etree.XMLSchema(etree.parse(folder / "opendrive_17_core.xsd"))


def test_the_files_are_valid_by_asams_schema(root):
    schema().assertValid(root.getroottree())


@pytest.mark.parametrize("name", [*SITES, "seed 3", "seed 8"])
def test_sites_and_procedural_towns_are_valid_by_asams_schema(name):
    data = SITES[name]() if name in SITES else town_xodr(int(name.split()[1]))
    schema().assertValid(etree.ElementTree(etree.fromstring(data)))


def test_sites_are_mit():
    for name in SITES:
        first = etree.parse(MAPS / f"{name}.xodr").getroot().getprevious().text
        assert "MIT" in first and "CARLA" not in first


def test_names_and_notice_are_ours(root):
    assert not root.xpath("//userData") and not root.xpath("//vectorLane")
    assert "CC-BY 4.0" in root.getprevious().text
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert "town01.xodr" in notice and "town02.xodr" in notice and "CC-BY 4.0" in notice


# --- Descriptions that cannot be built say why ---------------------------------------------------------------------

NODES = {
    "a": Junction(0, 0, "A", {"en": 8.0, "nw": 8.0}, 10.0),
    "n": Junction(0, 100, "N", {"es": 8.0, "sw": 8.0}, 10.0),
    "e": Corner(100, 0, (10.0,)),
    "f": Corner(100, 100, (10.0,)),
    "w": Corner(-100, 0, (10.0,)),
    "x": Corner(-100, 100, (10.0,)),
}
STREETS = (
    Street(("a", "n"), "north", ((0, 50),)),
    Street(("a", "e", "f", "n"), "east", ((0, 50),)),
    Street(("n", "x", "w", "a"), "west", ((0, 50),)),
)


def toy(**changes) -> Town:
    return Town("toy", "Toy", **{"nodes": NODES, "streets": STREETS, **changes})


def test_a_small_town_is_laid_out():
    network = lay_out(toy())
    assert len(network.roads) == 3 + 2 * 6
    assert sorted(m.entry.letter + m.exit.letter for m in network.crossings[0].movements) == sorted(
        ["en", "ew", "ne", "nw", "we", "wn"]
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"streets": (Street(("a", "q"), "lost", ((0, 50),)),)}, "names node 'q'"),
        ({"streets": (Street(("a", "e"), "open", ((0, 50),)),)}, "must begin and end at junctions"),
        ({"streets": STREETS[:2]}, "has 2 arms"),
        ({"streets": (Street(("a", "n"), "north", ((0, 50), (90, 30))), *STREETS[1:])}, "s = 90 lies beyond it"),
        ({"streets": (Street(("a", "n"), "north", ((0, 30),)), *STREETS[1:])}, "speed limits change at junction"),
        ({"nodes": {**NODES, "a": Junction(0, 0, "A", {"en": 8.0}, 10.0)}}, "gives no turn radius 'nw'"),
        ({"nodes": {**NODES, "e": Corner(100, 0, (99.0,))}}, "needs 99.00 m"),
    ],
)
def test_a_bad_description_says_why(changes, words):
    with pytest.raises(ValueError, match=words):
        lay_out(toy(**changes))


def test_without_the_generators_library_the_extra_is_named(tmp_path, monkeypatch, capsys):
    for name in [n for n in sys.modules if n.split(".")[0] == "scenariogeneration"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scenariogeneration", None)
    monkeypatch.delitem(sys.modules, "scenarios.mapgen.write", raising=False)
    monkeypatch.delitem(sys.modules, "scenarios.mapgen.furniture", raising=False)
    assert main(["town01", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert (
        "scenariogeneration" in error and "[dev]" in error and error.count("\n") == 1 and not list(tmp_path.iterdir())
    )
