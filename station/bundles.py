"""A ticket that goes from one station of the shop to another: made into a file here, taken in there.

What is signed travels verbatim and is verified before anything is kept. What only the shop may read (the ticket's key
and salt, the customer's data, how the runs went) is sealed by the shop's key and bound to the rest, so that a changed
byte, or a file from outside the shop, opens nothing. Stands on `reports.verify` and `signing`; it knows no phone.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlite_utils import Database

from drivers.api import Side
from drivers.text import Words, safe_text
from reports import ledger
from reports.attest import Record, open_record
from reports.record import RecordError, digest_of
from reports.roster import Roster, RosterError
from reports.steps.fork import BundleV1
from reports.verify import MAX_BUNDLE, Bundle, bundle_of, open_bundle, verify_bundle, write_bundle
from station import messages as m
from station import tickets, vault
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_USE, Trouble
from station.events import BODY, Event, TicketOpened, TicketRegistered
from station.journal import event, load, not_here
from station.lan_settings import load_lan
from station.session import Session, fold
from station.settings import Settings, write_new
from station.shop_key import ShopKey, the_shop_key
from station.signing import Signing, sealed_of

__all__ = ["Handing", "Sender", "other_key", "two_histories"]

_BOUND = b"assay-handover/1\0"
#: What stays behind: `Sealed` is told anew from the envelopes that were verified.
_OURS = ("sealed",)

#: Open tickets with their sessions.
Others = Sequence[tuple[str, Session]]

_Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Scope(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    key: _Hex32
    salt: Annotated[str, Field(pattern=r"^([0-9a-f]{2}){1,64}$")]


class _Inner(BaseModel):
    """What only the shop may read. Events: run, wall_ms, mono_ns, boot id, body; evidence: SHA-256, bytes, name, media
    type, sealed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Annotated[str, Field(max_length=64)]
    scope: _Scope | None
    personal: dict[str, Any]
    events: list[tuple[str, int, int, str, dict[str, Any]]]
    evidence: list[tuple[_Hex32, int, str, str, str]]


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A bundle that was opened and verified; nothing of it is kept yet."""

    bundle: Bundle
    digest: str
    inner: _Inner
    events: Sequence[Event]
    rosters: Mapping[str, tuple[bytes, ...]]
    proven: bool


@dataclass(frozen=True, slots=True)
class Sender:
    """Who brought a bundle over the network: the station and the raw public key that TLS has shown."""

    station: str
    public: bytes


class Handing:
    """Bundles of this station's tickets, made and taken in."""

    def __init__(self, signing: Signing, settings: Settings, others: Callable[[], Others]) -> None:
        self._signing, self._settings, self._others = signing, settings, others

    # --- out

    async def export(self, command: m.ExportBundle) -> dict[str, Any]:
        """Write the bundle of a ticket into a new file.

        Raises:
            Trouble: no such ticket, a run of it goes on, no shop key, or the file can't be written.
        """
        data, records = await self.pack(command)
        try:
            write_new(Path(command.out), data)
        except FileExistsError:
            raise Trouble("bundle.exists", _EXISTS.fill(path=command.out), Side.PERSON, _OTHER_NAME, EXIT_USE) from None
        return {"sha256": digest_of(data), "records": records, "bytes": len(data)}

    async def pack(self, command: m.ExportBundle, before: bytes = b"") -> tuple[bytes, int]:
        """The bundle as bytes, and how many records of the ticket are in it.

        Args:
            before: one that was packed earlier; it comes back as it is when nothing has changed since, so that a
                transfer that was cut off goes on (each sealing differs by its nonce).

        Raises:
            Trouble: as `export` does, or the bundle would be larger than a station takes.
        """
        key = None if command.public else the_shop_key(self._settings)
        bundle, inner = await self._signing.journal.store.read(lambda db: self._collect(db, command))
        if key is not None:
            unchanged = await asyncio.to_thread(_same, before, bundle, key, inner) if before else False
            if unchanged:
                return before, len(bundle.records)
            bundle = await asyncio.to_thread(_with_handover, bundle, key, inner)
        data = await asyncio.to_thread(write_bundle, bundle)
        if len(data) > MAX_BUNDLE:
            what = _TOO_LARGE.fill(n=MAX_BUNDLE >> 20)
            raise Trouble("bundle.too-large", what, Side.PERSON, _LESS_EVIDENCE, EXIT_NO)
        return data, len(bundle.records)

    def _collect(self, db: Database, command: m.ExportBundle) -> tuple[Bundle, dict[str, Any]]:
        try:
            bundle = bundle_of(db, command.ticket)
        except RecordError as error:
            raise Trouble("ticket.unknown", error.words, Side.PERSON, _LIST_TICKETS, EXIT_USE) from error
        told = load(db, ticket=command.ticket)
        session = fold(told)
        if any(run.active for run in session.runs.values()):
            raise Trouble("ticket.busy", _GOING_ON.fill(ticket=command.ticket), Side.PERSON, _WAIT, EXIT_NO)
        sealed = {run.id for run in session.runs.values() if run.record is not None}
        scope = vault.open_scope(db, command.ticket)
        events = [_row(one) for one in told if one.body.kind not in _OURS and (not one.run or one.run in sealed)]
        return bundle, {
            "to": command.to,
            "scope": {"key": scope.key.hex(), "salt": scope.salt.hex()} if scope else None,
            "personal": vault.personal(db, command.ticket),
            "events": events,
            "evidence": _evidence(db, command.ticket) if command.evidence and scope else [],
        }

    # --- in

    async def take(self, command: m.ImportBundle, known: Callable[[str], Awaitable[Session]]) -> dict[str, Any]:
        """Take in the bundle that lies in a file; see `take_in`."""
        return await self.take_in(_read(Path(command.path)), known, person=command.person)

    async def take_in(
        self,
        data: bytes,
        known: Callable[[str], Awaitable[Session]],
        *,
        person: str = "",
        sender: Sender | None = None,
        ticket: str = "",
    ) -> dict[str, Any]:
        """Verify a bundle and go on from it.

        Args:
            sender: who brought it, where it came over the network: it must be that station's own, made with the key
                that it has now, for this station by name.
            ticket: the ticket that was asked for, where one was.

        Returns:
            `ticket`; `sender`; `new`: how many records were new (0: it was here already, and nothing was stored);
            `apart`: how many records here the sender did not know, where both went on (a fork for a lead to decide);
            `record`: the digest of the own `bundle/v1` record; `sha256` of the file.

        Raises:
            Trouble: it is no bundle, was changed, is of another shop or for another station, comes from where nothing
                shows that it is the shop's, contradicts what is here, or its phone is in another open ticket. Nothing
                was stored.
        """
        arrived = await asyncio.to_thread(self._verified, data, sender)  # phones are served meanwhile
        if ticket and arrived.bundle.ticket != ticket:
            what = _NOT_ASKED.fill(ticket=arrived.bundle.ticket)
            raise Trouble("bundle.other-ticket", what, Side.BENCH, _TELL_LEAD, EXIT_NO)
        session = Session()
        try:
            session = await known(arrived.bundle.ticket)
        except Trouble as trouble:
            if trouble.code != "ticket.unknown":
                raise
        others = self._others()

        def work(db: Database) -> tuple[list[Event], dict[str, Any]]:
            return self._keep(db, arrived, session, others, safe_text(person, 200))

        stored, told = await self._signing.journal.store.write(work)
        self._signing.tell(stored)
        return told

    def _verified(self, data: bytes, sender: Sender | None) -> _Arrived:
        try:
            bundle = open_bundle(data)
        except RecordError as error:
            raise _refused(error.words) from error
        if bundle.shop != self._settings.shop:
            words = _OTHER_SHOP.fill(theirs=bundle.shop, ours=self._settings.shop)
            raise Trouble("bundle.other-shop", words, Side.PERSON, _ASK_SENDER, EXIT_NO)
        if bundle.station in load_lan(self._settings.data).refused:
            raise Trouble("bundle.station-refused", _REFUSED.fill(station=bundle.station), Side.PERSON, _LEAD, EXIT_NO)
        if bundle.handover is None:
            raise Trouble("bundle.public", _PUBLIC, Side.PERSON, _FULL, EXIT_NO)
        plain = the_shop_key(self._settings).open(bundle.handover, _bound(bundle))
        if plain is None:
            raise Trouble("bundle.unproven", _UNPROVEN, Side.PERSON, _ASK_SENDER, EXIT_NO)
        inner, events = _read_inner(plain, bundle.ticket)
        if inner.to != self._settings.station and (inner.to or sender):
            raise Trouble("bundle.elsewhere", _ELSEWHERE.fill(to=inner.to), Side.PERSON, _ASK_SENDER, EXIT_NO)
        root = bytes.fromhex(self._settings.head_office_key) or None
        report = verify_bundle(data, root)
        # A release that does not hold any more (somebody worked on) is judged when it is asked for, not on the way.
        wrong = [one for one in report.problems if one.what != "release"]
        if wrong:
            raise _refused(wrong[0].why)
        rosters = {bundle.station: bundle.roster, **dict(bundle.peers)}
        rosters.pop(self._settings.station, None)
        if sender is not None:
            _must_be_of(bundle, sender)
        return _Arrived(bundle, digest_of(data), inner, events, rosters, report.origin == "proven")

    def _keep(
        self, db: Database, arrived: _Arrived, session: Session, others: Others, person: str
    ) -> tuple[list[Event], dict[str, Any]]:
        ticket = arrived.bundle.ticket
        new, apart = self._compared(db, arrived)
        key_events = self._new_key_events(db, arrived)
        _take_scope(db, arrived, session, news=bool(new))
        told: dict[str, Any] = {"ticket": ticket, "sender": arrived.bundle.station, "sha256": arrived.digest}
        if not new and not key_events:
            return [], told | {"new": 0, "apart": 0, "record": None}
        events = not_here(db, arrived.events)
        _refuse_twice(ticket, events, [*tickets.open_now(db, others)])
        common = {**self._signing.made(db), "ticket": ticket}
        predicate = BundleV1(
            **common,
            bundle=arrived.digest,
            sender=arrived.bundle.station,
            genesis=Roster.fold(arrived.bundle.roster).genesis,
            vouched="head-office" if arrived.proven else "shop-key",
            records=tuple(record.digest for _, record, _ in new),
            key_events=tuple(digest_of(data) for _, _, data in key_events),
            apart=apart,
            person=person,
        )
        foreign = [_sealed(record, seq, ticket) for seq, record, _ in new]
        stored, digest = self._signing.seal(db, "bundle/v1", arrived.digest, predicate, session, [*events, *foreign])
        last = ledger.last_link(db)
        after = last.seq if last else 0
        ledger.add_foreign(db, _foreign(after, ticket, new, key_events, arrived, self._settings))
        return stored, told | {"new": len(new), "apart": len(apart), "record": digest}

    def _compared(self, db: Database, arrived: _Arrived) -> tuple[list[tuple[int, Record, bytes]], tuple[str, ...]]:
        """The bundle's records that are not here, and, where both sides went on, those here that it does not know."""
        here = {record.digest: record for record in map(open_record, ledger.envelopes_of(db, arrived.bundle.ticket))}
        opened = [(seq, open_record(data), data) for seq, data in arrived.bundle.records]
        new = [one for one in opened if one[1].digest not in here]
        places = {(each.station, each.seq) for each in ledger.foreign_of(db, arrived.bundle.ticket)}
        for seq, record, _ in new:
            station = str(record.statement.raw.get("station", ""))
            if station == self._settings.station:
                raise Trouble("bundle.not-ours", _NOT_OURS.fill(seq=seq), Side.BENCH, _VERIFY, EXIT_NO)
            if (station, seq) in places:
                raise two_histories(station)
        theirs = {record.digest for _, record, _ in opened}
        mine = [record for digest, record in here.items() if digest not in theirs and record.kind != "bundle/v1"]
        if here and not theirs & here.keys():
            what = _OTHER_TICKET.fill(ticket=arrived.bundle.ticket)
            raise Trouble("bundle.other-ticket", what, Side.PERSON, _ASK_SENDER, EXIT_NO)
        went_on = any(record.kind != "bundle/v1" for _, record, _ in new)
        return new, tuple(record.digest for record in mine) if went_on else ()

    def _new_key_events(self, db: Database, arrived: _Arrived) -> list[tuple[str, int, bytes]]:
        """Key events of other stations that are not here; each station's go on from what is known of it."""
        found = []
        for station, events in arrived.rosters.items():
            known = tuple(each.envelope for each in ledger.foreign_of(db, station=station))
            if known != events[: len(known)] and events != known[: len(events)]:
                raise two_histories(station)
            found += [(station, 0, data) for data in events[len(known) :]]
        try:
            self._signing.roster(db).with_peers(map(Roster.fold, arrived.rosters.values()))
        except RosterError as error:
            raise _refused(error.words) from error
        return found


