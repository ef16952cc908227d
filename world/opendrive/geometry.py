"""The reference line: line, arc, spiral, poly3 and paramPoly3 records, evaluated exactly at any s, vectorised.

Frame: inertial, float64. Every function takes s [m] along the road in the plane.
Source: ASAM OpenDRIVE 1.8, chapter 7 (Geometry).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fresnel

F64 = NDArray[np.float64]
STRAIGHT = 1e-12  # [1/m, 1/m^2] curvature (rate) below which an arc (a spiral) is a line (an arc)
LARGEST_PHASE = 1e5  # [rad] of the completed square; above it Fresnel integrals lose digits
GAUSS_X = 0.5 + 0.5 * np.array([-0.906179845938664, -0.538469310105683, 0.0, 0.538469310105683, 0.906179845938664])
GAUSS_W = np.array([0.118463442528095, 0.239314335249683, 0.284444444444444, 0.239314335249683, 0.118463442528095])


def clothoid(length: F64, k0: F64, rate: F64) -> tuple[F64, F64]:
    """End point (u, v) of a curve that starts at the origin along u with curvature k0 + rate * l.

    Arcs in closed form through sinc; spirals by completing the square, so that the integral of
    exp(i (k0 l + rate l^2 / 2)) is a difference of Fresnel integrals. Where the square is so large that its phase loses
    digits (hardly any change of curvature), by Gauss quadrature.

    Args:
        length: (n,) [m]. k0: (n,) [1/m]. rate: (n,) [1/m^2].

    Source: ASAM OpenDRIVE 1.8, 7.5 (spiral) and 7.6 (arc); Abramowitz and Stegun 7.3.
    """
    half = 0.5 * k0 * length
    chord = length * np.sinc(half / np.pi)
    u, v = chord * np.cos(half), chord * np.sin(half)
    bend = np.abs(rate) > STRAIGHT
    if bend.any():
        slight = bend & (k0 * k0 > LARGEST_PHASE * np.abs(rate))
        for rows, formula in ((bend & ~slight, _fresnel), (slight, _quadrature)):
            if rows.any():
                u[rows], v[rows] = formula(length[rows], k0[rows], rate[rows])
    return u, v


def _fresnel(length: F64, k0: F64, rate: F64) -> tuple[F64, F64]:
    sign, scale = np.sign(rate), np.sqrt(np.pi / np.abs(rate))
    first = k0 / rate / scale
    s1, c1 = fresnel(first + length / scale)
    s0, c0 = fresnel(first)
    turn = -0.5 * k0 * k0 / rate
    du, dv = scale * (c1 - c0), sign * scale * (s1 - s0)
    return du * np.cos(turn) - dv * np.sin(turn), du * np.sin(turn) + dv * np.cos(turn)


def _quadrature(length: F64, k0: F64, rate: F64) -> tuple[F64, F64]:
    at = length[:, None] * ((np.arange(8)[:, None] + GAUSS_X) / 8).ravel()
    angle = at * (k0[:, None] + 0.5 * rate[:, None] * at)
    weight = length[:, None] * np.tile(GAUSS_W, 8) / 8
    return (np.cos(angle) * weight).sum(1), (np.sin(angle) * weight).sum(1)


@dataclass
class PolyCurve:
    """One poly3 or paramPoly3 record: u(p), v(p) cubic, with a table from arc length to p."""

    u: F64  # (4,) coefficients, constant first
    v: F64  # (4,)
    node_p: F64  # (m,)
    node_s: F64  # (m,) [m] arc length at node_p
    true_length: float  # [m] arc length of the whole curve, before it is stretched to the stated one

    @classmethod
    def make(cls, u: F64, v: F64, p_max: float, length: float, cut: bool) -> "PolyCurve":
        """Tables the arc length over p in [0, p_max].

        Args:
            cut: True where the record ends at arc length `length` (poly3); False where it ends at p_max
                (paramPoly3) and a stated length that differs stretches s.
        """
        count = int(np.clip(np.ceil(length / 0.25), 32, 4096))
        node = np.linspace(0.0, p_max, count + 1)
        inner = node[:-1, None] + np.diff(node)[:, None] * GAUSS_X
        du, dv = _cubic(u, inner)[1], _cubic(v, inner)[1]
        arc = np.concatenate([[0.0], np.cumsum((np.hypot(du, dv) * GAUSS_W).sum(1) * np.diff(node))])
        true_length = float(arc[-1])
        if not cut and true_length > 0:
            arc *= length / true_length
        return cls(u, v, node, arc, true_length)

    def at(self, s: F64) -> tuple[F64, F64, F64, F64, F64]:
        """u, v, direction [rad], curvature [1/m] and its rate [1/m^2] at arc length s from the record's start."""
        p = np.interp(s, self.node_s, self.node_p)
        past = s > self.node_s[-1]
        if past.any():
            p = np.where(past, self.node_p[-1] + (s - self.node_s[-1]) * self._slope(), p)
        u0, u1, u2, u3 = _cubic(self.u, p)
        v0, v1, v2, v3 = _cubic(self.v, p)
        speed = np.maximum(np.hypot(u1, v1), 1e-9)
        cross = u1 * v2 - v1 * u2
        rate = ((u1 * v3 - v1 * u3) - 3 * cross * (u1 * u2 + v1 * v2) / speed**2) / speed**4
        return u0, v0, np.arctan2(v1, u1), cross / speed**3, rate

    def _slope(self) -> float:
        """dp/ds at the end of the record."""
        return float((self.node_p[-1] - self.node_p[-2]) / max(self.node_s[-1] - self.node_s[-2], 1e-9))


