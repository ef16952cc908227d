"""`python -m perception evaluate`: tables of scores, on our pictures or on anybody's in a public layout.

Exit status: 0 all judged, 1 some pictures could not be used (they are named), 2 bad request or nothing to judge.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from perception import layout
from perception.crops import LightClassifier, SignClassifier, sign_crop
from perception.dataset import Pictures, read_pictures
from perception.decode import decode_lines, decode_things, full_seg
from perception.infer import WEIGHTS, EyeNet
from perception.lane_finders import METHODS
from perception.lane_metrics import LaneScore, lane_f1
from perception.line_fit import fit_line
from perception.metrics import Iou, Matches, mask_iou, percentiles
from perception.perceive import read_lights
from perception.records import LINE_X
from perception.targets import SEEN, judged, line_target
from world.camera_labels import LINE_SLOTS, OWN_LEFT, OWN_RIGHT, reaches_behind
from world.camera_tags import ThingKind
from world.files import whole
from world.kinds import LightState
from world.names import unknown_name

DATA = ("sim", "gtsrb", "lights", "culane", "tusimple", "voc")
TEST = Path("runs/pictures/test")  # where --root says nothing
NEAR = 50.0  # [m] within which road users are asked for
ASKED = np.array([8.0, 8.0, 8.0, 6.0, 6.0])  # [px] height of a box of 160 px pictures; KITTI asks for 25 of 375 px
LINE_ASKED, LINE_SEEN = 30.0, 0.4  # [px] length of a line, and part of it that nothing hides
LIGHTS_NEAR, SIGNS_NEAR = 40.0, 25.0  # [m]
MOST_NAMED = 20  # of pictures that cannot be used
_RED = (LightState.RED, LightState.RED_AMBER)
_STATION = 10.0  # [m] ahead at which the own lane's middle is compared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", default="sim", help=f"layout: {', '.join(DATA)} (default: sim)")
    parser.add_argument(
        "--root", type=Path, metavar="PATH", help=f"folder of the data (default of sim: {TEST}; others have none)"
    )
    parser.add_argument("--method", default="cnn", help="of culane and tusimple: cnn or classical (default: cnn)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="ONNX file (default: the shipped network)")
    parser.add_argument("--most", type=int, help="pictures at most (sim)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the scores there, too")


def main(args: argparse.Namespace) -> int:
    if args.data not in DATA:
        raise ValueError(unknown_name("data", args.data, DATA))
    args.root = _root(args)
    _check(args)
    report = _evaluate(args)
    _print(report)
    if args.json:
        with whole(args.json) as part:
            part.write_text(json.dumps(_plain(report), indent=1, allow_nan=False) + "\n")
    unusable = report.get("unusable", [])
    for line in unusable[:MOST_NAMED]:
        print(f"perception evaluate: {line}", file=sys.stderr)
    if unusable:
        print(f"{len(unusable)} could not be used, {report['n']} were judged", file=sys.stderr)
    return 1 if unusable else 0


def _root(args: argparse.Namespace) -> Path:
    """Folder of the data. Raises ValueError: none is given, and there is no default one."""
    if args.root is not None:
        return args.root
    if args.data != "sim":
        raise ValueError(f"--data {args.data} needs --root, the folder of its pictures")
    if not TEST.is_dir():
        command = f"python -m perception generate --split test --rig --pictures 1024 --out {TEST}"
        raise ValueError(f"{TEST}: no such folder; `{command}` makes it; or name another by --root")
    return TEST


def _check(args: argparse.Namespace) -> None:
    """Raises ValueError: options that cannot be, or that do not go together; before anything is looked at."""
    if not args.root.is_dir():
        raise ValueError(f"--root {args.root}: " + ("a folder is needed" if args.root.exists() else "no such folder"))
    if args.method not in METHODS:
        raise ValueError(unknown_name("method", args.method, METHODS))
    if args.method != "cnn" and args.data not in ("culane", "tusimple"):
        raise ValueError(f"--method {args.method} goes with --data culane and tusimple, not {args.data}")
    if args.method != "cnn" and args.weights is not None:
        raise ValueError("--weights goes with --method cnn")
    if args.most is not None and args.data != "sim":
        raise ValueError(f"--most goes with --data sim, not {args.data}")
    if args.most is not None and args.most < 1:
        raise ValueError(f"--most {args.most}: allowed is 1 or more")
    if args.json is not None and (args.json.is_dir() or not args.json.parent.is_dir()):
        raise ValueError(f"--json {args.json}: a file in a folder that exists is needed")


def _plain(value: Any) -> Any:
    """The same as JSON has it: plain numbers, null for those that are not finite."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (np.floating, np.integer)):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _evaluate(args: argparse.Namespace) -> dict[str, Any]:
    if args.data == "sim":
        return evaluate_sim(read_pictures([args.root], args.most), args.weights)
    if args.data in ("gtsrb", "lights"):
        from perception.evaluate_crops import evaluate_gtsrb, evaluate_lights

        return (evaluate_gtsrb if args.data == "gtsrb" else evaluate_lights)(args.root, args.weights)
    if args.data in ("culane", "tusimple"):
        from perception.evaluate_lanes import evaluate_culane, evaluate_tusimple

        evaluate = evaluate_culane if args.data == "culane" else evaluate_tusimple
        return evaluate(args.root, method=args.method, weights=args.weights)
    from perception.evaluate_boxes import evaluate_voc

    return evaluate_voc(args.root, weights=args.weights)


