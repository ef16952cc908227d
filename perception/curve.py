"""A smooth curve of points that is pulled sideways towards what is observed: the kernels of perception.route.

The curve is CURVE_ROWs about STEP apart. One call of `relax` moves each point by e_j [m] along its normal such that

    sum_o w_o ((1 - f) e_i + f e_{i+1} - d_o)^2 + sum_j w_j (D3 e + D3 p)_j^2 + sum_j w_p e_j^2

is least: d_o are the observed distances from the curve, D3 the third difference of the points p across the curve, which
is how much the curvature changes over a step. Its weights are those of a Cauchy likelihood about the present curve
(iteratively reweighted least squares), so that a straight street stays straight and a bend may still begin at once. The
normal equations have three bands on either side and are solved by Cholesky's method.

Source: Kass, Witkin, Terzopoulos, Snakes: active contour models (1988); Holland, Welsch, Robust regression using
iteratively reweighted least-squares (1977); Golub, Van Loan, Matrix Computations, 4th ed., section 4.3.5.
"""

import math

import numpy as np

from world.kernel import kernel

STEP = 2.0  # [m] between points of a curve
POINTS = 72
BAND = 4
CURVE_ROW = np.dtype([("x", "f8"), ("y", "f8"), ("u", "f8")])  # [m], [m], [m] place on the route as first laid
OBSERVED_ROW = np.dtype([("t", "f8"), ("d", "f8"), ("w", "f8")])  # index on the curve, [m] left of it, [1/m^2]
BIN_ROW = np.dtype([("x", "f8"), ("y", "f8"), ("w", "f8")])  # weighted sums of observed places, and the weights' sum
KINK = 0.03  # [m] scale of the third differences
HOLD = 0.3  # [m] scale of a point's move
MOST = 1.5  # [m] a point moves in one call
FULL = 1.0 / 0.04**2  # [1/m^2] most that one bin counts


@kernel
def normal_at(curve, n, j):
    """(nx, ny) unit normal to the left of point j of n."""
    a, b = curve[max(j - 1, 0)], curve[min(j + 1, n - 1)]
    dx, dy = b.x - a.x, b.y - a.y
    size = max(math.sqrt(dx * dx + dy * dy), 1e-9)
    return -dy / size, dx / size


@kernel
def foot_on(curve, n, x, y, first, last):
    """(t, d): index on the curve nearest to a place between points `first` and `last`, and the distance, left positive.

    Beyond the ends the end segments go straight on.
    """
    best, t, d = 1e30, 0.0, 0.0
    for j in range(max(first, 0), min(last, n - 1)):
        a, b = curve[j], curve[j + 1]
        ux, uy, rx, ry = b.x - a.x, b.y - a.y, x - a.x, y - a.y
        whole = max(ux * ux + uy * uy, 1e-9)
        f = (ux * rx + uy * ry) / whole
        low, high = 0.0, 1.0
        if j == first:
            low = -1e9
        if j == min(last, n - 1) - 1:
            high = 1e9
        f = min(max(f, low), high)
        ex, ey = rx - f * ux, ry - f * uy
        far = ex * ex + ey * ey
        if far < best:
            best, t = far, j + f
            d = (ux * ry - uy * rx) / math.sqrt(whole)
            if f <= 0.0 or f >= 1.0:
                d = math.copysign(math.sqrt(far), d)
    return t, d


