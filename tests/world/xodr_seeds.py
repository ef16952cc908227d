"""Small OpenDRIVE maps of our own that use most of the format: what mutations start from, and left-hand crossings."""

import math

from tests.world.xodr_text import LINE, document, geometry, lane, road, section

ARM, HALF = 60.0, 12.0  # [m] length of a crossing's arm, distance of its beginning from the middle


def _link(tag: str, kind: str, target: str, contact: str = "") -> str:
    contact = f' contactPoint="{contact}"' if contact else ""
    return f'<{tag} elementType="{kind}" elementId="{target}"{contact}/>'


def crossing(left_hand: bool = False, arms: int = 4, signals: bool = True, arm: float = ARM) -> bytes:
    """A crossing of two-lane roads with pavements and crosswalks; every second arm has lights, the others stop signs.

    Arm i leads away from the middle at i quarter turns; traffic enters the junction over its start.
    """
    rule, side = ("LHT", 1) if left_hand else ("RHT", -1)  # side: id of the lane that leads away
    parts = [_arm(i, rule, side, signals, arm) for i in range(arms)]
    connections = []
    for i in range(arms):
        for j in range(arms):
            if i != j:
                parts.append(_connecting(i, j, rule, side))
                pair = f'<laneLink from="{-side}" to="{side}"/>'
                connections.append(
                    f'<connection id="{i}{j}" incomingRoad="{i}" connectingRoad="1{i}{j}" contactPoint="start">'
                    f"{pair}</connection>"
                )
    controllers = '<controller id="c0" type="0" sequence="0"/>' if signals else ""
    parts.append(f'<junction id="5" name="j">{"".join(connections)}{controllers}</junction>')
    if signals:
        parts.append('<controller id="c0" name="" sequence="0"><control signalId="l0" type="0"/></controller>')
    return document(*parts)


def _arm(i: int, rule: str, side: int, signals: bool, length: float) -> str:
    heading = i * math.pi / 2
    plan = geometry(length, x=HALF * math.cos(heading), y=HALF * math.sin(heading), hdg=heading)
    mark = '<roadMark sOffset="0" type="broken" color="white" width="0.12" laneChange="both"/>'
    walk = lane(2, 2.0, "sidewalk"), lane(-2, 2.0, "sidewalk")
    sections = section(walk[0] + lane(1, inner=mark), lane(-1, inner=mark) + walk[1], center=mark)
    corners = "".join(
        f'<cornerRoad s="{s}" t="{t}" dz="0" height="0"/>' for s, t in ((8, -5), (11, -5), (11, 5), (8, 5))
    )
    objects = (
        f'<objects><object id="w{i}" type="crosswalk" s="9" t="0" hdg="0"><outline>{corners}</outline></object>'
        f'<object id="t{i}" type="tree" s="5" t="9" radius="1" height="6">'
        '<repeat s="5" length="40" distance="10" tStart="9" tEnd="12"/></object>'
        f'<object id="b{i}" type="building" s="30" t="-20" length="10" width="8" height="9" hdg="0.2"/>'
        f'<object id="r{i}" type="barrier" s="5" t="8"><repeat s="5" length="30" distance="0" tStart="8" tEnd="8"/>'
        "</object></objects>"
    )
    kind = ("1000001", 'dynamic="yes"', "l") if i % 2 == 0 else ("206", 'dynamic="no"', "s")
    holds = f'<validity fromLane="{-side}" toLane="{-side}"/>'
    signal = (
        f'<signals><signal id="{kind[2]}{i}" s="3" t="{4 * -side}" type="{kind[0]}" {kind[1]} country="OpenDRIVE" '
        f'orientation="-" zOffset="3" subtype="-1" value="-1">{holds}</signal>'
        f'<signal id="v{i}" s="40" t="-5" type="274" dynamic="no" country="DE" orientation="+" zOffset="2" value="50" '
        f'unit="km/h"/></signals>'
    )
    extra = '<elevationProfile><elevation s="0" a="0" b="0.01" c="0" d="0"/></elevationProfile>' + objects
    return road(
        str(i), length, plan, sections, rule=rule, link=_link("predecessor", "junction", "5"),
        extra=extra + (signal if signals else ""),
    )  # fmt: skip


