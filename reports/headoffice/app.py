"""Head office over HTTP: stations ask to be enrolled and send their records, and get signed receipts.

`create_app` is an ASGI application over one SQLite file. TLS ends in front of it (a proxy that keeps the path); plain
HTTP is for the loopback of a demo. Records prove themselves and each batch is signed by its station, so whoever listens
or repeats gains nothing but what the records say: that is what TLS is for.
"""

from __future__ import annotations

import hmac
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drivers.text import Words, safe_text
from reports.attest import Ed25519PrivateKey, key_id
from reports.headoffice.batch import MAX_BYTES, BatchError, read_batch
from reports.headoffice.ingest import HeadOffice
from reports.headoffice.request import STATION_HEADER, verify_request
from reports.headoffice.store import HeadOfficeError, HeadOfficeStore
from reports.request_body import BodyCut, BodyTooLarge, read_body

__all__ = ["ENVELOPE_TYPE", "create_app"]

#: Media type of a signed envelope in an answer.
ENVELOPE_TYPE = "application/vnd.in-toto+json"
#: An enrolment is under 3 kB.
MAX_ENROLMENT = 64_000
#: Seconds in which a whole body must arrive.
BODY_S = 60.0
#: Seconds that a station should wait when the store is busy.
BUSY_RETRY_S = 5

T = TypeVar("T")


def create_app(database: Path, signing_key: Ed25519PrivateKey, read_token: str | None = None) -> Starlette:
    """The receiving service over a database made by `create_head_office`.

    Arguments:
        signing_key: signs receipts; stations pin its public half.
        read_token: what `GET /v1/records` demands as a bearer token; None closes it.

    Raises:
        HeadOfficeError: the file is not a head office.
    """
    office = HeadOffice(HeadOfficeStore(database), signing_key)
    service = _Service(office, read_token)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        office.store.close()

    return Starlette(
        routes=[
            Route("/v1/health", service.health, methods=["GET"]),
            Route("/v1/key", service.key, methods=["GET"]),
            Route("/v1/stations", service.enrol, methods=["POST"]),
            Route("/v1/records", service.receive, methods=["POST"]),
            Route("/v1/records", service.export, methods=["GET"]),
        ],
        exception_handlers={
            HeadOfficeError: _refusal,
            BatchError: _not_a_batch,
            sqlite3.Error: _store_trouble,
            HTTPException: _plain,
        },
        lifespan=lifespan,
    )


class _Service:
    """The endpoints of one head office. What touches the store runs in a worker thread."""

    def __init__(self, office: HeadOffice, read_token: str | None) -> None:
        self._office, self._read_token = office, read_token

    async def health(self, request: Request) -> Response:
        """Whether the store answers, how much it holds, and the time here."""
        counts = await self._with_store(self._office.store.counts)
        return JSONResponse({"ok": True, "time_ms": self._office.now_ms(), **counts})

    async def key(self, request: Request) -> Response:
        """The public key to pin; compare its fingerprint by another way before trusting it."""
        public = self._office.public
        return JSONResponse(
            {
                "head_office": self._office.store.head_office,
                "simulated": self._office.store.simulated,
                "algorithm": "ed25519",
                "public": public.hex(),
                "key_id": key_id(public),
            }
        )

    async def enrol(self, request: Request) -> Response:
        """Take a station's enrolment record; 202 while it waits for approval."""
        envelope = await _body(request, MAX_ENROLMENT)
        station = await run_in_threadpool(self._office.enrol, envelope)
        return JSONResponse(
            {"station": station.station, "state": station.state, "head_office": self._office.store.head_office},
            status_code=200 if station.state == "approved" else 202,
        )

    async def receive(self, request: Request) -> Response:
        """Take a batch of records from the station that signed the request; gives the signed receipt."""
        body = await _body(request, MAX_BYTES)
        name = request.headers.get(STATION_HEADER, "")
        station = await run_in_threadpool(self._office.approved, name)
        wrong = verify_request(station.public, key_id(station.public), "POST", request.url.path, request.headers, body)
        if wrong:
            raise HeadOfficeError(
                "request-signature",
                401,
                Words("the request does not prove its station: {why}", "请求未能证明其工位身份：{why}").fill(why=wrong),
            )
        batch = await run_in_threadpool(read_batch, body)
        receipt = await run_in_threadpool(self._office.receive, name, batch)
        return Response(receipt, media_type=ENVELOPE_TYPE)

    async def export(self, request: Request) -> Response:
        """Rows of what is stored, as NDJSON, for who has the token; `after=STATION:SEQ` goes on from there."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._read_token is None or not hmac.compare_digest(given.encode(), self._read_token.encode()):
            raise HeadOfficeError("token", 403, Words("this needs head office's read token", "需要总部的读取令牌"))
        station, _, seq = request.query_params.get("after", "").rpartition(":")
        after = (station, int(seq) if seq.isascii() and seq.isdigit() and len(seq) < 17 else 0)
        rows = await self._with_store(lambda: self._office.store.rows(after))
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return Response("".join(lines), media_type="application/x-ndjson")

    async def _with_store(self, read: Callable[[], T]) -> T:
        def inside() -> T:
            with self._office.store.transaction():
                return read()

        return await run_in_threadpool(inside)


async def _body(request: Request, limit: int) -> bytes:
    try:
        return await read_body(request, limit=limit, deadline_s=BODY_S)
    except BodyTooLarge as error:
        words = Words("the body is over {n} bytes", "请求内容超过 {n} 字节").fill(n=limit)
        raise BatchError(words, too_large=True) from error
    except BodyCut as error:
        raise HeadOfficeError("body-cut", 408, Words("the body did not arrive whole", "请求内容未完整到达")) from error


def _problem(status: int, code: str, words: Words, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"code": code, **words._asdict()}, status_code=status, headers=headers)


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HeadOfficeError)  # noqa: S101 - registered for it
    return _problem(error.status, error.code, error.words)


async def _not_a_batch(request: Request, error: Exception) -> Response:
    assert isinstance(error, BatchError)  # noqa: S101 - registered for it
    return _problem(413 if error.too_large else 400, "batch", error.words)


async def _store_trouble(request: Request, error: Exception) -> Response:
    busy = getattr(error, "sqlite_errorname", "") in ("SQLITE_BUSY", "SQLITE_LOCKED")
    words = (
        Words("head office's store is busy", "总部数据库繁忙")
        if busy
        else Words("head office cannot store anything now", "总部暂时无法存储")
    )
    return _problem(503, "store", words, {"retry-after": str(BUSY_RETRY_S if busy else 60)})


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    detail = safe_text(error.detail)
    return _problem(error.status_code, "http", Words(detail, detail))
