"""Pictures of many sizes: a large one shows the same as a small one, with noise all over."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from scenarios.registry import find_scenario, scenario_map
from simulator.camera import CameraLook, CameraRenderer
from simulator.engine import Engine
from world.camera import WIDE
from world.mapset import pack_maps


@pytest.fixture(scope="module")
def renderer():
    scenario = replace(find_scenario("intersection"), vehicles=10, pedestrians=5)
    with Engine(pack_maps([scenario_map(scenario)]), scenario) as engine:
        engine.reset([1])
        yield CameraRenderer(engine)


@pytest.mark.parametrize(("width", "height"), [(800, 400), (1280, 640), (3840, 1920)])
def test_a_large_picture_shows_what_a_small_one_does(renderer, width, height):
    small = renderer.render(WIDE, look=CameraLook(noise=0.0)).rgb.astype(float)
    large = renderer.render(replace(WIDE, width=width, height=height), look=CameraLook(noise=0.0)).rgb
    shrunk = cv2.resize(large, (WIDE.width, WIDE.height), interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(shrunk - small).mean() < 6.0


def test_noise_lies_over_all_of_a_large_picture(renderer):
    spec = replace(WIDE, width=1280, height=640)
    plain = renderer.render(spec, look=CameraLook(noise=0.0)).rgb.astype(float)
    noisy = renderer.render(spec, look=CameraLook(noise=6.0)).rgb.astype(float)
    off = (noisy - plain)[(plain > 40).all(axis=2) & (plain < 215).all(axis=2)]
    assert 5.0 < off.std() < 7.0
    rows = np.array([(noisy - plain)[v].std() for v in range(0, 640, 40)])
    assert (rows > 2.0).all()


def test_a_picture_beyond_all_measure_is_refused(renderer):
    with pytest.raises(ValueError, match="too large; allowed are 16777216 pixels"):
        renderer.render(replace(WIDE, width=8192, height=8192))
