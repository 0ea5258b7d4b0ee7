"""The phone's browser: GETs a page over a reversed port and shows it. It runs no script and loads no picture.

HTTP/1.1 is framed by hand because the page comes over an adb stream; what it cannot read it does not show.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from drivers.sim.adbd import Stream, StreamClosed
from drivers.sim.reverse import ReversedPorts

__all__ = ["fetch"]

_LIMIT = 16 * 1024 * 1024


async def fetch(url: str, ports: ReversedPorts, *, agent: str) -> str | None:
    """The page at `url` as text; None when nothing answers there or the answer is no page (a browser's error page)."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in ("localhost", "127.0.0.1"):
        return None
    try:
        stream = await ports.open(f"tcp:{parts.port or 80}")
    except StreamClosed:
        return None
    if stream is None:
        return None
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"User-Agent: {agent}",
            "Accept: text/html",
            "Connection: close",
        )
        await stream.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))
        return await _page(stream)
    except StreamClosed:
        return None
    finally:
        stream.close()


async def _page(stream: Stream) -> str | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = await stream.read()
        data += chunk
        if not chunk or len(data) > _LIMIT:
            return None
    head, _, body = data.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    length = int(headers["content-length"]) if headers.get("content-length", "").isdigit() else None
    while (length is None or len(body) < length) and len(body) <= _LIMIT:
        chunk = await stream.read()
        if not chunk:
            break
        body += chunk
    if status.split(" ")[1:2] != ["200"] or (length is not None and len(body) < length):
        return None
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _dechunked(body)
    return body[:length].decode("utf-8", "replace")


def _dechunked(body: bytes) -> bytes:
    out = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        count = int(size.split(b";")[0] or b"0", 16)
        if count == 0:
            break
        out += rest[:count]
        body = rest[count + 2 :]
    return out
