"""What is seen in one picture, as numbers for JSON and as a drawing; by the network or by the classical finder."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception import overlay
from perception.calibration import Calibration
from perception.classical_lanes import FinderRules, LaneFinder, LaneLine
from perception.crops import sign_crop
from perception.vanishing import CameraGuess, guess_camera
from world.camera import CameraSpec
from world.camera_tags import ThingKind
from world.kinds import LightState
from world.sign_names import NO_SIGN, SIGN_NAMES

U8 = NDArray[np.uint8]
_MEMORY = 0.7  # of lines from frame to frame of a video


def camera_of(rgb: U8, guess: CameraGuess, pitch: float | None) -> tuple[CameraSpec, float]:
    """(camera of a picture, how sure in [0, 1]). Args: pitch: [rad]; None: found in the picture."""
    if pitch is None:
        return guess_camera(rgb, guess)
    height, width = rgb.shape[:2]
    return CameraSpec("told", width, height, fov=guess.fov, x=0.0, z=guess.height, pitch=pitch), 1.0


def camera_json(spec: CameraSpec, sure: float) -> dict[str, float]:
    """In degrees and metres, as the command takes them."""
    angles = {"fov": spec.fov, "pitch": spec.pitch, "yaw": spec.yaw}
    return {k: round(math.degrees(v), 2) for k, v in angles.items()} | {"height": spec.z, "sure": round(sure, 3)}


def classical_seer(
    guess: CameraGuess, pitch: float | None, calibration: Calibration | None, video: bool
) -> Callable[[U8], tuple[dict[str, Any], U8]]:
    """The classical finder's: lane lines alone. Args: video: pictures follow each other, lines are smoothed."""
    if calibration is not None:
        guess = replace(guess, fov=calibration.fov)
    rules = FinderRules(guess=guess, memory=_MEMORY if video else 0.0)
    finder = LaneFinder(calibration=calibration, rules=rules)

    def see(rgb: U8) -> tuple[dict[str, Any], U8]:
        if pitch is not None:
            finder.camera = camera_of(rgb, guess, pitch)[0]
        lines = finder(rgb)
        drawn = rgb.copy()
        for line in lines:
            text = f"{line.offset:+.1f} m {line.confidence:.2f}"
            overlay.draw_line(drawn, line.px, line.sigma_px, overlay.LINE_COLORS[line.slot], text)
        said = {"lines": [_line_json(line) for line in lines]}
        if finder.last_camera is not None:
            said["camera"] = camera_json(*finder.last_camera)  # type: ignore[assignment]
        return said, drawn

    return see


def _line_json(line: LaneLine) -> dict[str, Any]:
    return {
        "slot": line.slot, "px": np.round(line.px, 1).tolist(), "sigma_px": np.round(line.sigma_px, 1).tolist(),
        "offset": round(line.offset, 3), "heading": round(line.heading, 4), "curvature": round(line.curvature, 6),
        "confidence": round(line.confidence, 3),
    }  # fmt: skip


def cnn_seer(
    guess: CameraGuess, pitch: float | None, weights: Path | None
) -> Callable[[U8], tuple[dict[str, Any], U8]]:
    """The network's: drivable ground, lines, things.

    Raises:
        ValueError: a network's file cannot be used.
    """
    from perception.any_picture import AnyPicture, Look
    from perception.crops import SignClassifier
    from perception.fused_lanes import FusedFinder
    from perception.layout import LINE, OTHER

    look, read_sign = AnyPicture(weights, guess=guess), SignClassifier()
    finder = FusedFinder(look)

    def see(rgb: U8) -> tuple[dict[str, Any], U8]:
        look.camera = None if pitch is None else camera_of(rgb, guess, pitch)[0]
        seen: Look = look(rgb)
        height, width = rgb.shape[:2]
        drawn, seg = rgb.copy(), seen.full_seg(width, height)
        overlay.draw_ground(drawn, seg != OTHER, seg >= LINE)
        lines = finder.lines(rgb, seen)
        for line in lines:
            overlay.draw_line(drawn, line.px, line.sigma_px, overlay.LINE_COLORS[line.slot], f"{line.score:.2f}")
        things = _things_json(seen, rgb, read_sign)
        for thing in things:
            overlay.draw_thing(
                drawn, ThingKind[thing["kind"].upper()], thing["box"], thing["score"], thing["distance"],
                LightState[thing["state"].upper()] if "state" in thing else None, thing.get("sign", ""),
            )  # fmt: skip
        said = {
            "camera": camera_json(seen.fitted.spec, seen.camera_sure),
            "lines": [_found_json(line) for line in lines],
            "things": things, "drivable": round(float((seg != OTHER).mean()), 4),
        }  # fmt: skip
        return said, drawn

    return see


def _found_json(line: Any) -> dict[str, Any]:
    return {"slot": line.slot, "px": np.round(line.px, 1).tolist(), "score": round(line.score, 3)}


def _things_json(seen: Any, rgb: U8, read_sign: Callable) -> list[dict[str, Any]]:
    """Things found, with the faces of signs that are large enough read from the picture as it was."""
    t, out = seen.things, []
    for d in range(len(t.kind)):
        kind = ThingKind(int(t.kind[d]))
        thing: dict[str, Any] = {
            "kind": kind.name.lower(), "score": round(float(t.score[d]), 3), "box": np.round(t.box[d], 1).tolist(),
            "xyz": np.round(t.xyz[d], 2).tolist(), "distance": round(float(np.hypot(*t.xyz[d, :2])), 2),
            "distance_sigma": round(float(t.sigma[d]), 2), "size": np.round(t.size[d], 2).tolist(),
            "yaw": round(float(t.yaw[d]), 3),
        }  # fmt: skip
        if kind == ThingKind.LIGHT and t.front[d] > 0.5:
            thing["state"] = LightState(int(t.state[d])).name.lower()
        crop = sign_crop(rgb, t.box[d]) if kind == ThingKind.SIGN and t.front[d] > 0.5 else None
        if crop is not None:
            face = int(read_sign([crop])[0][0])
            if face != NO_SIGN:
                thing["sign"] = SIGN_NAMES[face]
        out.append(thing)
    return out
