"""`python -m simulator ptx --out DIR`: PTX of the engine's kernels; `audit MAP`: drive traffic and count its sins."""

import argparse
import json
import sys
import time
from pathlib import Path


def _ptx(args: argparse.Namespace) -> int:
    from simulator.cuda_entries import ENTRIES
    from simulator.ptx import PtxError, assemble, make_ptx, write_ptx

    print(f"{'kernel':8} {'KiB':>6} {'registers':>9} {'stack B':>7} {'compile s':>9} {'ptxas s':>7}")
    for phase in args.phase or ENTRIES:
        start = time.perf_counter()
        try:
            text = make_ptx(phase, args.cc)
            write_ptx(text, args.out / f"{phase}.ptx")
            made = time.perf_counter()
            needs = None if args.no_ptxas else assemble(text, args.cc)
        except (PtxError, ValueError) as error:
            print(f"ptx: {error}", file=sys.stderr)
            return 2
        taken = f"{'-':>9} {'-':>7}" if needs is None else f"{needs.registers:9} {needs.stack:7}"
        asm = "-" if needs is None else f"{time.perf_counter() - made:.1f}"
        print(f"{phase:8} {len(text) / 1024:6.0f} {taken} {made - start:9.1f} {asm:>7}", flush=True)
    print(f"in {args.out.resolve()}")
    return 0


def capability_of(text: str) -> tuple[int, int]:
    """Compute capability of "80" or "8.0"."""
    digits = text.replace(".", "")
    if not digits.isdigit() or len(digits) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no compute capability; allowed are such as 80 or 9.0")
    return int(digits[:-1]), int(digits[-1])


def _audit(args: argparse.Namespace) -> int:
    from simulator.audit import run_audit
    from simulator.engine import Engine
    from world.mapset import pack_maps
    from world.opendrive import load_map
    from world.roadmap import MapError
    from world.scenario import Scenario

    scenario = Scenario(args.map.name, args.map, vehicles=args.vehicles, pedestrians=args.pedestrians, drivers=0)
    for name in ("seconds", "episodes", "every"):
        if getattr(args, name) <= 0:
            print(f"audit: --{name} is {getattr(args, name)}, allowed is more than 0", file=sys.stderr)
            return 2
    try:
        engine = Engine(pack_maps([load_map(args.map)]), scenario)
    except (MapError, ValueError) as error:
        print(f"audit: {error}", file=sys.stderr)
        return 2
    with engine:
        for seed in range(args.seed, args.seed + args.episodes):
            engine.reset([seed])
            audit = run_audit(engine, args.seconds, every=args.every)
            kinds = [sorted(c.kinds) for c in audit.contacts]
            figures = {
                "seed": seed,
                "seconds": args.seconds,
                "vehicle_contacts": sum("PEDESTRIAN" not in k for k in kinds),
                "vehicle_walker_contacts": sum(k.count("PEDESTRIAN") == 1 for k in kinds),
                "red_lights_run": len(audit.red),
                "mean_speed": round(audit.mean_speed, 2),
                "standing": round(audit.standing, 3),
                "longest_wait_s": round(audit.longest_wait, 1),
                "respawns": audit.respawns,
                "state_hash": f"{int(engine.state_hash[0]):016x}",
            }
            print(json.dumps(figures))
    return 0


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    commands = parser.add_subparsers(required=True)
    ptx = commands.add_parser("ptx", help="write PTX files; needs no GPU")
    ptx.add_argument("--out", type=Path, default=Path("runs/ptx"), help="folder (runs/ptx)")
    ptx.add_argument("--cc", type=capability_of, default=(8, 0), help="compute capability, such as 80 or 9.0 (8.0)")
    ptx.add_argument("--phase", action="append", help="only this phase (may be given more than once)")
    ptx.add_argument("--no-ptxas", action="store_true", help="do not assemble to count registers")
    ptx.set_defaults(run=_ptx)
    audit = commands.add_parser(
        "audit", help="drive traffic without drivers; contacts, red lights, speed as JSON lines"
    )
    audit.add_argument("map", type=Path)
    audit.add_argument("--vehicles", type=int, default=60)
    audit.add_argument("--pedestrians", type=int, default=30)
    audit.add_argument("--seconds", type=float, default=300.0)
    audit.add_argument("--seed", type=int, default=1)
    audit.add_argument("--episodes", type=int, default=1)
    audit.add_argument("--every", type=int, default=4, help="steps between two looks")
    audit.set_defaults(run=_audit)
    args = parser.parse_args(argv)
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
