"""What the eyes saw in a picture, drawn into it: ground and paint, lane boundaries, things with what they are."""

import cv2
import numpy as np
from numpy.typing import NDArray

from perception import layout, overlay
from perception.decode import LinePoints, Things
from world.camera_labels import LINE_SLOTS
from world.camera_tags import ThingKind
from world.kinds import LightState
from world.sign_names import SIGN_NAMES

U8 = NDArray[np.uint8]
LARGER = 2  # the drawing is so many times as large as the picture, so that text can be read
_TINTS = np.array([(0, 0, 0), overlay.ROAD_TINT, overlay.PAINT_TINT, (90, 200, 255), (255, 90, 90)], np.uint8)
_TOLD = 18.0  # [px] height of a drawn box from which on its distance is written
_PARTS = np.array([0.0, 0.22, 0.4, 0.4, 0.5], np.float32)  # of the tint, by class


def draw_view(
    picture: U8, seg: U8, things: Things, lines: LinePoints, signs: list[tuple[int, int, float]]
) -> U8:  # fmt: skip
    """A larger copy with drawings.

    Args:
        picture: (H, W, 3) of the network's size. seg: (h, w) classes of cells. things, lines: found in it.
        signs: (thing, face, score) of those that were read.
    """
    size = picture.shape[1] * LARGER, picture.shape[0] * LARGER
    large = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    part = cv2.resize(_PARTS[seg], size, interpolation=cv2.INTER_LINEAR)
    tint = cv2.resize(_TINTS[seg], size, interpolation=cv2.INTER_NEAREST)
    out = np.asarray(cv2.blendLinear(large, tint, 1.0 - part, part), np.uint8)
    for slot in range(LINE_SLOTS):
        px = lines.px[lines.slot == slot]
        overlay.draw_line(out, (px + 0.5) * LARGER - 0.5, None, overlay.LINE_COLORS[slot])
    names = {thing: SIGN_NAMES[face] for thing, face, _ in signs}
    boxes, away = (things.box + 0.5) * LARGER - 0.5, np.hypot(things.xyz[:, 0], things.xyz[:, 1])
    for d in np.argsort(-away):  # what is nearer lies above
        kind = ThingKind(int(things.kind[d]))
        color, text = overlay.KIND_COLORS[kind], ""
        if kind == ThingKind.LIGHT and things.front[d] > 0.5:
            state = LightState(int(things.state[d]))
            color, text = overlay.STATE_COLORS[state], f"{state.name.lower()} {away[d]:.0f} m"
        elif kind == ThingKind.SIGN:
            text = names.get(int(d), "")
        elif boxes[d, 3] - boxes[d, 1] >= _TOLD:
            text = f"{away[d]:.0f} m"
        overlay.draw_box(out, boxes[d].tolist(), color, text)
    return out


assert len(_TINTS) == len(_PARTS) == layout.SEG_CLASSES
