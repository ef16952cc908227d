"""What the eyes tell: the networks' answer for one tick, decoded, in the vehicle's frame.

Leading dims (B, K) as in world.records; frame: body (x forward, y left, origin at the box centre on the ground).
Every field has a mask; what is masked out is zero. The pipeline (tracking, localisation, scene) reads nothing else of
the cameras.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.camera_labels import LINE_SLOTS
from world.records import Detections

F32, I8, I16, BOOL = NDArray[np.float32], NDArray[np.int8], NDArray[np.int16], NDArray[np.bool_]

LINE_X = np.concatenate([np.arange(3.0, 30.0, 1.5), np.arange(30.0, 81.0, 5.0)]).astype(np.float32)  # [m] stations
DETECTIONS = 48
LIGHTS = 8
SIGNS = 8
CROSSINGS = 4  # stop lines and crosswalks each
EDGE_COLUMNS = 64


@dataclass(frozen=True, eq=False)
class Percept:
    """One tick's answer of the whole rig. S = LINE_SLOTS, X = len(LINE_X)."""

    fresh: BOOL  # (B, K) at least one camera had a new picture; else all below is as before, and not to be fused again
    # Lane boundaries, in the order of world.camera_labels
    line_y: F32  # (B, K, S, X) [m] left of the vehicle's axis, at the stations LINE_X
    line_sigma: F32  # (B, K, S, X) [m] standard deviation
    line_valid: BOOL  # (B, K, S, X)
    line_kind: I8  # (B, K, S) world.camera_tags.LineKind
    line_dashed: BOOL  # (B, K, S)
    # Road users
    users: Detections  # D = DETECTIONS; velocity is zero: the tracker finds it
    user_sigma: F32  # (B, K, D) [m] along the line of sight
    user_fresh: BOOL  # (B, K, D) from a picture taken this tick
    # Traffic lights
    light_xyz: F32  # (B, K, LIGHTS, 3) [m]
    light_state: I8  # (B, K, LIGHTS) LightState; OFF: seen from behind or unlit
    light_score: F32  # (B, K, LIGHTS) in [0, 1]
    light_yaw: F32  # (B, K, LIGHTS) [rad] the way its lamps look
    light_valid: BOOL  # (B, K, LIGHTS)
    # Signs
    sign_xyz: F32  # (B, K, SIGNS, 3) [m]
    sign_face: I16  # (B, K, SIGNS) class of the sign classifier (world.sign_names)
    sign_score: F32  # (B, K, SIGNS) in [0, 1]
    sign_valid: BOOL  # (B, K, SIGNS)
    # Paint across the road: intervals along the vehicle's axis, with their lateral extent
    stop_line: F32  # (B, K, CROSSINGS, 4) [m] x near, x far, y right, y left
    stop_line_valid: BOOL  # (B, K, CROSSINGS)
    crosswalk: F32  # (B, K, CROSSINGS, 4) [m] x near, x far, y right, y left
    crosswalk_valid: BOOL  # (B, K, CROSSINGS)
    # Where the drivable ground ends, one point a column of the wide camera
    edge_xy: F32  # (B, K, EDGE_COLUMNS, 2) [m]
    edge_valid: BOOL  # (B, K, EDGE_COLUMNS)


def empty_percept(worlds: int, drivers: int) -> Percept:
    """A Percept of writable arrays in which nothing is seen."""
    lead = (worlds, drivers)
    d, x = (*lead, DETECTIONS), (*lead, LINE_SLOTS, len(LINE_X))

    def floats(*shape: int) -> F32:
        return np.zeros((*lead, *shape), np.float32)

    users = Detections(
        xy=floats(DETECTIONS, 2), yaw=floats(DETECTIONS), velocity=floats(DETECTIONS, 2), size=floats(DETECTIONS, 2),
        kind=np.zeros(d, np.int8), score=floats(DETECTIONS), valid=np.zeros(d, np.bool_),
    )  # fmt: skip
    return Percept(
        fresh=np.zeros(lead, np.bool_),
        line_y=np.zeros(x, np.float32), line_sigma=np.zeros(x, np.float32), line_valid=np.zeros(x, np.bool_),
        line_kind=np.zeros(x[:3], np.int8), line_dashed=np.zeros(x[:3], np.bool_),
        users=users, user_sigma=floats(DETECTIONS), user_fresh=np.zeros(d, np.bool_),
        light_xyz=floats(LIGHTS, 3), light_state=np.zeros((*lead, LIGHTS), np.int8), light_score=floats(LIGHTS),
        light_yaw=floats(LIGHTS),
        light_valid=np.zeros((*lead, LIGHTS), np.bool_),
        sign_xyz=floats(SIGNS, 3), sign_face=np.zeros((*lead, SIGNS), np.int16), sign_score=floats(SIGNS),
        sign_valid=np.zeros((*lead, SIGNS), np.bool_),
        stop_line=floats(CROSSINGS, 4), stop_line_valid=np.zeros((*lead, CROSSINGS), np.bool_),
        crosswalk=floats(CROSSINGS, 4), crosswalk_valid=np.zeros((*lead, CROSSINGS), np.bool_),
        edge_xy=floats(EDGE_COLUMNS, 2), edge_valid=np.zeros((*lead, EDGE_COLUMNS), np.bool_),
    )  # fmt: skip
