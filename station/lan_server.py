"""What this station does when another of the shop calls it: it hears who calls, takes a bundle in, hands one out.

An ASGI application behind mutual TLS. Pieces are kept in memory until the whole is there and its digest fits, so a
cable that is pulled leaves nothing behind; the same piece or the same bundle again is the same answer. It decides
nothing about records (`station.bundles`) and about keys (`station.lan`).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from drivers.api import Side
from drivers.text import Words
from reports.record import RecordError, digest_of, parse_strict
from reports.request_body import BodyCut, BodyTooLarge, read_body
from reports.verify import MAX_BUNDLE
from station.errors import EXIT_NO, Trouble
from station.lan_client import MAX_HELLO, PIECE
from station.lan_tls import Caller, caller_of

__all__ = ["Answers", "create_app", "listening"]

#: Bytes of all bundles that are on their way at once.
MAX_HELD = 4 * MAX_BUNDLE
#: Seconds that a bundle which stopped half-way is kept for whoever goes on.
HELD_S = 600.0
#: Seconds in which the body of a request must be there.
BODY_S = 30.0
#: Seconds that one connection lasts at most; a peer that goes on connects anew.
CONNECTION_S = 300.0
#: Connections at once; a shop has some ten stations.
CONNECTIONS = 32
#: Bundles whose answer is remembered, for a sender that did not hear it.
REMEMBERED = 64

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"bytes (0|[1-9][0-9]{0,11})-(0|[1-9][0-9]{0,11})/([1-9][0-9]{0,11})")
_FROM = re.compile(r"bytes=(0|[1-9][0-9]{0,11})-")


class Answers(Protocol):
    """What the station itself says."""

    async def introduced(self, caller: Caller, roster: Sequence[bytes]) -> tuple[bytes, ...]:
        """Judge who calls by the key events that it tells; gives this station's own. Raises Trouble."""

    def known(self, caller: Caller) -> None:
        """Raises Trouble when the caller was not introduced with this key, or is refused by now."""

    async def take(self, caller: Caller, bundle: bytes) -> dict[str, Any]:
        """Take in a bundle that is here as a whole. Raises Trouble."""

    async def hand(self, caller: Caller, ticket: str, evidence: bool, before: bytes) -> bytes:
        """The bundle of a ticket for the caller; `before` again when nothing has changed. Raises Trouble."""


@dataclass(slots=True)
class _Held:
    """A bundle on its way in or out. `total` is how many bytes it has."""

    digest: str
    total: int
    data: bytearray = field(default_factory=bytearray)
    at: float = field(default_factory=time.monotonic)


class _Pieces:
    """The bundles on their way: at most one of each caller, each for `HELD_S` after its last piece."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def of(self, caller: Caller) -> _Held | None:
        return self._held.get(caller.station)

    def begin(self, caller: Caller, digest: str, total: int) -> _Held:
        self._held[caller.station] = _Held(digest, total)
        self._look_later()
        return self._held[caller.station]

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(HELD_S, self._let_go)

    def _let_go(self) -> None:
        """Forget what nobody went on with; look again where somebody did."""
        now = time.monotonic()
        self._held = {name: one for name, one in self._held.items() if now - one.at < HELD_S}
        if self._held:
            self._look_later()

    def put(self, caller: Caller, held: _Held, piece: bytes) -> None:
        """Raises Trouble when too much is on its way at once."""
        if sum(len(one.data) for one in self._held.values()) + len(piece) > MAX_HELD:
            raise _refusal("busy", _BUSY, _LATER)
        held.data += piece
        held.at = time.monotonic()

    def drop(self, caller: Caller) -> None:
        self._held.pop(caller.station, None)


def create_app(answers: Answers) -> Starlette:
    """The application; each request's `state` holds the `caller` that TLS has shown (see `listening`)."""
    service = _Service(answers)
    return Starlette(
        routes=[
            Route("/v1/hello", service.hello, methods=["POST"]),
            Route("/v1/incoming/{digest}", service.how_far, methods=["GET"]),
            Route("/v1/incoming/{digest}", service.piece, methods=["PUT"]),
            Route("/v1/outgoing", service.prepare, methods=["POST"]),
            Route("/v1/outgoing/{digest}", service.give, methods=["GET"]),
        ],
        exception_handlers={Trouble: _told, HTTPException: _plain},
    )