@kernel
def place_on(curve, n, t):
    """(x, y, yaw) at index t, by cubic Hermite curves with central-difference tangents; straight on beyond the ends."""
    i = min(max(int(math.floor(t)), 0), n - 2)
    f = t - i
    a, b = curve[i], curve[i + 1]
    before, after = curve[max(i - 1, 0)], curve[min(i + 2, n - 1)]
    ka, kb = 0.5 if i > 0 else 1.0, 0.5 if i + 2 < n else 1.0
    ax, ay, bx, by = (b.x - before.x) * ka, (b.y - before.y) * ka, (after.x - a.x) * kb, (after.y - a.y) * kb
    if f < 0.0:
        return a.x + f * ax, a.y + f * ay, math.atan2(ay, ax)
    if f > 1.0:
        return b.x + (f - 1.0) * bx, b.y + (f - 1.0) * by, math.atan2(by, bx)
    f2, f3 = f * f, f * f * f
    h0, h1, h2, h3 = 2.0 * f3 - 3.0 * f2 + 1.0, f3 - 2.0 * f2 + f, 3.0 * f2 - 2.0 * f3, f3 - f2
    g0, g1, g2, g3 = 6.0 * f2 - 6.0 * f, 3.0 * f2 - 4.0 * f + 1.0, 6.0 * f - 6.0 * f2, 3.0 * f2 - 2.0 * f
    dx = g0 * a.x + g1 * ax + g2 * b.x + g3 * bx
    dy = g0 * a.y + g1 * ay + g2 * b.y + g3 * by
    return h0 * a.x + h1 * ax + h2 * b.x + h3 * bx, h0 * a.y + h1 * ay + h2 * b.y + h3 * by, math.atan2(dy, dx)


@kernel
def length_between(curve, n, t0, t1):
    """[m] along the curve from index t0 to t1 >= t0; straight on beyond the ends."""
    total, i = 0.0, min(max(int(math.floor(t0)), 0), n - 2)
    at = t0
    while at < t1:
        a, b = curve[i], curve[i + 1]
        size = math.sqrt((b.x - a.x) ** 2 + (b.y - a.y) ** 2)
        end = t1 if i == n - 2 else min(float(i + 1), t1)
        total += (end - at) * size
        at = end
        i = min(i + 1, n - 2)
    return total


@kernel
def index_after(curve, n, t, s):
    """Index s m further along the curve than index t; straight on beyond the end."""
    i = min(max(int(math.floor(t)), 0), n - 2)
    while True:
        a, b = curve[i], curve[i + 1]
        size = max(math.sqrt((b.x - a.x) ** 2 + (b.y - a.y) ** 2), 1e-6)
        room = (i + 1 - t) * size
        if s <= room or i == n - 2:
            return t + s / size
        s -= room
        i += 1
        t = float(i)


@kernel
def u_at(curve, n, t):
    """[m] place on the route as first laid, at index t; straight on beyond the ends."""
    i = min(max(int(math.floor(t)), 0), n - 2)
    f = t - i
    return curve[i].u + f * (curve[i + 1].u - curve[i].u)


@kernel
def index_of(curve, n, u):
    """Index at which the route as first laid has place u [m]; straight on beyond the ends."""
    i = 0
    while i < n - 2 and curve[i + 1].u < u:
        i += 1
    return i + (u - curve[i].u) / max(curve[i + 1].u - curve[i].u, 1e-6)


@kernel
def _stiffen(curve, n, bands, right):
    """Add the third differences to the normal equations."""
    for j in range(n - 3):
        nx, ny = normal_at(curve, n, j + 1)
        mx, my = normal_at(curve, n, j + 2)
        nx, ny = 0.5 * (nx + mx), 0.5 * (ny + my)
        a, b, c, e = curve[j], curve[j + 1], curve[j + 2], curve[j + 3]
        dx = e.x - 3.0 * c.x + 3.0 * b.x - a.x
        dy = e.y - 3.0 * c.y + 3.0 * b.y - a.y
        now = dx * nx + dy * ny
        w = 1.0 / (KINK * KINK + now * now)
        for p in range(4):
            cp = -1.0 if p == 0 else (3.0 if p == 1 else (-3.0 if p == 2 else 1.0))
            right[j + p] -= w * cp * now
            for q in range(p + 1):
                cq = -1.0 if q == 0 else (3.0 if q == 1 else (-3.0 if q == 2 else 1.0))
                bands[j + p, p - q] += w * cp * cq


@kernel
def _solve(bands, right, n):
    """Cholesky of the banded matrix in place; the solution replaces `right`."""
    for i in range(n):
        first = max(i - BAND + 1, 0)
        for j in range(first, i + 1):
            total = bands[i, i - j]
            for m in range(first, j):
                total -= bands[i, i - m] * bands[j, j - m]
            if i == j:
                bands[i, 0] = math.sqrt(max(total, 1e-12))
            else:
                bands[i, i - j] = total / bands[j, 0]
    for i in range(n):
        for m in range(max(i - BAND + 1, 0), i):
            right[i] -= bands[i, i - m] * right[m]
        right[i] /= bands[i, 0]
    for i in range(n - 1, -1, -1):
        for m in range(i + 1, min(i + BAND, n)):
            right[i] -= bands[m, m - i] * right[m]
        right[i] /= bands[i, 0]


