"""The phone's sense of time: a clock that may be stepped by hand, and the time that its own work takes.

Stands on asyncio's timer only.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "SteppedClock", "WallClock", "Workload"]


class Clock(Protocol):
    """Seconds since the bench was switched on, and which calendar time that was."""

    @property
    def epoch_s(self) -> float:
        """Seconds from 1970 to the moment that the bench was switched on."""
        ...

    def now(self) -> float:
        """The time now."""
        ...


class WallClock:
    """Follows real time, `rate` times as fast (60 lets a phone charge a minute in a second)."""

    def __init__(self, rate: float = 1.0) -> None:
        self._rate, self._start, self._epoch_s = rate, time.monotonic(), time.time()

    @property
    def epoch_s(self) -> float:
        """The machine's own calendar."""
        return self._epoch_s

    def now(self) -> float:
        """The time now."""
        return (time.monotonic() - self._start) * self._rate


class SteppedClock:
    """Stands still until it is stepped, so that the same seed gives the same readings however slow the machine is."""

    def __init__(self, epoch_s: float = 1_763_000_000.0) -> None:
        self._now, self._epoch_s = 0.0, epoch_s

    @property
    def epoch_s(self) -> float:
        """A day in November 2025 unless given."""
        return self._epoch_s

    def now(self) -> float:
        """The time now."""
        return self._now

    def step(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += seconds


class Workload:
    """The time that a phone's commands take; calls into the system server wait for each other.

    A timer of this machine is 0.5-1 ms late, which sixty commands of 5 ms would turn into a phone 15 % slower than it
    says it is. So what one sleep was late is taken off the next: the sum of the work is what was charged.
    """

    _MOST_LATE_S = 0.02
    """The most that is carried over: more than that is a stalled machine, not a late timer."""

    def __init__(self) -> None:
        self._server = asyncio.Lock()
        self._server_free_s = 0.0
        self._late_s = 0.0

    async def spend(self, seconds: float, *, since_s: float, in_server: bool) -> None:
        """Take `seconds` of the phone's time from `since_s` on (event loop's clock); `in_server` is one at a time."""
        if in_server:
            async with self._server:
                since_s = max(since_s, self._server_free_s)
                await self._sleep(since_s + seconds)
                self._server_free_s = asyncio.get_running_loop().time()
        else:
            await self._sleep(since_s + seconds)

    async def _sleep(self, until_s: float) -> None:
        loop = asyncio.get_running_loop()
        until_s, self._late_s = until_s - self._late_s, 0.0
        if until_s > loop.time():
            await asyncio.sleep(until_s - loop.time())
        self._late_s = min(max(loop.time() - until_s, 0.0), self._MOST_LATE_S)
