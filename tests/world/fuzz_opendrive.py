"""Reads broken maps by the thousand: each must give a sound map or a MapError, in time and in little memory.

    python -m tests.world.fuzz_opendrive --count 20000 --seed 0

A case goes the whole way: file, reader, builder, `pack_maps`; one in five that loads also queries and routes, one in
twenty-five the simulator with traffic. What goes wrong is kept as a file under --out, with its traceback. A run that
was cut off goes on where it stopped (also after a crash of the interpreter, which counts as a finding). Exit status 1
if anything was found.
"""

import argparse
import json
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.world.mutate_xodr import Mutator, load_seeds
from tests.world.sound import check_packed, check_sound
from world.map_query import MapQuery
from world.mapset import pack_maps
from world.opendrive import load_map
from world.roadmap import MapError, MapSet, RoadMap
from world.routing import RouteError, Router, route_line
from world.scenario import Scenario

SLOW = 30.0  # [s] a case may take
MOST_MEMORY = 1700.0  # [MB] that the cases may add to what the process holds
ASK_EVERY, DRIVE_EVERY = 5, 25  # of the maps that load


class Hang(BaseException):
    """A case took too long; no `except Exception` may swallow it."""


def peak_mb() -> float:
    """[MB] most memory that the process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass
class Tally:
    """What became of the cases so far."""

    next: int = 0
    loaded: int = 0
    asked: int = 0
    driven: int = 0
    refused: int = 0  # MapError
    no_route: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    slowest_case: int = -1
    before_mb: float = field(default_factory=peak_mb)  # what the process had held before the first case
    memory_mb: float = 0.0  # most beyond that
    reasons: Counter = field(default_factory=Counter)  # of MapErrors, without numbers
    warned: Counter = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)


def ask(maps: MapSet, number: int) -> bool:
    """Queries and a route on a map; True where it has a route."""
    m, rng = maps.maps[0], np.random.default_rng(number)
    places = m.point_xyz[rng.integers(0, len(m.point_xyz), 20)].astype(np.float64)
    places[:, :2] += rng.normal(0, 5, (20, 2))
    query = MapQuery(maps)
    found = query.nearest_lane(*places.T, heading=rng.uniform(-3, 3, 20))
    for name in ("s", "d", "dist"):
        assert np.isfinite(getattr(found, name)).all(), f"nearest_lane: {name} is not finite"
    router = Router(m)
    assert ((found.lane >= 0) == router.drivable.any()).all() and (found.lane < m.lane_count).all(), "nearest_lane"
    query.drivable(*places.T)
    try:
        route = router.random(number, float(rng.choice([5.0, 30.0, 150.0])))
    except RouteError:
        return False
    line = route_line(m, route)
    assert np.isfinite(line.x).all() and np.isfinite(line.y).all() and line.length > 0, "route_line is not finite"
    return True


def drive(maps: MapSet, number: int) -> None:
    """A second of traffic on a map."""
    from simulator.engine import Engine
    from world.records import Control

    scenario = Scenario("fuzz", Path("fuzz.xodr"), vehicles=6, pedestrians=4, route_min_length=10.0)
    with Engine(maps, scenario) as engine:
        try:
            engine.reset([number])
        except ValueError as error:
            if not isinstance(error.__cause__, RouteError):
                raise
            return
        for _ in range(20):
            engine.scene()
            engine.step(Control(steer=np.zeros((1, 1), np.float32), accel=np.ones((1, 1), np.float32)))
        valid = engine.state.valid[0]
        for name in ("xy", "yaw", "speed"):
            assert np.isfinite(getattr(engine.state, name)[0][valid]).all(), f"state.{name} is not finite"


def run_case(path: Path, number: int, tally: Tally) -> RoadMap | None:
    """One file through all of it.

    Raises:
        Exception: anything but a MapError, which is a finding.
    """
    try:
        m = load_map(path, cache=False)
    except MapError as error:
        assert error.file == str(path) and error.element and error.reason, f"MapError without a place: {error}"
        tally.refused += 1
        tally.reasons["".join("#" if c.isdigit() else c for c in error.reason)[:60]] += 1
        return None
    check_sound(m)
    maps = pack_maps([m])
    check_packed(maps)
    tally.loaded += 1
    if tally.loaded % ASK_EVERY == 0:
        tally.asked += 1
        tally.no_route += not ask(maps, number)
    if tally.loaded % DRIVE_EVERY == 0:
        tally.driven += 1
        drive(maps, number)
    return m


def _alarm(*_: object) -> None:
    raise Hang(f"took more than {SLOW:g} s")


def one(mutator: Mutator, number: int, folder: Path, tally: Tally) -> None:
    """Runs a case, and keeps what it finds."""
    data = mutator.make(number)
    path = folder / "case.xodr"
    path.write_bytes(data)
    (folder / "current").write_text(str(number))
    start = time.perf_counter()
    signal.alarm(int(SLOW))
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            run_case(path, number, tally)
        tally.warned.update(str(w.message)[:80] for w in warned)
    except (Exception, Hang) as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        keep(folder, number, data, "".join(traceback.format_exception(error)), tally)
    finally:
        signal.alarm(0)
    seconds = time.perf_counter() - start
    memory = peak_mb() - tally.before_mb
    if memory > MOST_MEMORY >= tally.memory_mb:
        keep(folder, number, data, f"{memory:.0f} MB of memory", tally)
    tally.memory_mb = max(tally.memory_mb, memory)
    tally.seconds += seconds
    if seconds > tally.slowest:
        tally.slowest, tally.slowest_case = seconds, number


def compile_kernels(folder: Path, data: bytes) -> None:
    """Goes the whole way once, so that no case is charged for compiling."""
    path = folder / "case.xodr"
    path.write_bytes(data)
    maps = pack_maps([load_map(path, cache=False)])
    ask(maps, 0)
    drive(maps, 0)


def keep(folder: Path, number: int, data: bytes, text: str, tally: Tally) -> None:
    (folder / f"found-{number}.xodr").write_bytes(data)
    (folder / f"found-{number}.txt").write_text(text)
    tally.found.append(f"{number}: {text.strip().splitlines()[-1][:200]}")


def load_tally(folder: Path, mutator: Mutator) -> Tally:
    """Where a run in this folder stands; a case that ended the interpreter is a finding."""
    state, current = folder / "state.json", folder / "current"
    if not state.exists():
        return Tally()
    told = json.loads(state.read_text())
    tally = Tally(
        **{**told, "reasons": Counter(told["reasons"]), "warned": Counter(told["warned"]), "before_mb": peak_mb()}
    )
    if current.exists() and (number := int(current.read_text() or -1)) >= tally.next:
        keep(folder, number, mutator.make(number), "the interpreter ended in or after this case", tally)
        tally.next = number + 1
    return tally


def save(folder: Path, tally: Tally) -> None:
    temporary = folder / "state.tmp"
    temporary.write_text(json.dumps(vars(tally)))
    temporary.replace(folder / "state.json")


def fuzz(count: int, seed: int, folder: Path, largest: int, show: bool = True) -> Tally:
    """Runs the cases that a folder has not seen yet."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds = load_seeds(largest)
    mutator = Mutator(seeds, seed)
    tally = load_tally(folder, mutator)
    compile_kernels(folder, seeds[0])
    signal.signal(signal.SIGALRM, _alarm)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=not show) as progress:
        task = progress.add_task("maps", total=count, completed=tally.next)
        try:
            while tally.next < count:
                number = tally.next
                one(mutator, number, folder, tally)
                tally.next = number + 1
                if tally.next % 50 == 0:
                    save(folder, tally)
                if tally.next % 10 == 0:
                    text = f"{tally.refused} refused, {tally.loaded} loaded, {len(tally.found)} found"
                    progress.update(task, completed=tally.next, description=text)
        finally:
            save(folder, tally)
            (folder / "current").unlink(missing_ok=True)
            (folder / "case.xodr").unlink(missing_ok=True)
    return tally


