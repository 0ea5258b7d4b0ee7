"""Whether head office agrees with a release: judged by the rules, as soon as everything that it stands on is here.

A ticket may have been on several stations of a shop. What the releasing station had of the others is listed by its own
`bundle/v1` records; those stations send their records themselves, in their own time. So a release waits until what is
listed has come, and is judged then, by the same records in the same order as at the station. Stands on the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drivers.text import Words
from reports.attest import open_record
from reports.headoffice.store import HeadOfficeStore, Station, Stored, Unjudged
from reports.release import ReleasePolicy, verify_release
from reports.roster import Roster, RosterError
from reports.steps.fork import BundleV1

__all__ = ["Releases"]


@dataclass(frozen=True, slots=True)
class _Bundle:
    """What a station said of a bundle that it took in, and the place where it said so."""

    seq: int
    ticket: str
    sender: str
    records: tuple[str, ...]
    key_events: tuple[str, ...]


class _NotYet(Exception):
    """Something is not here yet: what (digests, stations), and whose it is."""

    def __init__(self, awaited: Iterable[str], stations: Iterable[str]) -> None:
        super().__init__()
        self.awaited = tuple(awaited)
        names = ", ".join(sorted(set(stations)))
        self.why = Words("not judged yet: waits for the records of {names}", "尚未判定：等待工位 {names} 的记录").fill(
            names=names
        )


class Releases:
    """The judge of releases at one head office. Everything happens inside the caller's transaction.

    Args:
        roster: who might sign what at a station just before a place of its ledger.
    """

    def __init__(self, store: HeadOfficeStore, roster: Callable[[Station, int], Roster]) -> None:
        self._store, self._roster = store, roster
        self._bundles: dict[str, tuple[int, list[_Bundle]]] = {}
        self._folded: dict[str, tuple[list[bytes], Roster]] = {}

    def forget(self) -> None:
        """A transaction was rolled back: what was read in it may not be there."""
        self._bundles.clear()

    def judge(self, station: str, releases: Iterable[Unjudged], came: Iterable[str], now_ms: int) -> None:
        """Judge the releases that came with a batch of `station`, and those that waited for it or for what `came`."""
        for one in dict.fromkeys((*releases, *self._store.waiting_for((station, *came)))):
            try:
                self._judge(one, now_ms)
            except _NotYet as waits:
                self._store.put_off(one, waits.why, waits.awaited, now_ms)

    def _judge(self, one: Unjudged, now_ms: int) -> None:
        station = self._store.station(one.station)
        if station is None:
            return
        if station.size < one.seq:
            raise _NotYet([station.station], [station.station])
        records = self._standing(station, one)
        policy = ReleasePolicy(checklists=self._store.allowed_checklists() or None)
        times = {record.digest: record.received_ms for record in records}
        roster = self._roster(station, one.seq + 1)
        try:
            roster = roster.with_peers(self._peers(station, one, {record.station for record in records}))
        except RosterError as error:
            said, reasons = "refused", [error.words]
        else:
            envelopes = [record.envelope for record in records]
            decision = verify_release(envelopes, roster, policy=policy, received_ms=times)
            said, reasons = decision.decision, decision.reasons
        self._store.settle(one)
        self._store.add_release(one.station, one.seq, one.ticket, said, reasons, now_ms)

    def _standing(self, station: Station, one: Unjudged) -> list[Stored]:
        """The ticket's records as the station had them: its own, and after each bundle what that brought.

        Raises:
            _NotYet: some of those are not here.
        """
        brought = {each.seq: each for each in self._told(station, one.seq) if each.ticket == one.ticket}
        found: list[Stored] = []
        missing: dict[str, str] = {}
        for own in self._store.ticket(station.station, one.ticket, one.seq):
            found.append(own)
            bundle = brought.get(own.seq)
            for digest in bundle.records if bundle else ():
                other = self._store.of_shop(station.shop, digest)
                if other is None:
                    missing[digest] = bundle.sender if bundle else ""
                else:
                    found.append(other)
        if missing:
            raise _NotYet(missing, missing.values())
        newest: dict[str, int] = {}
        for each in found:
            newest[each.station] = max(newest.get(each.station, 0), each.seq)
        behind = [name for name, seq in newest.items() if (known := self._store.station(name)) and known.size < seq]
        if behind:  # its signer may be enrolled in a gap
            raise _NotYet(behind, behind)
        return found

    def _peers(self, station: Station, one: Unjudged, stations: set[str]) -> list[Roster]:
        """The rosters of the other stations as far as this one knew their key events.

        Raises:
            _NotYet: those that came with this ticket are not all here.
        """
        told = self._told(station, one.seq)
        listed = {digest for each in told for digest in each.key_events}
        senders = {digest: each.sender for each in told if each.ticket == one.ticket for digest in each.key_events}
        known = {digest: self._store.of_shop(station.shop, digest) for digest in listed}
        missing = {digest: sender for digest, sender in senders.items() if known[digest] is None}
        if missing:
            raise _NotYet(missing, missing.values())
        events: dict[str, list[Stored]] = {}
        for event in known.values():
            if event is not None:
                events.setdefault(event.station, []).append(event)
        events.pop(station.station, None)
        rosters = []
        for name, theirs in sorted(events.items()):
            envelopes = [each.envelope for each in sorted(theirs, key=lambda each: each.seq)]
            before, roster = self._folded.get(name, ([], Roster()))
            if before != envelopes:
                roster = Roster.fold(envelopes)
                self._folded[name] = (envelopes, roster)
            if name in stations or not roster.problems:  # of a station that has no part in this one some may be missing
                rosters.append(roster)
        return rosters

    def _told(self, station: Station, up_to: int) -> list[_Bundle]:
        """Every bundle that the station took in up to a place; its ledger has no gap before it."""
        last, told = self._bundles.get(station.station, (0, []))
        if last < up_to:
            told = [*told, *map(_read, self._store.bundles(station.station, last, up_to))]
            self._bundles[station.station] = (up_to, told)
        return [each for each in told if each.seq <= up_to]


def _read(stored: Stored) -> _Bundle:
    made = open_record(stored.envelope).statement.predicate
    assert isinstance(made, BundleV1)  # noqa: S101 - stored under that kind after it was read
    return _Bundle(stored.seq, made.ticket, made.sender, made.records, made.key_events)
