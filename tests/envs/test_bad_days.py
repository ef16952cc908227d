"""Bad days: each ends in one clear message, with what was driven scored, recorded and readable."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import run_scenario
from agents.registry import AGENTS
from envs import run as run_module
from envs.stop import Stop
from replay.reader import read_record
from tests.data import ROOT
from world.records import Control

EXPERT = AGENTS["expert"]
FAILS_AT = 30  # control step


class Driver:
    """The expert, until `answer` takes over."""

    name, sensors, privileged = "expert", (), True

    def __init__(self, answer, at=FAILS_AT):
        self.inner, self.answer, self.at, self.calls = EXPERT(), answer, at, 0

    def reset(self, task, mask=None, privilege=None):
        self.inner.reset(task, mask, privilege)

    def act(self, observation):
        decision = self.inner.act(observation)
        self.calls += 1
        return self.answer(decision) if self.calls > self.at else decision


def short(out, *extra: str, seconds: str = "4") -> list[str]:
    town = ["town02", "--vehicles", "8", "--pedestrians", "4", "--agent", "expert"]
    return [*town, "--max-time", seconds, "--out", str(out), *extra]


def control(decision, **changes):
    told = {name: getattr(decision.control, name) for name in ("steer", "accel")} | changes
    return replace(decision, control=Control(**told))


def raises(error):
    def answer(decision):
        raise error

    return answer


ONE = np.ones((1, 1), np.float32)
BAD_ANSWERS = {
    "nan": (lambda d: control(d, accel=ONE * np.nan), "control.accel[0, 0] is nan, a finite number is needed"),
    "infinite": (lambda d: control(d, steer=-ONE * np.inf), "control.steer[0, 0] is -inf"),
    "too large for float32": (lambda d: control(d, steer=np.array([[1e300]])), "control.steer[0, 0] is 1e+300"),
    "shape": (lambda d: control(d, steer=np.zeros(3, np.float32)), "control.steer has shape (3,), (worlds, drivers)"),
    "ragged": (lambda d: control(d, steer=[[1.0], [1.0, 2.0]]), "control.steer is a list"),
    "text": (lambda d: control(d, steer="left"), "control.steer is a str"),
    "none": (lambda d: None, "act() gave None, a Decision is needed"),
    "tuple": (lambda d: (0.0, 1.0), "act() gave a tuple"),
    "control": (lambda d: replace(d, control=None), "control is None"),
    "plan": (lambda d: replace(d, plan=replace(d.plan, xy=ONE)), "plan.xy has shape (1, 1)"),
    "raises": (raises(KeyError("brake")), "act() raised KeyError: 'brake' (traceback: "),
    "exits": (raises(SystemExit(3)), "act() raised SystemExit: 3"),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_an_agent_that_fails_is_named_with_step_and_answer_and_its_drive_is_kept(case, tmp_path, monkeypatch, capsys):
    answer, says = BAD_ANSWERS[case]
    monkeypatch.setitem(AGENTS, "expert", lambda: Driver(answer))
    assert run_scenario.main(short(tmp_path, "--episodes", "2")) == 1
    error = capsys.readouterr().err
    assert f"agent expert failed at control step {FAILS_AT}: {says}" in error and error.count("\n") == 1
    (episode,) = json.loads((tmp_path / "summary.json").read_text())["episodes"]
    assert (
        episode["outcome"] == "agent error"
        and episode["sim_time_s"] == pytest.approx(1.5)
        and says[:9] in episode["error"]
    )
    record = read_record(tmp_path / "episode.mcap")
    assert record.complete and record.drivers.controlled.sum() == FAILS_AT and record.summary == episode
    assert "agent error" in (tmp_path / "replay.html").read_text()
    assert (tmp_path / "agent_error.txt").exists() == (case in ("raises", "exits"))


@pytest.mark.parametrize("record", [True, False])
def test_an_agent_that_never_drives_leaves_a_score_of_nothing(record, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(AGENTS, "expert", lambda: Driver(lambda d: None, at=0))
    assert run_scenario.main(short(tmp_path, *([] if record else ["--no-record"]))) == 1
    (episode,) = json.loads((tmp_path / "summary.json").read_text())["episodes"]
    assert episode["sim_time_s"] == 0 and episode["ds_lb20"] == 0
    assert "control step 0" in capsys.readouterr().err


def test_numbers_of_another_type_are_driven_with(tmp_path, monkeypatch):
    def as_lists(decision):
        return replace(decision, control=Control(decision.control.steer.tolist(), decision.control.accel.astype(float)))

    hashes = []
    for i, agent in enumerate((EXPERT, lambda: Driver(as_lists, at=0))):
        monkeypatch.setitem(AGENTS, "expert", agent)
        assert run_scenario.main(short(tmp_path / str(i), seconds="2")) == 0
        hashes.append(json.loads((tmp_path / str(i) / "summary.json").read_text())["episodes"][0]["state_hash"])
    assert hashes[0] == hashes[1]


# --- Disks -----------------------------------------------------------------------------------------------------------


class FullDisk:
    """A file on a disk with so many bytes left; what does not fit is written in part, as disks do."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        fits = bytes(data[: max(self.room, 0)])
        self.file.write(fits)
        self.room -= len(data)
        if len(fits) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("share", [0.02, 0.8, 0.999])
