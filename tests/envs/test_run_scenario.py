"""The command line: what it writes, what it says, how it fails."""

import json
import subprocess
import sys

import pytest

import run_scenario
from agents.registry import AGENTS
from replay.reader import read_record
from simulator.hooks import EngineHooks
from tests.data import ROOT
from world.weather import find_weather

EPISODE_KEYS = {
    "seed", "route_length_m", "route_completion", "ds_lb20", "ds_lb21", "infractions", "outcome", "sim_time_s",
    "wall_time_s", "realtime_factor", "state_hash",
}  # fmt: skip


def short(tmp_path, *extra: str, seconds: str = "4", agent: str | None = "expert") -> list[str]:
    """A short drive. Args: agent: None: the default."""
    town = ["town02", "--vehicles", "8", "--pedestrians", "4", *(() if agent is None else ("--agent", agent))]
    return [*town, "--max-time", seconds, "--out", str(tmp_path), *extra]


def test_a_run_writes_summary_record_and_replay(tmp_path, capsys):
    out = tmp_path / "run"
    copy = tmp_path / "copy.json"
    assert run_scenario.main(short(out, "--seed", "3", "--json", str(copy))) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary == json.loads(copy.read_text())
    assert {"scenario", "map", "map_hash", "agent", "backend", "seed", "versions", "commit", "mean"} <= summary.keys()
    (episode,) = summary["episodes"]
    assert EPISODE_KEYS <= episode.keys() and EPISODE_KEYS - {"seed", "state_hash", "outcome"} <= summary["mean"].keys()
    assert episode["outcome"] == "timeout" and episode["sim_time_s"] == pytest.approx(4.0)
    assert 0 <= episode["route_completion"] <= 1 and 0 <= episode["ds_lb20"] <= 100
    assert (out / "episode.mcap").stat().st_size > 1000
    html = (out / "replay.html").read_text()
    assert "<canvas" in html and "http://" not in html.replace("http://www.w3.org", "")
    assert (out / "replay.html").resolve().as_uri() in capsys.readouterr().out.replace("\n", "")


def test_no_record_leaves_the_summary_only(tmp_path):
    assert run_scenario.main(short(tmp_path, "--no-record")) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "summary.json"]


def test_recording_does_not_change_the_drive_and_episode_k_is_seed_plus_k(tmp_path):
    run_scenario.main(short(tmp_path / "a", "--seed", "5", "--episodes", "2"))
    run_scenario.main(short(tmp_path / "b", "--seed", "6", "--no-record"))
    first = json.loads((tmp_path / "a" / "summary.json").read_text())["episodes"]
    second = json.loads((tmp_path / "b" / "summary.json").read_text())["episodes"]
    assert [e["seed"] for e in first] == [5, 6]
    assert first[1]["state_hash"] == second[0]["state_hash"] != first[0]["state_hash"]
    assert (tmp_path / "a" / "episode-1.mcap").exists() and (tmp_path / "a" / "replay-1.html").exists()


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["twn01"], "unknown scenario 'twn01'; did you mean town01?"),
        (["town01", "--agent", "expret"], "did you mean expert?"),
        (["town01", "--backend", "lihgt"], "did you mean light?"),
        (["town01", "--weather", "nigth"], "unknown weather 'nigth'; did you mean night?"),
        (["town01", "--weather", "nosuch"], "unknown weather 'nosuch'"),
        (["nowhere.xodr"], "there is no such file"),
        (["town01", "--vehicles", "-1"], "got -1"),
        (["town01", "--episodes", "0"], "got 0"),
        (["town01", "--seed", "x"], "invalid int value"),
        (["town01", "--max-time", "nan"], "got nan"),
        ([], "--list"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(arguments, says, capsys):
    with pytest.raises(SystemExit) as end:
        run_scenario.main(arguments)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


def test_a_broken_map_is_one_clear_line(tmp_path, capsys):
    path = tmp_path / "broken.xodr"
    path.write_text("<OpenDRIVE><road")
    with pytest.raises(SystemExit) as end:
        run_scenario.main([str(path)])
    assert end.value.code == 2
    assert "broken.xodr" in capsys.readouterr().err


def test_ctrl_c_keeps_what_was_driven(tmp_path, monkeypatch):
    expert = AGENTS["expert"]

    class Interrupted:
        def __init__(self):
            self.inner, self.calls = expert(), 0
            self.name, self.sensors, self.privileged = "expert", (), True

        def reset(self, task, mask=None, privilege=None):
            self.inner.reset(task, mask, privilege)

        def act(self, observation):
            self.calls += 1
            if self.calls == 30:
                raise KeyboardInterrupt
            return self.inner.act(observation)

    monkeypatch.setitem(AGENTS, "expert", Interrupted)
    assert run_scenario.main(short(tmp_path, "--episodes", "3", seconds="60")) == 130
    (episode,) = json.loads((tmp_path / "summary.json").read_text())["episodes"]
    assert episode["outcome"] == "interrupted" and 1.0 < episode["sim_time_s"] < 2.0
    assert (tmp_path / "episode.mcap").exists() and (tmp_path / "replay.html").exists()


@pytest.mark.parametrize("agent", [None, "expert"])
def test_a_run_needs_no_heavy_package(tmp_path, agent):
    """Neither does the default driver, whose networks run."""
    out = tmp_path / "run"
    code = (
        "import sys, run_scenario; "
        f"status = run_scenario.main({short(out, '--no-record', seconds='2', agent=agent)!r}); assert status == 0; "
        "heavy = {'torch', 'ray', 'stable_baselines3', 'carla'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    summary = json.loads((out / "summary.json").read_text())
    (episode,) = summary["episodes"]
    assert summary["agent"] == (agent or "pipeline") and summary["weather"] is None
    assert episode["outcome"] == "timeout" and episode["sim_time_s"] == pytest.approx(2.0)


def test_summary_and_record_tell_the_weather(tmp_path, monkeypatch):
    """And the world has it while it is driven."""
    told = []
    monkeypatch.setattr(EngineHooks, "set_weather", lambda self, world, **weather: told.append(weather))
    assert run_scenario.main(short(tmp_path, "--weather", "night", seconds="1")) == 0
    assert told == [find_weather("night")]
    assert json.loads((tmp_path / "summary.json").read_text())["weather"] == "night"
    assert read_record(tmp_path / "episode.mcap").header["scenario"]["weather"] == "night"


def test_a_record_verifies_in_another_process(tmp_path):
    run_scenario.main(short(tmp_path, "--seed", "9"))
    done = subprocess.run(
        [sys.executable, "-m", "replay", "verify", str(tmp_path / "episode.mcap")],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
