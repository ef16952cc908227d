"""What the reader makes of lanes, marks, links, limits, signals and objects, on maps of a few lines."""

import numpy as np
import pytest

from tests.world.xodr_text import draft, find, geometry, lane, road, section
from world.kinds import EdgeKind, LaneKind, MarkColor, MarkKind, SignKind, StopKind


def mark(kind: str, change: str | None = None, color: str = "white", offset: float = 0.0) -> str:
    change = "" if change is None else f' laneChange="{change}"'
    return f'<roadMark sOffset="{offset}" type="{kind}" color="{color}"{change}/>'


def follows(key: int) -> str:
    return f'<successor id="{key}"/>'


def after(key: int) -> str:
    return f'<predecessor id="{key}"/>'


def test_travel_direction_follows_the_side_and_the_rule() -> None:
    for rule, key, forward in (("RHT", -1, True), ("RHT", 1, False), ("LHT", -1, False), ("LHT", 1, True)):
        result = draft(road(rule=rule))
        found = find(result, "1", key)
        assert (found.xyz[-1, 0] > found.xyz[0, 0]) == forward
        assert np.cos(found.heading[0]) == pytest.approx(1 if forward else -1)
        assert (found.road_s[1] > found.road_s[0]) == forward
        assert result.left_hand_traffic == (rule == "LHT")
        assert found.opposite == ("1", 0, -key) and found.left is None and found.right is None


def test_a_pavement_runs_along_the_reference_line_and_has_no_neighbour() -> None:
    result = draft(road(sections=section(lane(1) + lane(2, 2.0, "sidewalk"), lane(-1))))
    found = find(result, "1", 2)
    assert found.kind == LaneKind.SIDEWALK and found.xyz[-1, 0] > found.xyz[0, 0]
    assert (found.left, found.right, found.opposite) == (None, None, None)


def test_neighbours_of_a_two_lane_carriageway() -> None:
    result = draft(road(sections=section(lane(1) + lane(2), lane(-1) + lane(-2))))
    assert find(result, "1", -2).left == ("1", 0, -1) and find(result, "1", -1).right == ("1", 0, -2)
    assert find(result, "1", 2).left == ("1", 0, 1) and find(result, "1", 1).right == ("1", 0, 2)
    assert find(result, "1", 1).opposite == ("1", 0, -1) and find(result, "1", 2).opposite is None


def test_marks_are_told_as_the_driver_sees_them() -> None:
    """The centre line has its solid line on the left of s: the right lane may cross it, the left lane may not."""
    center = mark("solid broken", "increase", "yellow")
    result = draft(road(sections=section(lane(1, inner=mark("broken")), lane(-1, inner=mark("solid")), center=center)))
    right, left = find(result, "1", -1), find(result, "1", 1)
    assert right.mark_left[0] == MarkKind.SOLID_BROKEN and left.mark_left[0] == MarkKind.BROKEN_SOLID
    assert right.color_left[0] == left.color_left[0] == MarkColor.YELLOW
    assert right.change_left.all() and not left.change_left.any()
    assert right.mark_right[0] == MarkKind.SOLID and left.mark_right[0] == MarkKind.BROKEN
    assert not right.change_right.any() and left.change_right.all()  # paint decides without a laneChange


def test_a_mark_begins_at_its_offset() -> None:
    inner = mark("broken", "both") + mark("solid", "none", offset=40.0)
    found = find(draft(road(sections=section("", lane(-1, inner=inner)))), "1", -1)
    at = found.xyz[:, 0]
    assert set(found.mark_right[at < 39.9]) == {MarkKind.BROKEN} and set(found.mark_right[at > 40.1]) == {
        MarkKind.SOLID
    }
    assert found.change_right[0] and not found.change_right[-1]


def test_sections_are_linked_in_the_direction_of_travel() -> None:
    one = section(lane(1, links=follows(1)), lane(-1, links=follows(-1)))
    two = section(lane(1, links=after(1)), lane(-1, links=after(-1)), s=50)
    result = draft(road(sections=one + two))
    assert find(result, "1", -1).successors == [("1", 1, -1)]
    assert find(result, "1", 1, 1).successors == [("1", 0, 1)]
    assert not find(result, "1", -1, 1).successors and not find(result, "1", 1).successors


def test_a_lane_is_followed_through_a_section_of_no_length() -> None:
    one = section("", lane(-1, links=follows(-1)))
    gap = section("", lane(-1, links=after(-1) + follows(-1)), s=50)
    two = section("", lane(-1, links=after(-1)), s=50.0001)
    result = draft(road(sections=one + gap + two))
    assert find(result, "1", -1).successors == [("1", 2, -1)]
    assert result.skipped["laneSection of no length"] == 1


