"""The seam between processes of one station: a local socket that only its owner can open.

A unix socket of mode 0600 in the data folder; on systems without one a loopback port and a token in a private file.
It carries lines and knows no message.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
import secrets
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

__all__ = ["LONGEST", "dial", "listen", "remove"]

SOCKET = "engine.sock"
TOKEN = "engine.port"  # noqa: S105 - a file name
#: Bytes of the longest line: raw evidence of 4 MiB in base64, and room.
LONGEST = 16 * 1024 * 1024
#: sun_path of Linux holds 108 bytes; deeper folders are named through an open descriptor.
_SUN_PATH = 100
_HAS_UNIX = hasattr(socket, "AF_UNIX")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.contextmanager
def _address(folder: Path) -> Iterator[str]:
    path = folder / SOCKET
    if len(os.fsencode(path)) <= _SUN_PATH:
        yield str(path)
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


async def listen(folder: Path, serve: Serve) -> asyncio.Server:
    """Listen for clients of the station in `folder`. The caller holds the engine's lock, so what is there is stale."""
    if not _HAS_UNIX:
        return await _listen_on_loopback(folder, serve)
    remove(folder)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with _address(folder) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    return await asyncio.start_unix_server(serve, sock=listener, limit=LONGEST)


async def dial(folder: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Reach the engine of the station in `folder`.

    Raises:
        OSError: nobody listens there.
    """
    if not _HAS_UNIX:
        return await _dial_loopback(folder)
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.setblocking(False)
    try:
        with _address(folder) as address:
            await asyncio.get_running_loop().sock_connect(peer, address)
        return await asyncio.open_unix_connection(sock=peer, limit=LONGEST)
    except BaseException:
        peer.close()
        raise


def remove(folder: Path) -> None:
    """Take away the socket (or port file) of an engine that is not there any more."""
    path = folder / SOCKET
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
    with contextlib.suppress(FileNotFoundError):
        (folder / TOKEN).unlink()


# --- where there is no unix socket (untested on Windows) -------------------------------------------------------------


async def _listen_on_loopback(folder: Path, serve: Serve) -> asyncio.Server:
    token = secrets.token_hex(32)

    async def checked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.readline()
        if hmac.compare_digest(said.strip(), token.encode()):
            await serve(reader, writer)
        else:
            writer.close()

    server = await asyncio.start_server(checked, "127.0.0.1", 0, limit=LONGEST)
    port = server.sockets[0].getsockname()[1]
    from station.settings import write_private

    write_private(folder / TOKEN, f"{port} {token}\n".encode())
    return server


async def _dial_loopback(folder: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    from station.settings import read_private  # loads cryptography, which a screen's first paint must not wait for

    port, token = read_private(folder / TOKEN).decode().split()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port), limit=LONGEST)
    writer.write(token.encode() + b"\n")
    return reader, writer