class _Service:
    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._incoming, self._outgoing = _Pieces(), _Pieces()
        self._taking: dict[str, asyncio.Lock] = {}
        self._done: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()

    async def hello(self, request: Request) -> Response:
        """Both sides tell their key events."""
        told = _parsed(await _body(request, MAX_HELLO))
        match told:
            case {"roster": list(roster), **more} if not more and all(isinstance(one, str) for one in roster):
                mine = await self._answers.introduced(_caller(request), [one.encode() for one in roster])
                return JSONResponse({"roster": [one.decode() for one in mine]})
        raise _refusal("form", _FORM, _SAME_VERSION)

    async def how_far(self, request: Request) -> Response:
        """How many bytes of a bundle are here, and what came of it if it was taken in."""
        caller, digest = self._asked(request)
        held = self._incoming.of(caller)
        have = len(held.data) if held is not None and held.digest == digest else 0
        return JSONResponse({"have": have, "done": self._done.get((caller.station, digest))})

    async def piece(self, request: Request) -> Response:
        """The next piece of a bundle; with the last one it is taken in."""
        caller, digest = self._asked(request)
        body = await _body(request, PIECE)
        async with self._taking.setdefault(caller.station, asyncio.Lock()):
            done = self._done.get((caller.station, digest))
            if done is None:
                done = await self._piece(caller, digest, request.headers.get("content-range", ""), body)
            held = self._incoming.of(caller)
            return JSONResponse({"have": len(held.data) if held is not None else 0, "done": done})

    async def _piece(self, caller: Caller, digest: str, part: str, body: bytes) -> dict[str, Any] | None:
        match = _PART.fullmatch(part)
        first, last, total = map(int, match.groups()) if match else (0, 0, 0)
        if not match or last - first + 1 != len(body) or last >= total:
            raise _refusal("form", _FORM, _SAME_VERSION)
        if total > MAX_BUNDLE:
            raise _refusal("too-large", _TOO_LARGE.fill(n=MAX_BUNDLE >> 20), _LESS)
        held = self._incoming.of(caller)
        if held is None or (held.digest, held.total) != (digest, total):
            held = self._incoming.begin(caller, digest, total)
        if first != len(held.data):
            return None  # `have` says where to go on
        self._incoming.put(caller, held, body)
        if len(held.data) < total:
            return None
        self._incoming.drop(caller)
        whole = bytes(held.data)
        if await asyncio.to_thread(digest_of, whole) != digest:
            raise _refusal("garbled", _GARBLED, _AGAIN)
        done = await self._answers.take(caller, whole)
        self._done[caller.station, digest] = done
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        return done

    async def prepare(self, request: Request) -> Response:
        """Make the bundle of a ticket for the caller, and keep it until it is fetched."""
        caller = _caller(request)
        self._answers.known(caller)
        match _parsed(await _body(request, PIECE)):
            case {"ticket": str(ticket), "evidence": bool(evidence), **more} if not more:
                before = self._outgoing.of(caller)
                data = await self._answers.hand(caller, ticket, evidence, bytes(before.data) if before else b"")
                digest = await asyncio.to_thread(digest_of, data)
                held = self._outgoing.begin(caller, digest, len(data))
                self._outgoing.put(caller, held, data)
                return JSONResponse({"sha256": held.digest, "bytes": held.total})
        raise _refusal("form", _FORM, _SAME_VERSION)

    async def give(self, request: Request) -> Response:
        """A piece of what was prepared, from `Range: bytes=N-` on."""
        caller, digest = self._asked(request)
        held, wanted = self._outgoing.of(caller), _FROM.fullmatch(request.headers.get("range", ""))
        if held is None or held.digest != digest:
            raise _refusal("gone", _GONE, _AGAIN)
        first = int(wanted[1]) if wanted else held.total
        if first >= held.total:
            raise _refusal("form", _FORM, _SAME_VERSION)
        piece = bytes(held.data[first : first + PIECE])
        held.at = time.monotonic()
        part = f"bytes {first}-{first + len(piece) - 1}/{held.total}"
        return Response(piece, 206, {"content-range": part}, "application/octet-stream")

    def _asked(self, request: Request) -> tuple[Caller, str]:
        caller, digest = _caller(request), str(request.path_params["digest"])
        self._answers.known(caller)
        if not _DIGEST.fullmatch(digest):
            raise _refusal("form", _FORM, _SAME_VERSION)
        return caller, digest