def test_roads_meet_head_to_head() -> None:
    """Road 2 runs towards road 1: its left lane continues road 1's right lane."""
    end = '<successor elementType="road" elementId="{}" contactPoint="end"/>'
    lanes = section(lane(1, links=follows(-1)), lane(-1, links=follows(1)))
    result = draft(
        road("1", sections=lanes, link=end.format(2)),
        road("2", plan=geometry(100, x=200, hdg=np.pi), sections=lanes, link=end.format(1)),
    )
    assert find(result, "1", -1).successors == [("2", 0, 1)]
    assert find(result, "2", -1).successors == [("1", 0, 1)]
    assert not find(result, "1", 1).successors


def crossing(kind: str = "", inner: str = "", signals: str = "", controllers: str = "") -> list[str]:
    """Road 1 -> connecting road 3 (traffic on its left lane, so against its s) -> road 2."""
    to_junction = '<successor elementType="junction" elementId="9"/>'
    from_junction = '<predecessor elementType="junction" elementId="9"/>'
    links = '<predecessor elementType="road" elementId="2" contactPoint="start"/>'
    links += '<successor elementType="road" elementId="1" contactPoint="end"/>'
    return [
        road("1", sections=section("", lane(-1)), link=to_junction),
        road("2", plan=geometry(100, x=120), sections=section("", lane(-1)), link=from_junction),
        road(
            "3", 20, geometry(20, x=120, hdg=np.pi), section(lane(1, links=after(-1) + follows(-1))), junction="9",
            link=links, speed="", extra=f"<signals>{signals}</signals>",
        ),
        f'<junction id="9" name=""{kind}><connection id="0" incomingRoad="1" connectingRoad="3" contactPoint="end">'
        f'{inner or chr(60) + "laneLink from=" + chr(34) + "-1" + chr(34) + " to=" + chr(34) + "1" + chr(34) + "/>"}'
        f"</connection>{controllers}</junction>",
    ]  # fmt: skip


def test_a_junction_is_crossed_against_the_connecting_roads_direction() -> None:
    result = draft(*crossing())
    assert find(result, "1", -1).successors == [("3", 0, 1)]
    assert find(result, "3", 1).successors == [("2", 0, -1)]
    assert find(result, "3", 1).junction == "9" and find(result, "1", -1).junction is None
    assert find(result, "3", 1).xyz[[0, -1], 0] == pytest.approx([100, 120])


def test_a_connecting_road_inherits_the_limit_of_the_road_before() -> None:
    assert find(draft(*crossing()), "3", 1).limit == pytest.approx(50 / 3.6)


def test_virtual_junctions_are_reported() -> None:
    result = draft(*crossing(' type="virtual"'))
    assert result.skipped["junction of type 'virtual'"] == 1
    assert not find(result, "1", -1).successors


def test_a_direct_junction_splits_lanes() -> None:
    connection = '<connection id="0" incomingRoad="1" linkedRoad="{}" contactPoint="start">'
    connection += '<laneLink from="{}" to="-1"/></connection>'
    junction = f'<junction id="9" type="direct">{connection.format(2, -1)}{connection.format(4, -2)}</junction>'
    to, back = (f'<{n} elementType="junction" elementId="9"/>' for n in ("successor", "predecessor"))
    result = draft(
        road("1", sections=section("", lane(-1) + lane(-2)), link=to),
        road("2", plan=geometry(100, x=100), sections=section("", lane(-1)), link=back),
        road("4", plan=geometry(100, x=100, y=-3.5), sections=section("", lane(-1)), link=back),
        junction,
    )
    assert find(result, "1", -1).successors == [("2", 0, -1)]
    assert find(result, "1", -2).successors == [("4", 0, -1)]
    assert find(result, "2", -1).junction is None


@pytest.mark.parametrize(
    "text, speed", [('max="25" unit="mph"', 11.176), ('max="36" unit="km/h"', 10), ('max="10"', 10)]
)
def test_speed_units(text: str, speed: float) -> None:
    found = find(draft(road(speed=f'<type s="0" type="rural"><speed {text}/></type>')), "1", -1)
    assert found.limit == pytest.approx(speed)


def test_a_lanes_own_limit_stands_above_the_roads() -> None:
    own = '<speed sOffset="60" max="30" unit="km/h"/>'
    found = find(draft(road(sections=section("", lane(-1, inner=own)))), "1", -1)
    assert found.limit[[0, -1]] * 3.6 == pytest.approx([50, 30])


def test_an_assumed_limit_is_reported() -> None:
    result = draft(road(speed='<type s="0" type="rural"/>'))
    assert find(result, "1", -1).limit * 3.6 == pytest.approx(100)
    assert result.skipped["road without a speed limit (assumed from its type; 50 km/h without one)"] == 1


