"""Files that somebody was sent: each ends in a MapError that names file, element and reason, or in counted skips."""

import gzip
import re
import time
from pathlib import Path

import pytest

from tests.world.xodr_text import document, draft, geometry, lane, road, section
from world.opendrive import read_draft, xml
from world.opendrive.reader import draft_from_bytes
from world.roadmap import MapError


def fails(data: bytes, element: str, reason: str) -> None:
    with pytest.raises(MapError) as caught:
        draft_from_bytes(data, Path("evil.xodr"))
    assert caught.value.file == "evil.xodr"
    assert re.search(element, caught.value.element), caught.value.element
    assert re.search(reason, caught.value.reason), caught.value.reason


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0"?><!DOCTYPE o [<!ENTITY a "b">]><OpenDRIVE>&a;</OpenDRIVE>',
        b'<!DOCTYPE o [<!ENTITY a SYSTEM "file:///etc/passwd">]><OpenDRIVE><road id="&a;"/></OpenDRIVE>',
        b'<!DOCTYPE o SYSTEM "http://localhost/x.dtd"><OpenDRIVE/>',
        '<!DOCTYPE o [<!ENTITY a "b">]><OpenDRIVE>&a;</OpenDRIVE>'.encode("utf-16"),
    ],
)
def test_entities_and_document_types_are_refused(data: bytes) -> None:
    fails(data, "document type", "DOCTYPE|entity")


@pytest.mark.parametrize(
    "data, element, reason",
    [
        (b"", "line", "not well-formed"),
        (b"\x00\x01\x02", "line", "not well-formed"),
        (document(road())[:-30], "line", "not well-formed"),
        (b"<OpenSCENARIO/>", "OpenSCENARIO", "root"),
        (document(), "OpenDRIVE", "no road"),
        (document(road(), road()), "road id='1'", "twice"),
        (document(road()).replace(b'revMajor="1"', b'revMajor="2"'), "header", "revMajor"),
        (document(road(length=0, plan=geometry(10))), r"road id='1' \(line 2\)", "length"),
        (document(road(length=-5)), "road", "length"),
        (document(road(length=1e12)), "road", "length"),
        (document(road(plan=geometry(100, hdg=float("nan")))), r"geometry \(line 2\) in road id='1'", "hdg"),
        (document(road(plan=geometry(100, x=float("inf")))), "geometry", "finite"),
        (document(road(plan=geometry(-100))), "geometry", "negative"),
        (document(road(plan=geometry(100, "<circle/>"))), "geometry", "none of line"),
        (document(road(plan=geometry(50) + geometry(50, s=0))), "geometry", "greater"),
        (document(road(plan=geometry(20))), "road", "geometry ends"),
        (document(road(plan="")), "road", "no planView"),
        (document(road(plan=geometry(100, '<arc curvature="left"/>'))), "arc", "not a number"),
        (document(road(plan=geometry(100, "<arc/>"))), "arc", "missing"),
        (document(road(sections="<x/>")), "road", "no laneSection"),
        (document(road(sections=section("", lane(-1), s=50))), "laneSection", "start"),
        (document(road(sections=section("", lane(-1)) + section("", lane(-1), s=500))), "laneSection", "beyond"),
        (document(road(sections=section("", lane(-1) + lane(-1)))), "lane id='-1'", "twice"),
        (document(road(sections=section("", lane(1)))), "lane id='1'", "negative id"),
        (document(road(sections=section("", lane(-1, 0)))), "OpenDRIVE", "no lane"),
        (document(road(rule="left")), "road", "rule"),
        (document(road(link='<successor elementType="road" elementId="2"/>')), "successor", "contactPoint"),
        (document(road(speed='<type s="0"><speed max="50" unit="knots"/></type>')), "speed", "unit"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_map(data: bytes, element: str, reason: str) -> None:
    fails(data, element, reason)


def test_dangling_links_are_counted() -> None:
    link = '<successor elementType="road" elementId="77" contactPoint="start"/>'
    link += '<predecessor elementType="junction" elementId="5"/>'
    extra = '<signals><signalReference id="9" s="5" t="0"/></signals>'
    lanes = section("", lane(-1, links='<successor id="-4"/>')) + section("", lane(-1), s=50)
    connection = '<connection id="0" incomingRoad="1" connectingRoad="8" contactPoint="start"/>'
    junction = f'<junction id="6" name="">{connection}</junction>'
    assert draft(road(link=link, extra=extra, sections=lanes), junction).skipped == {
        "junction connection of a road that does not exist": 1,
        "link to a road that does not exist or is not read": 1,
        "link to a junction that does not exist or is not read": 1,
        "lane link to a lane that does not exist": 1,
        "reference to a signal that does not exist": 1,
    }


def test_roads_that_link_in_a_circle_of_no_length_end() -> None:
    """Lanes without width are passed through, but not for ever."""
    link = '<successor elementType="road" elementId="{}" contactPoint="start"/>'
    thin = section("", lane(-1, 0.0, links='<successor id="-1"/>'))
    parts = [road(str(i), sections=thin, link=link.format((i + 1) % 3)) for i in range(3)]
    first = section("", lane(-1, links='<successor id="-1"/>'))
    draft(*parts, road("9", sections=first, link=link.format(0)))


def test_repeats_are_bounded() -> None:
    text = '<object id="1" type="tree" s="0" t="9"><repeat s="0" length="100" distance="1e-9"/></object>'
    fails(document(road(extra=f"<objects>{text}</objects>")), "repeat", "objects")


def test_space_is_bounded() -> None:
    far = road("2", plan=geometry(100, x=1e6, y=1e6))
    fails(document(road(), far), "OpenDRIVE", "km")
    fails(document(road(sections=section("", lane(-1, 1e9)))), "lane id='-1'", "wide")
    tree = '<objects><object id="1" type="tree" s="5" t="1e9" radius="1" height="2"/></objects>'
    result = draft(road(extra=tree))
    assert not result.trees and result.skipped == {"object or sign more than 1000 m outside of all roads": 1}


def test_points_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("world.opendrive.reader.MAX_POINTS", 50)
    fails(document(road()), "road", "points")


def test_a_kink_does_not_explode() -> None:
    start = time.perf_counter()
    fails(document(road(plan=geometry(100, '<arc curvature="1000"/>'))), "lane", "too tight")
    shape = '<paramPoly3 aU="0" bU="1" cU="0" dU="0" aV="0" bV="0" cV="1e6" dV="-1e6" pRange="normalized"/>'
    fails(document(road(plan=geometry(100, shape))), "paramPoly3", "a curve of")
    assert time.perf_counter() - start < 5


def test_gzip_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = document(road())
    small = tmp_path / "a.xodr.gz"
    small.write_bytes(gzip.compress(data))
    assert read_draft(small).name == "a"
    assert read_draft(small).source_hash == draft_from_bytes(data, Path("b.xodr")).source_hash
    monkeypatch.setattr(xml, "MAX_BYTES", len(data) - 1)
    with pytest.raises(MapError, match="decompressed"):
        read_draft(small)
    small.write_bytes(gzip.compress(data)[:-20])
    with pytest.raises(MapError, match="cannot be read"):
        read_draft(small)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.xodr", tmp_path):
        with pytest.raises(MapError, match="cannot be read"):
            read_draft(path)


def test_namespaces_are_understood() -> None:
    data = document(road()).replace(
        b"<OpenDRIVE>", b'<OpenDRIVE xmlns="http://code.asam.net/simulation/standard/opendrive_schema">'
    )
    assert len(draft_from_bytes(data, Path("a.xodr")).lanes) == 2
