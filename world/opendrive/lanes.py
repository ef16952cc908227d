"""RoadModel -> LaneDrafts: lane centres at uniform spacing of their own arc length, exact at every point.

A lane's centre is the reference line moved sideways by t(s) = laneOffset + inner widths + half its own width. With
the reference line's curvature k, along the reference line's s:

    direction  (1 - k t, t'),   ds_lane/ds = |(1 - k t, t')|,
    curvature  [(1 - k t) (t'' + k - k^2 t) + t' (k' t + 2 k t')] / |.|^3.

The arc length is integrated with two Gauss points per metre between all record starts, inverted, and everything is
evaluated once more at the resulting s. Superelevation turns the cross-section: t cos(phi) sideways, t sin(phi) up.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from world.budget import MAX_POINTS, spend
from world.draft import LaneDraft
from world.opendrive.marks import MIRROR, TO_LEFT, TO_RIGHT, sample_marks
from world.opendrive.model import LaneModel, RoadModel, SectionModel, SpeedRecord
from world.opendrive.xml import Element, Reading
from world.roadmap import MapError

F64 = NDArray[np.float64]
MAX_STEP = 2.0  # [m]
MIN_STEP = 0.1  # [m] even where a lane is bent into a kink
CHORD = 0.0098  # [m] largest distance between the centre line and its chords
CELL = 1.0  # [m] length over which the arc length is integrated at once
WIDEST = 200.0  # [m] of one lane
LONGEST = 20.0  # times the length of its road that a lane may have
SHORTEST = 1e-3  # [m] of a section or lane
TIGHTEST = 10.0  # [1/m] largest curvature that is kept
HIGHEST = 20_000.0  # [m] above or below zero
TOGETHER = 300_000  # lanes times points of a section up to which all its lanes are evaluated at once
GAUSS = np.array([0.5 - 0.5 / np.sqrt(3.0), 0.5 + 0.5 / np.sqrt(3.0)])


@dataclass
class LateralCurves:
    """Lanes of one section at N values of s, from the rightmost to the leftmost lane."""

    lanes: list[LaneModel]  # m
    center: F64  # (m, 3, N) t [m] of the lane centre, dt/ds, d2t/ds2
    width: F64  # (m, N) [m], never negative
    border: F64  # (m + 1, 3, N) t of the borders, right to left
    zero: int  # number of the border that is lane 0
    inverted: bool  # a width polynomial falls below -1 cm

    def row(self, lane: LaneModel) -> int:
        """Which of `lanes` a lane is."""
        return self.lanes.index(lane)


def lateral(road: RoadModel, section: SectionModel, s: F64) -> LateralCurves:
    """Sideways place of every lane of a section at road s (N,)."""
    offset = np.array(road.offset(s, section.end))
    right = sorted((key for key in section.lanes if key < 0), reverse=True)
    left = sorted(key for key in section.lanes if key > 0)
    inverted = False
    sides: dict[int, list[F64]] = {-1: [offset], 1: [offset]}
    ds = s - section.start
    for side, keys in ((-1, right), (1, left)):
        for key in keys:
            lane, inner = section.lanes[key], sides[side][-1]
            if lane.width is not None:
                outer = inner + side * np.array(lane.width(ds))
            else:
                assert lane.border is not None
                outer = np.array(lane.border(ds))
            under = side * (outer[0] - inner[0])
            if (under < 0).any():
                inverted |= bool((under < -0.01).any())
                outer = np.where(under < 0, inner, outer)
            sides[side].append(outer)
    border = np.array(sides[-1][::-1] + sides[1][1:])
    lanes = [section.lanes[key] for key in right[::-1] + left]
    return LateralCurves(
        lanes, 0.5 * (border[1:] + border[:-1]), border[1:, 0] - border[:-1, 0], border, len(right), inverted
    )


def bank(road: RoadModel, s: F64, t: F64) -> tuple[F64, F64]:
    """Sideways curve with derivatives (3, N) in the plane, and z above the reference line, of a curve t (3, N)."""
    if road.superelevation.is_zero:
        return t, np.zeros_like(s)
    roll, rate, _ = road.superelevation(s)
    cos, sin = np.cos(roll), np.sin(roll)
    flat = np.array([t[0] * cos, t[1] * cos - t[0] * sin * rate, t[2] * cos - 2 * t[1] * sin * rate])
    return flat, t[0] * sin


def follow(k: F64, rate: F64, t: F64) -> tuple[F64, F64, F64]:
    """Speed ds_lane/ds, direction [rad] against the reference line and curvature [1/m] of a lateral curve t (3, N)."""
    along = 1.0 - k * t[0]
    speed = np.maximum(np.hypot(along, t[1]), 1e-6)
    bend = along * (t[2] + k * along) + t[1] * (rate * t[0] + 2 * k * t[1])
    return speed, np.arctan2(t[1], along), bend / speed**3


def _cells(road: RoadModel, section: SectionModel) -> F64:
    """Ends of the integration cells of a section: every record start, and no cell longer than CELL."""
    breaks = [road.reference.start, road.offset.start]
    for lane in section.lanes.values():
        curve = lane.width or lane.border
        if curve is not None and len(curve.start) > 1:
            breaks.append(curve.start + section.start)
    inner = np.concatenate(breaks)
    inner = inner[(inner > section.start + 1e-6) & (inner < section.end - 1e-6)]
    ends = np.concatenate([[section.start], np.unique(inner), [section.end]]) if len(inner) else None
    if ends is None:
        count = max(4, int(np.ceil((section.end - section.start) / CELL)))
        return np.linspace(section.start, section.end, count + 1)
    counts = np.maximum(2, np.ceil(np.diff(ends) / CELL)).astype(int)
    part = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.append(np.repeat(ends[:-1], counts) + part * np.repeat(np.diff(ends) / counts, counts), ends[-1])


@dataclass
class SampledSection:
    """Where the lanes of a section are sampled."""

    section: SectionModel
    lanes: list[LaneModel]
    s: list[F64]  # per lane: (n,) [m] ascending road s of the points
    length: list[float]  # per lane [m]


def place_points(reading: Reading, road: RoadModel, budget: int) -> list[SampledSection]:
    """Chooses the road s of every lane's points, so that they lie at equal spacing along the lane.

    Args:
        budget: lane points that may still be made.

    Raises:
        MapError: a lane is too wide, too long for its road or needs too many points.
    """
    found = []
    for section in road.sections:
        if section.end - section.start < SHORTEST:
            reading.skip("laneSection of no length")
            continue
        ends = _cells(road, section)
        if len(ends) * len(section.lanes) > MAX_POINTS // 2:
            raise too_many(reading, section.element)
        spend(f"road {road.id}")
        size = np.diff(ends)
        s = (ends[:-1, None] + size[:, None] * GAUSS).ravel()
        curves = lateral(road, section, s)
        reading.skipped_if("laneSection with a negative lane width (0 assumed)", int(curves.inverted))
        _, _, _, k, rate = road.reference(s)
        sampled = SampledSection(section, [], [], [])
        for lane, center, width in zip(curves.lanes, curves.center, curves.width, strict=True):
            if width.max() < 0.01:
                reading.skip("lane of no width")
                continue
            if not width.max() <= WIDEST:
                raise reading.error(lane.element, f"is {width.max():.4g} m wide; at most {WIDEST:.0f} m are allowed")
            speed, _, bend = follow(k, rate, bank(road, s, center)[0])
            if (k * center[0] > 1).any():
                reading.skip("lane folded by a curve tighter than its distance from the reference line")
            arc = np.concatenate([[0.0], np.cumsum(0.5 * size * speed.reshape(-1, 2).sum(1))])
            if not arc[-1] <= LONGEST * (section.end - section.start + 1.0):
                reason = f"is {arc[-1]:.4g} m long on {section.end - section.start:.2f} m of road: a curve is too tight"
                raise reading.error(lane.element, reason)
            if arc[-1] < SHORTEST:
                reading.skip("lane of no length")
                continue
            step = np.clip(np.sqrt(8 * CHORD / max(float(np.abs(bend).max()), 1e-9)), MIN_STEP, MAX_STEP)
            count = max(2, int(np.ceil(arc[-1] / step - 1e-9)) + 1)
            budget -= count
            if budget < 0:
                raise too_many(reading, lane.element)
            sampled.lanes.append(lane)
            sampled.length.append(float(arc[-1]))
            points = np.interp(np.linspace(0.0, arc[-1], count), arc, ends)
            points[0], points[-1] = section.start, section.end
            sampled.s.append(points)
        found.append(sampled)
    return found


def too_many(reading: Reading, element: Element) -> MapError:
    return reading.error(element, f"the map needs more than {MAX_POINTS} lane points")


def sample_road(reading: Reading, road: RoadModel, budget: int) -> list[tuple[LaneDraft, F64]]:
    """Every lane of a road as a draft without links, with the road s (n,) [m] of its points.

    Args:
        budget: lane points that may still be made.

    Raises:
        MapError: the road needs more than that.
    """
    sections = place_points(reading, road, budget)
    chunks = [s for sampled in sections for s in sampled.s]
    if not chunks:
        return []
    x, y, heading, k, rate = road.reference(np.concatenate(chunks))
    z = road.elevation(np.concatenate(chunks))[0]
    limit = sample_limits(road.speeds, np.concatenate(chunks))
    drafts, at = [], 0
    for sampled in sections:
        if not sampled.s:
            continue
        rows = slice(at, at + sum(map(len, sampled.s)))
        at = rows.stop
        s = np.concatenate(sampled.s)
        together = lateral(road, sampled.section, s) if len(sampled.section.lanes) * len(s) <= TOGETHER else None
        first = 0
        for lane, points, length in zip(sampled.lanes, sampled.s, sampled.length, strict=True):
            part = slice(first, first + len(points))
            here = slice(rows.start + part.start, rows.start + part.stop)
            first = part.stop
            if together is None:
                spend(f"road {road.id}")
                curves, own = lateral(road, sampled.section, points), slice(None)
            else:
                curves, own = together, part
            row = curves.row(lane)
            t, up = bank(road, points, curves.center[row][:, own])
            _, turn, bend = follow(k[here], rate[here], t)
            cos, sin = np.cos(heading[here]), np.sin(heading[here])
            xyz = np.stack([x[here] - t[0] * sin, y[here] + t[0] * cos, z[here] + up + lane.height], axis=1)
            draft = LaneDraft(
                key=(road.id, sampled.section.index, lane.id), kind=lane.kind, xyz=xyz, heading=heading[here] + turn,
                curvature=bend, width=curves.width[row, own], limit=limit[here], length=length,
                road_s=(float(points[0]), float(points[-1])), junction=road.junction,
                **_borders(sampled.section, lane, points - sampled.section.start),
            )  # fmt: skip
            _check(reading, draft, lane)
            _lane_limit(draft, lane, points - sampled.section.start)
            drafts.append((draft, points) if lane.forward else (_reverse(draft), points[::-1]))
    return drafts


def _check(reading: Reading, draft: LaneDraft, lane: LaneModel) -> None:
    """Bounds what polynomials and curvatures made of a lane.

    Raises:
        MapError: places or widths beyond all use.
    """
    numbers = (draft.xyz, draft.heading, draft.curvature, draft.width)
    if not all(np.isfinite(values).all() for values in numbers):
        raise reading.error(lane.element, "its place, heading, curvature or width is not finite")
    if np.abs(draft.xyz[:, 2]).max() > HIGHEST:
        reason = f"lies {np.abs(draft.xyz[:, 2]).max():.4g} m above or below zero; at most {HIGHEST:.0f} m are allowed"
        raise reading.error(lane.element, reason)
    if draft.width.max() > 1.5 * WIDEST:
        raise reading.error(lane.element, f"is {draft.width.max():.4g} m wide; at most {WIDEST:.0f} m are allowed")
    if np.abs(draft.curvature).max() > TIGHTEST:
        reading.skip(f"lane with a curvature above {TIGHTEST:g}/m (held there)")
        np.clip(draft.curvature, -TIGHTEST, TIGHTEST, out=draft.curvature)


def _borders(section: SectionModel, lane: LaneModel, offset: F64) -> dict[str, Any]:
    """Marks on both sides along s, under the names of LaneDraft's fields."""
    inner = section.lanes.get(lane.id + (1 if lane.id < 0 else -1))
    inward = section.center_marks if abs(lane.id) == 1 or inner is None else inner.marks
    own = sample_marks(lane.marks, offset)
    near = sample_marks(inward, offset)
    left, right = (near, own) if lane.id < 0 else (own, near)
    return {
        "mark_left": left[0], "mark_right": right[0], "color_left": left[1], "color_right": right[1],
        "change_left": (left[2] & TO_LEFT) > 0, "change_right": (right[2] & TO_RIGHT) > 0,
    }  # fmt: skip


