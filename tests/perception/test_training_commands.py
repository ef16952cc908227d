"""generate, train, evaluate, export: going on where a run was cut, what a folder holds otherwise, bad requests."""

import sys

import numpy as np
import pytest

from perception.__main__ import main
from perception.dataset import CAMERA_FIELDS
from training import evaluate, generate
from world.camera import RIG

pytest.importorskip("torch", reason="training needs torch")

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from perception.networks.crop_nets import CropNet, light_net
from training import export, fit_crops, lights

EPOCHS, BATCH, SIDE = 6, 16, 8


def draw(count, rng, side=SIDE):
    """Crops whose class is the brightest channel."""
    classes = rng.integers(0, 3, count)
    crops = rng.integers(0, 120, (count, side, side, 3), dtype=np.uint8)
    crops[np.arange(count), :, :, classes] += 100
    return crops, classes


def fit(out, seed=0, pool_seed=0, classes=3, **how):
    torch.set_num_threads(1)
    torch.manual_seed(3)
    out.mkdir(exist_ok=True)
    pool, held = draw(4 * BATCH + 3, np.random.default_rng(pool_seed)), draw(50, np.random.default_rng(9))
    how = {"recipe": {"drawn": fit_crops.fingerprint(pool)}, **how}
    net = CropNet(classes, SIDE, (4, 4), 8)
    return fit_crops.fit_crops(net, pool, held, out / "net.safetensors", EPOCHS, seed, batch=BATCH, **how)


def judge(monkeypatch, accuracies):
    """Held-out crops get these accuracies, one an epoch; returns the weights of the epochs as they come."""
    seen = []

    def predict(net, crops):
        seen.append({name: value.clone() for name, value in net.state_dict().items()})
        classes = draw(50, np.random.default_rng(9))[1]
        classes[int(50 * accuracies[len(seen) - 1]) :] += 1
        return torch.eye(3)[classes % 3]

    monkeypatch.setattr(fit_crops, "predict", predict)
    return seen


@pytest.mark.parametrize("epochs", [1, 4])
def test_going_on_is_as_if_never_stopped(tmp_path, monkeypatch, epochs):
    """The same files, bit for bit, whether a training was cut in the middle of an epoch or not."""
    fit(tmp_path / "whole")
    real, count = fit_crops._jitter, 0

    def cut(crops, rng):
        nonlocal count
        count += 1
        if count == 4 * epochs + 3:
            raise KeyboardInterrupt
        return real(crops, rng)

    monkeypatch.setattr(fit_crops, "_jitter", cut)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "cut")
    assert count == 4 * epochs + 3
    fit(tmp_path / "cut")
    assert count == 4 * EPOCHS + 3  # of the epoch that was cut three steps were done again
    for name in ("last.safetensors", "net.safetensors"):
        a, b = (load_file(tmp_path / folder / name) for folder in ("whole", "cut"))
        assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a), name
    assert any(key.startswith("optimiser.0.exp_avg") for key in load_file(tmp_path / "cut" / "last.safetensors"))


def test_a_crash_between_the_two_files_of_an_epoch(tmp_path, monkeypatch):
    fit(tmp_path / "whole")
    real = fit_crops._Trainer._save

    def save(self, path, full):
        if full:
            raise KeyboardInterrupt
        real(self, path, full)

    monkeypatch.setattr(fit_crops._Trainer, "_save", save)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "cut")
    monkeypatch.setattr(fit_crops._Trainer, "_save", real)
    a, b = (load_file(fit(tmp_path / folder)) for folder in ("whole", "cut"))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_the_best_weights_are_kept_and_it_ends_early(tmp_path, monkeypatch):
    seen = judge(monkeypatch, [0.5, 0.9, 0.3, 0.2, 0.4, 0.4])
    path = fit(tmp_path / "a", patience=1)
    assert len(seen) == 4  # of 6: the second one stays the best, and half is over
    kept, last = load_file(path), load_file(path.with_name("last.safetensors"))
    assert all(torch.equal(kept[name], value) for name, value in seen[1].items())
    assert all(torch.equal(last[f"net.{name}"], value) for name, value in seen[3].items())
    with safe_open(path, "pt") as file:
        assert '"step": 8' in file.metadata()["about"]
    fit(tmp_path / "a", patience=1)
    assert len(seen) == 4  # that it ended is known
    seen = judge(monkeypatch, [0.5, 0.9, 0.3, 0.2, 0.4, 0.4])
    fit(tmp_path / "b")  # with patience it goes on to the end
    assert len(seen) == EPOCHS


def test_of_equals_the_later_is_kept(tmp_path, monkeypatch):
    seen = judge(monkeypatch, [0.5] * EPOCHS)
    kept = load_file(fit(tmp_path / "a", patience=0))
    assert len(seen) == EPOCHS and all(torch.equal(kept[name], value) for name, value in seen[-1].items())


