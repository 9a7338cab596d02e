"""A progress bar on standard error; too little to need a package for."""

from __future__ import annotations

import sys
import time

_WIDTH = 30


class ProgressBar:
    """A function of two numbers, done and in all, that draws them as a bar.

    Args:
        delay_s: nothing is drawn before so many seconds have gone by.

    """

    def __init__(self, delay_s: float = 0.0) -> None:
        """Start the clock."""
        self._start = time.monotonic()
        self._delay_s = delay_s
        self._drawn = 0

    def __call__(self, done: int, total: int) -> None:
        """Draw the bar; with `done` equal to `total`, for the last time."""
        elapsed = time.monotonic() - self._start
        if elapsed < self._delay_s and not self._drawn:
            return
        share = done / total if total else 1.0
        bar = "█" * round(share * _WIDTH)
        line = f"{share:4.0%} |{bar:<{_WIDTH}}| {done:,}/{total:,} rays, {elapsed:.0f} s"
        self._write("\r" + line.ljust(self._drawn))
        self._drawn = len(line)
        if done >= total:
            self.close()

    def close(self) -> None:
        """End the line, if one was begun."""
        if self._drawn:
            self._write("\n")
            self._drawn = 0

    @staticmethod
    def _write(text: str) -> None:
        # A terminal that cannot show the bar must not stop the work.
        encoding = sys.stderr.encoding or "ascii"
        sys.stderr.write(text.encode(encoding, "replace").decode(encoding))
        sys.stderr.flush()
