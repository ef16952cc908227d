"""The curve's kernels against closed forms and a dense solver."""

import math

import numpy as np
import pytest

from perception.curve import (
    BAND,
    BIN_ROW,
    CURVE_ROW,
    HOLD,
    KINK,
    OBSERVED_ROW,
    POINTS,
    STEP,
    add_to_bin,
    cut_tail,
    even_out,
    foot_on,
    grow_tail,
    index_after,
    index_of,
    is_sound,
    last_seen,
    length_between,
    line_of_bins,
    place_on,
    relax,
    see_bins,
    u_at,
)  # fmt: skip


def circle(radius, n, step=STEP):
    curve = np.zeros(POINTS, CURVE_ROW)
    angle = np.arange(n) * step / radius
    curve["x"][:n], curve["y"][:n] = radius * np.sin(angle), radius * (1 - np.cos(angle))
    curve["u"][:n] = step * np.arange(n)
    return curve


def straight(n, step=STEP):
    curve = np.zeros(POINTS, CURVE_ROW)
    curve["x"][:n] = curve["u"][:n] = step * np.arange(n)
    return curve


def test_places_between_points_lie_on_the_circle():
    curve = circle(9.0, 20)
    for t in np.linspace(1.0, 18.0, 60):
        x, y, yaw = place_on(curve, 20, t)
        assert abs(math.hypot(x, y - 9.0) - 9.0) < 0.01
        assert math.cos(yaw - t * STEP / 9.0) > math.cos(0.02)


def test_foot_is_the_inverse_of_place():
    curve, rng = circle(30.0, 30), np.random.default_rng(0)
    for t, d in zip(rng.uniform(1, 28, 50), rng.uniform(-3, 3, 50), strict=True):
        x, y, yaw = place_on(curve, 30, t)
        found, side = foot_on(curve, 30, x - d * math.sin(yaw), y + d * math.cos(yaw), 0, 29)
        assert abs(side - d) < 0.03 and abs(found - t) < 0.06


def test_beyond_the_ends_it_goes_straight_on():
    curve = straight(10)
    assert place_on(curve, 10, 12.0)[0] == pytest.approx(24.0)
    assert foot_on(curve, 10, -3.0, 1.0, 0, 9) == pytest.approx((-1.5, 1.0))
    assert length_between(curve, 10, -1.0, 11.0) == pytest.approx(24.0)


def test_lengths_and_indices_are_inverses():
    curve, rng = circle(12.0, 40), np.random.default_rng(1)
    for t, s in zip(rng.uniform(0, 20, 30), rng.uniform(0, 30, 30), strict=True):
        assert length_between(curve, 40, t, index_after(curve, 40, t, s)) == pytest.approx(s, abs=1e-9)
        assert index_of(curve, 40, u_at(curve, 40, t)) == pytest.approx(t)


def test_relax_solves_the_least_squares_problem():
    """Against a dense solution of the stated sum on a straight line, where all normals are alike."""
    n, rng = 25, np.random.default_rng(2)
    curve = straight(n)
    curve["y"][:n] = 0.05 * rng.standard_normal(n)
    seen = np.zeros(40, OBSERVED_ROW)
    seen["t"], seen["d"], seen["w"] = rng.uniform(0, n - 1, 40), rng.normal(0.3, 0.1, 40), rng.uniform(1, 50, 40)
    a, r = np.eye(n) / HOLD**2, np.zeros(n)
    normal = np.array([[-(curve["y"][min(i + 1, n - 1)] - curve["y"][max(i - 1, 0)]),
                        curve["x"][min(i + 1, n - 1)] - curve["x"][max(i - 1, 0)]] for i in range(n)])  # fmt: skip
    normal /= np.hypot(*normal.T)[:, None]
    p = np.stack((curve["x"][:n], curve["y"][:n]), axis=1)
    for j in range(n - 3):
        d = np.zeros(n)
        d[j : j + 4] = -1, 3, -3, 1
        now = (d @ p) @ (0.5 * (normal[j + 1] + normal[j + 2]))
        w = 1.0 / (KINK**2 + now**2)
        a, r = a + w * np.outer(d, d), r - w * now * d
    for row in seen:
        i = min(int(row["t"]), n - 2)
        h = np.zeros(n)
        h[i], h[i + 1] = 1 - (row["t"] - i), row["t"] - i
        a, r = a + row["w"] * np.outer(h, h), r + row["w"] * row["d"] * h
    expected = p + np.linalg.solve(a, r)[:, None] * normal
    relax(curve, n, seen, 40, np.zeros((POINTS, BAND)), np.zeros(POINTS))
    assert np.allclose(np.stack((curve["x"][:n], curve["y"][:n]), axis=1), expected, atol=1e-9)


