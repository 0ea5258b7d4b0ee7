"""Calling another station of the shop: one bundle sent or fetched, in pieces, going on where a cut line stopped.

Every request is bounded in time and size, and what the other side says is shown to a person made inert. Stands on httpx
and `station.lan_tls`; what is done with a bundle is not known here.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from drivers.api import Side
from drivers.text import Words, safe_text
from reports.record import canonical, digest_of
from reports.verify import MAX_BUNDLE
from station.errors import EXIT_BENCH, EXIT_NO, Trouble
from station.lan_tls import Caller, caller_of, name_of

if TYPE_CHECKING:
    import httpx

__all__ = ["MAX_HELLO", "PIECE", "Call", "Judge", "Lost", "calling"]

#: Bytes of one piece of a bundle: some tenths of a second on a shop's network, so little is sent twice.
PIECE = 1024 * 1024
#: The most bytes of an introduction: the key events of a shop, some 1.5 kB each.
MAX_HELLO = 4 * 1024 * 1024
#: Seconds to reach the other station, and for one piece or its import to be answered.
CONNECT_S, ANSWER_S = 5.0, 60.0
#: How often a cut line is tried again without any progress in between, and the longest wait before it.
TRIES, LONGEST_WAIT_S = 4, 2.0

T = TypeVar("T")

#: Judges who answers by its certificate and the key events that it tells. Raises Trouble.
Judge = Callable[[Caller, list[bytes]], Awaitable[None]]


class Lost(Exception):
    """The line was cut, or the other station asks to come again; what had arrived stays."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


class Introduce(Exception):
    """The other station does not know this one (any more): it was started anew."""


class Gone(Exception):
    """What was asked for is not kept there any more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bundle that the other station has made ready."""

    digest: str
    total: int


