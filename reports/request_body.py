"""Read the body of an HTTP request that anybody may have sent: at most so many bytes, in at most so many seconds.

Stands on Starlette's request. It knows neither what the bytes mean nor what the caller is answered: head office and a
listening station say that in their own words.
"""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

__all__ = ["BodyCut", "BodyTooLarge", "read_body"]


class BodyTooLarge(Exception):
    """The body is over the limit, by what is announced or by what has come."""


class BodyCut(Exception):
    """The body did not arrive whole: who sent it went away, or was too slow."""


async def read_body(request: Request, *, limit: int, deadline_s: float) -> bytes:
    """The body as it was sent; what follows a refusal stays unread.

    Arguments:
        limit: bytes, refused before a longer body is in memory; one that announces more is not read at all.
        deadline_s: seconds for all of it, so that a byte now and then keeps no request open.

    Raises:
        BodyTooLarge: it has more than `limit` bytes.
        BodyCut: it was not whole after `deadline_s`, or the connection ended before.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise BodyTooLarge
    parts, size = list[bytes](), 0
    try:
        async with asyncio.timeout(deadline_s):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise BodyTooLarge
                parts.append(part)
    except (TimeoutError, ClientDisconnect) as error:
        raise BodyCut from error
    return b"".join(parts)