def signal(
    kind: str, key: str = "7", s: float = 80, t: float = -5, orientation: str = "+", inner: str = "", **more: object
) -> str:
    values = {"country": "DE", "subtype": "-1", "dynamic": "no", "zOffset": 2, "height": 1, "value": -1, **more}
    rest = " ".join(f'{name}="{value}"' for name, value in values.items())
    return (
        f'<signal id="{key}" name="" s="{s}" t="{t}" type="{kind}" orientation="{orientation}" {rest}>{inner}</signal>'
    )


def test_a_stop_sign_holds_the_lanes_it_faces() -> None:
    result = draft(road(extra=f"<signals>{signal('206')}</signals>"))
    (stop,) = result.stops
    assert (stop.lane, stop.kind, stop.light) == (("1", 0, -1), StopKind.STOP, None) and stop.s == pytest.approx(80)
    (sign,) = result.signs
    assert (
        sign.kind == SignKind.STOP
        and sign.xyz == pytest.approx((80, -5, 2.5))
        and abs(sign.yaw) == pytest.approx(np.pi)
    )


def test_a_sign_for_the_other_direction_counts_s_in_travel_direction() -> None:
    result = draft(road(extra=f"<signals>{signal('205', orientation='-', t=5)}</signals>"))
    (stop,) = result.stops
    assert stop.lane == ("1", 0, 1) and stop.kind == StopKind.YIELD and stop.s == pytest.approx(20)
    assert result.signs[0].yaw == pytest.approx(0)


def test_a_stop_is_made_at_the_painted_line() -> None:
    line = signal("294", "8", s=77, t=0, zOffset=0)
    assert draft(road(extra=f"<signals>{signal('206')}{line}</signals>")).stops[0].s == pytest.approx(77)
    painted = '<object id="1" type="-1" name="StopLine" s="78" t="-1.75" width="0" length="3.4"/>'
    extra = f"<objects>{painted}</objects><signals>{signal('206')}</signals>"
    assert draft(road(extra=extra)).stops[0].s == pytest.approx(78)


def test_validity_names_the_lanes() -> None:
    light = signal("1000001", dynamic="yes", country="OpenDRIVE", inner='<validity fromLane="-2" toLane="-2"/>')
    result = draft(road(sections=section(lane(1), lane(-1) + lane(-2)), extra=f"<signals>{light}</signals>"))
    assert [(x.lane[2], x.kind, x.light) for x in result.stops] == [(-2, StopKind.LIGHT, "7")]
    assert result.lights[0].plan == "7"


def test_a_light_on_a_connecting_road_holds_its_lanes_where_they_begin() -> None:
    """CARLA's way: validity 0 on the approach, a reference on the connecting road."""
    light = signal("1000001", s=5, dynamic="yes", orientation="-", inner='<validity fromLane="1" toLane="1"/>')
    root = '<controller id="c1" name="" sequence="1"><control signalId="7" type=""/></controller>'
    result = draft(*crossing(signals=light, controllers='<controller id="c1" type="0" sequence="2"/>'), root)
    (stop,) = result.stops
    assert stop.lane == ("3", 0, 1) and stop.s == 0 and stop.light == "7"
    assert result.lights[0].plan == "9" and result.lights[0].phase == 0
    assert abs(result.lights[0].yaw) == pytest.approx(np.pi)  # towards the traffic from road 1


def test_a_light_beyond_the_junction_looks_back_to_the_line() -> None:
    place = '<positionInertial x="125" y="4" z="4.5" hdg="0"/>'
    light = signal("1000001", s=95, dynamic="yes", inner=place)
    parts = crossing()
    parts[0] = parts[0].replace("<lanes>", f"<signals>{light}</signals><lanes>")
    result = draft(*parts)
    assert result.lights[0].xyz == pytest.approx((125, 4, 5.0)) and abs(result.lights[0].yaw) == pytest.approx(np.pi)
    assert result.stops[0].lane == ("1", 0, -1) and result.skipped == {}


def test_a_light_before_a_junction_belongs_to_its_plan() -> None:
    parts = crossing()
    light = signal("1000001", dynamic="yes", s=95)
    parts[0] = parts[0].replace("<lanes>", f"<signals>{light}</signals><lanes>")
    result = draft(*parts)
    assert result.lights[0].plan == "9" and result.lights[0].phase is None
    assert result.stops[0].s == pytest.approx(95)


def test_limit_signs_rule_where_no_record_does() -> None:
    one = signal("274", "1", s=20, value=70, unit="km/h") + signal("274", "2", s=60, value=30)
    result = draft(road(speed="", extra=f"<signals>{one}</signals>"))
    found = find(result, "1", -1)
    assert found.limit[found.xyz[:, 0] > 61] * 3.6 == pytest.approx(30)
    assert found.limit[(found.xyz[:, 0] > 21) & (found.xyz[:, 0] < 59)] * 3.6 == pytest.approx(70)
    recorded = find(draft(road(extra=f"<signals>{one}</signals>")), "1", -1)
    assert recorded.limit * 3.6 == pytest.approx(50)