class Call:
    """Requests to one other station.

    Args:
        http: a client with this station's certificate.
        roster: this station's key events, as it introduces itself.
        judge: is asked about the other station's.
    """

    def __init__(
        self, http: httpx.AsyncClient, station: str, address: str, roster: tuple[bytes, ...], judge: Judge
    ) -> None:
        self._http, self.station, self._address = http, station, address
        self._roster, self._judge = roster, judge
        self._answered_by: Caller | None = None

    async def hello(self) -> None:
        """Each side tells who it is.

        Raises:
            Trouble: either does not take the other for a station of the shop.
            Lost: the line was cut.
        """
        told = canonical({"roster": [one.decode() for one in self._roster]})
        answer = await self._json("POST", "/v1/hello", told, limit=MAX_HELLO)
        match answer:
            case {"roster": list(roster)} if all(isinstance(one, str) for one in roster) and self._answered_by:
                await self._judge(self._answered_by, [str(one).encode() for one in roster])
            case _:
                raise self._garbled()

    async def send(self, data: bytes) -> dict[str, Any]:
        """Send a bundle; back comes what the other station made of it."""
        digest = digest_of(data)
        return await self._through(lambda progress: self._send(data, digest, progress))

    async def _send(self, data: bytes, digest: str, progress: Callable[[], None]) -> dict[str, Any]:
        path = f"/v1/incoming/{digest}"
        have, done = self._how_far(await self._json("GET", path))
        while done is None:
            if not 0 <= have < len(data):
                raise self._garbled()
            piece = data[have : have + PIECE]
            part = {"content-range": f"bytes {have}-{have + len(piece) - 1}/{len(data)}"}
            before = have
            have, done = self._how_far(await self._json("PUT", path, piece, part))
            if done is None and have <= before:
                raise Lost(self._garbled())
            progress()
        return done

    def _how_far(self, answer: object) -> tuple[int, dict[str, Any] | None]:
        match answer:
            case {"have": int(have), "done": None | dict() as done}:
                return have, done
        raise self._garbled()

    async def fetch(self, ticket: str, *, evidence: bool) -> bytes:
        """The bundle of a ticket, as the other station makes it for this one; not verified yet."""
        about, data = canonical({"ticket": ticket, "evidence": evidence}), bytearray()
        ready: list[Wanted] = []
        return await self._through(lambda progress: self._fetch(about, ready, data, progress))

    async def _fetch(self, about: bytes, ready: list[Wanted], data: bytearray, progress: Callable[[], None]) -> bytes:
        if not ready:
            ready.append(self._wanted(await self._json("POST", "/v1/outgoing", about)))
            data.clear()
        wanted = ready[0]
        try:
            while len(data) < wanted.total:
                piece = await self._piece(wanted, len(data))
                data += piece
                progress()
        except Gone as error:
            ready.clear()
            raise Lost(self._lost(error)) from error
        if digest_of(bytes(data)) != wanted.digest:
            ready.clear()
            raise self._garbled()
        return bytes(data)

    def _wanted(self, answer: object) -> Wanted:
        match answer:
            case {"sha256": str(digest), "bytes": int(total)} if 0 < total <= MAX_BUNDLE:
                return Wanted(digest, total)
            case {"bytes": int(total)} if total > MAX_BUNDLE:
                what = _TOO_LARGE.fill(station=self.station, n=MAX_BUNDLE >> 20)
                raise Trouble("lan.too-large", what, Side.BENCH, _LESS, EXIT_NO)
        raise self._garbled()

    async def _piece(self, wanted: Wanted, first: int) -> bytes:
        path = f"/v1/outgoing/{wanted.digest}"
        status, headers, body = await self._ask("GET", path, b"", {"range": f"bytes={first}-"}, PIECE)
        if status == 404:
            raise Gone
        if status != 206:
            raise self._refused(status, body)
        part = f"bytes {first}-{first + len(body) - 1}/{wanted.total}"
        if not body or headers.get("content-range") != part:
            raise self._garbled()
        return body

    # --- through faults

    async def _through(self, work: Callable[[Callable[[], None]], Awaitable[T]]) -> T:
        """Introduce this station and do the work, again after a cut line; each step forward gives new tries."""
        left, introduced = TRIES, False

        def progress() -> None:
            nonlocal left
            left = TRIES

        while True:
            try:
                if not introduced:
                    await self.hello()
                    introduced = True
                return await work(progress)
            except Introduce as error:
                lost, introduced = self._lost(error), False
            except Lost as error:
                lost = error.trouble
            left -= 1
            if left <= 0:
                raise lost
            await asyncio.sleep(min(LONGEST_WAIT_S, 0.1 * 2 ** (TRIES - left)))

    # --- one request

    async def _json(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        limit: int = PIECE,
    ) -> object:
        status, _, answer = await self._ask(method, path, body, headers or {}, limit)
        if status != 200:
            raise self._refused(status, answer)
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            raise self._garbled() from None

    async def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], limit: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        import httpx

        extensions = {"sni_hostname": name_of(self.station)}
        request = self._http.build_request(
            method, f"https://{self._address}{path}", content=body, headers=dict(headers), extensions=extensions
        )
        try:
            async with asyncio.timeout(ANSWER_S):
                response = await self._http.send(request, stream=True)
                try:
                    self._must_be_the_same(response)
                    return response.status_code, response.headers, await _limited(response, limit)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise self._cut(error) from error

    def _must_be_the_same(self, response: httpx.Response) -> None:
        """A line that was made anew must end at the same key."""
        stream = response.extensions.get("network_stream")
        shown = stream.get_extra_info("ssl_object") if stream else None
        caller = caller_of(shown.getpeercert(True) if shown else None)
        if caller is None or caller.station != self.station or self._answered_by not in (None, caller):
            raise Trouble("lan.other-key", _OTHER_KEY.fill(station=self.station), Side.BENCH, _TELL_LEAD, EXIT_NO)
        self._answered_by = caller

    # --- what went wrong

    def _cut(self, error: BaseException) -> Exception:
        import httpx

        ours = [one for one in _causes(error) if isinstance(one, ssl.SSLError)]
        told = _told(self.station, self._address)
        if any(isinstance(one, ssl.SSLCertVerificationError) for one in ours):
            return Trouble("lan.not-of-shop", told(_NOT_OF_SHOP), Side.PERSON, _JOIN, EXIT_NO)
        if any("ALERT" in (one.reason or "") for one in ours):  # it ended the handshake over our certificate
            return Trouble("lan.not-taken", told(_NOT_TAKEN), Side.PERSON, _JOIN, EXIT_NO)
        never = isinstance(error, httpx.ConnectTimeout) or any(map(_nobody_there, _causes(error)))
        if never and self._answered_by is None:
            return Trouble("lan.unreachable", told(_UNREACHABLE), Side.BENCH, _SWITCH_ON, EXIT_BENCH)
        return Lost(self._lost(error))

    def _lost(self, error: BaseException) -> Trouble:
        what = _LOST.fill(station=self.station, address=self._address, why=type(error).__name__)
        return Trouble("lan.cut", what, Side.BENCH, _GOES_ON, EXIT_BENCH)

    def _garbled(self) -> Trouble:
        what = _GARBLED.fill(station=self.station)
        return Trouble("lan.garbled", what, Side.BENCH, _SAME_VERSION, EXIT_BENCH)

    def _refused(self, status: int, answer: bytes) -> Exception:
        """What an answer that is no success means."""
        with contextlib.suppress(ValueError, RecursionError):
            match json.loads(answer):
                case {"code": str(code), "what": [str(en), str(zh)], "next_step": [str(next_en), str(next_zh)]}:
                    if status == 401 and code == "lan.introduce":
                        return Introduce()
                    texts = [safe_text(each, 300) for each in (en, zh, next_en, next_zh)]
                    what = _SAYS.fill(station=self.station, en=texts[0], zh=texts[1])
                    trouble = Trouble("lan.refused", what, Side.BENCH, Words(*texts[2:]), EXIT_NO)
                    return Lost(trouble) if status == 503 else trouble
        return Lost(self._lost(Introduce())) if status == 503 else self._garbled()


