"""The phone's end of an adb connection: the handshake, authorisation, and streams with their flow control.

Stands on `wire` and `adbkey`. What a stream carries is none of its business: every OPEN goes to the phone behind the
`Host` protocol, which answers with a coroutine that serves the stream, or refuses.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from drivers.sim import wire
from drivers.sim.adbkey import TOKEN_SIZE, HostKey, parse_host_key

__all__ = ["Connection", "Host", "Stream", "StreamClosed"]

_HIGH_WATER = 256 * 1024
"""Bytes a stream may hold back before its writer has to wait."""


class StreamClosed(Exception):
    """The other end has closed the stream, or the connection is gone."""


class Host(Protocol):
    """What a connection needs of the phone behind it."""

    @property
    def version(self) -> int:
        """The newest protocol version this phone speaks."""
        ...

    @property
    def max_payload(self) -> int:
        """The largest payload this phone takes."""
        ...

    @property
    def banner(self) -> str:
        """What the phone says of itself in CNXN, with state, properties and features."""
        ...

    @property
    def demands_authorisation(self) -> bool:
        """Whether a host must prove that it owns a trusted key."""
        ...

    def trusts(self, token: bytes, signature: bytes) -> bool:
        """Whether a trusted key has signed the token."""
        ...

    async def offered_key(self, key: HostKey) -> bool:
        """Ask the person at the phone; True once they allow the key, False when they refuse."""
        ...

    def service(self, stream: Stream, name: str) -> Coroutine[Any, Any, None] | None:
        """The coroutine that serves an opened stream, or None to refuse it."""
        ...

    def connected(self, connection: Connection) -> None:
        """A host has connected (not authorised yet)."""
        ...

    def disconnected(self, connection: Connection) -> None:
        """The connection has ended, whoever ended it."""
        ...


class Stream:
    """One stream of a connection, whoever opened it; one write is under way until the other end says OKAY.

    Attributes:
        local_id, remote_id: what each end calls it.
        connection: what it runs over.
        closed: whether it is over.
        spoil: what every write goes through when something is made to go wrong; it calls `put` in the end.
    """

    def __init__(self, connection: Connection, local_id: int) -> None:
        self.local_id, self.remote_id = local_id, 0
        self.closed = False
        self.connection = connection
        self._outgoing = bytearray()
        self.spoil: Callable[[bytes], Awaitable[None]] | None = None
        self._credit = False
        self._incoming: list[bytes] = []
        self._changed = asyncio.Event()

    def accept(self) -> None:
        """Say OKAY to a stream that the host has opened; from now on it may be written to."""
        if not self.closed:
            self._credit = True
            self.connection.send(wire.OKAY, self.local_id, self.remote_id)
            self._pump()

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while too much is held back. Raises `StreamClosed` when nobody takes them any more."""
        await (self.put(data) if self.spoil is None else self.spoil(data))

    async def put(self, data: bytes) -> None:
        """Send bytes as they are, whatever is made to go wrong."""
        if self.closed:
            raise StreamClosed
        self._outgoing += data
        self._pump()
        while len(self._outgoing) > _HIGH_WATER:
            await self._change()

    async def established(self) -> None:
        """Wait until the other end has accepted a stream that we opened; raises `StreamClosed` when it refuses."""
        while not self._credit:
            await self._change()

    async def read(self) -> bytes:
        """The next bytes from the other end, acknowledged as they are handed out; b"" once it has closed."""
        while not self._incoming:
            if self.closed:
                return b""
            await self._wait()
        data = self._incoming.pop(0)
        if not self.closed:
            self.connection.send(wire.OKAY, self.local_id, self.remote_id)
        return data

    async def finish(self) -> None:
        """Send what is left, then close; as adbd, without waiting for the OKAY of the last piece."""
        with contextlib.suppress(StreamClosed):
            while self._outgoing:
                await self._change()
        self.close()

    def close(self) -> None:
        """Close at once; what was held back is lost."""
        if not self.closed:
            self.connection.send(wire.CLSE, self.local_id, self.remote_id)
            self.connection.forget(self)

    async def _change(self) -> None:
        if self.closed:
            raise StreamClosed
        await self._wait()
        if self.closed:
            raise StreamClosed

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _pump(self) -> None:
        if self._credit and self._outgoing:
            size = self.connection.max_payload
            chunk = bytes(self._outgoing[:size])
            del self._outgoing[:size]
            self._credit = False
            self.connection.send(wire.WRTE, self.local_id, self.remote_id, chunk)

    def on_okay(self, remote_id: int) -> None:
        """The other end took the last write (or the open)."""
        self.remote_id, self._credit = remote_id, True
        self._pump()
        self._changed.set()

    def on_data(self, data: bytes) -> None:
        """Bytes came from the other end."""
        self._incoming.append(data)
        self._changed.set()

    def on_closed(self) -> None:
        """The stream has ended: wake everybody who waits for it."""
        self.closed = True
        self._changed.set()