def _cubic(c: F64, p: F64) -> tuple[F64, F64, F64, F64]:
    """Value and three derivatives of c0 + c1 p + c2 p^2 + c3 p^3."""
    c0, c1, c2, c3 = c
    return (
        c0 + p * (c1 + p * (c2 + p * c3)),
        c1 + p * (2 * c2 + 3 * c3 * p),
        2 * c2 + 6 * c3 * p,
        np.full_like(p, 6 * c3),
    )


@dataclass
class ReferenceLine:
    """All geometry records of a road, by ascending s."""

    start: F64  # (n,) [m]
    x: F64  # (n,) [m]
    y: F64
    heading: F64  # (n,) [rad]
    curvature: F64  # (n,) [1/m] at the record's start; 0 for poly records
    rate: F64  # (n,) [1/m^2] change of curvature
    poly: dict[int, PolyCurve]  # record number -> curve

    def __call__(self, s: F64) -> tuple[F64, F64, F64, F64, F64]:
        """x, y [m], heading [rad], curvature [1/m] and its rate [1/m^2] at s (n,)."""
        return self.on(np.maximum(np.searchsorted(self.start, s, side="right") - 1, 0), s)

    def on(self, i: NDArray[np.intp], s: F64) -> tuple[F64, F64, F64, F64, F64]:
        """As a call, but point n is taken from record i[n] (which may be continued past its end)."""
        ds = s - self.start[i]
        k0, rate = self.curvature[i], self.rate[i]
        u, v = clothoid(ds, k0, rate)
        turn = ds * (k0 + 0.5 * rate * ds)
        k = k0 + rate * ds
        if self.poly:
            order = np.argsort(i, kind="stable")
            first = np.flatnonzero(np.diff(i[order], prepend=-1))
            for rows in np.split(order, first[1:]):
                curve = self.poly.get(int(i[rows[0]])) if len(rows) else None
                if curve is None:
                    continue
                u[rows], v[rows], turn[rows], k[rows], rate[rows] = curve.at(ds[rows])
        cos, sin = np.cos(self.heading[i]), np.sin(self.heading[i])
        return self.x[i] + u * cos - v * sin, self.y[i] + u * sin + v * cos, self.heading[i] + turn, k, rate

    def gaps(self) -> F64:
        """(n - 1,) [m] distance from the end of each record to the start of the next."""
        x, y = self.on(np.arange(len(self.start) - 1), self.start[1:])[:2]
        return np.hypot(x - self.x[1:], y - self.y[1:])
