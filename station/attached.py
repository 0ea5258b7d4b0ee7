"""One attached client as the engine sees it: a mailbox that is never waited for.

Replies are delivered in the order in which they are given; of snapshots only the newest is kept until the client takes
it. A client that stops reading keeps only its own task waiting, and loses nothing but versions in between. It knows
lines and no bench.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from pydantic import BaseModel

__all__ = ["Mailbox"]

#: Replies that may wait for a client; commands of a client that does not read them are not taken meanwhile.
MOST_REPLIES = 32


class Mailbox:
    """What waits for one client."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._replies: deque[bytes] = deque()
        self._newest: dict[str, bytes] = {}
        self._something, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self.watched: int | None = None
        self.gone = False

    async def reply(self, message: BaseModel) -> None:
        """Put a reply; waits (only this client's commands do) while too many are not taken."""
        await self._room.wait()
        self._replies.append(message.model_dump_json().encode() + b"\n")
        if len(self._replies) >= MOST_REPLIES:
            self._room.clear()
        self._something.set()

    def show(self, kind: str, line: bytes) -> None:
        """Put the newest snapshot of that kind in place of an older one. Never waits."""
        self._newest[kind] = line
        self._something.set()

    def forget(self, kind: str) -> None:
        """Take a snapshot back that was not taken yet."""
        self._newest.pop(kind, None)

    async def deliver(self) -> None:
        """Write to the client until it is gone."""
        with contextlib.suppress(ConnectionError):
            while not self.gone:
                await self._something.wait()
                self._something.clear()
                while self._replies or self._newest:
                    self._writer.write(self._next())
                    await self._writer.drain()
        self.leave()

    def _next(self) -> bytes:
        if self._replies:
            line = self._replies.popleft()
            self._room.set()
            return line
        return self._newest.pop(next(iter(self._newest)))

    def leave(self) -> None:
        """The client is gone: nothing is kept for it any more."""
        self.gone = True
        self._replies.clear()
        self._newest.clear()
        self._room.set()
        self._something.set()
        self._writer.close()