class Connection(asyncio.Protocol):
    """One TCP connection of an adb server to a phone."""

    def __init__(self, host: Host) -> None:
        self.max_payload = wire.MAX_PAYLOAD_V1
        self.online = False
        self._host = host
        self._reader = wire.PacketReader()
        self._transport: asyncio.Transport | None = None
        self._checksum = True
        self._streams: dict[int, Stream] = {}
        self._next_id = 1
        self._token = b""
        self._tasks: set[asyncio.Task[None]] = set()

    # -- asyncio.Protocol ---------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - create_server gives nothing else
        self._transport = transport
        self._host.connected(self)

    def data_received(self, data: bytes) -> None:  # noqa: D102
        self._reader.feed(data)
        try:
            while (packet := self._reader.next()) is not None:
                self._handle(packet)
        except wire.WireError:
            self.abort()  # as adbd does: a broken packet ends the connection

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self._transport, self.online = None, False
        for stream in list(self._streams.values()):
            self.forget(stream)
        for task in list(self._tasks):
            task.cancel()
        self._host.disconnected(self)

    # -- for the phone ------------------------------------------------------------------------------------------------
    def abort(self) -> None:
        """Break the connection as a pulled cable does."""
        if self._transport is not None:
            self._transport.abort()

    def send(self, command: int, arg0: int, arg1: int, payload: bytes = b"") -> None:
        """Send one packet; into the void when the connection is gone."""
        if self._transport is not None:
            self._transport.write(wire.pack(command, arg0, arg1, payload, checksum=self._checksum))

    def forget(self, stream: Stream) -> None:
        """The stream is over."""
        self._streams.pop(stream.local_id, None)
        stream.on_closed()

    async def open(self, service: str) -> Stream:
        """Open a stream to the host (a reversed port); raises `StreamClosed` when the host refuses."""
        stream = self._new_stream()
        self.send(wire.OPEN, stream.local_id, 0, service.encode() + b"\0")
        await stream.established()
        return stream

    # -- packets ------------------------------------------------------------------------------------------------------
    def _handle(self, packet: wire.Packet) -> None:
        if packet.command == wire.CNXN:
            self._on_connect(packet)
        elif packet.command == wire.AUTH:
            self._on_auth(packet)
        elif self.online:
            self._on_stream_packet(packet)

    def _on_stream_packet(self, packet: wire.Packet) -> None:
        if packet.command == wire.OPEN:
            self._on_open(packet.arg0, packet.payload)
            return
        stream = self._streams.get(packet.arg1)
        if stream is None:
            if packet.command == wire.WRTE:
                self.send(wire.CLSE, 0, packet.arg0)
        elif packet.command == wire.OKAY:
            stream.on_okay(packet.arg0)
        elif packet.command == wire.WRTE:
            stream.on_data(packet.payload)
        elif packet.command == wire.CLSE:
            self.forget(stream)

    def _on_connect(self, packet: wire.Packet) -> None:
        for stream in list(self._streams.values()):
            self.forget(stream)
        version = min(packet.arg0, self._host.version)
        self.max_payload = min(packet.arg1, self._host.max_payload)
        self._reader.checksum = self._checksum = version < wire.VERSION_NO_CHECKSUM
        if self._host.demands_authorisation:
            self._ask_for_signature()
        else:
            self._go_online()

    def _on_auth(self, packet: wire.Packet) -> None:
        if packet.arg0 == wire.AUTH_SIGNATURE:
            if self._token and self._host.trusts(self._token, packet.payload):
                self._go_online()
            else:
                self._ask_for_signature()
        elif packet.arg0 == wire.AUTH_PUBLIC_KEY:
            try:
                key = parse_host_key(packet.payload.decode("utf-8", "replace"))
            except ValueError:
                return  # as adbd: a key that is none is logged and left unanswered
            self._spawn(self._ask_person(key))

    def _ask_for_signature(self) -> None:
        self._token = os.urandom(TOKEN_SIZE)
        self.send(wire.AUTH, wire.AUTH_TOKEN, 0, self._token)

    async def _ask_person(self, key: HostKey) -> None:
        if await self._host.offered_key(key):
            self._go_online()

    def _go_online(self) -> None:
        # The first CNXN always carries its sum: the peer has not read our version yet.
        checksum, self._checksum = self._checksum, True
        self.send(wire.CNXN, self._host.version, self._host.max_payload, self._host.banner.encode())
        self._checksum, self._token, self.online = checksum, b"", True

    def _on_open(self, remote_id: int, payload: bytes) -> None:
        name = payload.rstrip(b"\0").decode("utf-8", "replace")
        stream = self._new_stream()
        stream.remote_id = remote_id
        serving = self._host.service(stream, name)
        if serving is None:
            self._streams.pop(stream.local_id)
            self.send(wire.CLSE, 0, remote_id)
        else:
            self._spawn(self._serve(stream, serving))

    async def _serve(self, stream: Stream, serving: Coroutine[Any, Any, None]) -> None:
        try:
            await serving
            await stream.finish()
        except StreamClosed:
            return
        finally:
            stream.close()

    def _new_stream(self) -> Stream:
        stream = Stream(self, self._next_id)
        self._streams[self._next_id] = stream
        self._next_id += 1
        return stream

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
