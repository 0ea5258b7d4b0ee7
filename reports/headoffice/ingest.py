"""What head office does with what stations send: judge each record on its own, store it once, sign what it says.

A record counts when its station may send, its bytes are a record, its signatures are those that the roster demands, and
it continues the ledger that is here. What does not count is set aside with a reason and never stops the rest. Stands on
`reports`' own rules, the same that the station and the public verifier use; it knows no web framework.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from drivers.text import Words
from reports.attest import Ed25519PrivateKey, Record, open_record, public_raw, sign_envelope
from reports.headoffice.batch import Sent
from reports.headoffice.releases import Releases
from reports.headoffice.store import HeadOfficeError, HeadOfficeStore, Link, Station, Unjudged
from reports.ledger import Frontier, chain_after
from reports.predicates import HeadRef, KeyEventV1, Made, ReceiptRow, ReceiptV1, RefusedRow, ReleaseV1, TextV1
from reports.record import RecordError, digest_of, make_statement
from reports.roster import ROSTER_KINDS, Roster, RosterError

__all__ = ["MAX_PENDING", "HeadOffice"]

#: How many stations may wait for a decision at once: asking costs nothing, so it must not fill the disk.
MAX_PENDING = 1000

_FORK = Words("two different records claim this place in the ledger", "台账同一位置出现两条不同的记录")
_OTHER_HISTORY = Words("does not continue the ledger that head office has", "与总部已有的台账不衔接")


@dataclass
class _Answer:
    """What the receipt will say, by (seq, digest): a record sent twice in one batch is answered once."""

    acknowledged: dict[tuple[int, str], ReceiptRow] = field(default_factory=dict)
    refused: dict[tuple[int, str], RefusedRow] = field(default_factory=dict)
    quarantined: dict[tuple[int, str], ReceiptRow] = field(default_factory=dict)
    releases: list[Unjudged] = field(default_factory=list)


class HeadOffice:
    """One head office: its store, its signing key, its clock.

    Arguments:
        store: the open store.
        key: signs receipts; its public half is what stations pin.
        now_ms: wall time in milliseconds since 1970; what receipts say.
    """

    def __init__(
        self,
        store: HeadOfficeStore,
        key: Ed25519PrivateKey,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.store, self._key, self.now_ms = store, key, now_ms
        self.public = public_raw(key)
        self._rosters: dict[str, tuple[int, Roster]] = {}
        self._releases = Releases(store, self._roster)

    # --- stations ---

    def enrol(self, envelope: bytes) -> Station:
        """Take a station's request to be enrolled (its enrolment record), or the record that replaces its key.

        Asking again is harmless.

        Raises:
            HeadOfficeError: the envelope is neither, a demo station asks a real head office or the reverse, the id
                or key is another station's, too many wait already, or the key is not replaced by the present one.
        """
        try:
            record = open_record(envelope)
            told = record.statement.predicate
            if isinstance(told, KeyEventV1) and (told.kind, told.event) == ("station", "rotate"):
                return self._replace_key(record, told, envelope)
            roster = Roster().apply(record)
        except HeadOfficeError:
            raise
        except RecordError as error:
            raise HeadOfficeError("enrolment", 400, error.words) from error
        event = record.statement.predicate
        assert isinstance(event, KeyEventV1)  # noqa: S101 - the roster took it
        if event.simulated != self.store.simulated:
            raise _wrong_world(self.store.simulated)
        asking = Station(
            station=event.station,
            shop=event.shop,
            name=event.printed_name,
            simulated=event.simulated,
            public=bytes.fromhex(event.key.public),
            digest=roster.genesis,
            envelope=envelope,
            state="pending",
            size=0,
            chain=None,
            peaks=(),
        )
        with self.store.transaction():
            return self._ask(asking)

    def _replace_key(self, record: Record, event: KeyEventV1, envelope: bytes) -> Station:
        """Know a station by its new key, which the present one has signed for; it sends by that from now on."""
        with self.store.transaction():
            known = self.store.station(event.station)
            if known is None:
                raise _unknown_station()
            if known.state == "refused":
                raise _refused_station()
            before = self.store.rotations(known.station)
            if envelope in before:
                return known
            Roster.fold([known.envelope, *before]).apply(record)
            public = bytes.fromhex(event.key.public)
            self.store.replace_key(known, public, envelope, self.now_ms())
            return replace(known, public=public)

    def _ask(self, asking: Station) -> Station:
        known = self.store.station(asking.station)
        if known is None:
            if self.store.pending() >= MAX_PENDING:
                raise HeadOfficeError(
                    "too-many-pending", 429, Words("too many stations wait for approval", "等待批准的工位过多")
                )
            self.store.add_station(asking)
            return asking
        if known.digest != asking.digest:
            raise HeadOfficeError(
                "station-taken",
                409,
                Words("the station id {id} is another station's", "工位编号 {id} 已被占用").fill(id=asking.station),
            )
        return known

    def approved(self, station: str) -> Station:
        """The station, if it may send records.

        Raises:
            HeadOfficeError: it never asked, waits for approval, or was refused.
        """
        with self.store.transaction():
            known = self.store.station(station)
        if known is None:
            raise _unknown_station()
        if known.state == "pending":
            raise HeadOfficeError(
                "station-pending", 403, Words("this station waits for head office's approval", "本工位等待总部批准")
            )
        if known.state == "refused":
            raise _refused_station()
        return known

    # --- records ---

    def receive(self, station: str, batch: Iterable[Sent]) -> bytes:
        """Judge a batch that the station has proven to be its own, store what is good, and give the signed receipt.

        Raises:
            HeadOfficeError: the station may not send.
        """
        from_station = self.approved(station)
        try:
            with self.store.transaction():
                return self._receive(from_station, batch)
        except BaseException:
            self._rosters.clear()  # they may have learnt from records that were rolled back
            self._releases.forget()
            raise

    def _receive(self, station: Station, batch: Iterable[Sent]) -> bytes:
        answer, now = _Answer(), self.now_ms()
        for sent in batch:
            station = self._take(station, sent, answer, now)
        self.store.save_progress(station)
        self._releases.judge(
            station.station, answer.releases, [row.digest for row in answer.acknowledged.values()], now
        )
        head = Frontier(station.size, station.peaks)
        receipt = ReceiptV1(
            head_office=self.store.head_office,
            shop=station.shop,
            station=station.station,
            simulated=station.simulated,
            acknowledged=tuple(answer.acknowledged.values()),
            refused=tuple(answer.refused.values()),
            quarantined=tuple(answer.quarantined.values()),
            next_expected=station.size + 1,
            head=HeadRef(size=head.size, root=head.root) if head.size else None,
            received_ms=now,
        )
        payload = make_statement("receipt/v1", digest_of(station.station.encode()), receipt)
        envelope = sign_envelope(payload, [self._key])
        self.store.add_receipt(digest_of(envelope), station.station, now, envelope)
        return envelope

    def _take(self, station: Station, sent: Sent, answer: _Answer, now: int) -> Station:
        """Deal with one record; gives the station with its ledger as far as it goes now."""
        known, row = self.store.link(station.station, sent.seq), ReceiptRow(seq=sent.seq, digest=sent.digest)
        key = (sent.seq, sent.digest)
        if known and known.digest != sent.digest:
            self._quarantine(station, sent, _FORK, now)
            answer.quarantined[key] = row
            return station
        if known and known.state == "stored":
            answer.acknowledged[key] = row
            return station
        if sent.seq <= station.size + 1 and not self._continues(station, sent, known):
            self._quarantine(station, sent, _OTHER_HISTORY, now)
            answer.quarantined[key] = row
            return station
        try:
            record = self._judge(station, sent, now)
        except RosterError as error:
            if sent.seq > station.size + 1:
                return station  # its key may be enrolled in the gap: unanswered, so it comes again
            why: Words | None = error.words
        except RecordError as error:
            why = error.words
        else:
            why = None
        self.store.put_link(station.station, Link(sent.seq, sent.digest, sent.chain, "refused" if why else "stored"))
        if why:
            self.store.set_aside("refusal", station.station, sent.seq, sent.digest, why, now, sent.envelope)
            answer.refused[key] = RefusedRow(seq=sent.seq, digest=sent.digest, reason=TextV1(en=why.en, zh=why.zh))
        else:
            self.store.add_record(station, sent.seq, sent.digest, record.kind, record.ticket, now, sent.envelope)
            self._learn(station, sent.seq, record)
            if isinstance(record.statement.predicate, ReleaseV1) and record.ticket is not None:
                answer.releases.append(Unjudged(station.station, sent.seq, record.ticket))
            answer.acknowledged[key] = row
        return self._advance(station, now)

    def _advance(self, station: Station, now: int) -> Station:
        """Count on over what follows; where a record from behind a gap continues another history, keep it aside."""
        station, astray = self.store.advance(station)
        standing = self.store.envelope(station.station, astray.seq) if astray else None
        if astray and standing is not None:
            self.store.set_aside(
                "quarantine", station.station, astray.seq, astray.digest, _OTHER_HISTORY, now, standing
            )
        return station

    def _continues(self, station: Station, sent: Sent, known: Link | None) -> bool:
        """Whether the record's chain value is the one that follows from what is here."""
        if known:
            return known.chain == sent.chain
        if sent.seq == 1 and sent.digest != station.digest:
            return False  # the ledger must begin with the enrolment that was approved
        return chain_after(station.chain, sent.digest) == sent.chain

    def _quarantine(self, station: Station, sent: Sent, why: Words, now: int) -> None:
        """Keep both: the record that came now, and the one that stands in its place."""
        self.store.set_aside("quarantine", station.station, sent.seq, sent.digest, why, now, sent.envelope)
        standing = self.store.envelope(station.station, sent.seq)
        if standing is not None:
            digest = digest_of(standing)
            self.store.set_aside("quarantine", station.station, sent.seq, digest, why, now, standing)

    # --- judging ---

    def _judge(self, station: Station, sent: Sent, now: int) -> Record:
        """The record, if it is one and signed by those who must sign it. Raises RecordError with the reason."""
        record = open_record(sent.envelope)
        if sent.seq == 1:
            return record  # the enrolment itself, approved with the station
        made = record.statement.predicate
        if made is None:
            _check_home(station, record)
        elif not isinstance(made, Made) or record.kind == "head/v1":
            raise RecordError(Words("{kind} is not kept in a ledger", "{kind} 不写入台账").fill(kind=record.kind))
        roster = self._roster(station, sent.seq)
        if record.kind in ROSTER_KINDS:
            roster.apply(record)
        else:
            roster.check(record, received_ms=now)
        return record

    def _roster(self, station: Station, seq: int) -> Roster:
        """Who might sign what just before this place of the ledger."""
        last, roster = self._rosters.get(station.station, (0, None))
        if roster is None or last >= seq:
            events = self.store.key_events(station.station, seq)
            roster = Roster.fold([station.envelope, *events])
            if last < seq:
                self._rosters[station.station] = (seq - 1, roster)
        return roster

    def _learn(self, station: Station, seq: int, record: Record) -> None:
        """Carry the roster on; a key event that fills a gap makes it be read anew."""
        if record.kind not in ROSTER_KINDS or seq == 1:
            return
        last, roster = self._rosters.pop(station.station, (seq, None))
        if roster is not None and last < seq:
            self._rosters[station.station] = (seq, roster.apply(record))


def _unknown_station() -> HeadOfficeError:
    words = Words("this station is not enrolled at head office", "本工位未在总部注册")
    return HeadOfficeError("station-unknown", 404, words)


def _refused_station() -> HeadOfficeError:
    return HeadOfficeError("station-refused", 403, Words("head office has refused this station", "总部已拒绝本工位"))


def _check_home(station: Station, record: Record) -> None:
    """A kind that this version does not know must still say where it comes from."""
    raw = record.statement.raw
    if (raw.get("station"), raw.get("shop"), raw.get("simulated")) != (
        station.station,
        station.shop,
        station.simulated,
    ):
        raise RecordError(Words("does not belong to this station", "不属于本工位"))


def _wrong_world(simulated: bool) -> HeadOfficeError:
    words = (
        Words("a real station cannot enrol at a simulated head office", "真实工位不能在模拟总部注册")
        if simulated
        else Words("a demo station cannot enrol at a real head office", "演示工位不能在真实总部注册")
    )
    return HeadOfficeError("simulated", 403, words)
