"""`python -m simulator ptx --out DIR`: PTX of the engine's kernels; `audit MAP`: drive traffic and count its sins."""

import argparse
import json
import os
import sys
from pathlib import Path


def _ptx(args: argparse.Namespace) -> int:
    from simulator.ptx import PHASES, PtxError, make_ptx

    major, _, minor = args.cc.partition(".")
    args.out.mkdir(parents=True, exist_ok=True)
    for phase in args.phase or PHASES:
        try:
            text = make_ptx(phase, (int(major), int(minor or 0)))
        except (PtxError, ValueError) as error:
            print(f"ptx: {error}", file=sys.stderr)
            return 2
        path = args.out / f"{phase}.ptx"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text)
        os.replace(temporary, path)
        print(f"{path}: {len(text) / 1024:.0f} KiB")
    return 0


def _audit(args: argparse.Namespace) -> int:
    from simulator.audit import run_audit
    from simulator.engine import Engine
    from world.mapset import pack_maps
    from world.opendrive import load_map
    from world.scenario import Scenario

    scenario = Scenario(args.map.name, args.map, vehicles=args.vehicles, pedestrians=args.pedestrians, drivers=0)
    with Engine(pack_maps([load_map(args.map)]), scenario) as engine:
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
    ptx.add_argument("--out", type=Path, required=True, help="folder")
    ptx.add_argument("--cc", default="8.0", help="compute capability, e.g. 9.0")
    ptx.add_argument("--phase", action="append", help="only this phase (may be given more than once)")
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
