"""Packs on a device: what lies where, repeated for more worlds, read back, and run over with worlds innermost."""

from typing import NamedTuple

import numpy as np
import pytest
from numba import types

from simulator.cuda_entries import ENTRIES, Entry
from simulator.device import DevicePack, leaves
from simulator.device_kinds import DEVICE_MODEL, Way, device_kind, model_way
from simulator.model import MODEL_TYPE
from tests.host_device import HostDevice
from world.kernel import kernel
from world.pack import Pack, PackType

ROW = np.dtype([("a", "f4"), ("b", "i8"), ("c", "i2")], align=True)


class Inner(NamedTuple):
    SAME_SHAPE = True

    x: np.ndarray  # float32 (B, N)
    y: np.ndarray  # float32 (B, N)
    flag: np.ndarray  # bool (B, N)


class Outer(NamedTuple):
    scale: float
    on: bool
    inner: Inner
    bits: np.ndarray  # uint32 (B, N) of inner.x
    rows: np.ndarray  # ROW (B, N, 2)
    one: np.ndarray  # int64 (B,)
    table: np.ndarray  # float32 (5,)
    flat: np.ndarray  # int32 (3 B,)
    unused: np.ndarray  # float32 (B, 7)


WAYS = {"table": Way.SHARED, "flat": Way.ROWS, "unused": Way.ABSENT}


def ways(path: str) -> Way:
    return WAYS.get(path, Way.WORLDS)


def outer(worlds: int = 2, slots: int = 3) -> Outer:
    rng = np.random.default_rng(5)
    x, y = (rng.random((worlds, slots)).astype(np.float32) for _ in range(2))
    rows = np.zeros((worlds, slots, 2), ROW)
    for name in "abc":
        rows[name] = rng.integers(0, 1000, rows.shape)
    return Outer(
        0.5, True, Inner(x, y, rng.random((worlds, slots)) < 0.5), x.view(np.uint32), rows,
        rng.integers(0, 99, worlds), rng.random(5).astype(np.float32), np.arange(3 * worlds, dtype=np.int32),
        np.zeros((worlds, 7), np.float32),
    )  # fmt: skip


@kernel
def mix(b, pack):
    """Read and write all kinds of fields."""
    for i in range(pack.inner.x.shape[1]):
        if pack.inner.flag[b, i] and pack.on:
            pack.inner.x[b, i] += np.float32(pack.scale) * pack.inner.y[b, i] + pack.table[i]
        pack.rows[b, i, 1].b += pack.one[b] + pack.rows[b, i, 0].c
    pack.one[b] = pack.flat[3 * b + 2]


def expected(value: Outer, worlds: int) -> dict[str, np.ndarray]:
    """What `mix` does, in NumPy."""
    x, y, flag = (np.resize(getattr(value.inner, n), (worlds, 3)) for n in ("x", "y", "flag"))
    rows, one = np.resize(value.rows, (worlds, 3, 2)), np.resize(value.one, worlds)
    x = np.where(flag, x + (np.float32(0.5) * y + value.table[:3]), x)
    rows["b"][:, :, 1] += one[:, None] + rows["c"][:, :, 0]
    return {"inner.x": x, "rows": rows, "one": np.resize(value.flat, 3 * worlds)[2::3]}


@pytest.mark.parametrize("worlds", [2, 4, 8])
def test_kernels_run_over_the_copy_and_leave_the_host_alone(worlds):
    value = outer()
    before = {path: array.copy() for path, array in leaves(Pack(value))}
    entry = Entry(mix, (device_kind(Pack(value)._numba_type_, ways),))
    device = HostDevice({"mix": entry})
    placed = DevicePack(device, Pack(value), ways, 2, worlds)
    assert placed.kind == entry.packs[0]
    device.launch("mix", worlds, (placed.address,))
    for path, wanted in expected(value, worlds).items():
        np.testing.assert_allclose(placed.read(path)["b" if path == "rows" else ...],
                                   wanted["b" if path == "rows" else ...], rtol=1e-6)  # fmt: skip
    np.testing.assert_array_equal(placed.read("bits"), placed.read("inner.x").view(np.uint32))
    for path, array in leaves(Pack(value)):
        np.testing.assert_array_equal(array, before[path], path)
    placed.close()
    assert not device._memory


@pytest.mark.parametrize("worlds", [2, 3, 7])
def test_worlds_are_repeated_and_lie_innermost(worlds):
    value = outer()._replace(flat=np.zeros(2, np.int32))
    device = HostDevice({})
    placed = DevicePack(device, Pack(value), lambda path: Way.SHARED if path == "flat" else ways(path), 2, worlds)
    for path in ("inner.x", "inner.flag", "rows", "one", "bits"):
        wanted = dict(leaves(Pack(value)))[path]
        np.testing.assert_array_equal(placed.read(path), np.resize(wanted, (worlds, *wanted.shape[1:])), path)
    first = np.zeros(worlds, np.float32)
    device.read(placed.placed["inner.x"].address, first)
    np.testing.assert_array_equal(first, np.resize(value.inner.x[:, 0], worlds))  # slot 0 of all worlds
    np.testing.assert_array_equal(placed.read("table"), value.table)
    assert placed.placed["bits"].address == placed.placed["inner.x"].address
    assert placed.shared_size == 2 * 256


def test_arrays_can_be_overwritten():
    placed = DevicePack(HostDevice({}), Pack(outer()), ways, 2, 4)
    value = np.arange(12, dtype=np.float32).reshape(4, 3)
    placed.write("inner.y", value)
    np.testing.assert_array_equal(placed.read("inner.y"), value)
    with pytest.raises(ValueError, match=r"inner.y got float64 \(4, 3\), expected float32 \(4, 3\)"):
        placed.write("inner.y", value.astype(np.float64))


def test_what_does_not_fit_is_refused():
    pack, device = Pack(outer()), HostDevice({})
    with pytest.raises(ValueError, match="worlds is 1, allowed is 2, the host's number, or more"):
        DevicePack(device, pack, ways, 2, 1)
    with pytest.raises(ValueError, match="allowed are multiples of 2.*flat"):
        DevicePack(device, pack, ways, 2, 3)
    with pytest.raises(ValueError, match="table has 5 rows, expected 2"):
        DevicePack(device, pack, lambda path: Way.WORLDS, 2, 2)
    placed = DevicePack(device, pack, ways, 2, 2)
    with pytest.raises(ValueError, match="unused was left out"):
        placed.read("unused")


def test_of_a_model_only_what_worlds_own_has_them_innermost():
    def layouts(kind: PackType, path: str = "") -> dict[str, str]:
        found: dict[str, str] = {}
        for name, own in kind.fields:
            if isinstance(own, PackType):
                found |= layouts(own, f"{path}{name}.")
            elif isinstance(own, types.Array) and own.ndim > 1:
                found[path + name] = own.layout
        return found

    host, device = layouts(MODEL_TYPE), layouts(DEVICE_MODEL)
    assert set(host.values()) == {"C"} and host.keys() == device.keys()
    assert {path for path, layout in device.items() if layout == "C"} == {"traffic.path"} | {
        path for path in host if path.startswith("routes.")
    }
    assert model_way("network.cap") is model_way("tables.lanes") is Way.SHARED


def test_every_entry_takes_one_to_three_packs():
    assert all(1 <= len(entry.packs) <= 3 and entry.packs[0] == DEVICE_MODEL for entry in ENTRIES.values())
