"""Training of the sign classifier with photographed crops: looks, their share, checkpoints of another recipe."""

import functools

import cv2
import numpy as np
import pytest

from perception.__main__ import main
from tests.data import shared_data

pytest.importorskip("torch", reason="training needs torch")

from training import fit_crops, real_signs, signs

COLORS = {3: (220, 30, 30), 14: (30, 40, 220), 40: (40, 200, 60)}


def put_folders(root, counts):
    """GTSRB's layout of folders: crops of one colour a class, and a grey frame."""
    for label, count in counts.items():
        for n in range(count):
            picture = np.full((30 + n, 36, 3), 90, np.uint8)
            picture[6:-6, 6:-6] = COLORS[label]
            path = root / f"{label:05d}" / f"{n:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), picture[..., ::-1])
    return root


def put_table(root):
    """The same as a table with regions of interest."""
    put_folders(root, {14: 3})
    lines = [f"00014/{n:05d}.png;6;6;30;{24 + n};14" for n in range(3)]
    (root / "labels.csv").write_text("\n".join(["filename;roi_x1;roi_y1;roi_x2;roi_y2;class_id", *lines]) + "\n")
    return root


def test_looks_balance_the_classes_and_the_share(tmp_path):
    root = put_folders(tmp_path, {3: 2, 14: 4, 40: 8})
    crops, classes = real_signs.real_crops(root, 360, 0)
    assert crops.shape == (len(classes), 40, 40, 3) and crops.dtype == np.uint8
    assert {k: int((classes == k).sum()) for k in COLORS} == {3: 40, 14: 40, 40: 40}  # a quarter of 480
    for k, color in COLORS.items():
        middle = crops[classes == k][:, 18:22, 18:22].reshape(-1, 3)
        assert (np.abs(middle.astype(int) - color) <= 1).all()
    assert len({crop.tobytes() for crop in crops[classes == 3]}) > 10  # no two looks are alike but by chance
    again, _ = real_signs.real_crops(root, 360, 0)
    np.testing.assert_array_equal(again, crops)
    few = real_signs.real_crops(root, 0, 0)[1]
    assert len(few) == 14  # each at least once
    many = real_signs.real_crops(root, 10**6, 0)[1]
    assert len(many) == 14 * real_signs.MOST


def test_tables_give_their_regions(tmp_path):
    crops, classes = real_signs.real_crops(put_table(tmp_path), 60, 0)
    assert (classes == 14).all() and len(classes) == 21
    frame = (np.abs(crops.astype(int) - COLORS[14]).max(axis=3) > 30).mean()
    assert frame < 0.35  # the grey around the region is gone but for the margin


def test_a_broken_real_picture_is_named(tmp_path):
    root = put_folders(tmp_path, {3: 2})
    (root / "00003" / "00001.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"00001\.png: no picture"):
        real_signs.real_crops(root, 100, 0)


@pytest.fixture
def little(monkeypatch):
    """A training of some seconds: 300 drawn crops in one style, 40 held out."""
    made = fit_crops.make_pool
    monkeypatch.setattr(signs, "SignCrops", lambda seed, styles=0: drawer(seed))
    monkeypatch.setattr(signs, "make_pool", lambda draw, count, *more: made(draw, min(count, 300), *more))
    return functools.partial(signs.fit_signs, count=300, epochs=1)


@functools.cache
def drawer(seed):
    from training.sign_crops import SignCrops

    return SignCrops(seed, 1)


def test_training_with_and_without_real_crops(tmp_path, monkeypatch, little):
    seen = []
    fitted = fit_crops.fit_crops

    def fit(net, pool, *more, **how):
        seen.append(pool)
        return fitted(net, pool, *more, **how)

    monkeypatch.setattr(signs, "fit_crops", fit)
    root = put_folders(tmp_path / "real", {3: 2, 14: 4})
    path = little(tmp_path / "with", real=root)
    little(tmp_path / "without")
    assert path.is_file() and len(seen[1][1]) == 300 and len(seen[0][1]) == 398  # a quarter is real
    np.testing.assert_array_equal(seen[0][0][:300], seen[1][0])  # the recipe without them is as it was
    little(tmp_path / "with", real=root)  # gone on with: nothing is left to do
    with pytest.raises(ValueError, match=r"last\.safetensors: a checkpoint of real 98 crops .*; now it is real none"):
        little(tmp_path / "with")
    with pytest.raises(ValueError, match=r"a checkpoint of real none; now it is real 98 crops"):
        little(tmp_path / "without", real=root)


def test_fewer_crops_than_a_batch(tmp_path):
    from perception.networks.crop_nets import sign_net

    pool = np.zeros((3, 40, 40, 3), np.uint8), np.zeros(3, np.int64)
    with pytest.raises(ValueError, match="3 crops to train on; allowed are 256"):
        fit_crops.fit_crops(sign_net(), pool, pool, tmp_path / "a.safetensors", 1, 0)


@pytest.mark.parametrize(
    "what, folder, says",
    [
        ("lights", "real", "--real goes with --what signs, not lights"),
        ("signs", "absent", "absent: there is no such folder"),
        ("all", "bare", "bare: neither a csv with ROI and class columns nor folders named 0 to 42"),
    ],
)
def test_bad_requests(tmp_path, capsys, what, folder, says):
    put_folders(tmp_path / "real", {3: 1})
    (tmp_path / "bare").mkdir()
    assert main(["train", "--what", what, "--real", str(tmp_path / folder), "--out", str(tmp_path / "out")]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_the_command_hands_them_on(tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(signs, "fit_signs", lambda out, seed, **how: given.update(how) or out)
    root = put_folders(tmp_path / "real", {3: 1})
    assert (
        main(["train", "--what", "signs", "--real", str(root), "--out", str(tmp_path / "out"), "--threads", "1"]) == 0
    )
    assert given["real"] == root
    assert main(["train", "--what", "signs", "--out", str(tmp_path / "out"), "--threads", "1"]) == 0
    assert np.float64(5e-324) * 1.0 > 0.0  # training flushes small numbers to zero, what follows must not
    assert given["real"] is None


def test_real_signs_of_gtsrb():
    crops, classes = real_signs.real_crops(shared_data("signs/gtsrb_test_dev_430"), 3000, 0)
    assert len(np.unique(classes)) == 43 and 800 < len(crops) < 1200
