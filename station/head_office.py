"""How head office is asked: one request at a time, bounded in time and size, and what its answers mean to a person.

Nothing here decides that a record was received: only a verified receipt does (`station.outbox`). Redirects are never
followed and no answer's text is trusted further than to be shown, made inert. It knows no store.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.api import Side
from drivers.text import Words, safe_text
from reports.attest import Ed25519PrivateKey, check_public_key, key_id, open_record, public_raw
from reports.headoffice.request import sign_request
from reports.predicates import KeyEventV1
from reports.record import RecordError
from station.errors import EXIT_USE, Trouble
from station.settings import Settings

if TYPE_CHECKING:
    import httpx

__all__ = [
    "HeadOfficeKey",
    "NotNow",
    "connection",
    "forged",
    "head_office_key",
    "left_waiting",
    "no_head_office",
    "older_receipt",
    "other_history",
    "post_batch",
    "request_enrolment",
    "rotations",
    "tell_new_key",
    "too_large",
]

#: The most bytes of an answer: a receipt for 200 records is under 100 kB, with 200 reasons under 300 kB.
MAX_ANSWER = 1_000_000
#: Seconds in which one batch must be sent and answered in full.
REQUEST_S = 90.0


class NotNow(Exception):
    """A batch was not answered with a receipt that can be trusted.

    Attributes:
        trouble: what to tell a person.
        retry_after_s: how long head office asks to wait, None when it does not say.
        smaller: fewer records at once may help: they were too much, or did not get through in time.
        alone: it is about one record, and others need not wait for it.
    """

    def __init__(
        self, trouble: Trouble, retry_after_s: float | None = None, *, smaller: bool = False, alone: bool = False
    ) -> None:
        super().__init__(str(trouble))
        self.trouble, self.retry_after_s, self.smaller, self.alone = trouble, retry_after_s, smaller, alone


@asynccontextmanager
async def connection() -> AsyncIterator[httpx.AsyncClient]:
    """A client for head office; a shop's proxy settings are honoured, redirects are not followed.

    Made in a thread: httpx takes 0.4 s to import and 0.1 s to read the certificates, and the loop serves phones.
    """
    http = await asyncio.to_thread(_client)
    try:
        yield http
    finally:
        await http.aclose()


def _client() -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(follow_redirects=False, timeout=httpx.Timeout(REQUEST_S, connect=10.0))


async def post_batch(http: httpx.AsyncClient, settings: Settings, key: Ed25519PrivateKey, body: bytes) -> bytes:
    """Send a batch signed by the station; gives the body of a 200, which is not verified yet.

    Raises:
        NotNow: everything else, with the reason.
    """
    import httpx

    url = httpx.URL(f"{settings.head_office}/v1/records")
    headers = sign_request(key, key_id(public_raw(key)), "POST", url.path, settings.station, body, int(time.time()))
    headers["content-type"] = "application/x-ndjson"
    try:
        async with asyncio.timeout(REQUEST_S), http.stream("POST", url, content=body, headers=headers) as response:
            answer = await _limited(response)
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
        in_vain = isinstance(error, (httpx.WriteTimeout, httpx.ReadTimeout, TimeoutError))
        raise NotNow(_unreachable(settings.head_office, error), smaller=in_vain) from error
    if response.status_code == 200:
        return answer
    raise _not_now(response, answer)


async def _limited(response: httpx.Response) -> bytes:
    """The whole body, if it is not larger than any receipt can be."""
    import httpx

    parts, size = list[bytes](), 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_ANSWER:
            raise httpx.DecodingError("the answer is larger than any receipt")
        parts.append(part)
    return b"".join(parts)


# --- what went wrong, and whose side it is on ------------------------------------------------------------------------

_NOTHING_LOST = Words(
    "nothing is lost: work goes on here, and sending is tried again by itself",
    "数据不会丢失：检测照常进行，系统会自动重试",
)
_TAKE_LARGER = Words(
    "ask head office to take requests of 1 MB, there and in whatever stands before it; it is tried again by itself and"
    " nothing is lost",
    "请总部将其服务及前置网络的请求上限调到 1 MB；系统会自动重试，数据不会丢失",
)
_CALL = Words(
    "call head office; nothing was marked as received, all of it stays here",
    "请联系总部；未标记任何已收，数据均保留在本工位",
)


def _trouble(code: str, what: Words, next_step: Words, side: Side = Side.HEAD_OFFICE) -> Trouble:
    return Trouble(f"upload.{code}", what, side, next_step)


def no_head_office() -> Trouble:
    """There is none to send to."""
    return Trouble(
        "upload.none",
        Words("this station has no head office", "本工位未设置总部"),
        Side.PERSON,
        Words("name one: assay station enrol --head-office URL", "请设置：assay station enrol --head-office URL"),
        EXIT_USE,
    )


def _unreachable(url: str, error: BaseException, next_step: Words = _NOTHING_LOST) -> Trouble:
    what = Words("head office does not answer at {url} ({why})", "总部 {url} 无响应（{why}）")
    return _trouble("unreachable", what.fill(url=url, why=type(error).__name__), next_step)


def too_large(seq: int, ticket: str, size: int) -> Trouble:
    """One record is larger than head office, or something on the way, takes at once."""
    what = Words(
        "record {seq} ({ticket}, {size} bytes) alone is too large for head office or something on the way; the others"
        " are sent",
        "第 {seq} 条记录（{ticket}，{size} 字节）单独发送也超过总部或中间网络的上限；其余记录照常发送",
    )
    return _trouble("too-large", what.fill(seq=seq, ticket=ticket or "-", size=size), _TAKE_LARGER)


def left_waiting(next_expected: int) -> Trouble:
    """Head office answered, and said nothing of any record that was sent."""
    what = Words("head office wants record {seq} first", "总部要求先收到记录 {seq}")
    return _trouble("gap", what.fill(seq=next_expected), _NOTHING_LOST)


def forged(why: Words) -> Trouble:
    """The receipt is not head office's, or not for what was sent."""
    what = Words("the receipt cannot be trusted: it {en}", "回执不可信：{zh}").fill(en=why.en, zh=why.zh)
    return _trouble("receipt", what, _CALL)


