"""`python docs/eyes_picture.py [FOLDER...]`: what the cameras render, their labels, and what the networks make of it.

Writes docs/pictures/camera.png and eyes.png; with folders of photographs, also photographs.png, a few of each.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
U8 = NDArray[np.uint8]
WEATHERS = ("clear_noon", "morning", "rain", "fog", "dusk", "night")
EACH = 4  # photographs of a folder
WIDE = 480  # [px] of a photograph's tile


def main() -> None:
    engine, renderer, slot = stage()
    looks = [picture_of(renderer, slot, name) for name in WEATHERS]
    save("camera.png", [looks[:3], looks[3:], labels(engine, renderer, slot)])
    save("eyes.png", seen(engine))
    photographs = [path for folder in sys.argv[1:] for path in _some(Path(folder))]
    if photographs:
        tiles = [photograph(path) for path in photographs]
        save("photographs.png", [tiles[n : n + 2] for n in range(0, len(tiles) - 1, 2)])


def save(name: str, rows: list[list[U8]]) -> None:
    """Tiles in rows, as a file of docs/pictures."""
    path = ROOT / "docs" / "pictures" / name
    sheet = cv2.vconcat([cv2.hconcat(row) for row in rows])
    cv2.imwrite(str(path), np.asarray(sheet)[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{path}: {path.stat().st_size} bytes")


def stage():
    """(engine, its renderer, slot of a car that waits at a light with others around), town02."""
    from scenarios.registry import find_scenario, scenario_map
    from simulator.camera import CameraRenderer
    from simulator.engine import Engine
    from world.camera import RIG
    from world.mapset import pack_maps

    scenario = find_scenario("town02")
    engine = Engine(pack_maps([scenario_map(scenario)]), scenario, cameras=RIG)
    engine.reset([3])
    renderer = CameraRenderer(engine)
    from world.records import Control

    nothing = Control(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    for _ in range(200):
        engine.step(nothing)
    return engine, renderer, _busiest(engine, renderer)


def _busiest(engine, renderer) -> int:
    """The slot of the car that sees most kinds of things."""
    from simulator.camera_labels import label_boxes
    from world.camera import WIDE as SPEC
    from world.kinds import BodyKind

    best, most = 0, -1.0
    cars = np.flatnonzero(engine.state.valid[0] & (engine.bodies.kind[0] == BodyKind.CAR))
    for slot in cars[:40]:
        picture = renderer.render(SPEC, 0, int(slot))
        boxes = label_boxes(engine, 0, int(slot), SPEC, picture, renderer.props(0))
        large = (boxes.visible > 0.5) & (boxes.box[:, 3] - boxes.box[:, 1] > 9.0)
        worth = 10.0 * len(set(boxes.kind[large].tolist())) + large.sum() - 20.0 * (boxes.box[large, 3] > 130).any()
        if worth > most:
            best, most = int(slot), worth
    return best


def picture_of(renderer, slot: int, weather: str) -> U8:
    """What the wide camera shows in a weather."""
    from simulator.camera import CameraLook
    from world.camera import WIDE as SPEC
    from world.weather import find_weather

    picture = renderer.render(SPEC, 0, slot, CameraLook(), find_weather(weather))
    return titled(picture.rgb.copy(), weather)


def labels(engine, renderer, slot: int) -> list[U8]:
    """Class mask, inverse depth, boxes and lane boundaries of the same picture."""
    from perception import overlay
    from simulator.camera_labels import label_boxes, label_lines
    from world.camera import WIDE as SPEC
    from world.kinds import LightState
    from world.sign_names import SIGN_NAMES

    picture = renderer.render(SPEC, 0, slot)
    colors = np.random.default_rng(5).integers(60, 240, (256, 3)).astype(np.uint8)
    near = np.clip(picture.inverse_depth / 0.12, 0.0, 1.0) ** 0.5
    depth = cv2.applyColorMap((255.0 * near).astype(np.uint8), cv2.COLORMAP_INFERNO)[:, :, ::-1]
    boxes, lines = (
        label_boxes(engine, 0, slot, SPEC, picture, renderer.props(0)),
        label_lines(engine, 0, slot, SPEC, picture),
    )
    drawn = picture.rgb.copy()
    for n in range(len(lines.px)):
        overlay.draw_line(drawn, lines.px[n][lines.valid[n]], None, overlay.LINE_COLORS[n])
    for n in np.flatnonzero((boxes.visible > 0.25) & (boxes.box[:, 3] - boxes.box[:, 1] > 5.0)):
        state, face = int(boxes.state[n]), int(boxes.face[n])
        color = overlay.KIND_COLORS[boxes.kind[n]] if state < 0 else overlay.STATE_COLORS[LightState(state)]
        overlay.draw_box(drawn, boxes.box[n], color, SIGN_NAMES[face] if face >= 0 else "")
    return [titled(p, n) for p, n in ((colors[picture.tag], "class"), (depth, "depth"), (drawn, "boxes, lanes"))]


def seen(engine) -> list[list[U8]]:
    """What the agent saw at some moments of a drive, both cameras."""
    from agents.pipeline import PipelineAgent
    from perception.perceive import Perceiver

    eyes = Perceiver()
    agent = PipelineAgent(eyes)
    engine.reset([5])
    agent.reset(engine.task)
    rows = []
    for tick in range(600):
        decision = agent.act(engine.sensors(agent.sensors))
        engine.step(decision.control)
        if tick % 200 == 199:
            shown = [draw(0, 0) for draw in decision.pictures.values()]
            rows.append([cv2.resize(s[1], (WIDE, WIDE // 2), interpolation=cv2.INTER_AREA) for s in shown if s])
    return rows


def photograph(path: Path) -> U8:
    """A photograph with what the network sees in it."""
    from perception.pictures import read_picture
    from perception.seen import cnn_seer
    from perception.vanishing import CameraGuess

    _, drawn = cnn_seer(CameraGuess(), None, None)(read_picture(path))
    height = round(WIDE * 9 / 16)
    scale = max(WIDE / drawn.shape[1], height / drawn.shape[0])
    small = cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    top, left = small.shape[0] - height, (small.shape[1] - WIDE) // 2
    return np.ascontiguousarray(small[top : top + height, left : left + WIDE])


def _some(folder: Path) -> list[Path]:
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".png", ".ppm"))
    return paths[:: max(len(paths) // EACH, 1)][:EACH]


def titled(picture: U8, name: str) -> U8:
    """With its name in the corner."""
    out = np.ascontiguousarray(picture)
    cv2.putText(out, name, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(out, name, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
    return out


if __name__ == "__main__":
    main()