@kernel
def relax(curve, n, seen, count, bands, right):
    """Move the curve's points once towards the first `count` OBSERVED_ROWs; see the module.

    Args:
        bands: (POINTS, BAND) and right: (POINTS,) scratch.
    """
    for i in range(n):
        right[i] = 0.0
        for k in range(BAND):
            bands[i, k] = 0.0
        bands[i, 0] = 1.0 / (HOLD * HOLD)
    _stiffen(curve, n, bands, right)
    for o in range(count):
        t = min(max(seen[o].t, 0.0), n - 1.0)
        i = min(int(t), n - 2)
        f, w, d = t - i, seen[o].w, seen[o].d
        bands[i, 0] += w * (1.0 - f) * (1.0 - f)
        bands[i + 1, 0] += w * f * f
        bands[i + 1, 1] += w * f * (1.0 - f)
        right[i] += w * (1.0 - f) * d
        right[i + 1] += w * f * d
    _solve(bands, right, n)
    for i in range(n):  # normals of the curve before the move: neighbours that moved would turn them
        bands[i, 1], bands[i, 2] = normal_at(curve, n, i)
    for i in range(n):
        e = min(max(right[i], -MOST), MOST)
        curve[i].x += e * bands[i, 1]
        curve[i].y += e * bands[i, 2]


@kernel
def even_out(curve, n, spare):
    """Lay the points anew where their spacing has become uneven; returns their number.

    Args:
        spare: (POINTS,) CURVE_ROW scratch.
    """
    uneven = False
    for i in range(n - 1):
        size = math.sqrt((curve[i + 1].x - curve[i].x) ** 2 + (curve[i + 1].y - curve[i].y) ** 2)
        uneven = uneven or size < 0.65 * STEP or size > 1.4 * STEP
    if not uneven:
        return n
    total = length_between(curve, n, 0.0, n - 1.0)
    m = min(max(int(total / STEP + 0.5), 3), POINTS - 1) + 1
    t = 0.0
    for i in range(m):
        if i == m - 1:
            t = n - 1.0
        spare[i].x, spare[i].y, _ = place_on(curve, n, t)
        spare[i].u = u_at(curve, n, t)
        t = index_after(curve, n, t, total / (m - 1))
    for i in range(m):
        curve[i].x, curve[i].y, curve[i].u = spare[i].x, spare[i].y, spare[i].u
    return m


@kernel
def drop_head(curve, n, count):
    """Forget the first `count` points; returns how many are left."""
    for i in range(n - count):
        curve[i].x, curve[i].y, curve[i].u = curve[i + count].x, curve[i + count].y, curve[i + count].u
    return n - count


@kernel
def grow_tail(curve, n, laid, dx, dy, turn, reach):
    """Append points of the route as first laid until the curve has `reach` m of u; returns how many there are.

    What the curve has moved aside by at its end goes over into the laid route little by little.

    Args:
        laid: CURVE_ROWs STEP apart in another frame; dx, dy, turn: [m, m, rad] of that frame in the curve's.
        reach: [m] place u to grow to.
    """
    c, s = math.cos(turn), math.sin(turn)
    last = len(laid) - 1
    while n < POINTS and curve[n - 1].u < min(reach, laid[last].u) - 1e-6:
        p0, p1 = _laid_at(laid, curve[n - 1].u)
        u = min(curve[n - 1].u + STEP, laid[last].u)
        if laid[last].u - u < 0.5 * STEP:
            u = laid[last].u
        q0, q1 = _laid_at(laid, u)
        offx = curve[n - 1].x - (dx + c * p0 - s * p1)
        offy = curve[n - 1].y - (dy + s * p0 + c * p1)
        curve[n].x = dx + c * q0 - s * q1 + 0.9 * offx
        curve[n].y = dy + s * q0 + c * q1 + 0.9 * offy
        curve[n].u = u
        n += 1
    return n