def _with_handover(bundle: Bundle, key: ShopKey, inner: Mapping[str, Any]) -> Bundle:
    sealed = key.seal(json.dumps(inner, ensure_ascii=False).encode(), _bound(bundle))
    return replace(bundle, handover=sealed)


def _same(before: bytes, bundle: Bundle, key: ShopKey, inner: Mapping[str, Any]) -> bool:
    """Whether a bundle that was made earlier says the same as one that would be made now."""
    made = open_bundle(before)
    plain = key.open(made.handover or {}, _bound(made))
    return replace(made, handover=None) == bundle and plain == json.dumps(inner, ensure_ascii=False).encode()


def _read_inner(plain: bytes, ticket: str) -> tuple[_Inner, list[Event]]:
    """What the shop key opened, and its events. It was made by a station of the shop, and may still be wrong."""
    try:
        inner = _Inner.model_validate_json(plain)
        events = [
            Event(0, ticket, run, wall, mono, boot, BODY.validate_python(body))
            for run, wall, mono, boot, body in inner.events
        ]
    except (ValidationError, RecursionError) as error:
        raise _refused(_GARBLED) from error
    return inner, events


def _must_be_of(bundle: Bundle, sender: Sender) -> None:
    """Whoever brought a bundle made it, and has the key that its records name now.

    Raises:
        Trouble: it is another station's, or the key was replaced since: an old copy of that station is at work.
    """
    if bundle.station != sender.station:
        what = _NOT_THEIRS.fill(station=sender.station, other=bundle.station)
        raise Trouble("bundle.not-theirs", what, Side.BENCH, _TELL_LEAD, EXIT_NO)
    key = Roster.fold(bundle.roster).current_key(bundle.station)
    if key is None or key.public != sender.public:
        raise other_key(sender.station)