@asynccontextmanager
async def calling(
    tls: ssl.SSLContext, station: str, address: str, roster: tuple[bytes, ...], judge: Judge
) -> AsyncIterator[Call]:
    """Calls to another station, as long as the block lasts; nothing goes through a proxy."""
    import httpx

    timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
    async with httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=timeout) as http:
        yield Call(http, station, address, roster, judge)


async def _limited(response: httpx.Response, limit: int) -> bytes:
    import httpx

    parts, size = list[bytes](), 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > limit:
            raise httpx.DecodingError("the answer is larger than it can be")
        parts.append(part)
    return b"".join(parts)


def _causes(error: BaseException | None) -> list[BaseException]:
    """An exception with all that led to it."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _nobody_there(error: BaseException) -> bool:
    """No connection was made at all. Where several addresses of a name were tried, their errors stand in one."""
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return True
    return type(error) is OSError and error.errno in (None, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN)


def _told(station: str, address: str) -> Callable[[Words], Words]:
    return lambda words: words.fill(station=station, address=address)


_NOT_OF_SHOP = Words(
    "What answers at {address} does not show itself as station {station} of this shop",
    "{address} 的应答方未能证明是本网点的工位 {station}",
)
_NOT_TAKEN = Words(
    "{station} at {address} does not take this station for one of its shop",
    "{station}（{address}）不认可本工位属于该网点",
)
_JOIN = Words(
    "Check the address; both must share the shop's key: assay station invite, assay station join",
    "请核对地址；两端须共享网点密钥：assay station invite、assay station join",
)
_UNREACHABLE = Words("{station} does not answer at {address}", "{station} 在 {address} 无应答")
_SWITCH_ON = Words(
    "See that its engine runs and listens (assay station lan --listen there), and that the network is there",
    "请确认对方引擎在运行并已监听（在对方执行 assay station lan --listen），且网络正常",
)
_LOST = Words("The line to {station} at {address} was cut ({why})", "与 {station}（{address}）的连接中断（{why}）")
_GOES_ON = Words(
    "Nothing incomplete was stored; do it again, it goes on where it stopped",
    "未保存任何不完整内容；请重试，将从中断处继续",
)
_GARBLED = Words("{station} answers what can't be understood", "{station} 的应答无法识别")
_SAME_VERSION = Words(
    "Nothing was stored. Use the same version of Assay on both", "未保存任何内容。请在两端使用相同版本的程序"
)
_OTHER_KEY = Words("{station} answers with another key than before", "{station} 应答所用的密钥与之前不同")
_TELL_LEAD = Words(
    "Do not go on; tell the lead: a copy of that station may be at work", "请勿继续并告知店长：该工位可能有副本在运行"
)
_TOO_LARGE = Words("What {station} offers is larger than {n} MiB", "{station} 提供的内容超过 {n} MiB")
_LESS = Words("Fetch it without --evidence", "请勿使用 --evidence")
_SAYS = Words("{station}: {en}", "{station}：{zh}")