def _connecting(i: int, j: int, rule: str, side: int) -> str:
    """From arm i to arm j: a line, or a quarter of a circle."""
    at, turn = i * math.pi / 2, math.remainder((j - i) * math.pi / 2 - math.pi, 2 * math.pi)
    straight = abs(turn) < 0.1
    length = 2 * HALF if straight else HALF * math.pi / 2
    shape = LINE if straight else f'<arc curvature="{math.copysign(1 / HALF, turn)}"/>'
    plan = geometry(length, shape, x=HALF * math.cos(at), y=HALF * math.sin(at), hdg=at + math.pi)
    ends = f'<predecessor id="{-side}"/><successor id="{side}"/>'
    own = lane(side, links=ends)
    sections = section(own, "") if side > 0 else section("", own)
    link = _link("predecessor", "road", str(i), "start") + _link("successor", "road", str(j), "start")
    return road(f"1{i}{j}", length, plan, sections, junction="5", rule=rule, link=link)


def _curves() -> bytes:
    """One road of every kind of geometry, several sections, widths, borders and superelevation."""
    shapes = (
        (20.0, LINE), (20.0, '<spiral curvStart="0" curvEnd="0.02"/>'), (20.0, '<arc curvature="0.02"/>'),
        (20.0, '<poly3 a="0" b="0" c="0.002" d="-1e-5"/>'),
        (20.0, '<paramPoly3 aU="0" bU="20" cU="0" dU="0" aV="0" bV="0" cV="1" dV="-0.5" pRange="normalized"/>'),
    )  # fmt: skip
    plan, x = "", 0.0
    for number, (length, shape) in enumerate(shapes):
        plan += geometry(length, shape, s=20.0 * number, x=x)
        x += length
    border = '<lane id="-2" type="shoulder"><border sOffset="0" a="-6" b="0" c="0" d="0"/></lane>'
    same = '<predecessor id="-1"/><successor id="-1"/>'
    first = section(lane(1), lane(-1, links=same) + border)
    grow = '<lane id="-2" type="driving"><width sOffset="0" a="0" b="0.1" c="0" d="0"/></lane>'
    second = section(lane(1), lane(-1, links=same) + grow, s=50.0)
    bank = '<lateralProfile><superelevation s="0" a="0.05" b="0" c="0" d="0"/></lateralProfile>'
    offset = '<laneOffset s="0" a="0.5" b="0" c="0" d="0"/>'
    return document(road("1", 100.0, plan, first + second, extra=bank, lanes=offset))


def _chain() -> bytes:
    """Roads one after the other, one of them reversed, and a direct junction."""
    along = lane(1, links='<predecessor id="1"/><successor id="1"/>')
    back = lane(-1, links='<predecessor id="-1"/><successor id="-1"/>')
    both = section(along, back)
    parts = [
        road("a", 40.0, geometry(40), both, link=_link("successor", "road", "b", "start")),
        road(
            "b", 40.0, geometry(40, x=40), both,
            link=_link("predecessor", "road", "a", "end") + _link("successor", "junction", "9"),
        ),
        road("c", 40.0, geometry(40, x=80), both, link=_link("predecessor", "junction", "9")),
        '<junction id="9" type="direct" name=""><connection id="0" incomingRoad="b" linkedRoad="c" '
        'contactPoint="start"><laneLink from="-1" to="-1"/></connection></junction>',
    ]  # fmt: skip
    return document(*parts)


def small_maps() -> list[bytes]:
    return [crossing(), crossing(left_hand=True, arms=3), crossing(signals=False), _curves(), _chain()]