def _caller(request: Request) -> Caller:
    caller = request.scope.get("state", {}).get("caller")
    if not isinstance(caller, Caller):
        raise _refusal("unknown", _UNKNOWN, _SAME_VERSION)
    return caller


async def _body(request: Request, limit: int) -> bytes:
    try:
        return await read_body(request, limit=limit, deadline_s=BODY_S)
    except BodyTooLarge as error:
        raise _refusal("too-large", _TOO_LARGE.fill(n=limit >> 20), _LESS) from error
    except BodyCut as error:
        raise _refusal("cut", _CUT, _AGAIN) from error


def _parsed(body: bytes) -> Mapping[str, Any]:
    with contextlib.suppress(RecordError):
        told = parse_strict(body, MAX_HELLO)
        if isinstance(told, dict):
            return told
    raise _refusal("form", _FORM, _SAME_VERSION)


def _refusal(code: str, what: Words, next_step: Words) -> Trouble:
    return Trouble(f"lan.{code}", what, Side.BENCH, next_step, EXIT_NO)


#: The statuses of troubles that the caller's program acts on; of all others a person hears.
_STATUS = {"lan.introduce": 401, "lan.gone": 404, "lan.busy": 503, "lan.cut": 503}


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, Trouble)  # noqa: S101 - registered for it
    status = _STATUS.get(error.code, 409)
    said = {"code": error.code, "what": list(error.what), "next_step": list(error.next_step)}
    return JSONResponse(said, status)


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    said = {"code": "lan.form", "what": list(_FORM), "next_step": list(_SAME_VERSION)}
    return JSONResponse(said, error.status_code)


# --- the socket ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def listening(app: ASGIApp, tls: ssl.SSLContext, host: str, port: int) -> AsyncIterator[str]:
    """Serve the application behind mutual TLS as long as the block lasts; gives `HOST:PORT`.

    Raises:
        OSError: the address can't be listened on.
    """
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from reports.headoffice.serve import serving

    class Connection(H11Protocol):
        """Tells the application whose certificate the connection showed, and ends after `CONNECTION_S`."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            shown = transport.get_extra_info("ssl_object")
            self.app = _with_caller(self.app, caller_of(shown.getpeercert(True) if shown else None))
            asyncio.get_running_loop().call_later(CONNECTION_S, transport.abort)

    options = {"http": Connection, "lifespan": "off", "limit_concurrency": CONNECTIONS, "timeout_graceful_shutdown": 2}
    async with serving(app, host, port, tls=tls, **options) as url:
        yield url.removeprefix("https://")


def _with_caller(app: Callable[..., Awaitable[None]], caller: Caller | None) -> Callable[..., Awaitable[None]]:
    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["caller"] = caller
        await app(scope, receive, send)

    return told


_UNKNOWN = Words("The certificate is of no station", "证书不属于任何工位")
_FORM = Words("The other station does not understand this", "对方工位无法识别该请求")
_SAME_VERSION = Words("Use the same version of Assay on both", "请在两端使用相同版本的程序")
_TOO_LARGE = Words("The other station takes {n} MiB at most", "对方工位最多接收 {n} MiB")
_LESS = Words("Send it without --evidence", "请勿使用 --evidence")
_GARBLED = Words("What arrived is not what was sent", "收到的内容与发送的不一致")
_AGAIN = Words("Nothing was stored; do it again", "未保存任何内容，请重试")
_GONE = Words("The other station has made it anew or let it go", "对方工位已重新生成或不再保留")
_CUT = Words("It did not arrive whole", "内容未完整到达")
_BUSY = Words("Too many tickets are on their way at once", "同时传送的工单过多")
_LATER = Words("Try again in a minute", "请稍后重试")