def two_histories(station: str) -> Trouble:
    """What that station says contradicts what it said before."""
    return Trouble("bundle.two-faces", _TWO_FACES.fill(station=station), Side.BENCH, _TELL_LEAD, EXIT_NO)


def other_key(station: str) -> Trouble:
    """That station speaks with a key that was replaced since."""
    return Trouble("bundle.other-key", _OTHER_KEY.fill(station=station), Side.BENCH, _TELL_LEAD, EXIT_NO)


def _bound(bundle: Bundle) -> bytes:
    return _BOUND + hashlib.sha256(bundle.content).digest()


def _row(one: Event) -> list[Any]:
    return [one.run, one.wall_ms, one.mono_ns, one.boot_id, BODY.dump_python(one.body, mode="json")]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BUNDLE + 1)
    except OSError as error:
        what = _UNREADABLE.fill(path=path, why=error.strerror or error)
        raise Trouble("bundle.unreadable", what, Side.BENCH, _ASK_SENDER, EXIT_BENCH) from error
    return data


def _evidence(db: Database, ticket: str) -> list[list[Any]]:
    """Pieces of evidence as they are sealed under the ticket's key, which goes along."""
    rows = db.execute("SELECT sha256, bytes, name, media_type, sealed FROM evidence WHERE scope = ?", [ticket])
    return [[*row[:4], base64.b64encode(row[4]).decode()] for row in rows]


