"""Where a probe that waits reads long answers: beside the engine's loop, so that no other phone waits for them.

A probe that waits for nothing is a pure function of its answers and runs in a process of its own (`Probe.waits`). One
that asks a person or drives the phone runs in the engine's loop, which all phones share. What it reads there of a long
answer it reads in a thread, one at a time: two at once would make the loop wait for its turn twice as long. Knows no
parser; a thread can't be ended, so that parsers must take time in proportion (`tests/probes/test_parsers_hold.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["LONG", "apart"]

T = TypeVar("T")
#: Bytes of an answer from which it is read in a thread. Below it the slowest parser is through in 10 ms, also with
#: lines of one character (measured); to go to a thread and back takes a tenth of one.
LONG = 16 * 1024
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="apart")  # the thread begins with the first long answer


async def apart(parse: Callable[..., T], *answers: bytes) -> T:
    """What a pure function makes of the bytes of answers; long ones are read in a thread.

    Whoever is cancelled goes at once: what was not begun is never read, what was is read to its end for nobody.
    """
    if sum(map(len, answers)) < LONG:
        return parse(*answers)
    return await asyncio.get_running_loop().run_in_executor(_THREAD, parse, *answers)
