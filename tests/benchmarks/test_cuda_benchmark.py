"""The CUDA benchmark's command: what fails leaves the other figures; without a device or kernels it says so."""

import json
from pathlib import Path

import pytest

from benchmarks import cuda, cuda_worker
from benchmarks.__main__ import main
from simulator import cuda_driver, cuda_images
from simulator.cuda_images import ImageError, load_images, sources_digest
from simulator.ptx import PtxError

SIZE = {
    "worlds": 1024, "agents": 14336, "agent_steps_per_s": 1e6, "vehicle_updates_per_s": 2e6, "step_ms": 14.3,
    "bytes_a_world": 2048.0, "kernel_shares": {"judge": 0.75, "move": 0.25},
}  # fmt: skip


def answers(monkeypatch, script: list[list[dict]]) -> list[tuple]:
    """Let processes answer as told; returns what they were asked."""
    asked = []

    def ask(profile, kernels, check, sizes):
        asked.append((check, tuple(sizes)))
        yield from script[len(asked) - 1]

    monkeypatch.setattr(cuda, "ask", ask)
    return asked


def test_a_size_that_fails_leaves_the_others_to_a_new_process(monkeypatch, tmp_path):
    script = [
        [{"device": "Paper GPU"}, {"check": {"agrees": True, "after": {}}}, {"size": SIZE}, {"failed": "status 1: no"}],
        [{"device": "Paper GPU"}, {"size": SIZE | {"worlds": 16384}}],
    ]
    asked = answers(monkeypatch, script)
    figures = cuda.Figures(tmp_path / "deep" / "cuda.json")
    cuda.run_profile("compact", Path("kernels"), (1024, 4096, 16384), figures)
    assert asked == [(True, (1024, 4096, 16384)), (False, (16384,))]
    found = json.loads((tmp_path / "deep" / "cuda.json").read_text())["profiles"]["cuda"]["compact"]
    assert list(found["sizes"]) == ["1024", "16384"] and found["failed"] == {"4096": "status 1: no"}
    assert found["check"]["agrees"] and found["device"] == "Paper GPU"


def test_a_check_that_fails_leaves_the_sizes(monkeypatch):
    asked = answers(monkeypatch, [[{"failed": "status 1: lost"}], [{"size": SIZE}]])
    figures = cuda.Figures(None)
    cuda.run_profile("compact", Path("kernels"), (1024,), figures)
    assert asked == [(True, (1024,)), (False, (1024,))]
    assert figures.profile("compact")["failed"] == {"check": "status 1: lost"}
    assert list(figures.profile("compact")["sizes"]) == ["1024"]


def test_a_process_that_ends_early_is_told_with_its_last_words(tmp_path):
    found = list(cuda.ask("no-such-profile", tmp_path, False, (1024,)))
    assert len(found) == 1 and found[0]["failed"].startswith("status 1: ")


def test_without_a_driver_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(cuda_driver, "_LIBRARIES", ("libno_such_driver.so",))
    assert main(["cuda"]) == 2
    assert "no NVIDIA driver" in capsys.readouterr().err


@pytest.mark.parametrize("sizes", ["100", "0", "many", "64,65"])
def test_only_whole_copies_of_the_hosts_worlds_are_allowed(sizes, capsys):
    with pytest.raises(SystemExit):
        main(["cuda", "--worlds", sizes])
    assert "multiples of 64" in capsys.readouterr().err


def folder_of(tmp_path, **changes) -> Path:
    lines = {"hash": {"file": "hash.cubin", "entry": "mangled", "stack": 0}}
    manifest = {"sources": sources_digest("simulator.cuda_entries"), "capability": [9, 0], "kernels": lines} | changes
    (tmp_path / cuda_images.MANIFEST).write_text(json.dumps(manifest))
    (tmp_path / "hash.cubin").write_bytes(b"code")
    return tmp_path


def test_kernels_are_used_only_where_they_belong(tmp_path):
    module = "simulator.cuda_entries"
    assert load_images(module, ["hash"], (9, 0), folder_of(tmp_path))["hash"].code == b"code\0"
    with pytest.raises(ImageError, match="no kernel judge"):
        load_images(module, ["hash", "judge"], (9, 0), tmp_path)
    with pytest.raises(ImageError, match=r"for compute capability 9\.0, the device has 8\.0"):
        load_images(module, ["hash"], (8, 0), tmp_path)
    with pytest.raises(ImageError, match="other sources"):
        load_images(module, ["hash"], (9, 0), folder_of(tmp_path, sources="0"))
    (tmp_path / cuda_images.MANIFEST).write_text("{")
    with pytest.raises(ImageError, match="cannot be read"):
        load_images(module, ["hash"], (9, 0), tmp_path)


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.parametrize("profile", list(cuda_worker.PROFILES))
def test_a_gpus_worlds_drive_as_the_hosts(profile):
    try:
        _, capability = cuda_driver.find_device()
        kernels = cuda.find_kernels(None, capability, cuda_worker.names_of([profile]))
    except (cuda_driver.CudaError, PtxError) as error:
        pytest.skip(str(error))
    found = cuda_worker.check(profile, cuda_worker.open_device(profile, kernels))
    assert found["agrees"], found["after"]["1"]