def evaluate_sim(pictures: Pictures, weights: Path | None = None) -> dict[str, Any]:
    """Scores on labelled pictures of our renderer.

    A thing is asked for within NEAR metres where at least SEEN of it is seen and its box is ASKED high; what is
    smaller, further or more hidden, or reaches behind the camera, is neither right nor wrong, and so are lane lines
    shorter than LINE_ASKED or less than LINE_SEEN of which is seen. Lights whose state the picture cannot tell (seen
    edge-on, half hidden, the lit lamp beyond the picture's edge) are counted apart, as `lights_unreadable`.
    """
    net, signs, lights = EyeNet(weights), SignClassifier(), LightClassifier()
    tally = _Tally()
    start = time.perf_counter()
    for i in track(range(len(pictures)), "evaluating"):
        answer = net(pictures.rgb[i : i + 1])
        tally.masks(pictures, i, full_seg(answer, 0))
        tally.lines(pictures, i, decode_lines(answer, 0, pictures.spec(i)))
        things = decode_things(answer, 0, pictures.spec(i), np.full(5, 0.05))
        read_lights(things, pictures.rgb[i], lights)
        tally.things(pictures, i, things, signs)
    report = {"data": "sim", "n": len(pictures), "weights": str(weights or WEIGHTS / "eye.onnx"), **tally.report()}
    return report | {"seconds": time.perf_counter() - start}


def _length(line: np.ndarray) -> float:
    """[px] of a line (P, 2)."""
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


