"""Drive a scenario with an agent: prints a score and leaves a replay.

python run_scenario.py town01 --agent expert
"""

import os
import signal
import sys

if (
    __name__ == "__main__"
):  # until envs.stop takes over: Ctrl-C while modules load ends the process, without a traceback
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os._exit(128 + number))

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from envs.stop import Stop

EXAMPLES = """examples:
  python run_scenario.py town01                      a scored drive through town01
  python run_scenario.py town02 --seed 7 --open      another town, and open its replay
  python run_scenario.py my_map.xodr --vehicles 20   any OpenDRIVE map
"""


class Parser(argparse.ArgumentParser):
    """Bad input is one clear line and exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def make_parser() -> Parser:
    parser = Parser(
        prog="run_scenario.py",
        description="Drive a scenario, score it, leave a replay.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="?", metavar="SCENARIO|FILE.xodr", help="a name of --list, or a map")
    parser.add_argument("--agent", default="pipeline", help="who drives (default: %(default)s)")
    parser.add_argument("--backend", default="light", help="what simulates (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first episode (default: %(default)s)")
    parser.add_argument("--episodes", type=int, default=1, help="how many; episode k has seed + k (default: 1)")
    parser.add_argument("--vehicles", type=int, help="background vehicles (default: the scenario's)")
    parser.add_argument("--pedestrians", type=int, help="pedestrians (default: the scenario's)")
    parser.add_argument("--max-time", type=float, metavar="S", help="simulated seconds an episode at most")
    parser.add_argument("--weather", metavar="NAME", help="a weather of --list (default: a clear noon)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="run folder (default: runs/TIME-SCENARIO)")
    parser.add_argument("--no-record", action="store_true", help="write summary.json only, no record and no replay")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the summary there, too")
    parser.add_argument("--open", action="store_true", help="open the replay in a browser")
    parser.add_argument("--list", action="store_true", help="list scenarios, agents, backends and weathers, and end")
    return parser


def main(argv: list[str] | None = None, stop: "Stop | None" = None) -> int:
    """Exit status: 0 driven, 1 the agent or the disk failed on the way, 2 bad request, 130 Ctrl-C, 143 SIGTERM."""
    parser = make_parser()
    args = parser.parse_args(argv)
    from envs.config import RunError, list_text, make_config

    if args.list:
        print(list_text())
        return 0
    if args.scenario is None:
        parser.error("which scenario? `--list` lists them")
    names = (
        "scenario",
        "agent",
        "backend",
        "seed",
        "episodes",
        "vehicles",
        "pedestrians",
        "max_time",
        "out",
        "json",
        "weather",
    )
    try:
        config = make_config(**{name: getattr(args, name) for name in names}, record=not args.no_record)
        from envs.folder import plan_folder

        plan_folder(config)  # before a second goes into loading the engine
        from envs.run import run

        finished = run(config, stop=stop)
    except (RunError, ValueError, OSError) as error:
        parser.error(str(error))
    if args.open and finished.replay is not None:
        import webbrowser

        webbrowser.open(finished.replay.as_uri())
    if finished.trouble:
        print(f"{parser.prog}: {finished.trouble}", file=sys.stderr)
    if finished.interrupted:
        print(f"{parser.prog}: interrupted; what was driven is scored above", file=sys.stderr)
        return stop.status if stop is not None and stop.requested else 130
    return 1 if finished.trouble else 0


if __name__ == "__main__":
    from envs.stop import Stop

    asked = Stop()
    asked.install()
    status = main(stop=asked)
    asked.ignore()
    sys.exit(status)