def _reverse(draft: LaneDraft) -> LaneDraft:
    """The same lane travelled the other way. Its change flags were read along s: each border's other bit counts."""
    for name in ("xyz", "heading", "curvature", "width", "limit"):
        setattr(draft, name, getattr(draft, name)[::-1].copy())
    draft.heading += np.pi
    draft.curvature = -draft.curvature
    draft.road_s = (draft.road_s[1], draft.road_s[0])
    left, right = draft.mark_right[::-1], draft.mark_left[::-1]
    draft.mark_left, draft.mark_right = MIRROR[left], MIRROR[right]
    draft.color_left, draft.color_right = draft.color_right[::-1].copy(), draft.color_left[::-1].copy()
    draft.change_left, draft.change_right = draft.change_right[::-1].copy(), draft.change_left[::-1].copy()
    return draft


def sample_limits(records: list[SpeedRecord], s: F64) -> F64:
    """Limit [m/s] in force at s (n,); NaN where the file sets none."""
    if not records:
        return np.full(len(s), np.nan)
    values = np.array([np.nan if r.limit is None else r.limit for r in records])
    i = np.searchsorted(np.array([r.start for r in records]), s + 1e-9, side="right") - 1
    return np.where(i < 0, np.nan, values[np.maximum(i, 0)])


def _lane_limit(draft: LaneDraft, lane: LaneModel, offset: F64) -> None:
    """A lane's own speed records stand above the road's."""
    if lane.speeds:
        own = sample_limits(lane.speeds, offset)
        draft.limit = np.where(np.isnan(own), draft.limit, own)
