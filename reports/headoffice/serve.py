"""Serve a head office on this machine: for a demo, for tests, and for `assay headoffice serve`.

Stands on uvicorn. The socket is bound before anything else is started, so the address that is given out is the one that
answers, also with port 0.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from reports.attest import Ed25519PrivateKey
from reports.headoffice.app import create_app

__all__ = ["running", "serving"]


@asynccontextmanager
async def running(
    database: Path,
    key: Ed25519PrivateKey,
    host: str = "127.0.0.1",
    port: int = 0,
    read_token: str | None = None,
) -> AsyncIterator[str]:
    """A head office over `database` (made by `create_head_office`), as long as the block lasts; gives its address.

    Raises:
        HeadOfficeError: the file is not a head office.
        OSError: the port is taken.
    """
    async with serving(create_app(database, key, read_token), host, port) as url:
        yield url


@asynccontextmanager
async def serving(
    app: ASGIApp, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[str]:
    """Any ASGI application in this event loop, as long as the block lasts; gives its address.

    Args:
        tls: serve HTTPS by this context.
        options: further settings of uvicorn.

    Raises:
        OSError: the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listening:
        usual = {"log_level": "warning", "access_log": False, "server_header": False, "timeout_graceful_shutdown": 5}
        config = uvicorn.Config(app, **{**usual, **options})
        config.load()
        config.ssl = tls  # uvicorn would make one from files
        server = _Server(config)
        serve = asyncio.create_task(server.serve([listening]))
        begun = asyncio.create_task(server.begun.wait())
        try:
            await asyncio.wait({serve, begun}, return_when=asyncio.FIRST_COMPLETED)
            if serve.done():
                serve.result()
            name = f"[{host}]" if family == socket.AF_INET6 else host
            yield f"{'https' if tls else 'http'}://{name}:{listening.getsockname()[1]}"
        finally:
            begun.cancel()
            server.should_exit = True
            await serve


class _Server(uvicorn.Server):
    """uvicorn that says when it listens and leaves signals alone: the program around it decides when to end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does; then `begun` is set."""
        await super().startup(sockets)
        self.begun.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal handlers."""
        yield
