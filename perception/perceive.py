"""Perceiver: pictures of a rig -> Percept, one call a tick.

A picture is looked at once, when it is new. What a camera saw before is kept, and moved by the wheels and the gyro
until its next picture comes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from perception import layout
from perception.crops import LightClassifier, SignClassifier, cut_off, light_crop, lower_light_crop, sign_crop
from perception.decode import (
    LinePoints,
    Things,
    decode_edges,
    decode_lines,
    decode_paint,
    decode_seg,
    decode_things,
)
from perception.infer import Answer, EyeNet
from perception.layout import INPUT_HEIGHT, INPUT_WIDTH
from perception.line_fit import fit_line
from perception.pictures import allowed_size
from perception.records import (
    CROSSINGS,
    DETECTIONS,
    EDGE_COLUMNS,
    LIGHTS,
    SIGNS,
    Percept,
    empty_percept,
)
from world.camera import RIG, CameraSpec
from world.camera_labels import LINE_SLOTS
from world.camera_tags import ThingKind
from world.kinds import BodyKind, LightState
from world.lane_arrays import wrap
from world.records import SensorFrame
from world.sign_names import NO_SIGN

_SAME = 0.06  # [rad] between the directions of one thing as two cameras see it
_BODY = {
    ThingKind.VEHICLE: BodyKind.CAR,
    ThingKind.CYCLIST: BodyKind.BICYCLE,
    ThingKind.PEDESTRIAN: BodyKind.PEDESTRIAN,
}
_CLEAR = 9.0  # [px] height of a light head whose lamps are told apart; a smaller one counts by its area
_SURE = 0.8  # probability from which on half a head's state is believed
_DIM = 0.3  # probability of being off from which on a lamp is not taken to be lit
_GUESS = 0.4  # probability of a light's state up to which it says nothing
_STALE = 0.35  # [s] after which what a camera saw is forgotten


@dataclass
class View:
    """What one camera saw last."""

    time: float  # [s]
    picture: NDArray[np.uint8]  # as the network saw it
    seg: NDArray[np.uint8]
    things: Things
    lines: LinePoints
    signs: list[tuple[int, int, float]] = field(default_factory=list)  # (thing, face, score)
    stop_lines: NDArray = field(default_factory=lambda: np.zeros((0, 4)))
    crosswalks: NDArray = field(default_factory=lambda: np.zeros((0, 4)))
    edges: tuple[NDArray, NDArray] | None = None
    x: float = 0.0  # [m] how far the vehicle has gone since, in the frame of then
    y: float = 0.0
    yaw: float = 0.0  # [rad]


def check_picture(name: str, pictures: NDArray) -> None:
    """Raises ValueError: no pictures of a camera (B, K, H, W, 3) uint8 of a usable size."""
    if pictures.ndim != 5 or pictures.shape[-1] != 3 or pictures.dtype != np.uint8:
        raise ValueError(
            f"camera {name}: pictures are {pictures.dtype} {pictures.shape}, expected uint8 (B, K, H, W, 3)"
        )
    allowed_size(f"camera {name}", pictures.shape[3], pictures.shape[2])


class Perceiver:
    """The eyes of all drivers.

    Args:
        rig: cameras, by whose names pictures arrive.
        net: the eyes' network; None: the one that is shipped.
        read_sign, read_light: crops -> (classes, probabilities); None: the classifiers that are shipped.
    """

    def __init__(
        self, rig: Sequence[CameraSpec] = RIG, net: Callable[[NDArray[np.uint8]], Answer] | None = None,
        read_sign: Callable | None = None,
        read_light: Callable | None = None,
    ):  # fmt: skip
        self.rig = tuple(rig)
        self.net = net or EyeNet()
        self.read_sign = read_sign or SignClassifier()
        self.read_light = read_light or LightClassifier()
        self._views: dict[tuple[str, int, int], View] = {}
        self._time: NDArray | None = None
        self._percept: Percept | None = None

    def reset(self, mask: NDArray[np.bool_] | None = None) -> None:
        """Forget what drivers saw. Args: mask: (B, K); None: all."""
        self._views = {k: v for k, v in self._views.items() if mask is not None and not mask[k[1], k[2]]}
        if mask is None or self._time is None:
            self._time = None
        else:
            self._time = np.where(mask, np.nan, self._time)
        if self._percept is not None:
            forgotten = np.ones(self._percept.fresh.shape, np.bool_) if mask is None else mask
            for part in (self._percept, self._percept.users):
                for array in vars(part).values():
                    if isinstance(array, np.ndarray):
                        array[forgotten] = 0

    def __call__(self, frame: SensorFrame) -> Percept:
        """What the rig sees now. The Percept's arrays are overwritten by the next call.

        Raises:
            ValueError: a camera's pictures are missing or unusable.
        """
        lead = frame.time.shape
        if self._percept is None or self._percept.fresh.shape != lead:
            self._percept = empty_percept(*lead)
        self._move(frame)
        fresh = np.zeros(lead, np.bool_)
        seen_now: set[tuple[str, int, int]] = set()
        for spec in self.rig:
            seen_now |= self._look(spec, frame, fresh)
        self._percept.fresh[:] = fresh
        for b in range(lead[0]):
            for k in range(lead[1]):
                if fresh[b, k]:
                    self._tell(b, k, seen_now)
        return self._percept

    def draw(self, camera: str, b: int, k: int) -> tuple[float, NDArray[np.uint8]] | None:
        """([s] when it was taken, a larger copy of what a camera saw last, with what was found drawn into it)."""
        from perception.draw_view import draw_view  # here: who records nothing draws nothing

        view = self._views.get((camera, b, k))
        if view is None:
            return None
        return view.time, draw_view(view.picture, view.seg, view.things, view.lines, view.signs)

    def _move(self, frame: SensorFrame) -> None:
        """Let the views grow old by the way that the vehicle has gone since the last tick."""
        if self._time is None or self._time.shape != frame.time.shape:
            self._time = np.full(frame.time.shape, np.nan)
        dt = np.where(np.isnan(self._time), 0.0, frame.time - self._time)
        for (_, b, k), view in self._views.items():
            step, turn = float(frame.wheel_speed[b, k] * dt[b, k]), float(frame.yaw_rate[b, k] * dt[b, k])
            heading = view.yaw + 0.5 * turn
            view.x, view.y = view.x + step * math.cos(heading), view.y + step * math.sin(heading)
            view.yaw += turn
        self._time[:] = frame.time

    def _look(self, spec: CameraSpec, frame: SensorFrame, fresh: NDArray[np.bool_]) -> set[tuple[str, int, int]]:
        """Look at the new pictures of one camera."""
        if spec.name not in frame.images:
            raise ValueError(f"no pictures of camera {spec.name}; there are {', '.join(frame.images) or 'none'}")
        pictures = frame.images[spec.name]
        check_picture(spec.name, pictures)
        new = frame.image_fresh.get(spec.name)
        new = np.ones(fresh.shape, np.bool_) if new is None else new
        fresh |= new
        seen: set[tuple[str, int, int]] = set()
        which = np.argwhere(new)
        if not len(which):
            return seen
        own = [pictures[b, k] for b, k in which]
        if pictures.shape[2:4] != (INPUT_HEIGHT, INPUT_WIDTH):
            own = [cv2.resize(p, (INPUT_WIDTH, INPUT_HEIGHT), interpolation=cv2.INTER_AREA) for p in own]
        small = scaled(spec, pictures.shape[3], pictures.shape[2])
        answer = self.net(np.stack(own).astype(np.uint8, copy=False))
        for n, (b, k) in enumerate(which):
            key = spec.name, int(b), int(k)
            self._views[key] = self._view(
                answer, n, small, pictures[b, k], own[n], float(frame.time[b, k]), spec is self.rig[0]
            )
            seen.add(key)
        return seen

    def _view(
        self, answer: Answer, n: int, spec: CameraSpec, picture: NDArray, small: NDArray, time: float, first: bool
    ) -> View:  # fmt: skip
        things, seg = decode_things(answer, n, spec), decode_seg(answer, n)
        read_lights(things, picture, self.read_light)
        view = View(time, small, seg, things, decode_lines(answer, n, spec))
        view.stop_lines = decode_paint(seg, layout.STOP_LINE, spec)
        view.crosswalks = decode_paint(seg, layout.CROSSWALK, spec)
        if first:
            view.edges = decode_edges(seg, spec, EDGE_COLUMNS)
        view.signs = self._read_signs(things, picture)
        return view

    def _read_signs(self, things: Things, picture: NDArray) -> list[tuple[int, int, float]]:
        """(thing, face, score) of the signs that are large enough to be read."""
        scale = _scale(picture)
        crops = {
            int(d): crop
            for d in np.flatnonzero((things.kind == ThingKind.SIGN) & (things.front > 0.5))
            if (crop := sign_crop(picture, things.box[d], scale)) is not None
        }
        if not crops:
            return []
        classes, odds = self.read_sign(list(crops.values()))
        return [(d, int(c), float(p[c])) for d, c, p in zip(crops, classes, odds, strict=True) if c != NO_SIGN]

    def _tell(self, b: int, k: int, seen_now: set[tuple[str, int, int]]) -> None:
        """Fill the Percept of one driver from the views of all cameras."""
        percept = self._percept
        assert percept is not None
        latest = max(v.time for (_, i, j), v in self._views.items() if (i, j) == (b, k))
        views = []  # (spec, view, new)
        for spec in self.rig:
            view = self._views.get((spec.name, b, k))
            if view is not None and latest - view.time <= _STALE:
                views.append((spec, view, (spec.name, b, k) in seen_now))
        _tell_lines(b, k, views, percept)
        _tell_users(b, k, views, percept)
        _tell_faces(b, k, views, percept)
        for name in ("stop_lines", "crosswalks"):
            _tell_paint(b, k, views, name, percept)
        for _, view, _ in views:
            if view.edges is not None:
                xy, valid = view.edges
                percept.edge_xy[b, k] = np.where(valid[:, None], moved(xy, view), 0.0)
                percept.edge_valid[b, k] = valid


def _scale(picture: NDArray) -> NDArray[np.float64]:
    """(4,) pixels of a picture a pixel of the network's, for boxes."""
    return np.array([picture.shape[1] / INPUT_WIDTH, picture.shape[0] / INPUT_HEIGHT] * 2)


