"""Road users over time: detections of single pictures to tracks with velocity, heading, size, kind and identity.

Tracks live in the frame of the driver's dead reckoning, so the driver's own motion drops out. Detections are assigned
to tracks by the Hungarian method over squared Mahalanobis distances; the distance of a detection along the line of
sight is far less certain than its direction. A track is told once it probably exists; unseen, it fades: fast where the
cameras look and nothing hides it, slowly elsewhere.

Source: Kuhn, The Hungarian method for the assignment problem (1955); Bewley et al., Simple online and realtime
tracking, ICIP 2016; existence, simplified: Musicki, Evans, Stankovic, Integrated probabilistic data association, IEEE
Transactions on Automatic Control 39 (1994).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from perception.localise import Localiser
from perception.records import Percept
from perception.track_filter import (
    BICYCLE,
    MOTORCYCLE,
    PEDESTRIAN,
    SEEN_ROW,
    TRACK_ROW,
    born,
    kind_of,
    predict_all,
    price_all,
    update,
)
from world.lane_arrays import wrap
from world.records import SCENE_OBJECTS, SCENE_RANGE, Objects, Task

BOOL = NDArray[np.bool_]
TRACKS = 64  # a driver
_FAR = 1e6  # price of what does not belong together


@dataclass(frozen=True)
class TrackerConfig:
    """Thresholds."""

    gate: float = 14.0  # squared Mahalanobis distance of what may belong together
    across: float = 0.025  # [rad] error of a detection's direction
    across_floor: float = 0.25  # [m] of its place
    told: float = 0.55  # score from which on a track is told
    dropped: float = 0.12  # score below which it is forgotten
    fade_seen: float = 0.5  # [s] in which the score of an unseen track falls to 1/e where it should be seen
    fade_near: float = 4.0  # [s] where it should be, and is so near that the cameras see little but it
    near: float = 9.0  # [m]
    fade_rider: float = 15.0  # [s] where a rider stands right before the bumper, and is hardly recognised
    rider_near: float = 6.5  # [m]
    fade_hidden: float = 4.0  # [s] where it is hidden or out of view
    fade_standing: float = 25.0  # [s] where it is so and is a vehicle that stood
    view: float = math.radians(45.0)  # [rad] to either side in which the cameras see everything
    view_range: float = 55.0  # [m]
    stands: float = 0.5  # [m/s] below which a vehicle is told to stand, up to twice that where it is uncertain


class Tracker:
    """Tracks of all (B, K) drivers."""

    def __init__(self, config: TrackerConfig | None = None):
        self.config = config or TrackerConfig()
        self.tracks = np.zeros((0, 0, TRACKS), TRACK_ROW)
        self._seen, self._prices = np.zeros(256, SEEN_ROW), np.zeros((TRACKS, 256))
        self._live = np.zeros(TRACKS, np.int64)

    def reset(self, task: Task, mask: BOOL | None = None) -> None:
        """Forget. Args: mask: (B, K) whose tracks; None: all."""
        shape = (task.waypoint.shape[0], task.waypoint.shape[1])
        if self.tracks.shape[:2] != shape:
            self.tracks, self._time = np.zeros((*shape, TRACKS), TRACK_ROW), np.full(shape, np.nan)
            self._next, mask = np.ones(shape, np.int64), None
        who = np.ones(shape, np.bool_) if mask is None else mask
        self.tracks["live"][who] = False
        self._time[who], self._next[who] = np.nan, 1

    def update(self, percept: Percept, localiser: Localiser, time: NDArray) -> None:
        """Move all tracks to `time` (B, K) [s] and take in what is fresh in the percept."""
        for b in range(self.tracks.shape[0]):
            for k in range(self.tracks.shape[1]):
                dt = 0.0 if math.isnan(self._time[b, k]) else max(float(time[b, k]) - float(self._time[b, k]), 0.0)
                self._time[b, k] = time[b, k]
                tracks, pose = self.tracks[b, k], localiser.odometry[b, k]
                predict_all(tracks, dt)
                if percept.fresh[b, k]:
                    self._take(b, k, percept, pose)
                self._fade(tracks, pose, dt)

    def _take(self, b: int, k: int, percept: Percept, pose: NDArray) -> None:
        """Assign the fresh detections of one driver, update and begin tracks."""
        tracks, seen = self.tracks[b, k], self._seen
        found = self._read(b, k, percept, pose)
        live = np.flatnonzero(tracks["live"])
        self._live[: len(live)] = live
        taken = np.zeros(found, np.bool_)
        if len(live) and found:
            prices = self._prices[: len(live), :found]
            price_all(tracks, self._live, len(live), seen, found, self.config.gate, _FAR, prices)
            for i, j in zip(*linear_sum_assignment(prices), strict=True):
                if prices[i, j] < _FAR:
                    update(tracks[live[i]], seen[j])
                    taken[j] = True
        for j in np.flatnonzero(~taken):
            free = np.flatnonzero(~tracks["live"])
            if len(free):
                born(tracks[free[0]], seen[j], self._next[b, k])
                self._next[b, k] += 1

    def _read(self, b: int, k: int, percept: Percept, pose: NDArray) -> int:
        """Fill the SEEN_ROWs of one driver from what is fresh; returns how many."""
        users, c = percept.users, self.config
        which = np.flatnonzero(users.valid[b, k] & percept.user_fresh[b, k])
        n = min(len(which), len(self._seen))
        which, seen = which[:n], self._seen[:n]
        xy = users.xy[b, k, which].astype(np.float64)
        far = np.hypot(xy[:, 0], xy[:, 1])
        cos, sin = math.cos(pose[2]), math.sin(pose[2])
        seen["x"], seen["y"] = pose[0] + cos * xy[:, 0] - sin * xy[:, 1], pose[1] + sin * xy[:, 0] + cos * xy[:, 1]
        seen["bearing"] = np.arctan2(xy[:, 1], xy[:, 0]) + pose[2]
        seen["along"] = np.maximum(percept.user_sigma[b, k, which], 0.2)
        seen["across"] = c.across_floor + c.across * far
        seen["yaw"] = users.yaw[b, k, which] + pose[2]
        seen["length"], seen["width"] = users.size[b, k, which, 0], users.size[b, k, which, 1]
        seen["kind"], seen["score"] = users.kind[b, k, which], users.score[b, k, which]
        return n

    def _fade(self, tracks: NDArray[np.void], pose: NDArray, dt: float) -> None:
        """Lower the score of what was not seen, and forget what hardly exists."""
        c = self.config
        live = np.flatnonzero(tracks["live"])
        if not len(live):
            return
        rows = tracks[live]
        dx, dy = rows["x"] - pose[0], rows["y"] - pose[1]
        cos, sin = math.cos(pose[2]), math.sin(pose[2])
        x, y = cos * dx + sin * dy, cos * dy - sin * dx
        far, angle = np.hypot(x, y), np.arctan2(y, x)
        looked = (np.abs(angle) < c.view) & (far < c.view_range) & (x > 3.5) & ~_hidden(far, angle, rows["width"])
        walks = rows["votes"].argmax(axis=1) == PEDESTRIAN
        stood = (np.hypot(rows["vx"], rows["vy"]) < 2.0 * c.stands) & ~walks
        hidden = np.where(stood, c.fade_standing, c.fade_hidden)
        rider = stood & (far < c.rider_near) & np.isin(rows["votes"].argmax(axis=1), (BICYCLE, MOTORCYCLE))
        fade = np.where(rider, c.fade_rider, np.where(far < c.near, c.fade_near, c.fade_seen))
        rate = 1.0 / np.where(looked, fade, hidden)
        rate = np.where(rows["unseen"] > 0.12, rate, 0.0)  # each camera looks every 0.1 s
        score = rows["score"] * np.exp(-dt * rate)
        young = (rows["seen"] < 3.0) & (rows["unseen"] > 0.4)
        tracks["score"][live] = score
        tracks["live"][live] = (score > c.dropped) & (far < 1.2 * SCENE_RANGE) & ~young

    def tell(self, b: int, k: int, pose: NDArray, out: Objects) -> int:
        """Fill the Objects of one driver, nearest first; returns how many. Args: pose: (3,) odometry of the driver."""
        tracks = self.tracks[b, k]
        which = np.flatnonzero(tracks["live"] & (tracks["score"] > self.config.told))
        rows = tracks[which]
        dx, dy = rows["x"] - pose[0], rows["y"] - pose[1]
        far = np.hypot(dx, dy)
        order = np.argsort(far, kind="stable")[:SCENE_OBJECTS]
        order = order[far[order] < SCENE_RANGE]
        n, rows = len(order), rows[order]
        cos, sin = math.cos(pose[2]), math.sin(pose[2])
        dx, dy, vx, vy = dx[order], dy[order], rows["vx"], rows["vy"]
        kind = np.array([kind_of(row) for row in rows], np.int8)
        unsure = np.sqrt(np.maximum(rows["p"][:, 2, 2], rows["p"][:, 3, 3]))
        stands = np.clip(self.config.stands + 0.4 * unsure, 0.0, 2.0 * self.config.stands)
        slow = np.hypot(vx, vy) < np.where(kind == PEDESTRIAN, 0.2, stands)
        vx, vy = np.where(slow, 0.0, vx), np.where(slow, 0.0, vy)
        for array in (out.xy, out.yaw, out.velocity, out.size, out.kind, out.track, out.score, out.valid):
            array[b, k] = 0
        out.xy[b, k, :n, 0], out.xy[b, k, :n, 1] = cos * dx + sin * dy, cos * dy - sin * dx
        out.velocity[b, k, :n, 0], out.velocity[b, k, :n, 1] = cos * vx + sin * vy, cos * vy - sin * vx
        out.yaw[b, k, :n] = wrap(rows["yaw"] - pose[2])
        out.size[b, k, :n, 0], out.size[b, k, :n, 1] = rows["length"], rows["width"]
        out.kind[b, k, :n], out.track[b, k, :n] = kind, rows["id"]
        out.score[b, k, :n], out.valid[b, k, :n] = rows["score"], True
        return n


def _hidden(far: NDArray, angle: NDArray, width: NDArray) -> BOOL:
    """(n,) whether something nearer lies in the same direction."""
    half = 0.5 * width / np.maximum(far, 1.0)
    apart = np.abs(wrap(angle[:, None] - angle[None]))
    return np.any((far[None] < far[:, None] - 1.5) & (apart < half[None] + 0.5 * half[:, None]), axis=1)
