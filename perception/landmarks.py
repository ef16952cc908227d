"""What stands still beside and on the road: light heads, signs, stop lines, crosswalks, gathered over many pictures.

Places are kept in the frame of the driver's dead reckoning, each with a weight that grows with what was seen; nearer
looks count more, since errors grow with the distance. The state of a light is a vote over the last looks, a face of a
sign one over all looks: one wrong picture changes neither.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perception.records import Percept
from world.kinds import LightState
from world.sign_names import NO_SIGN

STATES = len(LightState)
_LOOKS_LEFT = 0.82  # of the votes for a light's state at each new look
_LEAST_VOTE = 0.35  # of a look at a sign, however unsure
_SURE = 0.3  # votes that decide a state, if they are most of all; a small head never gets more than about 0.5
_TURNS = 12  # looks that the way a light's lamps look is averaged over
_MERGE = 0.16  # of the distance within which a look belongs to a landmark that is known, plus
_MERGE_FLOOR = 2.0  # [m]
_PAINT_MERGE, _PAINT_SPREAD = 1.5, 0.08  # [m], [m/m] along the road
_PART = 0.8  # of the width of known paint: a narrower look at it shows a part
_FORGET = 60.0  # [m] behind or beside which nothing is kept
_FADE = 1.5  # [s] of looks at its place in which it was not there, after which a landmark goes


@dataclass(eq=False)
class Post:
    """A light head or a sign."""

    x: float  # [m]
    y: float
    z: float
    weight: float
    seen_at: float  # [s]
    votes: NDArray[np.float64]
    looks: int = 1
    state: int = 0  # of a light: decided by the votes
    looks_x: float = 0.0  # of a light: the way its lamps look, as a mean of unit vectors
    looks_y: float = 0.0

    def merge(self, x: float, y: float, z: float, weight: float, time: float) -> None:
        """Average the place with another look at it."""
        total = self.weight + weight
        f = weight / total
        self.x, self.y, self.z = self.x + f * (x - self.x), self.y + f * (y - self.y), self.z + f * (z - self.z)
        self.weight, self.seen_at, self.looks = min(total, 50.0 * weight), time, self.looks + 1

    def turn(self, yaw: float) -> None:
        """Average the way that the lamps look [rad] with another look at them."""
        f = 1.0 / min(self.looks, _TURNS)
        self.looks_x += f * (math.cos(yaw) - self.looks_x)
        self.looks_y += f * (math.sin(yaw) - self.looks_y)


@dataclass(eq=False)
class Paint:
    """A stop line or a crosswalk: both ends of the middle of its near and of its far side."""

    near: NDArray[np.float64]  # (2,) [m]
    far: NDArray[np.float64]  # (2,) [m]
    half: float  # [m] half its width across the road
    weight: float
    seen_at: float  # [s]
    looks: int = 1


@dataclass(eq=False)
class Landmarks:
    """Of one driver."""

    lights: list[Post] = field(default_factory=list)
    signs: list[Post] = field(default_factory=list)
    stop_lines: list[Paint] = field(default_factory=list)
    crosswalks: list[Paint] = field(default_factory=list)
    chosen: tuple[int, Post] | None = None  # the light that holds for the junction entered at a waypoint

    def update(self, b: int, k: int, percept: Percept, pose: NDArray, time: float) -> None:
        """Take in the fresh percept of driver (b, k). Args: pose: (3,) odometry. time: [s]."""
        c, s = math.cos(pose[2]), math.sin(pose[2])
        for i in np.flatnonzero(percept.light_valid[b, k]):
            score = float(percept.light_score[b, k, i])
            post = self._see_post(self.lights, percept.light_xyz[b, k, i], pose, time, STATES,
                                  int(percept.light_state[b, k, i]), score)  # fmt: skip
            post.turn(float(percept.light_yaw[b, k, i] + pose[2]))
        for i in np.flatnonzero(percept.sign_valid[b, k]):
            face = int(percept.sign_face[b, k, i])
            if 0 <= face < NO_SIGN:
                self._see_post(self.signs, percept.sign_xyz[b, k, i], pose, time, NO_SIGN, face,
                               float(percept.sign_score[b, k, i]))  # fmt: skip
        for name, known in (("stop_line", self.stop_lines), ("crosswalk", self.crosswalks)):
            valid, boxes = getattr(percept, f"{name}_valid")[b, k], getattr(percept, name)[b, k]
            for i in np.flatnonzero(valid):
                _see_paint(known, [float(v) for v in boxes[i]], pose, c, s, time)
        self._forget(pose, time)

    @staticmethod
    def _see_post(
        known: list[Post], xyz: NDArray, pose: NDArray, time: float, classes: int, said: int, score: float
    ) -> Post:
        c, s = math.cos(pose[2]), math.sin(pose[2])
        bx, by, z = (float(v) for v in xyz)
        x, y, far = pose[0] + c * bx - s * by, pose[1] + s * bx + c * by, math.hypot(bx, by)
        weight = 1.0 / (0.3 + 0.05 * far) ** 2
        best, least, near = None, 1.0, []
        for post in known:
            off = _apart(post, x, y, pose, far)
            if classes > STATES and post.votes.argmax() != said:
                off += 0.3  # a face that is another sign's, perhaps
            if off < 1.0:
                near.append(post)
            if off < least:
                best, least = post, off
        if best is None:
            best = Post(x, y, z, weight, time, np.zeros(classes))
            known.append(best)
        else:
            best.merge(x, y, z, weight, time)
            for post in near:  # what came of a look that missed
                if post is not best and post.looks < 0.6 * best.looks and _apart(post, best.x, best.y, pose, far) < 1.0:
                    known.remove(post)
        if classes == STATES and score > 0.0:
            best.votes *= _LOOKS_LEFT
        best.votes[said] += score if classes == STATES else max(score, _LEAST_VOTE)
        if classes == STATES and best.looks > 1 and best.votes[said] > max(_SURE, 0.6 * float(best.votes.sum())):
            best.state = said
        return best

    def _forget(self, pose: NDArray, time: float) -> None:
        """Drop what lies far behind, and what was seen once and not again."""
        c, s = math.cos(pose[2]), math.sin(pose[2])
        for posts in (self.lights, self.signs):
            keep = []
            for post in posts:
                dx, dy = post.x - pose[0], post.y - pose[1]
                behind = c * dx + s * dy < -15.0 or math.hypot(dx, dy) > 2.0 * _FORGET
                once = post.looks < 3 and time - post.seen_at > _FADE
                if not (behind or once):
                    keep.append(post)
            posts[:] = keep
        for paints in (self.stop_lines, self.crosswalks):
            keep_paint = []
            for paint in paints:
                d = paint.near - pose[:2]
                behind = c * d[0] + s * d[1] < -15.0 or float(np.hypot(*d)) > _FORGET
                once = paint.looks < 3 and time - paint.seen_at > _FADE
                if not (behind or once):
                    keep_paint.append(paint)
            paints[:] = keep_paint


def _apart(post: Post, x: float, y: float, pose: NDArray, far: float) -> float:
    """How far a landmark is from a place that is seen `far` m away, 1 at the edge of what may be the same."""
    ux, uy = (x - pose[0]) / max(far, 1.0), (y - pose[1]) / max(far, 1.0)
    dx, dy = post.x - x, post.y - y
    along, across = dx * ux + dy * uy, dy * ux - dx * uy
    return (along / (_MERGE_FLOOR + _MERGE * far)) ** 2 + (across / (0.9 + 0.04 * far)) ** 2


def _see_paint(known: list[Paint], box: list[float], pose: NDArray, c: float, s: float, time: float) -> None:
    """Merge one piece of paint across the road with what is known of it."""
    x0, x1, right, left = box
    middle = 0.5 * (right + left)
    near = np.array([pose[0] + c * x0 - s * middle, pose[1] + s * x0 + c * middle])
    far = np.array([pose[0] + c * x1 - s * middle, pose[1] + s * x1 + c * middle])
    weight, forward = 1.0 / (0.1 + 0.02 * max(x0, 1.0)) ** 2, np.array([c, s])
    for paint in known:
        d = near - paint.near
        along, across = c * d[0] + s * d[1], c * d[1] - s * d[0]
        if abs(along) < _PAINT_MERGE + _PAINT_SPREAD * x0 and abs(across) < max(paint.half, 0.5 * (left - right)):
            f, half = weight / (paint.weight + weight), 0.5 * (left - right)
            part = half < _PART * paint.half  # the picture's edge cuts off what is near: how far away it is still holds
            for known_end, end in ((paint.near, near), (paint.far, far)):
                off = end - known_end
                known_end += f * (off @ forward * forward if part else off)
            paint.half += 0.0 if part else f * (half - paint.half)
            paint.weight = min(paint.weight + weight, 20.0 * weight)
            paint.seen_at, paint.looks = time, paint.looks + 1
            return
    known.append(Paint(near, far, 0.5 * (left - right), weight, time))