def _take_scope(db: Database, arrived: _Arrived, session: Session, *, news: bool) -> None:
    """The ticket's key, salt and personal data, as far as they are not here; what was erased here stays erased.

    Without `news` the file may be an older one that comes again: then what is here is not replaced.
    """
    ticket, told = arrived.bundle.ticket, arrived.inner.scope
    scope = vault.open_scope(db, ticket)
    if scope is None and session.ticket:
        raise Trouble("ticket.erased", _ERASED, Side.PERSON, _NEW_TICKET, EXIT_NO)
    if told is None:
        return
    came = vault.Scope(ticket, bytes.fromhex(told.key), bytes.fromhex(told.salt))
    if scope is None:
        row = {"scope": ticket, "key": came.key, "salt": came.salt, "personal": None}
        db.table("erasable").insert(row)
    elif (scope.key, scope.salt) != (came.key, came.salt):
        what = _OTHER_TICKET.fill(ticket=ticket)
        raise Trouble("bundle.other-ticket", what, Side.PERSON, _ASK_SENDER, EXIT_NO)
    mine, theirs = vault.personal(db, ticket), arrived.inner.personal
    vault.save_personal(db, came, {**mine, **theirs} if news else {**theirs, **mine})
    pieces = []
    for sha256, _, name, media_type, sealed in arrived.inner.evidence:
        try:
            plain = came.open(base64.b64decode(sealed, validate=True), f"evidence:{sha256}")
        except (binascii.Error, ValueError) as error:
            raise _refused(_GARBLED) from error
        if plain is not None and digest_of(plain) == sha256:
            pieces.append(vault.Kept(safe_text(name, 200), safe_text(media_type, 100), plain))
    vault.keep(db, came, pieces)


def _refuse_twice(ticket: str, events: Iterable[Event], others: Others) -> None:
    for one in events:
        told = one.body
        if isinstance(told, TicketOpened | TicketRegistered):
            serial = (told.serial.identity if told.serial else "") or ""
            imeis = [each.identity for each in told.imeis if each.identity]
            tickets.refuse_twice(tickets.other_ticket(serial, imeis, others, but=ticket))


