"""The reader against `carla.Map`. Differences that stay are listed in docs/opendrive.md."""

import pytest

from tests.data import shared_data

pytest.importorskip("carla")

from tests.world.carla_oracle import Comparison, compare

TOWNS = ("Town01.xodr", "Town02.xodr", "Town03.xodr.gz", "Town04.xodr.gz", "Town10HD.xodr")
EXACT = (
    "lane",
    "centre",
    "width",
    "height",
    "lane change",
    "mark",
    "colour",
    "neighbour",
    "successors",
    "lights",
    "stops",
    "limits",
)
STOPS = {"Town10HD.xodr": 7}
LIGHTS = {"Town01.xodr": 72, "Town02.xodr": 48, "Town03.xodr.gz": 112, "Town04.xodr.gz": 121, "Town10HD.xodr": 58}
LIMITS = {"Town01.xodr": 22, "Town02.xodr": 21, "Town03.xodr.gz": 6, "Town04.xodr.gz": 53}


@pytest.fixture(scope="module", params=TOWNS)
def comparison(request: pytest.FixtureRequest) -> tuple[str, Comparison]:
    return request.param, compare(shared_data(f"opendrive/carla_0915_py123d/{request.param}"))


def test_lanes_links_and_controls_agree(comparison: tuple[str, Comparison]) -> None:
    town, result = comparison
    for what in EXACT:
        assert result.differs[what] == 0, result.notes[what][:5]
    assert result.compared["centre"] > 1000 and result.compared["successors"] > 80
    assert result.compared["lights"] == LIGHTS[town]
    assert result.compared["stops"] == STOPS.get(town, 0) and result.compared["limits"] == LIMITS.get(town, 0)


def test_headings_agree_but_where_a_line_meets_an_arc(comparison: tuple[str, Comparison]) -> None:
    """Between two points at such a joint the interpolated heading is up to a quarter of the turn off."""
    _, result = comparison
    assert result.share("heading") >= 0.998 and result.worst["heading"] < 2.0


def test_one_sided_marks_are_the_only_ones_read_differently(comparison: tuple[str, Comparison]) -> None:
    town, result = comparison
    differing = {what for what, count in result.differs.items() if count}
    uneven = {"lane change (solid and broken line)", "mark (solid and broken line)"}
    assert differing - {"heading", "sign place", "light place"} == (uneven if town == "Town03.xodr.gz" else set())


def test_heads_and_signs_stand_where_the_file_says(comparison: tuple[str, Comparison]) -> None:
    """CARLA moves what stands on a lane aside, by multiples of a fifth of the lane's width."""
    _, result = comparison
    assert result.differs["light place"] <= 1
    assert result.worst.get("sign place", 0.0) < 4.3