@pytest.mark.parametrize(
    "country, kind, subtype, value, unit, kmh",
    [
        ("DE", "274", "-1", 50, "", 50), ("OpenDRIVE", "274", "60", -1, "", 60), ("US", "R2-1", "-1", 25, "", 40.2336),
        ("se", "c", "31", 5, "", 50), ("DE", "274", "-1", 20, "m/s", 72),
    ],
)  # fmt: skip
def test_limit_signs_of_several_countries(
    country: str, kind: str, subtype: str, value: float, unit: str, kmh: float
) -> None:
    extra: dict[str, object] = {"unit": unit} if unit else {}
    result = draft(
        road(extra=f"<signals>{signal(kind, country=country, subtype=subtype, value=value, **extra)}</signals>")
    )
    assert result.signs[0].kind == SignKind.SPEED_LIMIT and result.signs[0].value * 3.6 == pytest.approx(kmh)


def test_unknown_signals_are_counted() -> None:
    result = draft(road(extra=f"<signals>{signal('999')}{signal('1000002', '8', dynamic='yes')}</signals>"))
    assert result.skipped == {"signal type DE/999 (a sign of kind OTHER)": 1, "light for pedestrians or cyclists": 1}
    assert [sign.kind for sign in result.signs] == [SignKind.OTHER]


def test_objects() -> None:
    corners = "".join(
        f'<cornerRoad s="{s}" t="{t}" dz="0"/>' for s, t in ((40, -4), (40, 4), (44, 4), (44, -4), (40, -4))
    )
    house = "".join(f'<cornerLocal u="{u}" v="{v}" z="0" height="9"/>' for u, v in ((0, 0), (10, 0), (10, 6), (0, 6)))
    text = (
        f'<object id="1" type="crosswalk" s="40" t="0"><outline>{corners}</outline></object>'
        '<object id="2" type="building" s="20" t="10" hdg="1.5707963267948966"><outlines>'
        f"<outline>{house}</outline></outlines></object>"
        '<object id="3" type="tree" s="0" t="8" radius="1.5" height="7"><repeat s="10" length="40" distance="10" '
        'tStart="8" tEnd="12"/></object><object id="4" type="pole" s="3" t="8"/>'
        '<object id="5" type="barrier" s="0" t="-9">'
        '<repeat s="0" length="30" distance="0" tStart="-9" tEnd="-9"/></object>'
    )
    result = draft(road(extra=f"<objects>{text}</objects>"))
    (walk,) = result.crosswalks
    assert len(walk) == 4 and sorted(map(tuple, walk[:, :2].tolist())) == [(40, -4), (40, 4), (44, -4), (44, 4)]
    x, y = walk[:, 0], walk[:, 1]
    assert np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0  # counter-clockwise
    ((outline, height),) = result.buildings
    assert height == 9 and outline[:, 0].min() == pytest.approx(14) and outline[:, 1].max() == pytest.approx(20)
    assert [t[:2] for t in result.trees] == [pytest.approx((10 + 10 * k, 8 + k)) for k in range(5)]
    assert result.trees[0][3:] == (1.5, 7)
    assert result.skipped == {"object pole": 1}
    fences = [line for line, kind in result.edges if kind == EdgeKind.BARRIER]
    assert len(fences) == 1 and fences[0][[0, -1], 0] == pytest.approx([0, 30])


def test_edges_lie_on_the_kerb() -> None:
    right = lane(-1) + lane(-2, 0.5, "shoulder", mark("curb")) + lane(-3, 2, "sidewalk")
    result = draft(road(sections=section(lane(1), right)))
    found = {kind: line[:, 1] for line, kind in result.edges}
    assert found[EdgeKind.CURB] == pytest.approx(-4.0) and found[EdgeKind.ROAD_EDGE] == pytest.approx(3.5)


def test_edges_inside_another_roads_lane_are_left_out() -> None:
    result = draft(*crossing())
    edge = np.concatenate([line for line, _ in result.edges])
    assert edge[:, 0].min() == pytest.approx(0) and edge[:, 0].max() == pytest.approx(220)
    across = draft(
        road("1", sections=section("", lane(-1)), junction="9", link=""),
        road("2", plan=geometry(100, x=50, y=-50, hdg=np.pi / 2), sections=section("", lane(-1)), junction="9"),
    )
    inside = [
        point for line, _ in across.edges for point in 0.5 * (line[1:] + line[:-1])
        if 50.2 < point[0] < 53.3 and -3.3 < point[1] < -0.2
    ]  # fmt: skip
    assert not inside and len(across.edges) == 8
