"""The harness: the protocol, ratios of neighbouring windows, failures that do not end a call, the promised JSON."""

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import __main__ as command
from benchmarks import peers, profiles
from benchmarks.chart import bars, plot_profiles
from benchmarks.compare import RATES, Contender, Follow, Timing, compare, ratio
from benchmarks.env_worker import TASKS
from benchmarks.peer_side import serving
from benchmarks.peers import PeerError
from benchmarks.profiles import PROFILES, Options, Profile, chosen, in_turns
from benchmarks.recorded import RECORDED
from benchmarks.table import rows, short, show_all
from benchmarks.worker import Worker, WorkerError

FAKE = str(Path(__file__).with_name("fake_peer.py"))
SHORT = Timing(pairs=3, wall=0.0, warm=0.0)
QUIET = Follow(lambda line: None)


def fake(key, behaviour="works", steps=10, ours=False):
    command = [sys.executable, FAKE, behaviour, str(steps)]
    return Contender(key, key.title(), lambda core: Worker(key, command), ours)


def test_ratios_are_of_neighbouring_windows_and_the_warm_up_counts_nowhere():
    found = compare((fake("ours", steps=30, ours=True), fake("peer", steps=10)), "env_steps_per_s", SHORT, QUIET)
    assert found["ratio"] == {"ours": {"peer": {"median": 3.0, "min": 3.0, "max": 3.0}}}
    assert found["ratio_by_cpu"] == found["ratio"]
    ours = found["ours"]
    assert ours["env_steps_per_s"] == 60.0 and ours["ranges"]["env_steps_per_s"] == [30.0, 90.0]
    assert ours["per_cpu_s"]["env_steps_per_s"] == 120.0 and ours["share_of_core"] == 0.5
    assert ours["vehicles"] == 21.0 and ours["mib_a_world"] == 3.0 and ours["start_up_s"] > 0
    assert "samples_per_s" not in ours  # none were counted


def test_a_ratio_by_hand():
    def windows(counts, wall):
        return [{"wall": wall, "cpu": 1.0, "env_steps": n, "samples": 0} for n in counts]

    seen = ratio(windows((8, 12, 40), 2.0), windows((1, 2, 4), 1.0), "env_steps_per_s")
    assert seen == {"median": 4.0, "min": 3.0, "max": 5.0}
    assert ratio(windows((8,), 2.0), windows((1,), 1.0), "env_steps_per_s", "cpu") == {"median": 8, "min": 8, "max": 8}
    assert ratio(windows((8,), 2.0), windows((1,), 1.0), "samples_per_s") is None


@pytest.mark.parametrize(
    "behaviour, said", [("dies", "ended with status 1: out of luck"), ("garbles", "an answer that is no JSON")]
)
def test_a_peer_that_fails_midway_is_told_and_the_others_go_on(behaviour, said):
    heard = []
    contenders = (fake("ours", ours=True), fake("bad", behaviour), fake("good"))
    found = compare(contenders, "env_steps_per_s", SHORT, Follow(heard.append))
    assert said in found["bad"]["missing"] and any(said in line for line in heard)
    assert set(found["ratio"]["ours"]) == {"good"} and found["ours"]["env_steps_per_s"] == 20.0


def test_a_peer_that_cannot_start_is_told():
    def absent(core):
        raise PeerError("no such package")

    found = compare((fake("ours", ours=True), Contender("peer", "Peer", absent)), "env_steps_per_s", SHORT, QUIET)
    assert found["peer"] == {"missing": "no such package"} and found["ratio"] == {"ours": {}}


def test_a_worker_that_hangs_is_given_up():
    with pytest.raises(WorkerError, match="hangs gave no answer within 0.2 s"):
        Worker("hangs", [sys.executable, FAKE, "silent", "1"], patience=0.2)


def test_each_round_ticks_and_windows_take_turns():
    shares, order = [], []

    class Watched(Worker):
        def ask(self, do, **more):
            order.append((self.name, do))
            return super().ask(do, **more)

    def make(name):
        return Contender(name, name, lambda core: Watched(name, [sys.executable, FAKE, "works", "1"]))

    compare((make("a"), make("b")), "env_steps_per_s", SHORT, Follow(lambda line: None, shares.append))
    assert shares == [0, 1 / 3, 2 / 3, 1]
    assert [name for name, do in order if do == "window"] == ["a", "b"] * 4


def test_the_worker_side_counts_what_its_simulator_did():
    class Steps:
        content = {}

        def advance(self):
            return {"env_steps": 2, "vehicle_updates": 42}

    seen = serving.window(Steps(), 0.01)
    assert seen["vehicle_updates"] == 21 * seen["env_steps"] > 0 and seen["samples"] == 0 and seen["wall"] >= 0.01
    assert RATES == tuple(f"{name}_per_s" for name in serving.COUNTS)


@pytest.fixture
def fakes(monkeypatch):
    """The registry with two profiles of fakes; the first fails as a whole."""

    def fails(profile, options, follow):
        raise ValueError("the map broke")

    good = Profile("good", "fakes", "a step", "env_steps_per_s", (fake("ours", ours=True), fake("peer")), in_turns,
                   recorded=("highway",))  # fmt: skip
    both = {"bad": replace(good, name="bad", measure=fails, recorded=()), "good": good}
    monkeypatch.setattr(profiles, "QUICK", SHORT)
    for name in list(PROFILES):
        monkeypatch.delitem(PROFILES, name)
    for name, profile in both.items():
        monkeypatch.setitem(PROFILES, name, profile)
    return both