def test_a_disk_that_fills_ends_the_drive_and_leaves_a_record_that_opens(share, tmp_path, monkeypatch, capsys):
    assert run_scenario.main(short(tmp_path / "whole", seconds="25")) == 0
    whole = (tmp_path / "whole" / "episode.mcap").stat().st_size
    opened = Path.open

    def open_full(self, mode="r", *args, **kwargs):
        file = opened(self, mode, *args, **kwargs)
        return FullDisk(file, int(share * whole)) if self.name == "episode.mcap" and "w" in mode else file

    monkeypatch.setattr(Path, "open", open_full)
    out = tmp_path / "full"
    capsys.readouterr()
    assert run_scenario.main(short(out, "--episodes", "2", seconds="25")) == 1
    error = capsys.readouterr().err
    assert "episode.mcap: No space left on device" in error and error.count("\n") == 1
    (episode,) = json.loads((out / "summary.json").read_text())["episodes"]
    assert episode["outcome"] == ("record error" if share < 0.99 else "timeout") and "No space" in episode["error"]
    if share < 0.1:
        assert "nothing is left of it" in error and not (out / "episode.mcap").exists()
        return
    record = read_record(out / "episode.mcap")
    assert not record.complete and f"up to {record.drivers.time[-1]:.1f} s" in error
    assert (out / "replay.html").stat().st_size > 10_000


def test_a_summary_that_cannot_be_written_is_said_and_the_record_stays(tmp_path, monkeypatch, capsys):
    def full(path, content):
        if path.name == "summary.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(run_module, "write_json", full)
    assert run_scenario.main(short(tmp_path, seconds="1")) == 1
    assert f"{tmp_path}/summary.json: No space left on device" in capsys.readouterr().err
    assert read_record(tmp_path / "episode.mcap").complete and (tmp_path / "replay.html").exists()


def test_a_run_is_never_overwritten_and_a_failed_one_leaves_no_folder(tmp_path, capsys):
    out = tmp_path / "run"
    assert run_scenario.main(short(out, "--no-record", seconds="1")) == 0
    before = (out / "summary.json").read_bytes()
    with pytest.raises(SystemExit) as end:
        run_scenario.main(short(out))
    error = capsys.readouterr().err
    assert end.value.code == 2 and f"{out} already holds a run" in error and "another folder" in error
    assert (out / "summary.json").read_bytes() == before and len(list(out.iterdir())) == 2
    broken = tmp_path / "broken.xodr"
    broken.write_text("<OpenDRIVE><road")
    with pytest.raises(SystemExit):
        run_scenario.main([str(broken), "--out", str(tmp_path / "none")])
    assert not (tmp_path / "none").exists()


