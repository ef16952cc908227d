"""Paths between poses, transitions and crossings: the parts that our maps are made from."""

import itertools
import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scenarios.mapgen.geometry import Path, Segment, wrap
from scenarios.procedural.connect import join
from scenarios.procedural.network import DRIVING, End, Network
from scenarios.procedural.pieces import crossing_ways, facing_phases, part, street, transition_ways

COORDINATE = st.floats(-200.0, 200.0)
ANGLE = st.floats(-3.1, 3.1)


@settings(max_examples=100, deadline=None)
@given(COORDINATE, COORDINATE, ANGLE, st.floats(5.0, 300.0), st.floats(-1.2, 1.2), st.floats(-2.5, 2.5))
def test_joins_begin_and_end_where_they_should_and_never_jump(x, y, heading, distance, bearing, turn):
    start = (x, y, heading)
    end = (x + distance * math.cos(heading + bearing), y + distance * math.sin(heading + bearing), wrap(heading + turn))
    assume(abs(abs(turn - bearing) - math.pi) > 0.3)
    path = join(start, end)
    assert math.dist(path.at(0.0)[:2], start[:2]) < 1e-6 and abs(wrap(path.at(0.0)[2] - heading)) < 1e-6
    tip = path.at(path.length)
    assert math.dist(tip[:2], end[:2]) < 1e-6 and abs(wrap(tip[2] - end[2])) < 1e-6
    for a, b in itertools.pairwise(path.segments):
        px, py, h = a.at(a.length)
        assert math.dist((px, py), (b.x, b.y)) < 1e-6 and abs(wrap(h - b.heading)) < 1e-6


def test_a_straight_join_is_one_line():
    path = join((1.0, 2.0, 0.0), (31.0, 2.0, 0.0))
    assert [s.curvature for s in path.segments] == [0.0] and path.length == pytest.approx(30.0)


def test_a_shift_to_the_left_bends_left_then_right():
    path = join((0.0, 0.0, 0.0), (60.0, 3.5, 0.0))
    first, second = path.segments
    assert first.curvature > 0 > second.curvature and first.curvature == pytest.approx(-second.curvature)


def test_nothing_joins_a_pose_to_one_behind_it():
    with pytest.raises(ValueError, match="behind the start"):
        join((0.0, 0.0, 0.0), (-30.0, 0.0, 0.0))


def test_a_part_of_a_path_lies_on_it():
    path = Path([Segment(0.0, 0.0, 0.0, 50.0), Segment(50.0, 0.0, 0.0, 60.0, 0.02)])
    cut = part(path, 40.0, 90.0)
    assert cut.length == pytest.approx(50.0)
    for s in (0.0, 9.0, 11.0, 50.0):
        assert cut.at(s) == pytest.approx(path.at(40.0 + s))


def arms(network: Network, lanes: list[tuple[int, int]], headings: list[float]) -> list[End]:
    """Ends of streets that lead away from the origin; lanes: (in, out)."""
    out = []
    for (inwards, outwards), heading in zip(lanes, headings, strict=True):
        path = Path([Segment(20.0 * math.cos(heading), 20.0 * math.sin(heading), heading, 80.0)])
        out.append(End(street(network, path, (outwards, inwards)), True))
    return out


@pytest.mark.parametrize("headings", [(0.0, 1.6, 3.1, -1.5), (0.0, 1.5, 3.1), (0.0, 1.6, -1.6), (0.2, 2.2, -2.0)])
@pytest.mark.parametrize("lanes", list(itertools.product((1, 2), repeat=4)))
def test_a_crossing_leaves_no_lane_without_a_way(headings, lanes):
    network = Network("toy", "Toy")
    ends = arms(network, [(n, n) for n in lanes[: len(headings)]], list(headings))
    ways = crossing_ways(ends)
    for end in ends:
        count = sum(lane.kind == DRIVING for lane in end.road.left)
        entered = {w.entry_lane + k for w in ways if w.entry is end for k in range(w.count)}
        left = {w.exit_lane + k for w in ways if w.exit is end for k in range(w.count)}
        assert entered == left == set(range(1, count + 1))
        assert {id(w.exit) for w in ways if w.entry is end} == {id(e) for e in ends if e is not end}
    kerbs = [w for w in ways if w.kerb]
    assert len(kerbs) == len(ends)  # the pavement runs on round every corner


def test_approaches_that_face_each_other_share_a_phase():
    ends = arms(Network("toy", "Toy"), [(1, 1)] * 4, [0.0, 1.6, 3.1, -1.5])
    assert [[end for end, _ in group] for group in facing_phases(ends)] == [[ends[0], ends[2]], [ends[1], ends[3]]]
    assert len(facing_phases(ends, 4)) == 4


def test_a_lane_that_ends_gives_way_and_one_that_begins_has_a_way_in():
    network = Network("toy", "Toy")
    a = End(street(network, Path([Segment(0.0, 0.0, 0.0, 50.0)]), (1, 1)), False)
    b = End(street(network, Path([Segment(100.0, 0.0, 0.0, 50.0)]), (2, 2)), True)
    ways = transition_ways(a, b)
    assert [(w.entry is a, w.entry_lane, w.exit_lane, w.low) for w in ways] == [
        (True, 1, 1, False), (True, 1, 2, False), (False, 1, 1, False), (False, 2, 1, True)
    ]  # fmt: skip
    c = End(street(network, Path([Segment(200.0, 0.0, 0.0, 50.0)]), (3, 3)), True)
    with pytest.raises(ValueError, match="1 lanes to 3"):
        transition_ways(a, c)