def test_several_profiles_come_in_one_json(fakes, tmp_path, capsys):
    path = tmp_path / "deep" / "all.json"
    assert command.main(["--quick", "--json", str(path)]) == 2  # one of them failed
    found = json.loads(path.read_text())
    assert set(found) == {"machine", "profiles"} and set(found["profiles"]) == {"good", "bad"}
    good = found["profiles"]["good"]
    assert good["ours"]["env_steps_per_s"] == good["peer"]["env_steps_per_s"] == 20.0
    assert good["ratio"]["ours"]["peer"]["median"] == 1.0
    assert [r["interleaved"] for r in good["recorded"]] == [False] * 3
    assert found["profiles"]["bad"]["failed"] == "the map broke"
    out = capsys.readouterr().out
    assert "1 x Peer (1-1)" in out and "HighwayEnv 1.12.1" in out and "failed: the map broke" in out


def test_without_peers_only_ours_are_started(fakes):
    found = fakes["good"].run(Options(quick=True, peers=False), QUIET)
    assert "peer" not in found and found["ratio"] == {"ours": {}}


def test_the_chart_shows_who_has_the_rate_of_the_profile(fakes, tmp_path):
    found = {"good": fakes["good"].run(Options(quick=True), QUIET)}
    assert [row.title for row, _ in bars("good", found["good"])][:2] == ["Ours", "Peer"]
    plot_profiles(found, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_unknown_profiles_come_with_the_nearest_match(capsys):
    assert command.main(["trafic"]) == 2
    assert "unknown profile 'trafic'; did you mean traffic? (allowed: " in capsys.readouterr().err
    assert [p.name for p in chosen(["traffic", "highway", "traffic"])] == ["traffic", "highway"]
    assert [p.name for p in chosen([])] == list(PROFILES)


def test_the_table_has_a_row_a_profile_and_contender_sizes_of_traffic_too():
    size = {
        "vehicle_updates_per_s": 5e6,
        "range": [4e6, 6e6],
        "start_up_s": 1.0,
        "resident_mib": 200.0,
        "vehicles": 500,
    }
    found = {
        "what": "", "rate": "vehicle_updates_per_s", "ours": {"n500": size}, "sumo": {"missing": "no network"},
        "ratio": {"n500": {"median": 20.0, "min": 16.0, "max": 39.0}}, "recorded": [],
    }  # fmt: skip
    seen = list(rows("traffic", found))
    assert [row.title for row in seen] == ["Tarmac 500", "SUMO"]
    assert seen[0].goal == 0.5  # of 10 M
    assert seen[0].span == (4e6, 6e6) and seen[0].ratios == {"SUMO": found["ratio"]["n500"]}
    assert "no network" in seen[1].note
    said = io.StringIO()
    console = Console(file=said, width=140)
    show_all({"traffic": found}, console)
    assert "20 x SUMO (16-39)" in said.getvalue() and "5 M vehicle updates" in said.getvalue()


@pytest.mark.parametrize("value, text", [(24.5, "24.5"), (999.7, "1 k"), (143e3, "143 k"), (2.04e6, "2.04 M")])
def test_short_numbers(value, text):
    assert short(value) == text


def test_recorded_figures_are_dated_and_within_their_range():
    for figure in RECORDED:
        assert figure.rate in RATES and figure.date and figure.source
        assert (figure.low is None) == (figure.high is None)
        if figure.low is not None and figure.high is not None:
            assert figure.low <= figure.value <= figure.high


def test_every_peer_is_pinned_and_its_script_is_there():
    for wanted in peers.PEERS.values():
        assert all(package.count("==") == 1 for package in wanted)
    scripts = {path.name for path in peers.SCRIPTS.glob("*.py")}
    assert {"highway.py", "metadrive_drive.py", "car_racing.py", "sb3_ppo.py", "serving.py"} <= scripts


def test_an_environment_of_other_versions_is_made_anew(monkeypatch, tmp_path):
    monkeypatch.setenv("TARMAC_CACHE_DIR", str(tmp_path))
    monkeypatch.setitem(peers.PEERS, "toy", ("toy==1.0", "other==1"))
    made = []
    monkeypatch.setattr(peers.venv, "create", lambda folder, **_: (made.append(1), folder.mkdir(exist_ok=True)))
    monkeypatch.setattr(peers.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "", ""))
    peers.peer_python("toy")
    peers.peer_python("toy")
    assert len(made) == 1
    monkeypatch.setitem(peers.PEERS, "toy", ("toy==1.0", "other==2"))
    peers.peer_python("toy")
    assert len(made) == 2
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    assert "tarmac_sb3-2.9.2" in peers.training_python() and len(made) == 3
    monkeypatch.setattr(peers, "find_spec", lambda name: object())
    assert peers.training_python() == sys.executable
    with pytest.raises(PeerError, match="unknown peer 'tory'; did you mean toy"):
        peers.peer_python("tory")


def test_our_tasks_have_environments_that_exist():
    from envs.options import make_config
    from envs.registration import ENVIRONMENTS

    for task in TASKS.values():
        options = dict(ENVIRONMENTS[task.environment]) | task.options
        options.pop("buffers", None)  # of the vector environment itself
        config = make_config(options.pop("preset", "default"), **options)
        assert task.batch % config.drivers == 0
