"""Our engine at work, in a process of its own: `python -m benchmarks.our_worker VEHICLES SIDE BLOCK CPU SEED`."""

import json
import sys
import time

from benchmarks.peer_side.serving import pin, resident


def main() -> None:
    vehicles, side, block, core, seed = sys.argv[1:]
    pin(int(core))
    from benchmarks.grid_traffic import A_CALL, DT, Grid, Size

    began = time.perf_counter()
    grid = Grid(Size(int(vehicles), int(side), float(block)), int(seed))
    grid.run()
    _say({"ready": time.perf_counter() - began})
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "warm":
            for _ in range(round(order["seconds"] / DT) // A_CALL):
                grid.run()
            _say({})
        elif order["do"] == "window":
            _say(window(grid, order["wall"]))
        elif order["do"] == "look":
            _say({**grid.look(), "resident_mib": resident()})


def window(grid, wall: float) -> dict[str, float]:
    """Steps for at least `wall` seconds; vehicles are counted before and after each call."""
    from benchmarks.grid_traffic import A_CALL

    updates, steps = 0, 0
    cpu, start = time.process_time(), time.perf_counter()
    while time.perf_counter() - start < wall:
        before = grid.count()
        grid.run()
        steps += A_CALL
        updates += A_CALL * (before + grid.count()) // 2
    taken = time.perf_counter() - start
    return {"wall": taken, "cpu": time.process_time() - cpu, "updates": updates, "steps": steps}


def _say(answer: dict) -> None:
    print("answer " + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
