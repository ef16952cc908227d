"""The rows of the ground, made in vector loops, against each pixel worked out by itself."""

import math

import numpy as np
import pytest

from scenarios.registry import find_scenario, scenario_map
from simulator.camera import CameraRenderer
from simulator.camera_bake import LEVELS, TILE, TILE_TEXELS
from simulator.camera_color import HAZE, decay
from simulator.camera_ground import draw_ground
from simulator.engine import Engine
from world.camera import CameraSpec
from world.mapset import pack_maps
from world.weather import find_weather

FAR = 1.0 / 600.0  # [1/m]


@pytest.fixture(scope="module")
def renderer():
    with Engine(pack_maps([scenario_map(find_scenario("town02"))]), find_scenario("town02")) as engine:
        engine.reset([3])
        yield CameraRenderer(engine)


def texel(ground, ix, iy, level):
    """(4,) colour and class of a texel, by whole numbers of level 0."""
    word = ground.terrain
    if 0 <= ix >> 8 < ground.page.shape[0] and 0 <= iy >> 8 < ground.page.shape[1]:
        tile = int(ground.page[ix >> 8, iy >> 8])
        if tile >= 0:
            side = TILE >> level
            inside = ((iy & 255) >> level) * side + ((ix & 255) >> level)
            word = int(ground.texel[tile * TILE_TEXELS + int(ground.start[level]) + inside])
    return np.array([word & 255, word >> 8 & 255, word >> 16 & 255, word >> 24], np.float64)


def plain_pixel(camera, light, ground, u, v):
    """((3,) colour by day, class, inverse depth) of a pixel of level ground."""
    f, cx, cy, height = (float(camera[n]) for n in ("f", "cx", "cy", "z"))
    height -= float(camera["ground_z"])
    wu, wv = -float(camera["rx"][2]) / (height * f), -float(camera["ry"][2]) / (height * f)
    w = -float(camera["rz"][2]) / height + wu * (u - cx) + wv * (v - cy)
    t, size = 1.0 / w, ground.size
    ray = camera["rz"] + (u - cx) / f * camera["rx"] + (v - cy) / f * camera["ry"].astype(np.float64)
    at = np.array([camera["x"] - ground.x0, camera["y"] - ground.y0], np.float64)
    foot, level = t / f / size, 0
    while level < LEVELS - 1 and foot > 1.5:
        foot, level = 0.5 * foot, level + 1
    if level == 0 and foot < 0.7:
        x, y = (at + t * ray[:2]) / size - 0.5
        ix, iy = math.floor(x), math.floor(y)
        ax, ay = x - ix, y - iy
        four = [texel(ground, ix + i, iy + j, 0) for j in (0, 1) for i in (0, 1)]
        parts = (1 - ax) * (1 - ay), ax * (1 - ay), (1 - ax) * ay, ax * ay
        colour = sum(p * q[:3] for p, q in zip(parts, four, strict=True))
        tag = four[(ax > 0.5) + 2 * (ay > 0.5)][3]
    else:
        taps = min(max(int(abs(t * t * wv) / size / (1 << level) * 0.7 + 0.5), 1), 4)
        samples = []
        for k in range(taps):
            x, y = (at + ray[:2] / (w + wv * ((k + 0.5) / taps - 0.5))) / size
            samples.append(texel(ground, math.floor(x), math.floor(y), level))
        colour, tag = np.mean(samples, axis=0)[:3], samples[taps // 2][3]
    veil = 1.0 - math.exp(-(float(light["fog"]) + HAZE) * t)
    lit = light["ambient"] + light["direct"] * max(float(light["sun"][2]), 0.0)
    return (1.0 - veil) * colour * lit + veil * light["fog_color"], tag, w


@pytest.mark.parametrize("pitch", (0.0, -0.6))
@pytest.mark.parametrize("weather", ("clear_noon", "fog"))
def test_rows_of_ground_are_what_each_pixel_is_by_itself(renderer, pitch, weather):
    spec = CameraSpec("ground", 101, 72, pitch=pitch)
    renderer.render(spec, weather=find_weather(weather))
    canvas, ground = renderer._canvas(spec.height, spec.width), renderer.ground(0, renderer.look.ground)
    assert not canvas.camera[0]["slope_x"] and not canvas.camera[0]["slope_y"]
    draw_ground(canvas, ground, renderer._clouds)
    word = canvas.word.view(np.uint8).reshape(spec.height, spec.width, 4)
    assert (canvas.instance == 0).all()
    off, tags = [], 0
    for v, u in np.argwhere(canvas.inverse_depth > FAR * 1.01)[::3]:
        colour, tag, w = plain_pixel(canvas.camera[0], canvas.light[0], ground, int(u), int(v))
        assert canvas.inverse_depth[v, u] == pytest.approx(w, rel=1e-4)
        off.append(np.abs(word[v, u, :3] - np.clip(colour, 0.0, 255.0)).max())
        tags += word[v, u, 3] == tag
    assert len(off) > 900
    assert tags >= 0.995 * len(off)  # float32 puts a point on the border of two texels into the other now and then
    assert np.quantile(off, 0.99) <= 2.0


def test_decay_is_the_exponential():
    x = np.linspace(0.0, 12.0, 500, dtype=np.float32)
    np.testing.assert_allclose([decay(v) for v in x], np.exp(-x.astype(np.float64)), atol=2e-5)
