"""Bodies over a real socket: too large, cut, and from clients that stop or never stop sending."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from reports.headoffice.serve import serving
from reports.request_body import BodyCut, BodyTooLarge, read_body

LIMIT = 100_000


@dataclass
class Reader:
    """An application that reads each request's body, keeps what came of it, and answers 200 or 400."""

    deadline_s: float = 30.0
    came: list[bytes | Exception] = field(default_factory=list)
    taken: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            message = await receive()
            self.taken += len(message.get("body", b""))
            return message

        try:
            body = await read_body(Request(scope, counted), limit=LIMIT, deadline_s=self.deadline_s)
            self.came.append(body)
        except (BodyTooLarge, BodyCut) as error:
            self.came.append(error)
        self.done.set()
        status = 200 if isinstance(self.came[-1], bytes) else 400
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def sent_to(reader: Reader, *head: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the reader on which a POST with these headers has begun."""
    async with serving(reader) as url:
        host, port = url.removeprefix("http://").split(":")
        answer, way = await asyncio.open_connection(host, int(port))
        way.write("\r\n".join(["POST / HTTP/1.1", "Host: x", *head, "", ""]).encode())
        try:
            yield answer, way
        finally:
            way.transport.abort()


async def status(answer: asyncio.StreamReader) -> int:
    async with asyncio.timeout(20):
        return int((await answer.readline()).split()[1])


@pytest.mark.parametrize("size", [0, 1, LIMIT])
async def test_a_body_up_to_the_limit_is_read_as_it_was_sent(size: int) -> None:
    reader, data = Reader(), bytes(range(256)) * (LIMIT // 256 + 1)
    async with sent_to(reader, f"Content-Length: {size}") as (answer, way):
        way.write(data[:size])
        assert await status(answer) == 200
    assert reader.came == [data[:size]]


async def test_a_body_in_chunks_is_read_as_a_whole() -> None:
    reader = Reader()
    async with sent_to(reader, "Transfer-Encoding: chunked") as (answer, way):
        way.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert await status(answer) == 200
    assert reader.came == [b"abcde"]


@pytest.mark.parametrize("announced", [str(LIMIT + 1), "9" * 20])
async def test_one_that_announces_more_is_refused_before_a_byte_of_it_is_read(announced: str) -> None:
    reader = Reader()
    async with sent_to(reader, f"Content-Length: {announced}") as (answer, _):
        assert await status(answer) == 400
    assert isinstance(reader.came[0], BodyTooLarge)
    assert reader.taken == 0


async def test_one_that_never_ends_is_refused_as_soon_as_it_is_over_the_limit() -> None:
    reader = Reader()
    async with sent_to(reader, "Transfer-Encoding: chunked") as (answer, way):
        flood = asyncio.create_task(_flood(way))
        assert await status(answer) == 400
        flood.cancel()
    assert isinstance(reader.came[0], BodyTooLarge)
    assert reader.taken <= LIMIT + 2**20  # what the socket had handed over by then


async def _flood(way: asyncio.StreamWriter) -> None:
    while True:
        way.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await way.drain()


async def test_a_client_that_stops_sending_is_given_up_after_the_deadline() -> None:
    reader = Reader(deadline_s=0.05)
    async with sent_to(reader, "Content-Length: 10") as (answer, way):
        way.write(b"abc")
        assert await status(answer) == 400
    assert isinstance(reader.came[0], BodyCut)
    assert isinstance(reader.came[0].__cause__, TimeoutError)


async def test_a_byte_now_and_then_does_not_put_the_deadline_off() -> None:
    reader = Reader(deadline_s=0.1)
    async with sent_to(reader, f"Content-Length: {LIMIT}") as (answer, way):
        drip = asyncio.create_task(_drip(way))
        assert await status(answer) == 400
        drip.cancel()
    assert isinstance(reader.came[0], BodyCut)
    assert reader.taken > 0


async def _drip(way: asyncio.StreamWriter) -> None:
    while True:
        way.write(b"x")
        await asyncio.sleep(0.01)


async def test_a_connection_that_is_cut_leaves_no_half_body() -> None:
    reader = Reader()
    async with sent_to(reader, "Content-Length: 10") as (_, way):
        way.write(b"abc")
        await way.drain()
        way.transport.abort()
        async with asyncio.timeout(20):
            await reader.done.wait()
    assert isinstance(reader.came[0], BodyCut)
    assert isinstance(reader.came[0].__cause__, ClientDisconnect)


@pytest.mark.parametrize("announced", ["²", "٣", "-1", "1e9", "", " "])
async def test_a_length_that_is_no_number_is_left_to_the_bytes_that_come(announced: str) -> None:
    """Not every server looks at it before the application does."""
    messages: list[Message] = [{"type": "http.request", "body": b"abc", "more_body": False}]

    async def receive() -> Message:
        return messages.pop(0)

    scope = {"type": "http", "headers": [(b"content-length", announced.encode("latin-1", "replace"))]}
    assert await read_body(Request(scope, receive), limit=LIMIT, deadline_s=30.0) == b"abc"
