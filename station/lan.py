"""The stations of a shop on its network: a ticket goes to one of them or comes from it, without files and head office.

Both ends are shown by mutual TLS under the shop's key, and introduce themselves with their key events: whoever calls
must hold the key that the newest events name, so that a copy of an old folder, a replaced key or a station that was
refused gets nothing. What is in a bundle is judged by `station.bundles`, exactly as it is for a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from drivers.api import Side
from drivers.text import Words
from reports import ledger
from reports.roster import ROSTER_KINDS, Roster
from station import messages as m
from station.bundles import Handing, Sender, other_key, two_histories
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.lan_client import Call, Lost, calling
from station.lan_settings import load_lan, split
from station.lan_tls import Caller, Contexts, contexts
from station.session import Session
from station.settings import Settings
from station.shop_key import the_shop_key
from station.store import Store

__all__ = ["Lan"]

_log = logging.getLogger(__name__)

#: Seconds until an address that could not be listened on is tried again.
AGAIN_S = 30.0
#: Seconds that a bundle which could not be sent is kept for the next try.
KEPT_S = 600.0
#: Stations that were introduced and are remembered.
INTRODUCED = 200


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A bundle that is being sent: the same bytes again go on where a cut line stopped."""

    ticket: str
    data: bytes


class Lan:
    """This station among the others of its shop.

    Args:
        known: the session of a ticket, for `Handing.take_in`.
        taken: called when a ticket was taken in.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        handing: Handing,
        known: Callable[[str], Awaitable[Session]],
        taken: Callable[[], None],
    ) -> None:
        self._settings, self._store, self._handing = settings, store, handing
        self._known, self._taken = known, taken
        self._introduced: dict[str, bytes] = {}
        self._parcels: dict[str, _Parcel] = {}
        self._sending: dict[str, asyncio.Lock] = {}  # the other side keeps one bundle of each caller at a time
        self.listening = ""
        self.trouble: Trouble | None = None

    # --- called by others (`lan_server.Answers`)

    async def serve(self) -> None:
        """Listen as long as the settings say so; an address that is taken is tried again."""
        while True:
            try:
                listen = load_lan(self._settings.data).listen
                if listen is None:
                    return
                await self._listen(listen)
            except Trouble as trouble:
                if self.trouble is None or self.trouble.code != trouble.code:
                    _log.error("lan: %s", trouble)
                self.trouble = trouble
            await asyncio.sleep(AGAIN_S)

    async def _listen(self, listen: str) -> None:
        from station.lan_server import create_app, listening  # a web framework, which a station alone never needs

        host, port = split(listen)
        try:
            async with listening(create_app(self), self._contexts().server, host, port) as self.listening:
                self.trouble = None
                await asyncio.Event().wait()
        except OSError as error:
            what = _NO_LISTENING.fill(at=listen, why=error.strerror or type(error).__name__)
            raise Trouble("lan.listen", what, Side.BENCH, _OTHER_PORT) from error
        finally:
            self.listening = ""

    async def introduced(self, caller: Caller, roster: Sequence[bytes]) -> tuple[bytes, ...]:
        """See `lan_server.Answers`."""
        await self._judge(caller, roster)
        self._introduced.pop(caller.station, None)
        self._introduced[caller.station] = caller.public
        while len(self._introduced) > INTRODUCED:
            del self._introduced[next(iter(self._introduced))]
        return await self._store.read(_key_events)

    def known(self, caller: Caller) -> None:
        """See `lan_server.Answers`."""
        self._must_not_be_refused(caller.station)
        if self._introduced.get(caller.station) != caller.public:
            raise Trouble("lan.introduce", _INTRODUCE, Side.BENCH, _AGAIN, EXIT_NO)

    async def take(self, caller: Caller, bundle: bytes) -> dict[str, Any]:
        """See `lan_server.Answers`."""
        return await self._take_in(caller, bundle)

    async def hand(self, caller: Caller, ticket: str, evidence: bool, before: bytes) -> bytes:
        """See `lan_server.Answers`."""
        command = m.ExportBundle(ticket=ticket, out="", to=caller.station, evidence=evidence)
        data, _ = await self._handing.pack(command, before)
        _log.info("lan: %s fetches %s", caller.station, ticket)
        return data

    # --- calling others

    async def send(self, command: m.SendBundle) -> dict[str, Any]:
        """Send a ticket to another station, which takes it in; back comes what it made of it.

        Returns:
            `ticket`, `to`, `bytes`, `sha256`, and of the other station `new`, `apart`, `record` as
            `station.bundles.Handing.take_in` says.

        Raises:
            Trouble: no such ticket or station, it does not answer, or refuses; or the line stayed cut.
        """
        about = m.ExportBundle(ticket=command.ticket, out="", to=command.to, evidence=command.evidence)
        async with self._sending.setdefault(command.to, asyncio.Lock()), await self._calling(command.to) as call:
            before = self._parcels.get(command.to)
            same = before.data if before is not None and before.ticket == command.ticket else b""
            data, _ = await self._handing.pack(about, same)
            self._parcels[command.to] = _Parcel(command.ticket, data)
            asyncio.get_running_loop().call_later(KEPT_S, self._parcels.pop, command.to, None)
            done = await call.send(data)
            self._parcels.pop(command.to, None)
        return _said(done) | {"ticket": command.ticket, "to": command.to, "bytes": len(data)}

    async def fetch(self, command: m.FetchBundle) -> dict[str, Any]:
        """Fetch a ticket from another station and go on from it here; back comes what `Handing.take_in` says.

        Raises:
            Trouble: the other station does not answer, has no such ticket or refuses; or the bundle is refused here.
        """
        caller: list[Caller] = []
        turn = self._sending.setdefault(command.sender, asyncio.Lock())
        async with turn, await self._calling(command.sender, caller.append) as call:
            data = await call.fetch(command.ticket, evidence=command.evidence)
        return await self._take_in(caller[-1], data, person=command.person, ticket=command.ticket)

    async def peers(self) -> dict[str, Any]:
        """Where this station listens, and which of the others answer.

        Returns:
            `listening`, `trouble` (two texts, or None), and `peers`: `station`, `address`, `refused`, and `what` (two
            texts) with `next_step` of whoever does not answer as it should, else None.
        """
        known = load_lan(self._settings.data)
        told = await asyncio.gather(*(self._greet(name) for name in sorted(known.peers)))
        rows = [
            {
                "station": name,
                "address": known.peers[name],
                "refused": name in known.refused,
                "what": list(trouble.what) if trouble else None,
                "next_step": list(trouble.next_step) if trouble else None,
            }
            for name, trouble in zip(sorted(known.peers), told, strict=True)
        ]
        return {
            "listening": self.listening,
            "trouble": list(self.trouble.what) if self.trouble else None,
            "peers": rows,
            "refused": list(known.refused),
        }

    async def _greet(self, station: str) -> Trouble | None:
        try:
            async with await self._calling(station) as call:
                await call.hello()
        except Trouble as trouble:
            return trouble
        except Lost as lost:
            return lost.trouble
        return None

    async def _calling(
        self, station: str, heard: Callable[[Caller], None] = lambda caller: None
    ) -> contextlib.AbstractAsyncContextManager[Call]:
        self._must_not_be_refused(station)
        address = load_lan(self._settings.data).peers.get(station)
        if address is None:
            raise Trouble("lan.unknown-peer", _NO_ADDRESS.fill(station=station), Side.PERSON, _SAY_ADDRESS, EXIT_USE)

        async def judge(caller: Caller, roster: list[bytes]) -> None:
            await self._judge(caller, roster)
            heard(caller)

        tls = await asyncio.to_thread(lambda: self._contexts().client)
        return calling(tls, station, address, await self._store.read(_key_events), judge)

    # --- who may

    def _contexts(self) -> Contexts:
        settings = self._settings
        return contexts(the_shop_key(settings), settings.station, settings.key_file, simulated=settings.simulated)

    def _must_not_be_refused(self, station: str) -> None:
        if station in load_lan(self._settings.data).refused:
            what = _REFUSED.fill(station=station, here=self._settings.station)
            raise Trouble("lan.refused", what, Side.PERSON, _LEAD, EXIT_NO)

    async def _judge(self, caller: Caller, told: Sequence[bytes]) -> None:
        """Whether the caller is that station of this shop, and holds the key that its newest events name.

        Raises:
            Trouble: it is refused, of another shop, has this station's own name, tells two histories, or holds a key
                that was replaced.
        """
        self._must_not_be_refused(caller.station)
        station = caller.station
        known = await self._store.read(lambda db: [one.envelope for one in ledger.foreign_of(db, station=station)])
        both = min(len(known), len(told))
        if list(told[:both]) != known[:both]:
            raise two_histories(station)
        newest = await asyncio.to_thread(Roster.fold, told if len(told) > both else known)
        home = (newest.shop, newest.simulated, newest.station)
        if newest.problems or home != (self._settings.shop, self._settings.simulated, station):
            raise Trouble("lan.not-of-shop", _NOT_OURS.fill(station=station), Side.PERSON, _JOIN, EXIT_NO)
        if station == self._settings.station:
            raise Trouble("lan.same-name", _SAME_NAME.fill(station=station), Side.PERSON, _TELL_LEAD, EXIT_NO)
        key = newest.current_key(station)
        if key is None or key.public != caller.public:
            raise other_key(station)

    async def _take_in(self, caller: Caller, data: bytes, person: str = "", ticket: str = "") -> dict[str, Any]:
        sender = Sender(caller.station, caller.public)
        done = await self._handing.take_in(data, self._known, person=person, sender=sender, ticket=ticket)
        self._taken()
        return done


def _key_events(db: Database) -> tuple[bytes, ...]:
    rows = db.execute("SELECT envelope FROM record WHERE kind IN (?, ?) ORDER BY seq", ROSTER_KINDS)
    return tuple(bytes(envelope) for (envelope,) in rows)


def _said(done: Mapping[str, Any]) -> dict[str, Any]:
    """What the other station says it made of a bundle, as far as it is of the expected form."""
    numbers = {name: done[name] if type(done.get(name)) is int else 0 for name in ("new", "apart")}
    texts = {name: done[name][:64] if isinstance(done.get(name), str) else None for name in ("record", "sha256")}
    return {**numbers, **texts}


_NO_LISTENING = Words("{at} can't be listened on: {why}", "无法监听 {at}：{why}")
_OTHER_PORT = Words(
    "Choose another address: assay station lan --listen HOST:PORT", "请更换地址：assay station lan --listen 地址:端口"
)
_INTRODUCE = Words("Station and key are to be told first", "请先告知工位与密钥")
_AGAIN = Words("Try again", "请重试")
_NO_ADDRESS = Words("No address of station {station} is known here", "本工位没有工位 {station} 的地址")
_SAY_ADDRESS = Words(
    "Say it: assay station lan --peer STATION=HOST:PORT", "请设置：assay station lan --peer 工位=地址:端口"
)
_JOIN = Words(
    "`assay station invite` on one station, `assay station join` on the other",
    "一端执行 `assay station invite`，另一端执行 `assay station join`",
)
_REFUSED = Words("{here} refuses station {station}", "{here} 已拒绝工位 {station}")
_LEAD = Words(
    "A lead has it taken again: assay station lan --accept STATION",
    "如需恢复，请店长执行：assay station lan --accept 工位",
)
_TELL_LEAD = Words(
    "Do not go on; tell the lead: a copy of that station may be at work", "请勿继续并告知店长：该工位可能有副本在运行"
)
_NOT_OURS = Words("{station} is no station of this shop", "{station} 不是本网点的工位")
_SAME_NAME = Words("Another station calls itself {station} as well", "另有工位也自称 {station}")
