"""A short sample of `tests.world.fuzz_opendrive`, and that it finds, keeps and goes on."""

from pathlib import Path

import pytest

from tests.world import fuzz_opendrive
from tests.world.fuzz_opendrive import fuzz, run_case
from tests.world.mutate_xodr import Mutator, load_seeds


def test_broken_maps_give_a_sound_map_or_a_map_error(tmp_path: Path) -> None:
    tally = fuzz(150, 1000, tmp_path / "run", 8_000, show=False)
    assert not tally.found, tally.found
    assert tally.next == 150 and tally.loaded > 30 and tally.refused > 30 and tally.asked > 5


def test_cases_are_a_function_of_seed_and_number() -> None:
    seeds = load_seeds(8_000)
    one, other = Mutator(seeds, 3), Mutator(seeds, 3)
    assert one.make(7) == other.make(7) != Mutator(seeds, 4).make(7)
    assert len({one.make(i) for i in range(20)}) > 15


def test_findings_are_kept_and_a_cut_off_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path, number: int, tally) -> None:
        if number == 3:
            raise IndexError("boom")
        run_case(path, number, tally)

    monkeypatch.setattr(fuzz_opendrive, "run_case", broken)
    folder = tmp_path / "run"
    assert [text[:2] for text in fuzz(5, 0, folder, 1, show=False).found] == ["3:"]
    assert "boom" in (folder / "found-3.txt").read_text() and (folder / "found-3.xodr").stat().st_size
    (folder / "current").write_text("6")  # as a crash in case 6 leaves it
    tally = fuzz(9, 0, folder, 1, show=False)
    assert tally.next == 9 and len(tally.found) == 2 and "interpreter ended" in tally.found[1]