def older_receipt() -> Trouble:
    """The receipt is of an earlier time than one that is here: it was overtaken, or the clock there went back."""
    what = Words("head office's receipt is older than the one before it", "总部回执的时间早于上一份回执")
    return _trouble("receipt-order", what, _NOTHING_LOST)


def other_history(size: int) -> Trouble:
    """The receipt pins a ledger that is not this one."""
    what = Words(
        "head office has another history of this station's first {n} records",
        "总部保存的本工位前 {n} 条记录与本机不一致",
    )
    return _trouble("history", what.fill(n=size), _CALL)


#: What head office's own refusals of a whole request ask for.
_REFUSALS = {
    "station-pending": Words("ask head office to approve this station", "请联系总部批准本工位"),
    "station-unknown": Words(
        "enrol there: assay station enrol --head-office URL", "请先注册：assay station enrol --head-office URL"
    ),
    "station-refused": Words("call head office", "请联系总部"),
    "request-signature": Words(
        "check that no proxy changes requests, and call head office", "请检查代理是否改写请求，并联系总部"
    ),
}


#: 408: the request did not arrive in time; 504: a proxy waited in vain (RFC 9110, 15.5.9 and 15.6.5).
_NOT_IN_TIME = (408, 504)


def _not_now(response: httpx.Response, answer: bytes) -> NotNow:
    """What an answer other than 200 means."""
    status = response.status_code
    code, said = _problem(answer)
    retry_after_s = _retry_after_s(response.headers.get("retry-after", ""))
    if status == 413:
        what = Words("head office takes smaller batches", "总部要求更小的批次")
        return NotNow(_trouble("too-large", what, _NOTHING_LOST), retry_after_s, smaller=True)
    if status in _NOT_IN_TIME:
        what = Words(
            "what was sent did not arrive in time (head office answers {status})", "发送超时（总部返回 {status}）"
        )
        return NotNow(_trouble("slow", what.fill(status=status), _NOTHING_LOST), retry_after_s, smaller=True)
    if 300 <= status < 400:
        what = Words("head office's address points elsewhere; that is not followed", "总部地址被重定向，不予跟随")
        return NotNow(_trouble("redirect", what, Words("check the address with head office", "请与总部核对地址")))
    if status < 500 and code in _REFUSALS:
        return NotNow(_trouble(code, said, _REFUSALS[code]), retry_after_s)
    what = Words("head office answers {status}: {en}", "总部返回 {status}：{zh}")
    return NotNow(_trouble("status", what.fill(status=status, en=said.en, zh=said.zh), _NOTHING_LOST), retry_after_s)


