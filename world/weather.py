"""Weather by name: presets of what `hooks.set_weather` takes."""

from world.names import unknown_name

# cloud, rain, wetness: 0 to 1. fog: [1/m] extinction (0.03: one sees 100 m). sun_height, sun_azimuth: [rad] above the
# horizon (below it: night) and counter-clockwise from map x. wind: [m/s].
CLEAR = {
    "cloud": 0.15, "rain": 0.0, "fog": 0.0, "wetness": 0.0, "sun_height": 1.0, "sun_azimuth": 0.9, "wind": 2.0,
}  # fmt: skip
PRESETS: dict[str, dict[str, float]] = {
    "clear_noon": CLEAR,
    "cloudy": CLEAR | {"cloud": 0.95},
    "wet": CLEAR | {"cloud": 0.5, "wetness": 0.9},
    "rain": CLEAR | {"cloud": 1.0, "rain": 0.8, "wetness": 1.0, "fog": 0.004, "wind": 6.0},
    "fog": CLEAR | {"cloud": 1.0, "fog": 0.03},
    "morning": CLEAR | {"sun_height": 0.3, "sun_azimuth": 0.2},
    "dusk": CLEAR | {"cloud": 0.4, "sun_height": 0.06, "sun_azimuth": 2.9},
    "night": CLEAR | {"cloud": 0.3, "sun_height": -0.5},
    "rain_night": CLEAR | {"cloud": 1.0, "rain": 0.8, "wetness": 1.0, "fog": 0.004, "sun_height": -0.5, "wind": 6.0},
}


def find_weather(name: str) -> dict[str, float]:
    """The parameters of a preset.

    Raises:
        ValueError: unknown name, with the nearest match.
    """
    if name not in PRESETS:
        raise ValueError(unknown_name("weather", name, PRESETS))
    return dict(PRESETS[name])