def summary(tally: Tally) -> str:
    rows = [
        f"{tally.next} maps in {tally.seconds:.0f} s ({1e3 * tally.seconds / max(1, tally.next):.1f} ms each)",
        f"  {tally.refused} MapError, {tally.loaded} loaded, {tally.asked} of these queried ({tally.no_route} without "
        f"a route), {tally.driven} driven",
        f"  slowest {tally.slowest:.2f} s (case {tally.slowest_case}), most memory {tally.memory_mb:.0f} MB",
        f"  {len(tally.found)} findings",
        *(f"    {text}" for text in tally.found[:30]),
    ]
    if tally.warned:
        rows.append(f"  warnings: {dict(tally.warned.most_common(5))}")
    return "\n".join(rows)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="cases (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations (default: %(default)s)")
    parser.add_argument("--largest", type=int, default=20_000, help="bytes of a file to start from (default: 20000)")
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/fuzz-opendrive-SEED)")
    parser.add_argument("--case", type=int, help="write one case's file to standard output, and end")
    options = parser.parse_args(arguments)
    if options.case is not None:
        sys.stdout.buffer.write(Mutator(load_seeds(options.largest), options.seed).make(options.case))
        return 0
    folder = options.out or Path("runs") / f"fuzz-opendrive-{options.seed}"
    tally = fuzz(options.count, options.seed, folder, options.largest)
    print(summary(tally))
    return 1 if tally.found else 0


if __name__ == "__main__":
    raise SystemExit(main())
