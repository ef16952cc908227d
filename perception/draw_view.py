"""What the eyes saw in a picture, drawn into it: ground and paint, lane boundaries, things with what they are."""

import cv2
import numpy as np
from numpy.typing import NDArray

from perception import layout, overlay
from perception.decode import LinePoints, Things
from world.camera_labels import LINE_SLOTS
from world.camera_tags import ThingKind
from world.sign_names import SIGN_NAMES

U8 = NDArray[np.uint8]
LARGER = 2  # the drawing is so many times as large as the picture, so that text can be read
_TINTS = np.array([(0, 0, 0), overlay.ROAD_TINT, overlay.PAINT_TINT, (90, 200, 255), (255, 90, 90)], np.uint8)
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
    boxes = (things.box + 0.5) * LARGER - 0.5
    for d in np.argsort(-np.hypot(things.xyz[:, 0], things.xyz[:, 1])):  # what is nearer lies above
        lit = things.kind[d] == ThingKind.LIGHT and things.front[d] > 0.5
        overlay.draw_thing(
            out, int(things.kind[d]), boxes[d], float(things.score[d]), float(np.hypot(*things.xyz[d, :2])),
            int(things.state[d]) if lit else None, names.get(int(d), ""),
        )  # fmt: skip
    return out


assert len(_TINTS) == len(_PARTS) == layout.SEG_CLASSES