def test_it_is_pulled_onto_a_bend_that_begins_at_once():
    """A straight line relaxed on what is seen of a street with a bend of 10 m radius comes to lie on it."""
    n, curve = 35, straight(35)
    s = np.arange(0.0, 45.0, 1.0)
    turn = np.clip((s - 30.0) / 10.0, 0.0, None)
    x, y = np.minimum(s, 30.0) + 10.0 * np.sin(turn), 10.0 * (1 - np.cos(turn))
    seen = np.zeros(len(s), OBSERVED_ROW)
    bands, right, spare = np.zeros((POINTS, BAND)), np.zeros(POINTS), np.zeros(POINTS, CURVE_ROW)
    for _ in range(60):
        for i in range(len(s)):
            seen[i]["t"], seen[i]["d"] = foot_on(curve, n, x[i], y[i], 0, n - 1)
            seen[i]["w"] = 400.0
        relax(curve, n, seen, len(s), bands, right)
        n = even_out(curve, n, spare)
    off = [abs(foot_on(curve, n, x[i], y[i], 0, n - 1)[1]) for i in range(len(s))]
    assert max(off) < 0.15


def test_even_out_keeps_the_shape():
    curve = circle(15.0, 20, step=3.1)
    n = even_out(curve, 20, np.zeros(POINTS, CURVE_ROW))
    gaps = np.hypot(np.diff(curve["x"][:n]), np.diff(curve["y"][:n]))
    assert n > 25 and np.ptp(gaps) < 0.05
    assert np.abs(np.hypot(curve["x"][:n], curve["y"][:n] - 15.0) - 15.0).max() < 0.06
    assert curve["u"][n - 1] == pytest.approx(3.1 * 19)


def test_the_tail_grows_towards_the_laid_route():
    curve, laid = straight(3), straight(60)[:60]
    n = grow_tail(curve, 3, laid, 0.0, 1.0, 0.0, 80.0)  # the laid route lies 1 m to the left in the curve's frame
    assert curve["u"][n - 1] >= 80.0 and n < POINTS
    assert curve["y"][2] == 0.0 and abs(curve["y"][n - 1] - 1.0) < 0.05
    assert (np.diff(curve["y"][2:n]) > 0).all()
    assert cut_tail(curve, n, 20.0) == 11
    assert grow_tail(curve, 3, laid, 0.0, 0.0, 0.0, 1e3) == 60  # it ends where the route ends


def test_bins_average_and_make_a_line():
    bins, rng = np.zeros(60, BIN_ROW), np.random.default_rng(3)
    for _ in range(200):
        u = rng.uniform(10, 30)
        add_to_bin(bins, u, 5.0 + 0.6 * u, 1.0 + 0.8 * u + 0.05 * rng.standard_normal(), 4.0, 1.0)
    x, y, yaw, weight = line_of_bins(bins, 20.0, 6.0)
    assert weight > 0 and yaw == pytest.approx(math.atan2(0.8, 0.6), abs=0.02)
    assert abs((y - 1.0) / 0.8 - (x - 5.0) / 0.6) < 0.1
    assert line_of_bins(bins, 40.0, 6.0)[3] == 0.0
    assert last_seen(bins, 5.0, 50.0) == 30.0 and last_seen(bins, 31.0, 20.0) == 31.0
    seen = np.zeros(100, OBSERVED_ROW)
    curve = straight(40)
    count = see_bins(curve, 40, bins, seen, 0)
    assert count == (bins["w"] >= 1.0).sum()


def test_a_folded_curve_is_not_sound():
    curve = circle(8.0, 30)
    assert is_sound(curve, 30)
    curve["x"][12] -= 3.0
    assert not is_sound(curve, 30)
