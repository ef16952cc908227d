"""Absurd files: each ends in a map or a MapError soon and in little memory. Sizes are cut to keep the test short."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.world.sound import check_sound
from tests.world.xodr_text import document, geometry, lane, road, section
from world import budget
from world.opendrive import map_from_bytes
from world.roadmap import MapError

ONWARD = '<successor id="-1"/><predecessor id="-1"/>'


def link(tag: str, target: str, contact: str = "start", kind: str = "road") -> str:
    return f'<{tag} elementType="{kind}" elementId="{target}" contactPoint="{contact}"/>'


def light(key: str) -> str:
    return f'<signal id="{key}" s="99" t="0" type="1000001" dynamic="yes" country="OpenDRIVE" orientation="+"/>'


def fan(junctions: int, width: int) -> bytes:
    """Short lanes, each of which leads to all of the next row: paths through them are beyond number."""
    own = section("", lane(-1, links='<successor id="-1"/>'))
    parts = [road("in", sections=own, link=link("successor", "0_0"), extra=f"<signals>{light('a')}</signals>")]
    for i in range(junctions):
        for j in range(width):
            onward = f'<successor elementType="junction" elementId="J{i}"/>'
            parts.append(road(f"{i}_{j}", 0.01, geometry(0.01, x=100 + i * 0.01), own, link=onward))
        pairs = [(a, b) for a in range(width) for b in range(width)] if i + 1 < junctions else []
        rows = (
            f'<connection id="{a}{b}" incomingRoad="{i}_{a}" connectingRoad="{i + 1}_{b}" contactPoint="start">'
            '<laneLink from="-1" to="-1"/></connection>'
            for a, b in pairs
        )
        parts.append(f'<junction id="J{i}" name="">{"".join(rows)}</junction>')
    return document(*parts)


def thin_fan(rows: int, width: int) -> bytes:
    """Lanes without width, each of which leads to all of the next road."""
    onward = "".join(f'<successor id="{-1 - k}"/>' for k in range(width))
    thin = section("", "".join(lane(-1 - j, 0.0, links=onward) for j in range(width)))
    first = road("in", sections=section("", lane(-1, links=onward)), link=link("successor", "0"))
    return document(first, *(road(str(i), sections=thin, link=link("successor", str(i + 1))) for i in range(rows)))


POLY = '<paramPoly3 aU="0" bU="1" cU="1e9" dU="0" aV="0" bV="0" cV="0" dV="0" pRange="normalized"/>'
ABSURD = {
    "nesting": (b"<OpenDRIVE>" + b"<a>" * 100_000, "well-formed"),
    "tree": (b"<OpenDRIVE>" + b"<a/>" * 8_000_000 + b"</OpenDRIVE>", "as a tree"),
    "encoding": (b'<?xml version="1.0" encoding="UTF-7"?><OpenDRIVE/>', "encoding"),
    "empty roads": (document(*(f'<road id="{i}" length="1"/>' for i in range(20_000))), "no planView"),
    "long road": (document(road(length=1e9)), "length"),
    "many lane points": (document(road(length=9e5)), "lane points"),
    "wide lane": (document(road(sections=section("", lane(-1, 1e6)))), "wide"),
    "many lanes": (document(road(sections=section("", "".join(lane(-i) for i in range(1, 20_000))))), "points"),
    "blown-up polynomial": (document(road(plan=geometry(100, POLY))), "curve of"),
    "spiral": (document(road(plan=geometry(100, '<spiral curvStart="0" curvEnd="1e25"/>'))), "too tight"),
    "far apart": (document(road(), road("2", plan=geometry(100, x=1e7))), "span"),
    "far away": (document(road(plan=geometry(100, x=1e20))), "coordinates"),
    "high": (document(road(extra='<elevationProfile><elevation s="0" a="1e25" b="0" c="0" d="0"/></elevationProfile>')),
             "above or below"),
    "objects": (document(road(length=1e4, extra='<objects><object id="1" type="tree" s="1" t="9">'
                + '<repeat s="0" length="9999" distance="0.1"/>' * 300 + "</object></objects>")), "objects"),
    "barriers": (document(road(length=1e5, extra='<objects><object id="1" type="barrier" s="1" t="9">'
                 + '<repeat s="0" length="1e9" distance="0"/>' * 60 + "</object></objects>")), "corners"),
}  # fmt: skip


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_files_are_refused(name: str) -> None:
    data, reason = ABSURD[name]
    with pytest.raises(MapError, match=reason) as caught:
        map_from_bytes(data, "absurd", cache=False)
    assert caught.value.file == "absurd.xodr" and caught.value.element


@pytest.mark.parametrize(
    "data",
    [
        fan(30, 6),
        thin_fan(9, 40),
        document(
            road(
                link=link("successor", "1") + link("predecessor", "1", "end"),
                sections=section("", lane(-1, links=ONWARD)),
            )
        ),
        document(road(extra="<signals>" + light("same") * 2000 + "</signals>")),
        document(*(road(str(i), 50.0, geometry(50, x=1e4 * (i % 9), y=1e4 * (i // 9))) for i in range(81))),
        document(road(length=8e4, plan=geometry(8e4, hdg=0.8))),
        document(*(road(str(i), 300.0, geometry(300, y=i * 50), section("", lane(-1, 200))) for i in range(5))),
        document(road(extra="<objects>" + "".join(f'<object id="{i}" type="k{i}" s="1" t="9"/>' for i in range(900))
                      + "</objects>")),
    ],
    ids=["fan of short lanes", "fan of thin lanes", "own successor", "one id", "90 km wide", "80 km long",
         "lanes of 200 m", "unknown kinds"],
)  # fmt: skip
def test_odd_files_that_are_maps_load(data: bytes) -> None:
    m = map_from_bytes(data, "odd", cache=False)
    check_sound(m)
    assert m.grid_shape[0] * m.grid_shape[1] <= 4_000_000 and len(m.skipped) <= 302


def test_the_clock_ends_a_map_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    data = document(*(road(str(i), 200.0, geometry(200)) for i in range(2000)))
    monkeypatch.setenv(budget.VARIABLE, "0.2")
    with pytest.raises(MapError, match="takes more than 0.2 s"):
        map_from_bytes(data, "slow", cache=False)
    monkeypatch.setenv(budget.VARIABLE, "soon")
    with pytest.raises(MapError, match="positive number"):
        map_from_bytes(data, "slow", cache=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        document(*(road(str(i), 9e4, geometry(9e4, y=i * 20)) for i in range(20))),
        document(*(road(str(i), 50.0, geometry(50)) for i in range(20_000))),
        document(road(length=1e4, extra='<objects><object id="1" type="tree" s="1" t="9"><repeat s="0" length="9999" '
                      'distance="0.06"/></object></objects>')),
    ],
    ids=["1.8 million points", "20000 roads in one place", "170000 trees"],
)  # fmt: skip
def test_the_largest_take_half_a_minute_and_two_gigabytes_at_most(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "large.xodr").write_bytes(data)
    code = (
        "import sys, time\nfrom world.opendrive import load_map\nfrom world.roadmap import MapError\n"
        "start = time.monotonic()\ntry:\n    load_map(sys.argv[1], cache=False)\nexcept MapError:\n    pass\n"
        "rows = [line.split() for line in open('/proc/self/status')]\n"
        "print(time.monotonic() - start, next(int(row[1]) / 1e3 for row in rows if row[0] == 'VmHWM:'))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "large.xodr")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 30 and megabytes < 2000
