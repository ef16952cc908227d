"""Compiled kernels of a CUDA device in a folder: made where numba-cuda is, run where only NVIDIA's driver need be.

A folder holds one file a kernel and `kernels.json`, which says for what device and from what sources they were made.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from simulator.cuda_driver import Image
from simulator.cuda_entries import Entry
from simulator.ptx import PtxError, assemble, check_toolchain, entry_names, make_ptx, outside_calls, write_whole
from world.kernel import ROOT, kernel_sources

MANIFEST = "kernels.json"


class ImageError(RuntimeError):
    """Kernels that cannot be used here, and why."""


def sources_digest(module: str) -> str:
    """Hash of a module's file and of all of ours that it imports, wherever the checkout lies."""
    digest = hashlib.sha256()
    for file in kernel_sources(Path(str(importlib.import_module(module).__file__))):
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _entries(module: str) -> Mapping[str, Entry]:
    return importlib.import_module(module).ENTRIES


def _build_one(module: str, name: str, capability: tuple[int, int], folder: str) -> dict:
    """Compile one entry into its file. Returns its line of the manifest."""
    sys.setrecursionlimit(10_000)
    text = make_ptx(name, capability, _entries(module))
    outside = outside_calls(text)
    if outside:
        raise PtxError(f"kernel {name} calls what no device has: {', '.join(outside)}")
    made = assemble(text, capability)
    file = f"{name}.cubin" if made else f"{name}.ptx"
    write_whole(made.code if made else text.encode(), Path(folder) / file)
    stack, registers = (made.stack, made.registers) if made else (0, 0)
    return {"file": file, "entry": entry_names(text)[0], "stack": stack, "registers": registers}


def build_images(
    module: str,
    names: Sequence[str],
    capability: tuple[int, int],
    folder: Path,
    jobs: int = 1,
    say: Callable[[str], None] = print,
) -> None:
    """Compile entries of a module's ENTRIES into a folder.

    Args:
        jobs: processes that compile at the same time.

    Raises:
        PtxError: something that it takes is not installed, or a kernel does not compile. ValueError: no such device.
    """
    check_toolchain(capability)
    folder.mkdir(parents=True, exist_ok=True)
    kernels = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        work = {pool.submit(_build_one, module, name, capability, str(folder)): name for name in names}
        for done in as_completed(work):
            kernels[work[done]] = made = done.result()
            say(f"compiled {work[done]}: {made['registers']} registers, {made['stack']} B of local memory a thread")
    manifest = {"sources": sources_digest(module), "capability": list(capability), "kernels": kernels}
    write_whole(json.dumps(manifest, indent=1).encode(), folder / MANIFEST)


def load_images(module: str, names: Sequence[str], capability: tuple[int, ...], folder: Path) -> dict[str, Image]:
    """Entries that a folder holds.

    Raises:
        ImageError: there is none of a name, they are of other sources, or machine code of another device.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        kernels = manifest["kernels"]
        missing = [name for name in names if name not in kernels]
        if missing:
            raise ImageError(f"{folder} has no kernel {', '.join(missing)}")
        if manifest["sources"] != sources_digest(module):
            raise ImageError(f"the kernels in {folder} were made from other sources; make them anew")
        images = {}
        for name in names:
            line = kernels[name]
            if line["file"].endswith(".cubin") and tuple(manifest["capability"]) != tuple(capability):
                wanted, have = (".".join(map(str, c)) for c in (capability, manifest["capability"]))
                raise ImageError(f"the kernels in {folder} are for compute capability {have}, the device has {wanted}")
            code = (folder / line["file"]).read_bytes()
            images[name] = Image(line["entry"], code + b"\0", int(line["stack"]))
        return images
    except (OSError, ValueError, KeyError) as error:
        raise ImageError(f"the kernels in {folder} cannot be read: {error}") from None
