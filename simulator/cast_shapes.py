"""Rays against what the world is made of, in closed form. Nothing is allocated.

A shape is a row of SHAPE_SIZE numbers [m], relative to where the rays begin, axes of the map frame. A hit is (distance,
cosine of the angle between ray and surface normal); distance is MISS where there is none. Directions are unit vectors.
"""

import math

from world.kernel import inline_kernel, kernel

MISS = 2.0**100  # [m] the same number in float32
SHAPE_SIZE = 9
BOX, CYLINDER, ELLIPSOID, WALL = range(4)


@kernel
def set_box(shape, x, y, z, yaw, length, width, height):
    """An upright box. Args: x, y, z: of the centre of its bottom."""
    shape[0], shape[1], shape[2] = x, y, z + 0.5 * height
    shape[3], shape[4] = math.cos(yaw), math.sin(yaw)
    shape[5], shape[6], shape[7] = 0.5 * length, 0.5 * width, 0.5 * height


@kernel
def set_cylinder(shape, x, y, z0, z1, radius):
    """An upright cylinder without its ends."""
    shape[0], shape[1], shape[2], shape[3], shape[4] = x, y, z0, z1, radius


@kernel
def set_ellipsoid(shape, x, y, z, radius, height):
    """An upright ellipsoid of revolution. Args: x, y, z: its centre. radius, height: half axes, level and upright."""
    shape[0], shape[1], shape[2], shape[3], shape[4] = x, y, z, radius, height


@kernel
def set_wall(shape, ax, ay, bx, by, z0, z1):
    """An upright rectangle over the way from a to b."""
    shape[0], shape[1], shape[2], shape[3], shape[4], shape[5] = ax, ay, bx, by, z0, z1


@inline_kernel
def _slab(o, d, half, near, far):
    """(nearest, furthest) distance within |o + t d| <= half and the interval so far."""
    if abs(d) < 1e-12:
        return (near, far) if abs(o) <= half else (MISS, -MISS)
    a, b = (-half - o) / d, (half - o) / d
    return max(near, min(a, b)), min(far, max(a, b))


@kernel
def hit_box(shape, dx, dy, dz):
    """The first side of a box; none for rays that begin inside."""
    c, s = shape[3], shape[4]
    ox, oy, oz = -(c * shape[0] + s * shape[1]), s * shape[0] - c * shape[1], -shape[2]
    ex, ey = c * dx + s * dy, c * dy - s * dx
    near, far = _slab(ox, ex, shape[5], -MISS, MISS)
    cosine = abs(ex)
    y_near, y_far = _slab(oy, ey, shape[6], -MISS, MISS)
    if y_near > near:
        near, cosine = y_near, abs(ey)
    z_near, z_far = _slab(oz, dz, shape[7], -MISS, MISS)
    if z_near > near:
        near, cosine = z_near, abs(dz)
    far = min(far, min(y_far, z_far))
    return (near, cosine) if 0.0 < near <= far else (MISS, 0.0)


@kernel
def hit_cylinder(shape, dx, dy, dz):
    """The outside of a cylinder."""
    x, y, radius = shape[0], shape[1], shape[4]
    a, b, c = dx * dx + dy * dy, dx * x + dy * y, x * x + y * y - radius * radius
    inside = b * b - a * c
    if a < 1e-12 or c <= 0.0 or b <= 0.0 or inside < 0.0:
        return MISS, 0.0
    t = (b - math.sqrt(inside)) / a
    z = t * dz
    if z < shape[2] or z > shape[3]:
        return MISS, 0.0
    return t, math.sqrt(inside) / radius


@kernel
def hit_ellipsoid(shape, dx, dy, dz):
    """The outside of an ellipsoid."""
    rr, hh = 1.0 / (shape[3] * shape[3]), 1.0 / (shape[4] * shape[4])
    x, y, z = shape[0], shape[1], shape[2]
    a = (dx * dx + dy * dy) * rr + dz * dz * hh
    b = (dx * x + dy * y) * rr + dz * z * hh
    c = (x * x + y * y) * rr + z * z * hh - 1.0
    inside = b * b - a * c
    if c <= 0.0 or b <= 0.0 or inside < 0.0:
        return MISS, 0.0
    t = (b - math.sqrt(inside)) / a
    nx, ny, nz = (t * dx - x) * rr, (t * dy - y) * rr, (t * dz - z) * hh
    return t, abs(nx * dx + ny * dy + nz * dz) / math.sqrt(nx * nx + ny * ny + nz * nz)


@kernel
def hit_wall(shape, dx, dy, dz):
    """A wall, from either side."""
    ax, ay = shape[0], shape[1]
    ux, uy = shape[2] - ax, shape[3] - ay
    across = dx * uy - dy * ux
    if abs(across) < 1e-12:
        return MISS, 0.0
    t, along = (ax * uy - ay * ux) / across, (ax * dy - ay * dx) / across
    z = t * dz
    if t <= 0.0 or along < 0.0 or along > 1.0 or z < shape[4] or z > shape[5]:
        return MISS, 0.0
    return t, abs(across) / math.sqrt(ux * ux + uy * uy)


@kernel
def hit_shape(kind, shape, dx, dy, dz):
    """The hit of a shape of a kind."""
    if kind == BOX:
        return hit_box(shape, dx, dy, dz)
    if kind == WALL:
        return hit_wall(shape, dx, dy, dz)
    if kind == CYLINDER:
        return hit_cylinder(shape, dx, dy, dz)
    return hit_ellipsoid(shape, dx, dy, dz)


@kernel
def hit_ground(height, slope_x, slope_y, dx, dy, dz):
    """The plane that lies `height` [m] below where the rays begin. Args: slope_x, slope_y: its dz/dx and dz/dy."""
    falls = slope_x * dx + slope_y * dy - dz
    if falls < 1e-9:
        return MISS, 0.0
    return height / falls, falls / math.sqrt(1.0 + slope_x * slope_x + slope_y * slope_y)