def test_scalars_are_logged(tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    judge(monkeypatch, [0.5, 0.9, 0.3, 0.2, 0.4, 0.4])
    fit(tmp_path / "a")
    log = EventAccumulator(str(tmp_path / "a" / "log")).Reload()
    assert {"train/loss", "val/accuracy", "val/loss"} <= {*log.Tags()["scalars"]}
    assert [one.step for one in log.Scalars("train/loss")] == [4, 8, 12, 16, 20, 24]
    assert [one.value for one in log.Scalars("val/accuracy")] == pytest.approx([0.5, 0.9, 0.3, 0.2, 0.4, 0.4])


def test_checkpoints_of_another_training(tmp_path):
    path = fit(tmp_path / "a")
    with pytest.raises(ValueError, match=r"last\.safetensors: a checkpoint of seed 0; now it is seed 1; another --out"):
        fit(tmp_path / "a", seed=1)
    with pytest.raises(ValueError, match="a checkpoint of drawn 67 crops .{8}; now it is drawn 67 crops .{8}; another"):
        fit(tmp_path / "a", pool_seed=1)
    with pytest.raises(ValueError, match=r"a checkpoint of real none; now it is real 3 crops"):
        pool = draw(4 * BATCH + 3, np.random.default_rng(0))
        fit(tmp_path / "a", recipe={"drawn": fit_crops.fingerprint(pool), "real": "3 crops"})
    with pytest.raises(ValueError, match=r"last\.safetensors: no checkpoint of this network"):
        fit(tmp_path / "a", classes=4)
    last = path.with_name("last.safetensors")
    last.write_bytes(last.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"last\.safetensors: no checkpoint"):
        fit(tmp_path / "a")
    last.unlink()
    save_file(load_file(path), path)  # weights of an older training tell nothing of it
    with pytest.raises(ValueError, match=r"net\.safetensors: weights without last\.safetensors"):
        fit(tmp_path / "a")


def test_crops_of_another_pool(tmp_path):
    path = tmp_path / "pool.npz"
    drawn = fit_crops.make_pool(draw, 20, 0, path, "things")
    again = fit_crops.make_pool(draw, 20, 0, path, "things")
    assert all((a == b).all() for a, b in zip(drawn, again, strict=True))
    for how in ((draw, 21, 0), (draw, 20, 1), (lambda n, rng: draw(n, rng, SIDE + 1), 20, 0)):
        with pytest.raises(
            ValueError, match=r"pool\.npz: there are 20 things of seed 0 .*, wanted are 2[01] things of"
        ):
            fit_crops.make_pool(*how, path, "things")
    np.savez(path, crops=drawn[0], classes=drawn[1], seed=0)  # as it was written before
    assert (fit_crops.make_pool(draw, 20, 0, path, "things")[0] == drawn[0]).all()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"pool\.npz: no file of crops"):
        fit_crops.make_pool(draw, 20, 0, path, "things")


def test_lights_are_not_gone_on_with_on_other_pictures(tmp_path, monkeypatch):
    made = fit_crops.make_pool
    monkeypatch.setattr(lights.light_crops, "batch", lambda n, rng: draw(n, rng, 32))
    monkeypatch.setattr(lights, "make_pool", lambda d, count, *more: made(d, min(count, 256), *more))
    monkeypatch.setattr(lights, "shard_crops", lambda data, *_: draw(len(data[0].name), np.random.default_rng(0), 32))
    torch.set_num_threads(1)
    for data in ([tmp_path / "ab"], [tmp_path / "ab"]):
        lights.fit_lights(tmp_path / "out", count=256, epochs=1, data=data)
    for data, now in (([tmp_path / "abc"], "3 crops"), ((), "none")):
        with pytest.raises(ValueError, match=f"a checkpoint of data 2 crops .{{8}}; now it is data {now}"):
            lights.fit_lights(tmp_path / "out", count=256, epochs=1, data=data)


def test_what_was_exported_stays_where_the_check_fails(tmp_path, monkeypatch, capsys):
    source, out = tmp_path / "runs" / "lights" / "lights.safetensors", tmp_path / "out"
    source.parent.mkdir(parents=True)
    out.mkdir()
    save_file(light_net().state_dict(), source)
    for name in ("lights.onnx", "lights.safetensors"):
        (out / name).write_bytes(b"old")
    command = ["export", "--what", "lights", "--runs", str(tmp_path / "runs"), "--out", str(out)]
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    assert main(command) == 2
    assert "lights.onnx: ONNX Runtime's answer differs" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        "lights.onnx": b"old", "lights.safetensors": b"old",
    }  # fmt: skip
    monkeypatch.undo()
    assert main(command) == 0
    assert (out / "lights.onnx").stat().st_size > 1000


def test_answers_that_are_no_numbers_differ(tmp_path):
    one = np.ones(3, np.float32)
    assert export.compare([one], [one], tmp_path) == 0.0
    with pytest.raises(ValueError, match="differs"):
        export.compare([one], [one * np.nan], tmp_path)


