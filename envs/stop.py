"""Ctrl-C and SIGTERM, at any moment: quietly, with exit status 130 and 143, and with what was driven in order.

Before anything is driven the process ends at once. While it drives, the request is noted and the episode loop ends
after its tick, so that no file and no step is left halfway; what was driven is then scored and written as ever. A
second request, half a second later or more, ends the process at once.
"""

import os
import signal
import time
from types import FrameType
from typing import NoReturn

PATIENCE = 0.5  # [s] after which a second request counts; some shells deliver one Ctrl-C twice
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether somebody asked the run to stop. Without `install` nobody does."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.driving = False  # from here on a request waits for the tick's end
        self._asked = 0.0

    @property
    def requested(self) -> bool:
        return self.signal is not None

    @property
    def status(self) -> int:
        """Exit status: 128 plus the signal's number; 0 if nobody asked."""
        return 0 if self.signal is None else 128 + self.signal

    def install(self) -> None:
        """Answer the signals from now on. Only in the main thread of a process of one's own."""
        for number in SIGNALS:
            signal.signal(number, self._ask)

    def ignore(self) -> None:
        """The run is over: a late request changes nothing any more."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.driving or (self.requested and now - self._asked > PATIENCE):
            _leave(number)
        if not self.requested:
            self.signal, self._asked = number, now


def _leave(number: int) -> NoReturn:
    os._exit(128 + number)