def test_a_run_that_fails_before_its_first_step_leaves_no_folder(tmp_path, monkeypatch):
    def fails(*args, **kwargs):
        raise ValueError("no route")

    monkeypatch.setattr(run_module, "drive_episode", fails)
    with pytest.raises(SystemExit):
        run_scenario.main(short(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--out", "{file}"], "is no folder"),
        (["--out", "{file}/below"], "file is no folder"),
        (["--json", "{folder}"], "is a folder; give the path of a file"),
        (["--json", "{file}/x.json"], "file is no folder"),
    ],
)
def test_places_that_cannot_be_written_are_said_before_anything_is_driven(arguments, says, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    told = [a.format(file=tmp_path / "file", folder=tmp_path) for a in arguments]
    with pytest.raises(SystemExit) as end:
        run_scenario.main(["town01", *told])
    assert end.value.code == 2 and says in capsys.readouterr().err


# --- Signals ---------------------------------------------------------------------------------------------------------


def start(out, *extra):
    command = [sys.executable, "run_scenario.py", *short(out, *extra, seconds="600")]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_driving_keeps_what_was_driven(number, tmp_path):
    run = start(tmp_path / "run")
    assert run.stdout.readline().startswith("town02 seed 0: 0 %")  # the first step
    time.sleep(0.3)
    run.send_signal(number)
    out, error = run.communicate(timeout=60)
    assert run.returncode == 128 + number and "interrupted" in out
    assert error == "run_scenario.py: interrupted; what was driven is scored above\n"
    (episode,) = json.loads((tmp_path / "run" / "summary.json").read_text())["episodes"]
    record = read_record(tmp_path / "run" / "episode.mcap")
    assert record.complete and record.summary == episode and episode["sim_time_s"] > 0
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "config.json", "episode.mcap", "replay.html", "summary.json",
    ]  # fmt: skip


@pytest.mark.parametrize("after", [0.15, 0.5])
def test_ctrl_c_while_modules_load_is_quiet_and_leaves_nothing(after, tmp_path):
    run = start(tmp_path / "run")
    time.sleep(after)
    run.send_signal(signal.SIGINT)
    out, error = run.communicate(timeout=60)
    assert run.returncode == 130 and error == "" and out == "" and not (tmp_path / "run").exists()


def test_a_second_request_ends_at_once_but_not_an_echo_of_the_first(monkeypatch):
    left = []
    monkeypatch.setattr("envs.stop._leave", left.append)
    stop = Stop()
    stop._ask(signal.SIGINT, None)
    assert left == [signal.SIGINT]  # nothing was driven yet
    stop = Stop()
    stop.driving = True
    stop._ask(signal.SIGTERM, None)
    stop._ask(signal.SIGTERM, None)
    assert stop.requested and stop.status == 143 and len(left) == 1
    monkeypatch.setattr("envs.stop.PATIENCE", -1.0)
    stop._ask(signal.SIGTERM, None)
    assert len(left) == 2


# --- What is said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [["--list"], ["--help"], ["twn01"], ["town01", "--agent", "x"], ["town01", "--json", "tests"]]
)
def test_what_needs_no_engine_loads_none(arguments):
    code = (
        "import sys, run_scenario\n"
        f"try: run_scenario.main({arguments!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'scipy', 'rich', 'simulator.engine'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_without_a_terminal_progress_is_whole_lines(tmp_path):
    done = subprocess.run(
        [sys.executable, "run_scenario.py", *short(tmp_path / "run", "--episodes", "2", "--no-record", seconds="2")],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == ""
    assert [line.split(":")[0] for line in lines if "infractions" in line] == ["town02 seed 0", "town02 seed 1"]
    assert "\x1b" not in done.stdout and "…" not in done.stdout


def test_a_reader_that_goes_away_does_not_end_the_run(tmp_path):
    command = f"{sys.executable} run_scenario.py {' '.join(short(tmp_path / 'run', seconds='2'))} | true"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stderr == "" and (tmp_path / "run" / "summary.json").exists()
