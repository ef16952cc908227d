"""The drawing of what the eyes saw: boxes, lines, ground and paint where they are; the input stays as it was."""

import numpy as np
import pytest

from perception import layout, overlay
from perception.decode import LinePoints, Things
from perception.draw_view import LARGER, draw_view
from world.camera_tags import ThingKind
from world.kinds import LightState

H, W = 160, 320
PICTURE = np.full((H, W, 3), 100, np.uint8)
NO_SEG = np.zeros((H // layout.STRIDE, W // layout.STRIDE), np.uint8)


def things(*rows):
    """Things of (kind, box, distance ahead)."""
    n = len(rows)
    values = {
        "kind": np.array([row[0] for row in rows], np.int64), "score": np.full(n, 0.8, np.float32),
        "box": np.array([row[1] for row in rows], np.float64).reshape(n, 4),
        "xyz": np.array([(row[2], 0.0, 0.0) for row in rows], np.float64).reshape(n, 3),
        "state": np.full(n, LightState.RED, np.int64), "front": np.full(n, 0.9, np.float32),
    }  # fmt: skip
    return Things(**{name: values.get(name, np.zeros((n, 3) if name == "size" else n)) for name in Things._fields})


def lines(slot=None, px=()):
    """Points of one line."""
    px = np.array(px, np.float64).reshape(-1, 2)
    n = len(px)
    values = {"slot": np.full(n, 0 if slot is None else slot), "px": px}
    return LinePoints(
        **{name: values.get(name, np.zeros((n, 2) if name == "xy" else n)) for name in LinePoints._fields}
    )


def changed(*args):
    """(rows, columns) of the larger picture in which something was drawn."""
    return (np.abs(draw_view(*args).astype(int) - 100).max(axis=2) > 20).nonzero()


def test_nothing_seen_is_the_picture_larger():
    out = draw_view(PICTURE, NO_SEG, things(), lines(), [])
    assert out.shape == (LARGER * H, LARGER * W, 3) and out.dtype == np.uint8 and (out == 100).all()


def test_the_input_stays_as_it_was():
    rng = np.random.default_rng(0)
    picture, seg = rng.integers(0, 256, PICTURE.shape, dtype=np.uint8), rng.integers(0, 5, NO_SEG.shape, dtype=np.uint8)
    seen, line = things((ThingKind.VEHICLE, (50, 60, 90, 100), 12.0)), lines(1, [(40, 150), (100, 90)])
    before = [part.copy() for part in (picture, seg, *seen, *line)]
    first = draw_view(picture, seg, seen, line, [])
    for part, copy in zip((picture, seg, *seen, *line), before, strict=True):
        np.testing.assert_array_equal(part, copy)
    np.testing.assert_array_equal(draw_view(picture, seg, seen, line, []), first)
    for part in (picture, seg):
        part.flags.writeable = False
    draw_view(picture, seg, seen, line, [])


@pytest.mark.parametrize("kind", list(ThingKind))
def test_boxes_are_drawn_where_they_are(kind):
    box = (50.0, 80.0, 90.0, 120.0)
    rows, columns = changed(PICTURE, NO_SEG, things((kind, box, 12.0)), lines(), [])
    inside = (rows > LARGER * 80 - 6) & (rows < LARGER * 121 + 6)  # above and below may be words
    edges = columns[inside]
    assert edges.min() >= LARGER * 50 - 12 and LARGER * 90 - 6 <= edges.max() <= LARGER * 91 + 40
    for x in (50, 90):
        assert (np.abs(columns - (x + 0.5) * LARGER) <= 3).sum() > 40


def test_lines_are_drawn_in_their_colours():
    px = np.stack([np.linspace(40, 140, 20), np.linspace(150, 90, 20)], axis=1)
    for slot in range(len(overlay.LINE_COLORS)):
        out = draw_view(PICTURE, NO_SEG, things(), lines(slot, px), [])
        x, y = ((px[10] + 0.5) * LARGER - 0.5).round().astype(int)
        assert np.abs(out[y, x].astype(int) - overlay.LINE_COLORS[slot]).max() < 60
        far = out[: LARGER * 80]
        assert (far == 100).all()


def test_ground_and_paint_are_tinted():
    seg = NO_SEG.copy()
    seg[20:] = layout.ROAD
    seg[30:, 40:] = layout.LINE
    out = draw_view(PICTURE, seg, things(), lines(), []).astype(int)
    assert (out[:150] == 100).all()
    road, paint = out[180, 100], out[300, 600]
    assert road[1] > road[0] and road[1] > 110 and paint.min() > 140


def test_words_for_signs_and_lights():
    box = (50.0, 80.0, 90.0, 120.0)
    sign = things((ThingKind.SIGN, box, 12.0))
    plain, named = (draw_view(PICTURE, NO_SEG, sign, lines(), told) for told in ([], [(0, 14, 0.9)]))
    assert (plain != named).any()
    light = things((ThingKind.LIGHT, box, 12.0))
    away = light._replace(front=np.zeros(1, np.float32))  # seen from behind: it shows nothing
    assert (draw_view(PICTURE, NO_SEG, light, lines(), []) != draw_view(PICTURE, NO_SEG, away, lines(), [])).any()


def test_the_nearer_lies_above():
    near, far = (ThingKind.VEHICLE, (60, 60, 120, 120), 8.0), (ThingKind.PEDESTRIAN, (60, 60, 120, 120), 30.0)
    one = draw_view(PICTURE, NO_SEG, things(near, far), lines(), [])
    other = draw_view(PICTURE, NO_SEG, things(far, near), lines(), [])
    np.testing.assert_array_equal(one, other)
