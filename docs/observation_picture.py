"""`python docs/observation_picture.py`: the observations `bev` and `lidar` of a moment in town01, beside the map.

Drives until the lights and the road users around are worth seeing, and writes docs/pictures/observations.png.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
UP = 6  # [px] of the picture a pixel of the bev
COLORS = {  # RGB of each channel, in order of drawing
    "drivable": (70, 74, 82), "route": (44, 92, 150), "marks": (215, 215, 205), "ahead": (255, 60, 50),
    "walkers 1 s ago": (110, 90, 20), "vehicles 1 s ago": (40, 80, 50), "vehicles 0.5 s ago": (60, 130, 75),
    "vehicles": (110, 220, 130), "walkers": (250, 200, 40),
}  # fmt: skip


def main() -> None:
    scene, bev, lidar, engine = moment()
    picture = paint(bev)
    size = UP * len(bev[0])
    beside = map_around(engine, scene, size)
    rays = overlay(picture.copy(), lidar)
    tiles = [titled(p, name) for p, name in ((beside, "the map"), (picture, "bev"), (rays, "bev and lidar"))]
    path = ROOT / "docs" / "pictures" / "observations.png"
    cv2.imwrite(str(path), cv2.hconcat(tiles)[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{path}: {path.stat().st_size} bytes")


def moment():
    """(Scene, bev, lidar, engine) of driver 0 with a light and many others near, seen over the seconds before."""
    from dataclasses import replace

    from agents.codec import make_codec
    from agents.registry import make_agent
    from scenarios.registry import find_scenario, scenario_map
    from simulator.engine import Engine
    from world.kinds import LightState
    from world.mapset import pack_maps

    scenario = replace(find_scenario("town01"), vehicles=150, pedestrians=250)
    engine = Engine(pack_maps([scenario_map(scenario)]), scenario)
    engine.reset([4])
    agent, bev, lidar = make_agent("expert"), make_codec("bev"), make_codec("lidar")
    agent.reset(engine.task, privilege=engine.privilege)
    picture, rays = bev.buffer(1, 1), lidar.buffer(1, 1)
    best, least = None, 0.0
    for _ in range(4000):
        scene = engine.scene()
        bev.encode(scene, picture)
        near = np.hypot(*scene.objects.xy[0, 0].T) < 30
        red = scene.ahead.light_state[0, 0] == LightState.RED
        light = red and scene.ahead.light_valid[0, 0] and 8 < scene.ahead.light_distance[0, 0] < 25
        worth = float((near & scene.objects.valid[0, 0]).sum()) * bool(light) * (scene.ego.speed[0, 0] > 3)
        if worth > least:
            lidar.encode(scene, rays)
            best, least = (engine.store(0), picture[0, 0].copy(), rays[0, 0].copy()), worth
        result = engine.step(agent.act(scene).control)
        if result.terminated[0, 0] or result.truncated[0, 0]:
            break
    assert best is not None
    engine.restore(0, best[0])
    return engine.scene(), best[1], best[2], engine


def paint(bev: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """All channels in one picture, enlarged."""
    from agents.encode_bev import BEV_CHANNELS

    out = np.full((*bev[0].shape, 3), (28, 32, 28), np.uint8)
    for name, color in COLORS.items():
        strength = bev[BEV_CHANNELS.index(name)][..., None] / 255.0
        mixed = out * (1 - strength) + np.array(color) * strength
        out = np.where(strength > 0, mixed, out).astype(np.uint8)
    return cv2.resize(out, None, fx=UP, fy=UP, interpolation=cv2.INTER_NEAREST)


def overlay(picture: NDArray[np.uint8], lidar: NDArray[np.float32], rays: int = 240) -> NDArray[np.uint8]:
    """The lidar's rays, each to its first hit."""
    from agents.codec import BevConfig, LidarConfig

    scale = UP / BevConfig().m_per_px
    origin = np.array([picture.shape[1] / 2, picture.shape[0] * (1 - BevConfig().behind)])
    for i, part in enumerate(lidar[:rays]):
        angle = 2 * np.pi * i / rays
        end = origin - LidarConfig().range * part * scale * np.array([np.sin(angle), np.cos(angle)])
        a, b = tuple(np.round(origin).astype(int).tolist()), tuple(np.round(end).astype(int).tolist())
        cv2.line(picture, a, b, (120, 120, 190), 1, cv2.LINE_AA)
        if part < 1:
            cv2.circle(picture, b, 3, (255, 255, 255), -1, cv2.LINE_AA)
    return picture


def map_around(engine, scene, size: int) -> NDArray[np.uint8]:
    """The same piece of the map with everybody in it, the driver's heading up."""
    from agents.codec import BevConfig
    from world.draw import View, draw_box, draw_map
    from world.kinds import BodyKind

    config, (x, y, yaw) = BevConfig(), scene.ego.pose[0, 0].tolist()
    ahead = (0.5 - config.behind) * config.size_px * config.m_per_px
    middle = (x + ahead * np.cos(yaw), y + ahead * np.sin(yaw))
    view = View(size, size, UP / config.m_per_px, middle, yaw - np.pi / 2)
    picture = draw_map(engine.maps.maps[0], view, engine.state.light[0])
    state, bodies = engine.state, engine.bodies
    for j in np.flatnonzero(state.valid[0]):
        walks = bodies.kind[0, j] == BodyKind.PEDESTRIAN
        color = (255, 120, 40) if j == 0 else (250, 200, 40) if walks else (110, 220, 130)
        place = (float(v[0, j]) for v in (state.x, state.y, state.yaw, bodies.length, bodies.width))
        draw_box(picture, view, *place, color)
    return picture


def titled(picture: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """With a white border and its name below."""
    out = cv2.copyMakeBorder(picture, 4, 36, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    cv2.putText(out, name, (10, len(out) - 11), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (30, 30, 30), 2, cv2.LINE_AA)
    return out


if __name__ == "__main__":
    main()
