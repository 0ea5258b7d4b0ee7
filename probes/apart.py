"""Where a probe that waits reads long answers: beside the engine's loop, so that no other phone waits for them.

A probe that waits for nothing is a pure function of its answers and runs in a process of its own (`Probe.waits`). One
that asks a person or drives the phone runs in the engine's loop, which all phones share. What it reads there of a long
answer it reads in a thread. There are two, one for the longest answers, so that what most phones say never waits behind
those; with each thread more the loop would wait for its own turn longer. A thread can't be ended, so that parsers must
take time in proportion (`tests/probes/test_parsers_hold.py`). Knows no parser.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["LONG", "TURN_S", "VERY_LONG", "apart"]

T = TypeVar("T")
#: Bytes of answers from which they are read in a thread. Below it the slowest parser is through in 10 ms, also with
#: lines of one character (measured); to go to a thread and back takes a tenth of one.
LONG = 16 * 1024
#: Bytes from which it is the other thread: below it a parser is through in some tens of milliseconds.
VERY_LONG = 512 * 1024
#: Seconds after which a thread lets the loop have its turn; Python's own are ten times as long. With eight phones that
#: give 4 MB each, ten ways of another one to a thread and back took 250 ms with Python's and take 50 with these.
TURN_S = 0.0005


def _thread(name: str) -> ThreadPoolExecutor:
    """One thread, from the first answer for it on; with it turns become short in all of this process."""
    return ThreadPoolExecutor(1, name, initializer=sys.setswitchinterval, initargs=(TURN_S,))


_SHORTER, _LONGEST = _thread("apart"), _thread("apart-longest")


async def apart(parse: Callable[..., T], *answers: bytes) -> T:
    """What a pure function makes of the bytes of answers; long ones are read in a thread.

    Whoever is cancelled goes at once: what was not begun is never read, what was is read to its end for nobody.
    """
    size = sum(map(len, answers))
    if size < LONG:
        return parse(*answers)
    thread = _SHORTER if size < VERY_LONG else _LONGEST
    return await asyncio.get_running_loop().run_in_executor(thread, parse, *answers)