def read_lights(things: Things, picture: NDArray[np.uint8], classify: Callable) -> None:
    """Let a classifier of crops say what the lights show that are large enough; their states are overwritten.

    Of a head that the picture's edge cuts off, no state is believed, for the lit lamp may lie beyond it; but for a
    green one that the upper edge cuts and whose lamp is seen to be lit: it is the lowest, and no other is lit with it.
    """
    scale = _scale(picture)
    lights = things.kind == ThingKind.LIGHT
    cut = lights & cut_off(things.box, INPUT_WIDTH, INPUT_HEIGHT)
    things.state_score[cut & ~_lit_below(things, cut, picture, classify)] = 0.0
    crops = {
        int(d): crop
        for d in np.flatnonzero(lights & (things.front > 0.5))
        if (crop := light_crop(picture, things.box[d], scale)) is not None
    }
    if crops:
        which = list(crops)
        states, odds = classify(list(crops.values()))
        things.state[which] = states
        things.state_score[which] = odds[np.arange(len(which)), states]


def _lit_below(
    things: Things, cut: NDArray[np.bool_], picture: NDArray[np.uint8], classify: Callable
) -> NDArray[np.bool_]:
    """(D,) which of the light heads that the picture's edge cuts show a lit green lamp below the upper edge."""
    below = things.box.copy()
    below[:, 1] = np.minimum(np.maximum(below[:, 1], 1.0), below[:, 3])  # as if the upper edge cut nothing
    green = (things.state == LightState.GREEN) & (things.state_score > _SURE)
    lit = cut & green & ~cut_off(below, INPUT_WIDTH, INPUT_HEIGHT)
    for d in np.flatnonzero(lit):
        crop = lower_light_crop(picture, things.box[d], _scale(picture))
        lit[d] = crop is not None and classify([crop])[1][0, LightState.OFF] < _DIM
    return lit


