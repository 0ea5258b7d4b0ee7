"""A screen in a process of its own, as the product has it: it starts runs when told to, and says what it was shown.

    python -m benchmarks.screen_process DATA SLOT

Watches the slot, and obeys one JSON document a line on its standard input: `{"start": [slots], ...}` with the other
fields of `StartRun`. Prints one a line: `{"version": ...}` for each snapshot, `{"refused": ...}` for a run that did not
start.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from station import messages as m
from station.client import Client
from station.errors import Trouble

__all__ = ["Screen", "screen"]

ROOT = Path(__file__).resolve().parent.parent


class Screen:
    """The process, as who started it sees it."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child, self._version, self._news = child, 0, asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self._child.stdout
        async for line in self._child.stdout:
            said = json.loads(line)
            if "refused" in said:
                raise RuntimeError(said["refused"])
            self._version = said["version"]
            self._news.set()

    def start(self, slots: Sequence[int], **about: Any) -> None:
        """Have it start runs in these slots, all at once."""
        assert self._child.stdin
        self._child.stdin.write(json.dumps({"start": [*slots], **about}).encode() + b"\n")

    async def shown(self, version: int) -> None:
        """Wait until it has a snapshot that is newer than this one; raises as `until` does."""
        while self._version <= version:
            self._news.clear()
            await self.until(self._news)

    async def until(self, event: asyncio.Event) -> None:
        """Wait for an event.

        Raises:
            RuntimeError: a run did not start, or the screen ended.
        """
        waiting = asyncio.create_task(event.wait())
        await asyncio.wait({waiting, self._listening}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            self._listening.result()
            raise RuntimeError("the screen ended")

    async def close(self) -> None:
        """End it."""
        self._listening.cancel()
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()
        await self._child.wait()


@contextlib.asynccontextmanager
async def screen(data: Path, slot: int) -> AsyncIterator[Screen]:
    """A screen on the engine of that data folder, for as long as the block lasts."""
    command = (sys.executable, "-m", "benchmarks.screen_process", str(data), str(slot))
    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT, env=environment)
    made = Screen(child)
    try:
        await made.shown(0)
        yield made
    finally:
        await made.close()


async def _start(client: Client, slot: int, about: dict[str, Any]) -> None:
    try:
        await client.send(m.StartRun(slot=slot, **about))
    except Trouble as trouble:
        print(json.dumps({"refused": str(trouble)}), flush=True)


async def _serve(data: Path, slot: int) -> None:
    client = await Client.connect(data)
    await client.send(m.Watch(slot=slot))
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def obey() -> None:
        async for line in reader:
            about = json.loads(line)
            slots = about.pop("start")
            await asyncio.gather(*(_start(client, one, about) for one in slots))

    obeying = asyncio.create_task(obey())
    async for snapshot in client.bench():
        print(json.dumps({"version": snapshot.version}), flush=True)
    obeying.cancel()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
