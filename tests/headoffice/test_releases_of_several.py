"""A release that stands on the records of several stations: judged when all of them have come, in whatever order."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.text import Words
from reports.headoffice.batch import Sent
from reports.headoffice.ingest import HeadOffice
from reports.headoffice.store import HeadOfficeStore, create_head_office
from reports.verify import verify_ledger
from tests.headoffice.head_office_bench import HQ_KEY
from tests.headoffice.several_stations import Two, two_stations

Ledgers = dict[str, list[Sent]]


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Two:
    two = two_stations(tmp_path_factory.mktemp("shop"))
    for place, name in ((two.counter, "counter"), (two.bench, "bench")):
        assert verify_ledger(Path(place.db.conn.execute("PRAGMA database_list").fetchone()[2])).ok, name
    return two


class Office:
    """A head office to which both stations may send."""

    def __init__(self, folder: Path, ledgers: Ledgers) -> None:
        path = folder / "hq.db"
        create_head_office(path, "hq", simulated=True)
        self.store = HeadOfficeStore(path)
        self.office = HeadOffice(self.store, HQ_KEY)
        for name, ledger in ledgers.items():
            self.office.enrol(ledger[0].envelope)
            with self.store.transaction():
                self.store.decide(name, "approved", "test", 1)

    def send(self, station: str, *records: Sent) -> None:
        self.office.receive(station, records)

    @property
    def decisions(self) -> list[str]:
        with self.store.transaction():
            return [str(row["decision"]) for row in self.store.db.query("SELECT decision FROM release")]

    @property
    def waiting(self) -> list[Words]:
        with self.store.transaction():
            return [Words(**row["why"]) for row in self.store.unjudged()]


@pytest.fixture
def office(tmp_path: Path, worked: Two) -> Iterator[Office]:
    made = Office(tmp_path, worked.ledgers)
    yield made
    made.store.close()


def test_a_release_waits_for_the_station_that_has_not_sent_and_is_judged_when_it_does(
    office: Office, worked: Two
) -> None:
    office.send("COUNTER", *worked.ledgers["COUNTER"])
    assert office.decisions == []
    assert office.waiting == [
        Words("not judged yet: waits for the records of BENCH", "尚未判定：等待工位 BENCH 的记录")
    ]
    with office.store.transaction():
        rows = {row["release"] for row in office.store.rows()}
        assert office.store.counts()["unjudged"] == 1
    assert "not-judged-yet" in rows
    office.send("BENCH", *worked.ledgers["BENCH"])
    assert office.decisions == ["released"]
    assert office.waiting == []


def test_where_the_other_station_sent_first_it_is_judged_at_once(office: Office, worked: Two) -> None:
    office.send("BENCH", *worked.ledgers["BENCH"])
    office.send("COUNTER", *worked.ledgers["COUNTER"])
    assert (office.decisions, office.waiting) == (["released"], [])


def test_it_waits_through_single_records_until_the_very_last_has_come(office: Office, worked: Two) -> None:
    bench = worked.ledgers["BENCH"]
    office.send("COUNTER", *worked.ledgers["COUNTER"])
    for one in bench[:-1]:
        office.send("BENCH", one)
        assert office.decisions == []
        assert len(office.waiting) == 1
    office.send("BENCH", bench[-1])
    assert office.decisions == ["released"]


def test_a_gap_in_the_other_ledger_or_in_its_own_makes_it_wait_for_that(office: Office, worked: Two) -> None:
    bench, counter = worked.ledgers["BENCH"], worked.ledgers["COUNTER"]
    office.send("BENCH", *bench[:6], *bench[7:])
    office.send("COUNTER", *counter)
    assert office.decisions == []
    assert "BENCH" in office.waiting[0].en
    office.send("BENCH", bench[6])
    assert office.decisions == ["released"]


def test_its_own_gap_makes_it_wait_for_itself(office: Office, worked: Two) -> None:
    bench, counter = worked.ledgers["BENCH"], worked.ledgers["COUNTER"]
    office.send("BENCH", *bench)
    hole = len(counter) - 3
    office.send("COUNTER", *counter[:hole], *counter[hole + 1 :])
    assert office.decisions == []
    assert "COUNTER" in office.waiting[0].en
    office.send("COUNTER", counter[hole])
    assert office.decisions == ["released"]


def test_any_interleaving_of_batches_ends_with_the_same_single_decision(tmp_path: Path, worked: Two) -> None:
    halves = [(name, ledger[at : at + 5]) for name, ledger in worked.ledgers.items() for at in range(0, len(ledger), 5)]
    every = list(itertools.permutations(range(len(halves))))
    for number, order in enumerate(every[:: max(1, len(every) // 6)]):
        office = Office(tmp_path / str(number), worked.ledgers)
        for _ in range(4):  # what was behind a gap whose signer was not known is sent again, as a bench does
            for at in order:
                name, records = halves[at]
                office.send(name, *records)
        assert (office.decisions, office.waiting) == (["released"], [])
        office.store.close()


def test_a_record_of_the_other_station_that_was_not_good_leaves_the_release_unjudged(
    office: Office, worked: Two
) -> None:
    bench = worked.ledgers["BENCH"]
    run = next(at for at, one in enumerate(bench) if b"run/v1" in _payload(one))
    spoilt = Sent(bench[run].seq, bench[run].chain, bench[run].envelope.replace(b'"sig":"', b'"sig":"A', 1))
    office.send("COUNTER", *worked.ledgers["COUNTER"])
    office.send("BENCH", *bench[:run], spoilt, *bench[run + 1 :])
    assert office.decisions == []
    assert "BENCH" in office.waiting[0].en


def test_the_rules_of_head_office_hold_for_runs_that_were_made_on_another_station(office: Office, worked: Two) -> None:
    with office.store.transaction():
        office.store.allow_checklist("0" * 64, "another", 1, "test", 1)
    office.send("BENCH", *worked.ledgers["BENCH"])
    office.send("COUNTER", *worked.ledgers["COUNTER"])
    assert office.decisions == ["refused"]
    with office.store.transaction():
        ((reasons,),) = office.store.db.execute("SELECT reasons FROM release").fetchall()
    assert "not allowed here" in reasons


def test_records_of_another_shop_do_not_stand_in(tmp_path: Path, worked: Two) -> None:
    office = Office(tmp_path, {"COUNTER": worked.ledgers["COUNTER"]})
    office.send("COUNTER", *worked.ledgers["COUNTER"])
    with office.store.transaction():
        digest = worked.ledgers["BENCH"][-1].digest
        assert office.store.of_shop("S-02", worked.ledgers["COUNTER"][0].digest) is None
        assert office.store.of_shop("shop-1", digest) is None
    assert office.decisions == []
    office.store.close()


def test_a_rolled_back_batch_leaves_no_trace_in_what_is_remembered(
    office: Office, worked: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.send("BENCH", *worked.ledgers["BENCH"])
    add = office.store.add_receipt

    def fail(*arguments: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(office.store, "add_receipt", fail)
    with pytest.raises(OSError, match="full"):
        office.send("COUNTER", *worked.ledgers["COUNTER"])
    monkeypatch.setattr(office.store, "add_receipt", add)
    assert office.decisions == []
    office.send("COUNTER", *worked.ledgers["COUNTER"])
    assert office.decisions == ["released"]


def _payload(one: Sent) -> bytes:
    return base64.b64decode(json.loads(one.envelope)["payload"])
