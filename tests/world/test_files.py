"""Files appear whole, or not at all."""

import pytest

from world.files import whole


def test_a_file_is_there_only_when_it_is_whole(tmp_path):
    path = tmp_path / "scores.json"
    with whole(path) as part:
        assert part.parent == tmp_path and part.suffix == ".json"
        part.write_text("new")
        assert not path.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["scores.json"] and path.read_text() == "new"


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole(path) as part:
        part.write_text("half")
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["scores.json"] and path.read_text() == "old"
