"""The station's clock as records carry it: wall time, monotonic time, boot, and whether it can be believed.

A clock that went back or drifted is `suspect` and says so in every record until it is back where the last believable
record left it, or head office's signed time agrees with it; nothing is mended in silence. It knows no record and no
head office: what it compares with is passed in.
"""

from __future__ import annotations

import time
from typing import Literal

from reports.predicates import Clock
from station.journal import boot_id

__all__ = ["AGREES_MS", "DRIFT_MS", "StationClock", "judged"]

#: Wall against monotonic time over one boot; NTP slewing stays well under it (records.md, "Ledger").
DRIFT_MS = 2000
#: Head office's time against this clock: its stamp lies between a request and its answer, and lines may be slow.
AGREES_MS = 60_000

State = Literal["anchored", "free-running", "suspect"]


def judged(wall_ms: int, mono_ms: int, boot: str, before: Clock | None, anchored: bool) -> Clock:
    """The clock now, judged against an earlier one that was believable.

    Args:
        anchored: head office's time was seen in this boot and agreed.
    """
    state: State = "anchored" if anchored else "free-running"
    if before is not None:
        gone = wall_ms - before.wall_ms
        drift = abs(gone - (mono_ms - before.mono_ms)) if before.boot_id == boot else 0
        if gone < 0 or drift > DRIFT_MS:
            state = "suspect"
    return Clock(wall_ms=max(0, wall_ms), mono_ms=max(0, mono_ms), boot_id=boot, state=state)


class StationClock:
    """This process's clock: also suspect against its own start, or against what head office said last."""

    def __init__(self) -> None:
        self.anchored = False
        self._contradicted = False
        self._start = judged(_wall(), _mono(), boot_id(), None, anchored=False)

    def anchor(self, said_ms: int) -> None:
        """Head office has just signed that it is `said_ms` (ms since 1970).

        Where this clock agrees it is believed from here on, whatever it was before; where it does not it is suspect
        until head office says otherwise.
        """
        here = judged(_wall(), _mono(), boot_id(), None, anchored=True)
        self.anchored = abs(here.wall_ms - said_ms) <= AGREES_MS
        self._contradicted = not self.anchored
        if self.anchored:
            self._start = here

    def now(self, before: Clock | None) -> Clock:
        """The clock now, against the newest believable record's and against the start of this process."""
        here = judged(_wall(), _mono(), boot_id(), self._start, self.anchored)
        if self._contradicted:
            return here.model_copy(update={"state": "suspect"})
        if self.anchored:  # head office's word is worth more than an earlier record's
            return here
        # Over one boot a believable record says all that the start of this process could say, and more: the process may
        # have started while the clock was wrong.
        if here.state == "suspect" and (before is None or before.boot_id != here.boot_id):
            return here
        return judged(here.wall_ms, here.mono_ms, here.boot_id, before, anchored=False)


def _wall() -> int:
    return time.time_ns() // 1_000_000


def _mono() -> int:
    return time.monotonic_ns() // 1_000_000
