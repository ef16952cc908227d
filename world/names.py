"""Errors for unknown names: what was got, the nearest match, what is allowed."""

from collections.abc import Iterable
from difflib import get_close_matches


def unknown_name(what: str, got: str, allowed: Iterable[str]) -> str:
    """Message such as "unknown scenario 'twn01'; did you mean town01? (allowed: town01, town02)"."""
    names = sorted(allowed)
    close = get_close_matches(got, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"unknown {what} {got!r}{hint} (allowed: {', '.join(names)})"
