"""What the eyes' network should answer: from labels to target arrays, one picture at a time.

Rows and columns of the answers are cells of STRIDE pixels; cell (i, j) has its middle at pixel STRIDE * j + 1.5.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perception import layout
from perception.dataset import Pictures
from perception.layout import DEPTH_SHIFT, MEAN_SIZE, SEG_CLASSES, SEG_OF_TAG, STRIDE
from world.camera import CameraSpec
from world.camera_labels import LINE_SLOTS, reaches_behind
from world.camera_tags import ThingKind
from world.kinds import LightState, MarkKind

SMALLEST = np.array([5.0, 6.0, 6.0, 4.0, 5.0])  # [px] height of a box that is to be found, by kind
SEEN = 0.25  # part of a thing that must be seen for it to be to be found
FACING = 0.55  # cosine between a face and the way to the camera from which on what it shows can be made out
_BESIDE, _SHARE = 0.9, 0.2  # [cells] over which, and weight down to which, cells beside a centre are asked as well
_WHOLE = 0.6  # part of a light that must be seen for its state to be asked for
_LAMPS = 0.31 * np.array([1.0, 0.0, -1.0])  # [m] red, amber, green above the middle of the head
_LIT = {  # lamps that tell a state
    LightState.OFF: (0, 1, 2), LightState.RED: (0,), LightState.RED_AMBER: (0, 1), LightState.GREEN: (2,),
    LightState.AMBER: (1,),
}  # fmt: skip
MIDDLE = 0.5 * (STRIDE - 1)  # [px] of a cell's middle from its first pixel
_DASHED = (MarkKind.BROKEN, MarkKind.BROKEN_BROKEN, MarkKind.BOTTS_DOTS)


class Target(NamedTuple):
    """Of one picture of h x w cells."""

    seg: NDArray[np.uint8]  # (SEG_CLASSES, h, w) part of the cell [1/255]
    line_x: NDArray[np.float32]  # (LINE_SLOTS, h) [cells]; meaningless where line_state is not 1
    line_state: NDArray[np.int8]  # (LINE_SLOTS, h) 0 no line in this row, 1 a line, -1 not to be judged
    line_trait: NDArray[np.uint8]  # (LINE_SLOTS, LINE_TRAITS)
    heat: NDArray[np.float32]  # (5, h, w) 1 at centres, falling off around them
    weight: NDArray[np.float32]  # (5, h, w) 0 where an answer is neither right nor wrong
    cell: NDArray[np.int32]  # (n, 2) row, column of the cells at and around the centres
    share: NDArray[np.float32]  # (n,) 1 at centres, less around them
    value: NDArray[np.float32]  # (n, DETECTION_CHANNELS) what the other channels should say there
    kind: NDArray[np.int8]  # (n,) ThingKind
    judged: NDArray[np.bool_]  # (n, 2) the state of a light, and whether a face is seen, are asked for


def make_target(pictures: Pictures, i: int) -> Target:
    """Target of picture i."""
    spec = pictures.spec(i)
    h, w = spec.height // STRIDE, spec.width // STRIDE
    line_x, line_state, trait = line_target(pictures, i, spec)
    return Target(seg_target(pictures.tag[i]), line_x, line_state, trait, *thing_target(pictures, i, spec, h, w))


def seg_target(tag: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(SEG_CLASSES, h, w) part of each cell that each class covers, in 255ths."""
    seg = SEG_OF_TAG[tag]
    out = np.empty((SEG_CLASSES, tag.shape[0] // STRIDE, tag.shape[1] // STRIDE), np.uint8)
    for c in range(SEG_CLASSES):
        here = (seg == c).view(np.uint8)
        across = here[:, 0::STRIDE] + here[:, 1::STRIDE] + here[:, 2::STRIDE] + here[:, 3::STRIDE]
        count = across[0::STRIDE] + across[1::STRIDE] + across[2::STRIDE] + across[3::STRIDE]
        out[c] = (count * (255.0 / STRIDE**2)).astype(np.uint8)
    return out


def line_target(pictures: Pictures, i: int, spec: CameraSpec) -> tuple[NDArray, NDArray, NDArray]:
    """(line_x, line_state, line_trait) of Target."""
    h = spec.height // STRIDE
    rows = STRIDE * np.arange(h) + MIDDLE  # [px]
    x, state = np.zeros((LINE_SLOTS, h), np.float32), np.zeros((LINE_SLOTS, h), np.int8)
    trait = np.zeros((LINE_SLOTS, layout.LINE_TRAITS), np.uint8)
    for slot in range(LINE_SLOTS):
        xyz = pictures.line_xyz[i, slot].astype(np.float64)
        exists = (xyz != 0.0).any(axis=1)
        if not exists.any():
            continue
        px, depth = spec.project(np.where(exists[:, None], xyz, (1.0, 0.0, 0.0)))
        fine = exists & (depth > 0.6)
        seen = pictures.line_seen[i, slot]
        for p in np.flatnonzero(fine[:-1] & fine[1:])[::-1]:  # from far to near: what is nearer stays
            (xa, ya), (xb, yb) = px[p], px[p + 1]
            low, high = min(ya, yb), max(ya, yb)
            if high - low < 1e-6 or high < rows[0] or low > rows[-1]:
                continue
            for r in range(
                max(math.ceil((low - MIDDLE) / STRIDE), 0), min(math.floor((high - MIDDLE) / STRIDE), h - 1) + 1
            ):
                at = xa + (xb - xa) * (rows[r] - ya) / (yb - ya)
                if -0.5 <= at <= spec.width - 0.5:
                    x[slot, r], state[slot, r] = (at - MIDDLE) / STRIDE, 1 if seen[p] or seen[p + 1] else 2
        found = np.flatnonzero(state[slot] > 0)
        if len(found):  # a boundary that nothing of is seen is not asked for
            if not (state[slot] == 1).any():
                state[slot, found] = -1
            state[slot][state[slot] == 2] = 1
        trait[slot] = pictures.line_kind[i, slot] != 0, pictures.line_mark[i, slot] in _DASHED
    return x, state, trait


def thing_target(pictures: Pictures, i: int, spec: CameraSpec, h: int, w: int) -> tuple[NDArray, ...]:
    """(heat, weight, cell, share, value, kind, judged) of Target.

    A thing that reaches behind the camera is neither to be found nor wrong to be found: nobody can see where it ends.

    Not only its centre has to tell what a thing is like, but cells around it as well: more is learned from a picture
    (Liu et al.: Training-Time-Friendly Network for Real-Time Object Detection, AAAI 2020).
    """
    at = pictures.boxes(i)
    kind, box = pictures.box_kind[at], pictures.box_box[at].astype(np.float64)
    size_px = box[:, 2:] - box[:, :2]
    asked = (pictures.box_visible[at] >= SEEN) & (size_px[:, 1] >= SMALLEST[kind]) & (size_px[:, 0] >= 1.5)
    endless = reaches_behind(pictures.box_xyz[at], pictures.box_size[at], pictures.box_yaw[at], spec)
    heat, weight = np.zeros((5, h, w), np.float32), np.ones((5, h, w), np.float32)
    beside = np.zeros((5, h, w), np.bool_)  # where something is that reaches behind the camera
    owner, best = np.full((h, w), -1), np.zeros((h, w), np.float32)
    things = []  # (index, row, column)
    for d in np.argsort(-np.linalg.norm(pictures.box_xyz[at], axis=1)):  # nearest last
        k = int(kind[d])
        x0, y0, x1, y1 = (box[d] - MIDDLE) / STRIDE
        if endless[d] or not asked[d]:
            if pictures.box_visible[at][d] > 0.02:
                cells = slice(max(int(y0), 0), int(y1) + 2), slice(max(int(x0), 0), int(x1) + 2)
                if endless[d]:
                    beside[k][cells] = True
                else:
                    weight[k][cells] = 0.0
            continue
        row = min(max(round(0.5 * (y0 + y1)), 0), h - 1)
        column = min(max(round(0.5 * (x0 + x1)), 0), w - 1)
        part, bump = _bump(heat[k], row, column, max(y1 - y0, 2.7) / 6.0, max(x1 - x0, 2.7) / 6.0)
        np.maximum(heat[k][part], bump, out=heat[k][part])
        weight[k, row, column] = 1.0
        part, bump = _bump(heat[k], row, column, _BESIDE, _BESIDE)
        more = (bump > best[part]) & (bump > _SHARE)
        best[part], owner[part] = np.where(more, bump, best[part]), np.where(more, len(things), owner[part])
        best[row, column], owner[row, column] = 1.0, len(things)
        things.append((int(d), row, column))
    weight[beside & (heat == 0.0)] = 0.0
    cell = np.argwhere(owner >= 0).astype(np.int32)
    whose = owner[cell[:, 0], cell[:, 1]]
    values = np.zeros((len(things), layout.DETECTION_CHANNELS), np.float32)
    fair = np.zeros((len(things), 2), np.bool_)
    for n, (d, _, _) in enumerate(things):
        values[n], fair[n] = _values(pictures, at.start + d, spec), judged(pictures, at.start + d, spec)
    value = values[whose]
    value[:, layout.OFFSET] -= cell[:, ::-1]
    kinds = np.array([kind[d] for d, _, _ in things], np.int8)
    return heat, weight, cell, best[cell[:, 0], cell[:, 1]], value, kinds[whose], fair[whose]


def judged(p: Pictures, d: int, spec: CameraSpec) -> tuple[bool, bool]:
    """Whether the picture can tell the state of light d, and whether the face of light or sign d is seen.

    A head that is cut by the picture's edge may have its lit lamp outside, and one seen edge-on shows none: their
    labels are right and yet nobody could read them.
    """
    kind, state = ThingKind(int(p.box_kind[d])), int(p.box_state[d])
    xyz, yaw = p.box_xyz[d].astype(np.float64), float(p.box_yaw[d])
    way = np.array([spec.x, spec.y]) - xyz[:2]
    facing = float(way[0] * math.cos(yaw) + way[1] * math.sin(yaw)) / max(math.hypot(*way), 1e-6)
    labelled = (state if kind == ThingKind.LIGHT else int(p.box_face[d])) >= 0
    face = not labelled or facing >= FACING
    if kind != ThingKind.LIGHT or not labelled or facing < FACING or p.box_visible[d] < _WHOLE:
        return False, face
    lamps = xyz + np.stack((np.zeros(3), np.zeros(3), _LAMPS), axis=1)[list(_LIT[LightState(state)])]
    px, depth = spec.project(lamps)
    inside = (px > -0.5).all() and (px[:, 0] < spec.width - 0.5).all() and (px[:, 1] < spec.height - 0.5).all()
    return bool(inside and (depth > 0.1).all()), face


def _bump(heat: NDArray, row: int, column: int, sy: float, sx: float) -> tuple[tuple[slice, slice], NDArray]:
    """(cells about a centre, float32 that falls off from 1 there). Args: sy, sx: [cells] standard deviations."""
    ry, rx = math.ceil(2.5 * sy), math.ceil(2.5 * sx)
    y0, x0 = max(row - ry, 0), max(column - rx, 0)
    part = slice(y0, min(row + ry + 1, heat.shape[0])), slice(x0, min(column + rx + 1, heat.shape[1]))
    y = (np.arange(part[0].start, part[0].stop) - row)[:, None] / sy
    x = (np.arange(part[1].start, part[1].stop) - column)[None] / sx
    return part, np.exp(-0.5 * (x * x + y * y)).astype(np.float32)


def _values(p: Pictures, d: int, spec: CameraSpec) -> NDArray[np.float32]:
    """Channels of one thing; OFFSET [cells] from the corner of the map."""
    out = np.zeros(layout.DETECTION_CHANNELS, np.float32)
    x0, y0, x1, y1 = (p.box_box[d].astype(np.float64) - MIDDLE) / STRIDE
    xyz = p.box_xyz[d].astype(np.float64)
    _, depth = spec.project(xyz)
    out[layout.OFFSET] = 0.5 * (x0 + x1), 0.5 * (y0 + y1)
    out[layout.EXTENT] = math.log(max(x1 - x0, 0.2)), math.log(max(y1 - y0, 0.2))
    out[layout.DEPTH.start] = math.log(max(float(depth), 0.5) / spec.focal) + DEPTH_SHIFT
    out[layout.SIZE] = np.log(np.maximum(p.box_size[d], 0.01) / MEAN_SIZE[p.box_kind[d]])
    turn = float(p.box_yaw[d]) - math.atan2(xyz[1] - spec.y, xyz[0] - spec.x)
    out[layout.YAW] = math.sin(turn), math.cos(turn)
    state, kind = int(p.box_state[d]), int(p.box_kind[d])
    if state >= 0:
        out[layout.STATE.start + state] = 1.0
    front = state >= 0 if kind == ThingKind.LIGHT else int(p.box_face[d]) >= 0
    out[layout.FRONT.start] = float(front)
    return out
