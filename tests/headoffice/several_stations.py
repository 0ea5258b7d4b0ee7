"""One ticket on two stations of a shop, out of real records and ledgers and without engines.

In at the counter, checked at the bench, released at the counter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from checklists.verdict import Stage
from reports.attest import open_record
from reports.headoffice.batch import Sent
from reports.ledger import Foreign, add_foreign, append, envelopes_of, foreign_of, last_link, roster_of
from reports.record import digest_of
from reports.release import verify_release
from reports.steps.fork import BundleV1
from reports.steps.qualification import QualificationV1
from reports.verify import bundle_of, write_bundle
from tests.reports.records_builder import PHONE, Case, Shop, acknowledge, open_ledger
from tests.reports.records_builder import HeadOffice as Signer


@dataclass
class Place:
    """A station: who makes its records, and its ledger."""

    shop: Shop
    db: Database
    case: Case = field(init=False)

    def __post_init__(self) -> None:
        self.case = Case(self.shop)
        self.keep(*self.shop.events)

    def keep(self, *envelopes: bytes) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        for envelope in envelopes:
            append(self.db, envelope, roster=roster_of(self.db))
        self.db.execute("COMMIT")

    def kept(self, work: Callable[[Case], Any]) -> Any:
        """Do something on the ticket and put what it made into the ledger."""
        before = len(self.case.envelopes)
        made = work(self.case)
        self.keep(*self.case.envelopes[before:])
        return made

    def qualify(self, person: str, checklist: str) -> None:
        made = self.shop.made()
        now = made["clock"].wall_ms
        said = QualificationV1(
            **made,
            person=person,
            printed_name=self.shop.roster.persons[person].printed_name,
            checklist=checklist,
            from_ms=now,
            to_ms=now + 10**10,
            approved_by="zhao",
        )
        key = self.shop.roster.current_key(person)
        assert key is not None
        self.shop.events.append(self.shop.sign("qualification/v1", key.id, said, self.shop.station, "zhao"))
        self.keep(self.shop.events[-1])

    def take_from(self, other: Place) -> None:
        """What `assay bundle import` keeps: an own record that lists everything, and the other's envelopes beside."""
        ticket = self.shop.ticket
        bundle = bundle_of(other.db, ticket)
        here = {digest_of(data) for data in envelopes_of(self.db, ticket)}
        new = [(seq, data) for seq, data in bundle.records if digest_of(data) not in here]
        known = {digest_of(each.envelope) for each in foreign_of(self.db)}
        rosters = {bundle.station: bundle.roster, **dict(bundle.peers)}
        rosters.pop(self.shop.station, None)
        events = [(name, data) for name, each in rosters.items() for data in each if digest_of(data) not in known]
        said = BundleV1(
            **self.shop.common(),
            bundle=digest_of(write_bundle(bundle)),
            sender=bundle.station,
            genesis=digest_of(bundle.roster[0]),
            vouched="shop-key",
            records=tuple(digest_of(data) for _, data in new),
            key_events=tuple(digest_of(data) for _, data in events),
            apart=(),
            person="",
        )
        self.keep(self.shop.sign("bundle/v1", said.bundle, said, self.shop.station))
        last = last_link(self.db)
        assert last is not None
        rows = [Foreign(last.seq, name, 0, _kind(data), "", data) for name, data in events]
        rows += [Foreign(last.seq, _station(data), seq, _kind(data), ticket, data) for seq, data in new]
        self.db.execute("BEGIN IMMEDIATE")
        add_foreign(self.db, rows)
        self.db.execute("COMMIT")

    def release(self, person: str = "li") -> None:
        decision = verify_release(
            envelopes_of(self.db, self.shop.ticket), roster_of(self.db), approver=person, at_ms=self.shop.now_ms
        )
        assert decision.reasons == []
        self.keep(self.shop.release(decision, person))

    @property
    def ledger(self) -> list[Sent]:
        rows = self.db.execute("SELECT seq, chain, envelope FROM record ORDER BY seq").fetchall()
        return [Sent(seq, chain, bytes(envelope)) for seq, chain, envelope in rows]


@dataclass
class Two:
    """The counter, which has released, and the bench, which has checked."""

    counter: Place
    bench: Place
    office: Signer

    @property
    def ledgers(self) -> dict[str, list[Sent]]:
        return {one.shop.station: one.ledger for one in (self.counter, self.bench)}

    def bundle(self, *, proven: bool = False) -> bytes:
        """The ticket as the counter has it, for anybody."""
        if proven:
            for place in (self.counter, self.bench):
                acknowledge(place.db, place.shop, self.office)
        return write_bundle(bundle_of(self.counter.db, self.counter.shop.ticket))


def two_stations(folder: Path) -> Two:
    """Both ledgers lie in `folder`."""
    counter = Place(Shop(station="COUNTER"), open_ledger(folder / "counter.db"))
    people = {name: key for name, key in counter.shop.keys.items() if name != "COUNTER"}
    bench = Place(Shop(station="BENCH", keys=people), open_ledger(folder / "bench.db"))
    counter.qualify("li", "bench-test")
    bench.qualify("li", "bench-test")
    counter.kept(lambda case: case.intake(phone=PHONE))
    counter.kept(lambda case: case.add(case.shop.run(Stage.INTAKE, "wang")))
    bench.shop.now_ms = counter.shop.now_ms
    bench.take_from(counter)
    bench.kept(lambda case: case.cross_check(case.self_check()))
    counter.shop.now_ms = bench.shop.now_ms
    counter.take_from(bench)
    counter.release()
    return Two(counter, bench, Signer())


def _kind(data: bytes) -> str:
    return open_record(data).kind


def _station(data: bytes) -> str:
    return str(open_record(data).statement.raw["station"])