def scaled(spec: CameraSpec, width: int, height: int) -> CameraSpec:
    """The camera whose pictures of width x height are scaled to the network's size."""
    if abs(width * INPUT_HEIGHT - height * INPUT_WIDTH) > 0.02 * width * INPUT_HEIGHT:
        raise ValueError(f"camera {spec.name}: pictures of {width} x {height}; two to one is what the network takes")
    return replace(spec, width=INPUT_WIDTH, height=INPUT_HEIGHT)


def moved(xy: NDArray, view: View) -> NDArray:
    """Points (n, 2) of a view in the vehicle's present frame."""
    c, s = math.cos(view.yaw), math.sin(view.yaw)
    dx, dy = xy[:, 0] - view.x, xy[:, 1] - view.y
    return np.stack((c * dx + s * dy, c * dy - s * dx), axis=1)


def _fused(views: list, kinds: tuple[ThingKind, ...]) -> list[tuple[View, int, bool]]:
    """(view, thing, new) of the things of some kinds, those that two cameras see once: as the longer lens sees them."""
    out: list[tuple[View, int, bool, float, float]] = []
    for _, view, new in sorted(views, key=lambda item: item[0].fov):
        before = len(out)
        for d in np.flatnonzero(np.isin(view.things.kind, [int(kind) for kind in kinds])):
            x, y = moved(view.things.xyz[d : d + 1, :2], view)[0]
            angle, away = math.atan2(y, x), math.hypot(x, y)
            twin = next(
                (
                    n for n in range(before)
                    if abs(out[n][3] - angle) < _SAME + 1.0 / max(away, 4.0) * 0.5
                    and abs(out[n][4] / max(away, 1.0) - 1.0) < 0.35
                    and out[n][0].things.kind[out[n][1]] == view.things.kind[d]
                ),
                None,
            )  # fmt: skip
            if twin is None:
                out.append((view, int(d), new, angle, away))
            elif new and not out[twin][2] or _says_more(view.things, int(d), *out[twin][:2]):
                out[twin] = (view, int(d), new, angle, away)
    return [(view, d, new) for view, d, new, _, _ in out]


