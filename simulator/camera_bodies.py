"""Road users as pictures show them: a few convex parts each, with wheels, windows and lamps.

Colours, shapes and clothes are a function of (seed of the light, slot, generation). Parts are given in the body frame
(x forward, y left, z up from the ground under the box's centre).
"""

import math

import numpy as np

from simulator.camera_parts import mix
from simulator.camera_people import draw_two_wheeler, draw_walker
from simulator.camera_vehicles import draw_bus, draw_car, draw_truck
from world.camera_tags import Tag
from world.kernel import kernel
from world.kinds import BodyKind

_CAR, _VAN, _TRUCK, _BUS = int(BodyKind.CAR), int(BodyKind.VAN), int(BodyKind.TRUCK), int(BodyKind.BUS)
_MOTORCYCLE, _BICYCLE, _PEDESTRIAN = int(BodyKind.MOTORCYCLE), int(BodyKind.BICYCLE), int(BodyKind.PEDESTRIAN)
_T_CAR, _T_TRUCK, _T_BUS = int(Tag.CAR), int(Tag.TRUCK), int(Tag.BUS)
_T_MOTORCYCLE, _T_BICYCLE = int(Tag.MOTORCYCLE), int(Tag.BICYCLE)
_BRAKES = np.float32(-0.3)  # [m/s^2] below which brake lights burn
_DETAIL = 9.0  # [px] of height below which lamps and wheels are left out


@kernel
def draw_body(canvas, b, i, slots, depth, blink):
    """Draw the body in slot i of world b, `depth` [m] in front of the camera. Args: blink: as camera_vehicles."""
    camera, light = canvas.camera[0], canvas.light[0]
    yaw = slots.yaw[b, i]
    at = (float(slots.x[b, i]), float(slots.y[b, i]), float(slots.z[b, i]), math.cos(yaw), math.sin(yaw))
    length, width, height = float(slots.length[b, i]), float(slots.width[b, i]), float(slots.height[b, i])
    kind = slots.kind[b, i]
    h = mix(light.seed, i, slots.generation[b, i])
    near = height * camera.f / depth > _DETAIL
    brakes = slots.accel[b, i] < _BRAKES or (slots.speed[b, i] == 0.0 and kind != _PEDESTRIAN)
    instance = 1 + i
    if kind == _CAR:
        draw_car(canvas, at, length, width, height, h, brakes, blink, near, _T_CAR, instance)
    elif kind == _VAN:
        draw_car(
            canvas, at, length, width, height, h - h % np.uint32(5) + np.uint32(4), brakes, blink, near, _T_CAR,
            instance,
        )  # fmt: skip
    elif kind == _TRUCK:
        draw_truck(canvas, at, length, width, height, h, brakes, blink, near, _T_TRUCK, instance)
    elif kind == _BUS:
        draw_bus(canvas, at, length, width, height, h, brakes, blink, near, _T_BUS, instance)
    elif kind == _MOTORCYCLE:
        draw_two_wheeler(canvas, at, length, height, h, True, brakes, near, _T_MOTORCYCLE, instance)
    elif kind == _BICYCLE:
        draw_two_wheeler(canvas, at, length, height, h, False, brakes, near, _T_BICYCLE, instance)
    else:
        stride = float(slots.speed[b, i] * light.time) + 0.1 * i
        draw_walker(canvas, at, height, h, stride, near, instance)
