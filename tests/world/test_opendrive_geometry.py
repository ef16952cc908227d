"""Reference lines and lane centres against closed forms and quadrature."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from tests.world.xodr_text import draft, find, geometry, lane, road, section
from world.draft import LaneDraft
from world.opendrive.cubic import PiecewiseCubic
from world.opendrive.geometry import PolyCurve, clothoid


def by_quadrature(length: float, k0: float, rate: float) -> tuple[float, float]:
    def angle(s: float) -> float:
        return k0 * s + rate * s * s / 2

    options = {"limit": 500, "epsabs": 1e-10}
    return quad(lambda s: np.cos(angle(s)), 0, length, **options)[0], quad(
        lambda s: np.sin(angle(s)), 0, length, **options
    )[0]


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 120), st.floats(-0.2, 0.2), st.sampled_from([0.0, 1e-14, 1e-11, -1e-9, 1e-6, -1e-4, 0.002, -0.01]))
def test_clothoid_equals_quadrature(length: float, k0: float, rate: float) -> None:
    u, v = clothoid(np.array([length]), np.array([k0]), np.array([rate]))
    assert (u[0], v[0]) == pytest.approx(by_quadrature(length, k0, rate), abs=1e-6)


def test_piecewise_cubic_takes_the_record_that_began_last_and_can_be_kept_from_the_next_one() -> None:
    curve = PiecewiseCubic(np.array([0.0, 10.0]), np.array([[1.0, 0.5, 0.0, 0.0], [9.0, 0.0, 0.0, 0.1]]))
    assert curve(np.array([-1.0, 4.0, 10.0, 12.0]))[0] == pytest.approx([0.5, 3.0, 9.0, 9.8])
    assert curve(np.array([10.0]), 10.0)[0] == pytest.approx([6.0])
    assert curve(np.array([12.0]))[1:] == (pytest.approx([1.2]), pytest.approx([1.2]))


@pytest.mark.parametrize("key, radius", [(-1, 51.75), (1, 48.25), (2, 44.75)])
def test_lane_on_an_arc_is_an_arc_of_its_own_radius(key: int, radius: float) -> None:
    length = 50 * np.pi / 2
    result = draft(
        road(
            length=length,
            plan=geometry(length, '<arc curvature="0.02"/>'),
            sections=section(lane(1) + lane(2), lane(-1)),
        )
    )
    found = find(result, "1", key)
    assert found.length == pytest.approx(radius * np.pi / 2, abs=1e-6)
    assert np.hypot(found.xyz[:, 0], found.xyz[:, 1] - 50) == pytest.approx(np.full(len(found.xyz), radius), abs=1e-9)
    spacing = np.hypot(*np.diff(found.xyz[:, :2], axis=0).T)
    assert np.ptp(spacing) < 1e-6 and spacing.max() <= 2.0
    assert radius - np.sqrt(radius**2 - (spacing.max() / 2) ** 2) < 0.01  # sagitta
    assert found.curvature == pytest.approx(np.full(len(found.xyz), (1 if key < 0 else -1) / radius))
    end = found.heading[-1 if key < 0 else 0] - (0 if key < 0 else np.pi)
    assert end == pytest.approx(np.pi / 2)


def test_spiral_ends_where_its_arc_continues() -> None:
    spiral = '<spiral curvStart="0" curvEnd="0.02"/>'
    x, y = by_quadrature(40, 0, 0.02 / 40)
    result = draft(
        road(
            length=60,
            plan=geometry(40, spiral) + geometry(20, '<arc curvature="0.02"/>', 40, x, y, 0.4),
            sections=section("", lane(-1, 0.02)),
        )
    )
    found = find(result, "1", -1)
    assert not result.skipped.get("geometry records that do not meet (gap over 0.1 m)")
    assert np.abs(np.diff(found.heading)).max() < 0.05
    assert found.curvature.max() == pytest.approx(0.02, rel=1e-3)


def test_poly3_ends_at_its_arc_length() -> None:
    curve = PolyCurve.make(np.array([0, 1.0, 0, 0]), np.array([0, 0.2, 0.01, 0]), 30.0, 30.0, cut=True)
    u, v, heading, _, _ = curve.at(np.array([30.0]))
    arc = quad(lambda p: np.hypot(1, 0.2 + 0.02 * p), 0, u[0])[0]
    assert arc == pytest.approx(30.0, abs=1e-3)
    assert v[0] == pytest.approx(0.2 * u[0] + 0.01 * u[0] ** 2)
    assert heading[0] == pytest.approx(np.arctan(0.2 + 0.02 * u[0]))


@pytest.mark.parametrize("span", ["normalized", "arcLength"])
def test_param_poly3_in_both_ranges(span: str) -> None:
    """The same curve, with p in [0, 1] and in [0, length]."""
    u, v = np.array([0.0, 39.0, 0.0, -2.0]), np.array([0.0, 0.0, 9.0, -3.0])
    length = quad(lambda p: np.hypot(39 - 6 * p * p, 18 * p - 9 * p * p), 0, 1)[0]
    powers = (length if span == "arcLength" else 1.0) ** np.arange(4)
    names = [
        f'{c}{axis}="{value}"'
        for axis, row in (("U", u / powers), ("V", v / powers))
        for c, value in zip("abcd", row, strict=True)
    ]
    plan = geometry(length, f'<paramPoly3 {" ".join(names)} pRange="{span}"/>')
    found = find(draft(road(length=length, plan=plan, sections=section("", lane(-1, 0.02)))), "1", -1)
    assert found.xyz[-1, :2] == pytest.approx([37.0, 6.0], abs=0.02)
    assert np.ptp(np.hypot(*np.diff(found.xyz[:, :2], axis=0).T)) < 5e-3


def test_curvature_is_the_derivative_of_the_heading_where_width_and_offset_change() -> None:
    taper = '<width sOffset="0" a="3" b="0" c="0.003" d="-0.00002"/>'
    plan = geometry(100, '<spiral curvStart="-0.01" curvEnd="0.02"/>')
    sections = section("", f'<lane id="-1" type="driving">{taper}</lane>')
    found = find(
        draft(
            road(
                length=100,
                plan=plan,
                sections=sections,
                lanes='<laneOffset s="0" a="0" b="0.01" c="0.002" d="-0.00001"/>',
            )
        ),
        "1",
        -1,
    )
    step = found.length / (len(found.width) - 1)
    turned = np.diff(np.unwrap(found.heading)) / step
    assert turned == pytest.approx(0.5 * (found.curvature[1:] + found.curvature[:-1]), abs=2e-4)
    moved = np.diff(found.xyz[:, :2], axis=0)
    assert np.arctan2(moved[:, 1], moved[:, 0]) == pytest.approx(
        0.5 * (found.heading[1:] + found.heading[:-1]), abs=2e-4
    )


def test_a_mirrored_road_gives_mirrored_lanes() -> None:
    def build(sign: int, rule: str) -> LaneDraft:
        one, two = lane(sign * -1, 3.0), lane(sign * -2, 2.0, "shoulder")
        sides = section("", one + two) if sign > 0 else section(one + two, "")
        plan = geometry(80, f'<spiral curvStart="{sign * 0.001}" curvEnd="{sign * 0.03}"/>', hdg=sign * 0.3)
        return find(draft(road(length=80, plan=plan, sections=sides, rule=rule)), "1", sign * -1)

    right, left = build(1, "RHT"), build(-1, "LHT")
    assert left.xyz * [1, -1, 1] == pytest.approx(right.xyz, abs=1e-9)
    assert left.heading == pytest.approx(-right.heading)
    assert left.curvature == pytest.approx(-right.curvature)


def test_height_follows_elevation_and_superelevation() -> None:
    extra = (
        '<elevationProfile><elevation s="0" a="5" b="0.02" c="0" d="0"/></elevationProfile>'
        '<lateralProfile><superelevation s="0" a="0.1" b="0" c="0" d="0"/></lateralProfile>'
    )
    found = find(draft(road(extra=extra)), "1", -1)
    assert found.xyz[-1, 2] == pytest.approx(5 + 2 - 1.75 * np.sin(0.1))
    assert found.xyz[0, 1] == pytest.approx(-1.75 * np.cos(0.1))


def test_border_records_stand_for_widths() -> None:
    lanes = '<lane id="-1" type="driving"><border sOffset="0" a="-3" b="0" c="0" d="0"/></lane>'
    lanes += '<lane id="-2" type="driving"><border sOffset="0" a="-7" b="-0.01" c="0" d="0"/></lane>'
    found = find(draft(road(sections=section("", lanes))), "1", -2)
    assert found.width[[0, -1]] == pytest.approx([4.0, 5.0])
    assert found.xyz[[0, -1], 1] == pytest.approx([-5.0, -5.5])