def _says_more(things: Things, d: int, other: View, n: int) -> bool:
    """Whether a light shows its state here, and does not in another view: there it is cut off, or too dim to tell."""
    light = things.kind[d] == ThingKind.LIGHT
    return bool(light and other.things.state_score[n] <= _GUESS < things.state_score[d])


def _tell_lines(b: int, k: int, views: list, percept: Percept) -> None:
    for slot in range(LINE_SLOTS):
        xy, sigma, kerb, dashed = [], [], [], []
        for _, view, _ in views:
            at = view.lines.slot == slot
            xy.append(moved(view.lines.xy[at], view))
            sigma.append(view.lines.sigma[at])
            kerb.append(view.lines.kerb[at])
            dashed.append(view.lines.dashed[at])
        y, sure, valid = fit_line(np.concatenate(xy), np.concatenate(sigma))
        percept.line_y[b, k, slot] = np.where(valid, y, 0.0)
        percept.line_sigma[b, k, slot] = np.where(valid, sure, 0.0)
        percept.line_valid[b, k, slot] = valid
        some = np.concatenate(kerb)
        percept.line_kind[b, k, slot] = int(len(some) > 0 and some.mean() > 0.5)
        percept.line_dashed[b, k, slot] = len(some) > 0 and float(np.concatenate(dashed).mean()) > 0.5


