"""Broad phase: sorted, a function of the state, and complete."""

import numpy as np

from simulator.overlap import (
    first_rank,
    is_free,
    levels_meet,
    make_broad,
    overlapping_pairs,
    slots_overlap,
    slots_touched,
    sort_world,
)
from simulator.state import make_slots


def crowd(seed, n=40, spread=25.0):
    r = np.random.default_rng(seed)
    s = make_slots(1, n)
    s.x[0], s.y[0], s.yaw[0] = r.uniform(-spread, spread, n), r.uniform(-spread, spread, n), r.uniform(-3, 3, n)
    s.length[0], s.width[0], s.height[0] = r.uniform(0.5, 12, n), r.uniform(0.5, 2.5, n), 1.5
    s.valid[0] = r.random(n) < 0.8
    s.old_x[:], s.old_y[:], s.old_yaw[:] = s.x, s.y, s.yaw
    return s


def test_order_is_by_x_with_empty_slots_last_whatever_it_was_before():
    s = crowd(0)
    broad = make_broad(1, 40)
    shuffled = make_broad(1, 40)
    shuffled.order[0] = np.random.default_rng(1).permutation(40)
    for b in (broad, shuffled):
        sort_world(0, s, b)
        n = b.count[0]
        assert n == s.valid.sum()
        assert (np.diff(s.x[0, b.order[0, :n]]) >= 0).all()
        assert not s.valid[0, b.order[0, n:]].any()
        assert (b.rank[0, b.order[0]] == np.arange(40)).all()
    assert (broad.order == shuffled.order).all()


def test_first_rank_is_a_binary_search():
    s = crowd(2)
    broad = make_broad(1, 40)
    sort_world(0, s, broad)
    xs = s.x[0, broad.order[0, : broad.count[0]]]
    for x in np.linspace(-30, 30, 41, dtype=np.float32):
        assert first_rank(0, x, s, broad) == np.searchsorted(xs, x)


def test_reach_finds_every_overlapping_pair():
    for seed in range(10):
        s = crowd(seed)
        broad = make_broad(1, 40)
        sort_world(0, s, broad)
        n = broad.count[0]
        found = set()
        for p in range(n):
            for q in range(p + 1, n):
                i, j = int(broad.order[0, p]), int(broad.order[0, q])
                if abs(s.x[0, i] - s.x[0, j]) > 2 * broad.reach[0]:
                    break
                if slots_overlap(0, i, j, s, 0.0):
                    found.add((min(i, j), max(i, j)))
        assert found == set(overlapping_pairs(0, s)) and found


def test_a_bridge_and_the_road_below_do_not_touch():
    s = crowd(3)
    s.x[0, :2], s.y[0, :2], s.yaw[0, :2], s.valid[0, :2] = 0, 0, 0, True
    s.old_x[0, :2] = s.old_y[0, :2] = s.old_yaw[0, :2] = 0
    assert slots_overlap(0, 0, 1, s, 0.0) and slots_touched(0, 0, 1, s, 0.05)[0]
    s.z[0, 1] = 5.0
    assert not slots_overlap(0, 0, 1, s, 0.0) and not slots_touched(0, 0, 1, s, 0.05)[0]
    assert levels_meet(0.0, 1.5, 0.8, 1.5) and not levels_meet(0.0, 1.5, 1.4, 1.5)


def test_a_teleport_sweeps_over_nothing():
    s = make_slots(1, 2)
    s.valid[:], s.length[:], s.width[:], s.height[:] = True, 4.0, 2.0, 1.5
    s.old_x[0], s.x[0] = (0.0, 20.0), (40.0, 20.0)
    assert not slots_touched(0, 0, 1, s, 0.05)[0]  # 800 m/s
    assert slots_touched(0, 0, 1, s, 0.5)[0]  # 80 m/s


def test_is_free_sees_all_but_the_one_that_asks():
    s = make_slots(1, 2)
    s.valid[:], s.length[:], s.width[:], s.height[:] = True, 4.0, 2.0, 1.5
    s.x[0] = (0.0, 10.0)
    assert not is_free(0, 3.0, 0.0, 0.0, 0.0, 4.0, 2.0, 1.5, 0.0, s, -1)
    assert is_free(0, 5.0, 0.0, 0.0, 0.0, 4.0, 2.0, 1.5, 0.0, s, -1)
    assert not is_free(0, 5.0, 0.0, 0.0, 0.0, 4.0, 2.0, 1.5, 1.1, s, -1)
    assert is_free(0, 1.0, 0.0, 0.0, 0.0, 4.0, 2.0, 1.5, 0.0, s, 0)