def _sealed(record: Record, seq: int, ticket: str) -> Event:
    station = str(record.statement.raw.get("station", ""))
    return event(sealed_of(record).model_copy(update={"seq": seq, "station": station}), ticket)


def _foreign(
    after: int,
    ticket: str,
    new: Iterable[tuple[int, Record, bytes]],
    key_events: Iterable[tuple[str, int, bytes]],
    arrived: _Arrived,
    settings: Settings,
) -> list[ledger.Foreign]:
    rows = [ledger.Foreign(after, station, seq, open_record(data).kind, "", data) for station, seq, data in key_events]
    for seq, record, data in new:
        rows.append(ledger.Foreign(after, str(record.statement.raw["station"]), seq, record.kind, ticket, data))
    if settings.head_office_key:  # verified with it above; where none is pinned a receipt shows nothing
        for data in arrived.bundle.receipts:
            station = str(open_record(data).statement.raw.get("station", ""))
            if station != settings.station:
                rows.append(ledger.Foreign(after, station, 0, "receipt/v1", ticket, data))
    return rows


def _refused(why: Words) -> Trouble:
    return Trouble("bundle.wrong", _WRONG.fill(why=why), Side.PERSON, _ASK_SENDER, EXIT_NO)


_EXISTS = Words("{path} exists already", "{path} 已存在")
_OTHER_NAME = Words("Choose another name", "请另选文件名")
_LIST_TICKETS = Words("`assay ticket list` shows what there is", "请用 `assay ticket list` 查看")
_GOING_ON = Words("A run of {ticket} is going on", "工单 {ticket} 正在检测")
_WAIT = Words("Wait until it is done, or stop it", "请等待完成，或先停止")
_OTHER_SHOP = Words(
    "The bundle is of shop {theirs}, this station belongs to {ours}", "工单包属于网点 {theirs}，本工位属于 {ours}"
)
_ASK_SENDER = Words(
    "Nothing was stored. Have it made again on the other station", "未保存任何内容，请在对方工位重新导出"
)
_PUBLIC = Words(
    "The bundle holds nothing for a station: it was made for anybody to verify",
    "该工单包仅供校验，不含可供工位继续办理的内容",
)
_FULL = Words("Export it without --public", "导出时请勿使用 --public")
_UNPROVEN = Words(
    "The bundle was changed on the way, or nothing shows that it comes from this shop",
    "工单包在途中被改动，或无法证明来自本网点",
)
_ELSEWHERE = Words("The bundle is for station {to}", "该工单包指定给工位 {to}")
_WRONG = Words("The bundle is refused: {why}", "工单包被拒绝：{why}")
_NOT_OURS = Words(
    "The bundle holds record {seq} of this station, which its ledger does not have",
    "工单包含有本工位第 {seq} 条记录，而台账中没有",
)
_VERIFY = Words(
    "`assay verify --ledger`; an old copy may have been put back", "请执行 `assay verify --ledger`；可能恢复了旧副本"
)
_TWO_FACES = Words("Station {station} tells two histories of itself", "工位 {station} 的历史前后矛盾")
_TELL_LEAD = Words(
    "Do not go on; tell the lead: a copy of that station may be at work", "请勿继续并告知店长：该工位可能有副本在运行"
)
_OTHER_TICKET = Words("Another ticket has the number {ticket} here", "本工位的工单号 {ticket} 属于另一工单")
_ERASED = Words("The data of this ticket was erased here", "该工单的数据已在本工位删除")
_NEW_TICKET = Words("Open a new ticket", "请新建工单")
_TOO_LARGE = Words("The bundle would be larger than {n} MiB", "工单包将超过 {n} MiB")
_LESS_EVIDENCE = Words("Send it without --evidence", "请勿使用 --evidence")
_REFUSED = Words("Station {station} is refused here", "本工位已拒绝工位 {station}")
_LEAD = Words(
    "A lead has it taken again: assay station lan --accept STATION",
    "如需恢复，请店长执行：assay station lan --accept 工位",
)
_GARBLED = Words("its sealed part is not of the accepted form", "其密封部分格式不正确")
_NOT_THEIRS = Words("{station} brought a bundle of station {other}", "{station} 送来的是工位 {other} 的工单包")
_OTHER_KEY = Words(
    "{station} does not have the key that its records name now", "{station} 使用的密钥与其记录中的现用密钥不符"
)
_NOT_ASKED = Words("What came is ticket {ticket}, which was not asked for", "收到的是未请求的工单 {ticket}")
_UNREADABLE = Words("{path} can't be read: {why}", "无法读取 {path}：{why}")