class _Tally:
    """Scores in the making."""

    def __init__(self):
        self.iou = {"drivable": Iou(0, 0), "lane line": Iou(0, 0), "crosswalk": Iou(0, 0), "stop line": Iou(0, 0)}
        self.matches = {kind: Matches() for kind in ThingKind}
        self.distance: dict[ThingKind, list[float]] = {kind: [] for kind in ThingKind}
        self.lane, self.offset = LaneScore(0, 0, 0), []
        self.states = np.zeros((len(LightState), len(LightState)), int)
        self.unreadable = 0
        self.signs: list[bool] = []

    def masks(self, p: Pictures, i: int, seg: np.ndarray) -> None:
        true = layout.SEG_OF_TAG[p.tag[i]]
        pairs = {
            "drivable": (seg != layout.OTHER, true != layout.OTHER),
            "lane line": (seg == layout.LINE, true == layout.LINE),
            "crosswalk": (seg == layout.CROSSWALK, true == layout.CROSSWALK),
            "stop line": (seg == layout.STOP_LINE, true == layout.STOP_LINE),
        }  # fmt: skip
        for name, (a, b) in pairs.items():
            more = mask_iou(a, b)
            self.iou[name] = Iou(self.iou[name].both + more.both, self.iou[name].either + more.either)

    def lines(self, p: Pictures, i: int, found) -> None:
        spec = p.spec(i)
        x, state, _ = line_target(p, i, spec)
        rows = layout.STRIDE * np.arange(x.shape[1]) + 1.5
        true = [np.stack((x[s] * layout.STRIDE + 1.5, rows), axis=1)[state[s] == 1] for s in range(LINE_SLOTS)]
        asked, others = [], []
        for s, line in enumerate(true):
            valid = p.line_valid[i, s]
            seen = p.line_seen[i, s, valid].mean() if valid.any() else 0.0
            if len(line) >= 2:
                (asked if seen >= LINE_SEEN and _length(line) >= LINE_ASKED else others).append(line)
        said = [found.px[found.slot == s] for s in range(LINE_SLOTS)]
        said = [line for line in said if len(line) >= 2 and _length(line) >= 0.8 * LINE_ASKED]
        self.lane = self.lane + lane_f1(said, asked, spec.width, spec.height, ignored=others)
        station = int(np.argmin(np.abs(LINE_X - _STATION)))
        middle = []
        for s in (OWN_LEFT, OWN_RIGHT):
            at = found.slot == s
            y, _, valid = fit_line(found.xy[at], found.sigma[at])
            xyz = p.line_xyz[i, s]
            exists = (xyz != 0.0).any(axis=1) & p.line_seen[i, s]
            if not valid[station] or exists.sum() < 2 or not xyz[exists, 0].min() <= _STATION <= xyz[exists, 0].max():
                return
            middle.append(y[station] - np.interp(_STATION, xyz[exists, 0], xyz[exists, 1]))
        self.offset.append(0.5 * (middle[0] + middle[1]))

    def things(self, p: Pictures, i: int, things, read_sign: SignClassifier) -> None:
        at = p.boxes(i)
        kind, box, xyz = p.box_kind[at], p.box_box[at], p.box_xyz[at]
        away = np.linalg.norm(xyz[:, :2], axis=1)
        small = (box[:, 3] - box[:, 1]) < ASKED[kind]
        endless = reaches_behind(xyz, p.box_size[at], p.box_yaw[at], p.spec(i))
        hidden = (p.box_visible[at] < SEEN) | small | (away > NEAR) | endless
        for k in ThingKind:
            mine, own = np.flatnonzero(things.kind == k), np.flatnonzero(kind == k)
            pairs = self.matches[k].add(things.box[mine], things.score[mine], box[own], hidden[own])
            for d, t in pairs:
                if things.score[mine[d]] < 0.3:
                    continue
                truth = float(np.linalg.norm(xyz[own[t]]))
                self.distance[k].append((float(np.linalg.norm(things.xyz[mine[d]])) - truth) / truth)
                if k == ThingKind.LIGHT and p.box_state[at][own[t]] >= 0 and away[own[t]] <= LIGHTS_NEAR:
                    if judged(p, at.start + int(own[t]), p.spec(i))[0]:
                        self.states[p.box_state[at][own[t]], things.state[mine[d]]] += 1
                    else:
                        self.unreadable += 1
                face = int(p.box_face[at][own[t]]) if k == ThingKind.SIGN else -1
                if face >= 0 and away[own[t]] <= SIGNS_NEAR:
                    self._sign(p.rgb[i], things.box[mine[d]], face, read_sign)

    def _sign(self, rgb: np.ndarray, box: np.ndarray, face: int, read_sign: SignClassifier) -> None:
        crop = sign_crop(rgb, box)
        if crop is not None:
            self.signs.append(int(read_sign([crop])[0][0]) == face)

    def report(self) -> dict[str, Any]:
        lights = int(self.states.sum())
        reds = int(self.states[list(_RED)].sum())
        return {
            "iou": {name: iou.value for name, iou in self.iou.items()},
            "lane_f1": self.lane.f1, "lane_precision": self.lane.precision, "lane_recall": self.lane.recall,
            "lane_offset_m": percentiles(self.offset),
            "ap50": {k.name.lower(): m.average_precision() for k, m in self.matches.items()},
            "wanted": {k.name.lower(): m.wanted for k, m in self.matches.items()},
            "distance_error": {k.name.lower(): percentiles(v) for k, v in self.distance.items()},
            "light_state_accuracy": float(np.trace(self.states) / lights) if lights else float("nan"),
            "lights": lights, "lights_unreadable": self.unreadable,
            "red_called_green": int(self.states[list(_RED), LightState.GREEN].sum()) / reds if reds else float("nan"),
            "light_states": self.states.tolist(),
            "sign_accuracy": float(np.mean(self.signs)) if self.signs else float("nan"), "signs": len(self.signs),
        }  # fmt: skip


def _print(report: dict[str, Any]) -> None:
    table = Table(title=f"{report['data']}, n = {report['n']}")
    table.add_column("score")
    table.add_column("value", justify="right")
    for name, value in report.items():
        if isinstance(value, dict):
            for key, inner in value.items():
                told = inner if not isinstance(inner, dict) else {k: _short(v) for k, v in inner.items()}
                table.add_row(f"{name} {key}", _short(told))
        elif not isinstance(value, list) and name not in ("data", "n"):
            table.add_row(name, _short(value))
    Console().print(table)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
