"""Bodies and drivers: the kinds of road users, their sizes and limits, and the spread of driver parameters.

Sizes are those of common European vehicles (dimensions from the makers' data sheets, rounded): a compact car, a
delivery van, a two-axle 7.5 t to 12 t truck, a 12 m city bus, a motorcycle, a bicycle with rider.
Driver parameters spread around the published IDM sets: T 1.0-1.6 s, s0 2 m, a 0.73-1.4 m/s^2, b 1.5-2 m/s^2. Drivers
with a much above s0 / T^2 damp every disturbance: no stop-and-go traffic (`python -m benchmarks diagram`).
Source: Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000), table I (a 0.73); Treiber, Kesting, Traffic Flow Dynamics
(2013), table 11.2 (a 1.0) and section 15.4 (stability); Kesting, Treiber, Helbing, Phil. Trans. R. Soc. A 368 (2010),
table 1 (a 1.4); MOBIL: politeness 0-0.5, Kesting, Treiber, Helbing (2007).
"""

import numpy as np

from world.idm import idm_softness
from world.kernel import kernel
from world.kinds import BodyKind
from world.random import draw_range, draw_unit

ENTITY_VEHICLE = 1 << 20  # entity number of vehicle v is ENTITY_VEHICLE + v, of driver k ENTITY_DRIVER + k
ENTITY_DRIVER = 1 << 21
# Purposes of draws
BODY, SIZE, HEADWAY, GAP, DRIVE, BRAKE, FACTOR, POLITE, ROUTE, PLACE = range(101, 111)

# columns: share, length, width, height, wheelbase, rear axle behind centre, top speed, accel, brake, steer, steer rate,
# steer lag, jerk, size spread, drive scale
_CATALOGUE = np.array(
    [
        [0.70, 4.50, 1.82, 1.50, 2.65, 1.33, 50.0, 4.0, 8.0, 0.61, 0.90, 0.10, 10.0, 0.08, 1.00],  # CAR
        [0.11, 5.50, 2.00, 2.30, 3.20, 1.60, 40.0, 3.0, 7.5, 0.65, 0.80, 0.12, 8.0, 0.06, 0.85],  # VAN
        [0.06, 8.20, 2.45, 3.20, 4.60, 2.30, 25.0, 1.8, 6.5, 0.75, 0.60, 0.15, 6.0, 0.08, 0.65],  # TRUCK
        [0.03, 12.0, 2.55, 3.10, 5.90, 2.95, 23.0, 1.5, 6.0, 0.80, 0.60, 0.15, 5.0, 0.00, 0.60],  # BUS
        [0.06, 2.15, 0.80, 1.60, 1.42, 0.71, 50.0, 5.0, 8.0, 0.60, 1.20, 0.08, 12.0, 0.05, 1.20],  # MOTORCYCLE
        [0.04, 1.80, 0.60, 1.75, 1.05, 0.52, 7.5, 1.5, 4.0, 0.80, 1.50, 0.08, 8.0, 0.05, 0.80],  # BICYCLE
        [0.00, 0.50, 0.60, 1.75, 0.00, 0.00, 2.5, 2.0, 3.0, 0.00, 0.00, 0.00, 10.0, 0.00, 1.00],  # PEDESTRIAN
    ],
    np.float32,
)
SHARE = tuple(float(v) for v in _CATALOGUE[:, 0])
_LENGTH, _WIDTH, _HEIGHT = (tuple(np.float32(v) for v in _CATALOGUE[:, c]) for c in (1, 2, 3))
_WHEELBASE, _REAR_AXLE, _SPEED = (tuple(np.float32(v) for v in _CATALOGUE[:, c]) for c in (4, 5, 6))
_ACCEL, _BRAKE, _STEER = (tuple(np.float32(v) for v in _CATALOGUE[:, c]) for c in (7, 8, 9))
_RATE, _LAG, _JERK = (tuple(np.float32(v) for v in _CATALOGUE[:, c]) for c in (10, 11, 12))
_SPREAD, _SCALE = (tuple(np.float32(v) for v in _CATALOGUE[:, c]) for c in (13, 14))
BUS_LENGTH, BUS_WIDTH, BUS_WHEELBASE = (float(_CATALOGUE[BodyKind.BUS, c]) for c in (1, 2, 4))  # [m]
CAR, BICYCLE = int(BodyKind.CAR), int(BodyKind.BICYCLE)
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@kernel
def draw_kind(seed, entity, count):
    """BodyKind of an entity's count-th body, by the shares of the catalogue."""
    u = draw_unit(seed, entity, count, BODY)
    for k in range(6):
        u -= SHARE[k]
        if u < 0.0:
            return k
    return CAR


@kernel
def set_body(b, i, kind, scale, slots):
    """Fill slot (b, i)'s body from the catalogue; `scale` 1.0 is the catalogue's size."""
    slots.kind[b, i] = kind
    slots.length[b, i] = _LENGTH[kind] * scale
    slots.width[b, i] = _WIDTH[kind] * (_ONE + (scale - _ONE) * np.float32(0.5))
    slots.height[b, i] = _HEIGHT[kind] * scale
    slots.wheelbase[b, i] = _WHEELBASE[kind] * scale
    slots.rear_axle[b, i] = _REAR_AXLE[kind] * scale
    slots.max_speed[b, i] = _SPEED[kind]
    slots.max_accel[b, i] = _ACCEL[kind]
    slots.max_brake[b, i] = _BRAKE[kind]
    slots.max_steer[b, i] = _STEER[kind]
    slots.max_steer_rate[b, i] = _RATE[kind]
    slots.steer_lag[b, i] = _LAG[kind]
    slots.max_jerk[b, i] = _JERK[kind]


@kernel
def draw_body(b, i, seed, entity, count, slots):
    """A random body: kind by the catalogue's shares, size within the kind's spread."""
    kind = draw_kind(seed, entity, count)
    spread = _SPREAD[kind]
    set_body(b, i, kind, draw_range(seed, entity, count, SIZE, _ONE - spread, _ONE + spread), slots)


@kernel
def draw_driver(b, i, seed, entity, count, slots, row):
    """Random driver parameters for slot (b, i), within what its body can do."""
    t = row[b, i]
    kind = np.int64(slots.kind[b, i])
    t.headway = draw_range(seed, entity, count, HEADWAY, 1.0, 1.6)
    t.min_gap = draw_range(seed, entity, count, GAP, 1.5, 2.5)
    drive = draw_range(seed, entity, count, DRIVE, 0.8, 1.4) * _SCALE[kind]
    t.drive = min(drive, slots.max_accel[b, i])
    t.brake = draw_range(seed, entity, count, BRAKE, 1.5, 2.2)
    t.soft = idm_softness(t.drive, t.brake)
    t.factor = draw_range(seed, entity, count, FACTOR, 0.85, 1.05)
    t.polite = draw_range(seed, entity, count, POLITE, 0.0, 0.5)