def _problem(answer: bytes) -> tuple[str, Words]:
    """Code and words of head office's refusal; of any other answer nothing is shown."""
    try:
        match json.loads(answer):
            case {"code": str(code), "en": str(en), "zh": str(zh)}:
                return code, Words(safe_text(en, 200), safe_text(zh, 200))
    except (ValueError, RecursionError):
        pass
    return "", Words("no reason given", "未说明原因")


def _retry_after_s(value: str) -> float | None:
    """Seconds from `Retry-After`: a number, or an HTTP date (RFC 9110, 10.2.3)."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        return None
    return max(0.0, when.timestamp() - time.time())


# --- enrolment -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeadOfficeKey:
    """What a head office says of itself; to be compared by another way before it is pinned."""

    head_office: str
    public: str
    simulated: bool


async def head_office_key(url: str) -> HeadOfficeKey:
    """Ask a head office for its key.

    Raises:
        Trouble: it does not answer, or not as a head office.
    """
    answer = await _ask("GET", f"{url}/v1/key", None)
    match answer:
        case {"head_office": str(name), "public": str(public), "simulated": bool(simulated), "algorithm": "ed25519"}:
            with contextlib.suppress(RecordError, ValueError):
                check_public_key(bytes.fromhex(public))
                return HeadOfficeKey(safe_text(name, 200), public, simulated)
    raise _trouble(
        "no-head-office", Words("{url} is not a head office", "{url} 不是总部服务").fill(url=url), _CHECK_URL
    )


async def request_enrolment(url: str, enrolment: bytes) -> str:
    """Send the station's enrolment record; gives the state there: `pending`, `approved` or `refused`.

    Raises:
        Trouble: head office does not answer, or refuses (another world, an id in use).
    """
    answer = await _ask("POST", f"{url}/v1/stations", enrolment)
    match answer:
        case {"state": "pending" | "approved" | "refused" as state}:
            return str(state)
    raise _trouble(
        "no-head-office", Words("{url} is not a head office", "{url} 不是总部服务").fill(url=url), _CHECK_URL
    )


def rotations(envelopes: Iterable[bytes]) -> list[bytes]:
    """Of a station's key events, in their order, those by which it replaced its own key."""
    found = []
    for envelope in envelopes:
        event = open_record(envelope).statement.predicate
        if isinstance(event, KeyEventV1) and (event.kind, event.event) == ("station", "rotate"):
            found.append(envelope)
    return found


async def tell_new_key(settings: Settings, replaced: Iterable[bytes]) -> str:
    """Tell head office by which records the station replaced its key; what it knows already it takes again.

    Gives the station's state there.

    Raises:
        Trouble: head office does not answer, or does not take one of them.
    """
    state = ""
    for envelope in replaced:
        state = await request_enrolment(settings.head_office, envelope)
    return state


_TRY_AGAIN = Words(
    "check the address and the line, then do it again; the station works without it meanwhile",
    "请检查地址与网络后重试；其间工位可照常使用",
)
_CHECK_URL = Words("check the address with head office", "请与总部核对地址")


async def _ask(method: str, url: str, body: bytes | None) -> object:
    import httpx

    try:
        async with asyncio.timeout(30.0), connection() as http, http.stream(method, url, content=body) as response:
            answer = await _limited(response)
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
        raise _unreachable(url, error, _TRY_AGAIN) from error
    if response.status_code >= 300:
        _, said = _problem(answer)
        what = Words("head office refuses ({status}): {en}", "总部拒绝（{status}）：{zh}")
        raise _trouble("refused", what.fill(status=response.status_code, en=said.en, zh=said.zh), _CHECK_URL)
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        return None
