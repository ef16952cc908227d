"""Command line: python -m replay verify|html|info FILE."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from replay.reader import Record


class Parser(argparse.ArgumentParser):
    """Bad input is one clear line and exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done (verify: proved), 1 verify found a difference, 2 the file or the request is bad."""
    parser = Parser(prog="python -m replay", description="Prove, draw and describe episode records.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("verify", "drive the episode again and prove the hash of every state"),
        ("html", "write a replay that opens in a browser"),
        ("info", "say what a record holds"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("file", type=Path, metavar="FILE", help="episode.mcap, or a run's folder with one")
        if name == "html":
            command.add_argument("--out", type=Path, metavar="PATH", help="default: FILE with the ending .html")
    options = parser.parse_args(arguments)
    if (options.file / "episode.mcap").is_file():
        options.file = options.file / "episode.mcap"
    from replay.reader import read_record

    try:
        record = read_record(options.file)
        if record.trouble:
            print(f"{options.file}: {record.trouble}", file=sys.stderr)
        return {"verify": _verify, "html": _html, "info": _info}[options.command](record, options)
    except BrokenPipeError:  # `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        message = f"{error.filename or options.file}: {error.strerror or error}"
    except (ValueError, MemoryError) as error:
        message = str(error) or f"{options.file}: takes more memory than there is"
    print(f"{parser.prog}: {message}", file=sys.stderr)
    return 2


def _verify(record: "Record", options: argparse.Namespace) -> int:
    from envs.episode import resimulate
    from replay.verify import verify

    verdict = verify(record, resimulate)
    print(verdict.message)
    return 0 if verdict.proved else 1


def _html(record: "Record", options: argparse.Namespace) -> int:
    from replay.viewer.html import write_html

    out = write_html(record, options.out or options.file.with_suffix(".html"))
    print(out.resolve().as_uri())
    return 0


def _info(record: "Record", options: argparse.Namespace) -> int:
    drivers, header = record.drivers, record.header
    ticks = int(drivers.controlled.sum())
    seconds = float(drivers.time[-1]) if len(drivers.time) else 0.0
    size = options.file.stat().st_size
    lines = {
        "file": f"{options.file} ({size / 1e6:.2f} MB, {'complete' if record.complete else 'cut'})",
        "scenario": _text(header.get("scenario")),
        "map": f"{_text(header.get('map'))} {_text(header.get('map_hash'))[:12]}",
        "agent": _text(header.get("agent")),
        "seed": _text(header.get("seed")),
        "ticks": f"{ticks} of {record.dt:g} s ({seconds:.1f} s), {header['drivers']} driver(s)",
        "road users": f"{int(record.life['spawned'].sum())} came, {record.track.x.shape[1]} slots",
        "hashes": f"{int(drivers.hashed.sum())}, last {int(drivers.state_hash[-1]) if ticks else 0:016x}",
        "pictures": ", ".join(f"{_text(name)} {len(files)}" for name, (_, files) in record.pictures.items()) or "none",
        "events": ", ".join(_event_counts(record)) or "none",
        "outcome": _text((record.summary or {}).get("outcome")),
    }
    width = max(map(len, lines))
    print("\n".join(f"{name:<{width}}  {value}" for name, value in lines.items()))
    return 0


def _text(value: object) -> str:
    """A header's value on one line, without control characters (a record may come from anywhere)."""
    text = str(value.get("name")) if isinstance(value, dict) else str(value)
    return "".join(c if c.isprintable() else "?" for c in text)[:200]


def _event_counts(record: "Record") -> list[str]:
    names = [str(event["name"]) for event in record.events]
    return [f"{_text(name)} {names.count(name)}" for name in sorted(set(names))]


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        raise SystemExit(130) from None