@pytest.mark.parametrize(
    "command, says",
    [
        (["export", "--what", "sings"], "unknown network 'sings'; did you mean signs?"),
        (["train", "--what", "lihgts"], "unknown network 'lihgts'; did you mean lights?"),
        (["train", "--threads", "0"], "--threads 0: allowed is 1 or more"),
        (["train", "--seed", "-1"], "--seed -1: allowed is 0"),
        (["train", "--epochs", "inf"], "--epochs inf: a finite number"),
        (["train", "--device", "cudo"], "unknown device 'cudo'; did you mean cuda?"),
        (["train", "--device", "cuda:99"], "--device cuda:99: torch cannot use it here ("),
        (["evaluate", "--data", "gtsrb"], "--data gtsrb needs --root"),
        (
            ["evaluate"],
            "runs/pictures/test: no such folder; `python -m perception generate --split test --rig --pictures 1024 "
            "--out runs/pictures/test` makes it",
        ),
    ],
)
def test_bad_requests(tmp_path, monkeypatch, capsys, command, says):
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"perception {command[0]}: ") and says in said and said.count("\n") == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--device", "cuda"]) == 2
    said = capsys.readouterr().err
    assert "--device cuda: torch cannot use it here" in said and said.count("\n") == 1


@pytest.mark.parametrize("command", ["train", "export"])
@pytest.mark.parametrize("name", ["torch", "safetensors"])
def test_what_is_not_installed(tmp_path, monkeypatch, capsys, command, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, name, None)
    assert main([command]) == 2
    told = f'perception {command}: {name} is not installed; pip install "tarmac[train]" brings it\n'
    assert capsys.readouterr().err == told


def test_evaluate_takes_the_pictures_of_test(tmp_path, monkeypatch):
    asked = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / evaluate.TEST).mkdir(parents=True)
    monkeypatch.setattr(evaluate, "read_pictures", lambda folders, most: folders)
    monkeypatch.setattr(evaluate, "evaluate_sim", lambda p, weights: asked.extend(p) or {"data": "sim", "n": 0})
    assert main(["evaluate"]) == 0
    assert asked == [evaluate.TEST]


@pytest.fixture
def tiny(monkeypatch):
    """Shards of cameras only; returns the names that were made."""
    made = []

    def make(job):
        path = generate._path(job)
        row = [getattr(RIG[0], name) for name in CAMERA_FIELDS] if job.rig else np.full(len(CAMERA_FIELDS), 0.5)
        np.savez(path, camera=np.array([row]))
        made.append(path.name)
        return path

    monkeypatch.setattr(generate, "make_shard", make)
    return made


def make_pictures(out, *more):
    return main(["generate", "--out", str(out), "--pictures", "200", "--processes", "1", *more])


def test_an_interrupted_folder_is_gone_on_with(tmp_path, monkeypatch, tiny):
    make = generate.make_shard

    def cut(job):
        if job.number == 2:
            raise KeyboardInterrupt
        return make(job)

    monkeypatch.setattr(generate, "make_shard", cut)
    assert make_pictures(tmp_path) == 130
    assert tiny == ["train-0-00000.npz", "train-0-00001.npz"]
    monkeypatch.setattr(generate, "make_shard", make)
    for _ in range(2):
        assert make_pictures(tmp_path) == 0
        assert tiny == [f"train-0-{n:05d}.npz" for n in range(4)]


@pytest.mark.parametrize("first, then", [([], ["--rig"]), (["--rig"], [])])
def test_pictures_of_other_cameras_are_not_gone_on_with(tmp_path, capsys, tiny, first, then):
    assert make_pictures(tmp_path, *first) == make_pictures(tmp_path, *first) == 0
    assert len(tiny) == 4
    assert make_pictures(tmp_path, *then) == 2
    there, wanted = ("--rig", "other cameras") if first else ("other cameras", "--rig")
    says = f"train-0-00000.npz: its pictures are of {there}, wanted are {wanted}; another --out or --seed"
    assert says in capsys.readouterr().err and len(tiny) == 4
    assert make_pictures(tmp_path, "--seed", "1", *then) == 0 and len(tiny) == 8
    (tmp_path / "train-1-00000.npz").write_bytes(b"rubbish")
    assert make_pictures(tmp_path, "--seed", "1", *then) == 2
    assert "train-1-00000.npz: no shard of labelled pictures" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize("rig", [False, True])
def test_a_shard_is_a_function_of_seed_and_number(tmp_path, rig):
    made = []
    for name, number in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / name).mkdir()
        made.append(generate.make_shard(generate.Job(tmp_path / name, "val", 5, number, rig)))
        assert generate._is_made(generate.Job(tmp_path / name, "val", 5, number, rig))
    with np.load(made[0]) as a, np.load(made[1]) as b, np.load(made[2]) as c:
        assert all(np.array_equal(a[name], b[name]) for name in a.files)
        assert a["rgb"].shape == c["rgb"].shape and not np.array_equal(a["rgb"], c["rgb"])