@kernel
def last_seen(bins, u, reach):
    """[m] end of the last bin that holds something between places u and u + reach, `u` where there is none."""
    last = u
    for i in range(max(int(u), 0), min(int(u + reach), len(bins) - 1) + 1):
        if bins[i].w > 20.0:
            last = i + 1.0
    return last


@kernel
def is_sound(curve, n):
    """Whether the curve bends nowhere sharper than a road does: 50 degrees from one step to the next."""
    for i in range(1, n - 1):
        ax, ay = curve[i].x - curve[i - 1].x, curve[i].y - curve[i - 1].y
        bx, by = curve[i + 1].x - curve[i].x, curve[i + 1].y - curve[i].y
        if ax * bx + ay * by < 0.64 * math.sqrt((ax * ax + ay * ay) * (bx * bx + by * by)):
            return False
    return True


@kernel
def cut_tail(curve, n, u):
    """Forget the points beyond place u [m], but for the first four; returns how many are left."""
    while n > 4 and curve[n - 1].u > u:
        n -= 1
    return n


@kernel
def _laid_at(laid, u):
    """(x, y) [m] of the route as first laid at place u."""
    i = min(max(int(u / STEP), 0), len(laid) - 2)
    f = (u - laid[i].u) / max(laid[i + 1].u - laid[i].u, 1e-6)
    return laid[i].x + f * (laid[i + 1].x - laid[i].x), laid[i].y + f * (laid[i + 1].y - laid[i].y)


@kernel
def add_to_bin(bins, u, x, y, w, keep):
    """Take an observed place into the bin of u [m]: what was there counts `keep` of what it did."""
    i = int(u)
    if u < 0.0 or i >= len(bins):
        return
    bins[i].x = bins[i].x * keep + w * x
    bins[i].y = bins[i].y * keep + w * y
    bins[i].w = bins[i].w * keep + w


@kernel
def see_bins(curve, n, bins, seen, count):
    """Append what the bins hold along the curve to the OBSERVED_ROWs; returns how many there are."""
    first, last = max(int(curve[0].u) - 2, 0), min(int(curve[n - 1].u) + 2, len(bins) - 1)
    for i in range(first, last + 1):
        if bins[i].w < 1.0 or count >= len(seen):
            continue
        x, y = bins[i].x / bins[i].w, bins[i].y / bins[i].w
        near = int(index_of(curve, n, i + 0.5))
        t, d = foot_on(curve, n, x, y, near - 4, near + 5)
        if 0.0 <= t <= n - 1.0:
            seen[count].t, seen[count].d, seen[count].w = t, d, min(bins[i].w, FULL)
            count += 1
    return count


@kernel
def line_of_bins(bins, u, reach):
    """(x, y, yaw, weight): straight line through the bins within `reach` m of place u; weight 0 where there are few.

    (x, y) is the bins' weighted centre. Bins all of which are more than 2 m from u do not do.
    """
    low, high = max(int(u - reach), 0), min(int(u + reach), len(bins) - 1)
    total, mx, my, nearest, held = 0.0, 0.0, 0.0, 1e9, 0
    for i in range(low, high + 1):
        w = min(bins[i].w, FULL)
        if bins[i].w > 20.0:
            total += w
            mx += w * bins[i].x / bins[i].w
            my += w * bins[i].y / bins[i].w
            nearest = min(nearest, abs(i + 0.5 - u))
            held += 1
    if held < 5 or nearest > 2.0:
        return 0.0, 0.0, 0.0, 0.0
    mx, my = mx / total, my / total
    xx, xy, yy, ex, ey = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(low, high + 1):
        if bins[i].w > 20.0:
            w = min(bins[i].w, FULL)
            ax, ay = bins[i].x / bins[i].w - mx, bins[i].y / bins[i].w - my
            xx, xy, yy = xx + w * ax * ax, xy + w * ax * ay, yy + w * ay * ay
            ex, ey = ex + (i + 0.5 - u) * ax, ey + (i + 0.5 - u) * ay
    yaw = 0.5 * math.atan2(2.0 * xy, xx - yy)
    if ex * math.cos(yaw) + ey * math.sin(yaw) < 0.0:
        yaw += math.pi
    return mx, my, yaw, total