def _tell_users(b: int, k: int, views: list, percept: Percept) -> None:
    users = percept.users
    found = _fused(views, (ThingKind.VEHICLE, ThingKind.CYCLIST, ThingKind.PEDESTRIAN))[:DETECTIONS]
    n = len(found)
    users.valid[b, k] = np.arange(DETECTIONS) < n
    percept.user_fresh[b, k] = False
    for i, (view, d, new) in enumerate(found):
        t = view.things
        users.xy[b, k, i] = moved(t.xyz[d : d + 1, :2], view)[0]
        users.yaw[b, k, i] = wrap(t.yaw[d] - view.yaw)
        users.size[b, k, i] = t.size[d, :2]
        users.kind[b, k, i] = _user_kind(t, d)
        users.score[b, k, i] = t.score[d]
        percept.user_sigma[b, k, i] = t.sigma[d]
        percept.user_fresh[b, k, i] = new
    for array in (users.xy, users.yaw, users.size, users.kind, users.score, percept.user_sigma):
        array[b, k, n:] = 0


def _user_kind(t: Things, d: int) -> int:
    kind = ThingKind(int(t.kind[d]))
    if kind == ThingKind.VEHICLE and t.size[d, 0] > 6.5:
        return int(BodyKind.BUS if t.size[d, 0] > 9.0 else BodyKind.TRUCK)
    return int(_BODY[kind])


def _tell_faces(b: int, k: int, views: list, percept: Percept) -> None:
    """Lights and signs, nearest first."""
    new_views = [item for item in views if item[2]]
    lights = _fused(new_views, (ThingKind.LIGHT,))
    lights.sort(key=lambda item: float(np.hypot(*item[0].things.xyz[item[1], :2])))
    lights = lights[:LIGHTS]
    percept.light_valid[b, k] = np.arange(LIGHTS) < len(lights)
    for i, (view, d, _) in enumerate(lights):
        t = view.things
        percept.light_xyz[b, k, i] = t.xyz[d]
        percept.light_state[b, k, i] = t.state[d] if t.front[d] > 0.5 else 0
        clear = min((float(t.box[d, 3] - t.box[d, 1]) / _CLEAR) ** 2, 1.0)
        percept.light_score[b, k, i] = clear * t.score[d] * max(t.state_score[d] - _GUESS, 0.0) / (1.0 - _GUESS)
        percept.light_yaw[b, k, i] = t.yaw[d]
    for array in (percept.light_xyz, percept.light_state, percept.light_score, percept.light_yaw):
        array[b, k, len(lights) :] = 0
    signs = [(view, d, face, score) for _, view, _ in new_views for d, face, score in view.signs]
    signs.sort(key=lambda item: float(np.hypot(*item[0].things.xyz[item[1], :2])))
    signs = signs[:SIGNS]
    percept.sign_valid[b, k] = np.arange(SIGNS) < len(signs)
    for i, (view, d, face, score) in enumerate(signs):
        percept.sign_xyz[b, k, i] = view.things.xyz[d]
        percept.sign_face[b, k, i] = face
        percept.sign_score[b, k, i] = score * view.things.score[d]
    for array in (percept.sign_xyz, percept.sign_face, percept.sign_score):
        array[b, k, len(signs) :] = 0


def _tell_paint(b: int, k: int, views: list, name: str, percept: Percept) -> None:
    """Stop lines or crosswalks of all views; what two cameras see is told as the nearer view, the wide one, has it."""
    rows: list[NDArray] = []
    for _, view, _ in views:  # the wide one first: up to 20 m it is the better judge
        for x0, x1, y0, y1 in getattr(view, name):
            corner = moved(np.array([[x0, y0], [x1, y1]]), view)
            row = np.array([corner[:, 0].min(), corner[:, 0].max(), corner[:, 1].min(), corner[:, 1].max()])
            if not any(min(r[1], row[1]) - max(r[0], row[0]) > -2.5 for r in rows):
                rows.append(row)
    rows.sort(key=lambda row: float(row[0]))
    out = percept.stop_line if name == "stop_lines" else percept.crosswalk
    valid = percept.stop_line_valid if name == "stop_lines" else percept.crosswalk_valid
    valid[b, k] = np.arange(CROSSINGS) < len(rows)
    out[b, k] = 0.0
    for i, row in enumerate(rows[:CROSSINGS]):
        out[b, k, i] = row
