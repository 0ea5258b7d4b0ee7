"""A station's new key at head office: taken when the present one has signed for it, and from then on the only one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reports.attest import Ed25519PrivateKey, generate_key, key_id, public_raw
from reports.headoffice.app import create_app
from reports.headoffice.batch import Sent
from reports.headoffice.ingest import HeadOffice
from reports.headoffice.request import sign_request
from reports.headoffice.store import HeadOfficeError, HeadOfficeStore, create_head_office
from reports.ledger import chain_after
from reports.record import digest_of
from tests.headoffice.head_office_bench import HQ_KEY, batch_of
from tests.reports.records_builder import Shop


class Office:
    """A head office with one approved station, asked as over HTTP but without a socket."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "hq.db"
        create_head_office(self.path, "hq", simulated=True)
        self.store = HeadOfficeStore(self.path)
        self.office = HeadOffice(self.store, HQ_KEY)
        self.shop = Shop(station="B-1")
        self.office.enrol(self.shop.events[0])
        self.decide("approved")

    def decide(self, state: Any, station: str = "B-1") -> None:
        with self.store.transaction():
            self.store.decide(station, state, "test", 1)

    def rotated(self, **change: Any) -> bytes:
        """The record of a new key, which the shop has from then on."""
        new, old = generate_key(), self.shop.keys["B-1"]
        told = {
            "signers": (old, new),
            "key": new,
            "kind": "station",
            "replaces": key_id(public_raw(old)),
            **change,
        }
        record = self.shop.key_event("rotate", "B-1", **told)
        self.shop.keys["B-1"] = new
        self.shop.events.append(record)
        return record

    @property
    def public(self) -> bytes:
        with self.store.transaction():
            known = self.store.station("B-1")
        assert known is not None
        return known.public

    async def send(self, key: Ed25519PrivateKey, *envelopes: bytes) -> int:
        """The status of a batch of the whole ledger that is signed by `key`."""
        sent, chain = [], None
        for seq, envelope in enumerate(envelopes, 1):
            chain = chain_after(chain, digest_of(envelope))
            sent.append(Sent(seq, chain, envelope))
        body = batch_of(sent)
        headers = sign_request(key, key_id(public_raw(key)), "POST", "/v1/records", "B-1", body, 1)
        transport = httpx.ASGITransport(app=create_app(self.path, HQ_KEY))
        async with httpx.AsyncClient(transport=transport, base_url="http://hq") as http:
            return (await http.post("/v1/records", content=body, headers=headers)).status_code


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


async def test_the_new_key_sends_and_the_old_one_does_not_any_more(office: Office) -> None:
    old = office.shop.keys["B-1"]
    assert await office.send(old, *office.shop.events) == 200
    record = office.rotated()
    new = office.shop.keys["B-1"]
    assert await office.send(new, *office.shop.events) == 401
    assert office.office.enrol(record).state == "approved"
    assert office.public == public_raw(new)
    assert await office.send(new, *office.shop.events) == 200
    assert await office.send(old, *office.shop.events) == 401
    office.shop.enrol("xu", ("technician",))
    assert await office.send(new, *office.shop.events) == 200
    with office.store.transaction():
        assert office.store.counts()["refused"] == 0
        assert office.store.counts()["records"] == {"key-event/v1": len(office.shop.events)}


def test_saying_it_again_or_saying_an_older_one_changes_nothing(office: Office) -> None:
    first, second = office.rotated(), office.rotated()
    with pytest.raises(HeadOfficeError) as gap:
        office.office.enrol(second)
    assert gap.value.status == 400
    for record in (first, second, first, second, first):
        office.office.enrol(record)
    office.office.enrol(office.shop.events[0])
    assert office.public == public_raw(office.shop.keys["B-1"])


@pytest.mark.parametrize("who", ["nobody else", "a stranger", "the new key alone", "one more"])
def test_a_key_that_the_present_one_did_not_sign_for_is_refused(office: Office, who: str) -> None:
    old, new, stranger = office.shop.keys["B-1"], generate_key(), generate_key()
    signers = {
        "nobody else": (old,),
        "a stranger": (stranger, new),
        "the new key alone": (new,),
        "one more": (old, new, stranger),
    }[who]
    before = office.public
    with pytest.raises(HeadOfficeError):
        office.office.enrol(office.rotated(key=new, signers=signers))
    assert office.public == before


def test_another_shop_world_or_person_in_the_record_is_refused(office: Office) -> None:
    before = office.public
    for change in ({"shop": "shop-2"}, {"simulated": False}, {"approved_by": "zhao"}, {"replaces": "0" * 64}):
        shop = office.shop
        keys = dict(shop.keys)
        with pytest.raises(HeadOfficeError):
            office.office.enrol(office.rotated(**change))
        shop.keys = keys
        shop.events.pop()
    assert office.public == before


def test_a_station_that_is_unknown_or_refused_gets_no_new_key(office: Office) -> None:
    record = office.rotated()
    office.decide("refused")
    with pytest.raises(HeadOfficeError) as refused:
        office.office.enrol(record)
    assert refused.value.code == "station-refused"
    stranger = Shop(station="B-2")
    new, old = generate_key(), stranger.keys["B-2"]
    other = stranger.key_event(
        "rotate", "B-2", signers=(old, new), key=new, kind="station", replaces=key_id(public_raw(old))
    )
    with pytest.raises(HeadOfficeError) as unknown:
        office.office.enrol(other)
    assert unknown.value.code == "station-unknown"


def test_a_key_of_one_station_never_becomes_that_of_another_not_even_one_that_was_replaced(office: Office) -> None:
    old = office.shop.keys["B-1"]
    office.office.enrol(office.rotated())
    other = Shop(station="B-2")
    office.office.enrol(other.events[0])
    for taken in (old, office.shop.keys["B-1"]):
        mine = other.keys["B-2"]
        record = other.key_event(
            "rotate", "B-2", signers=(mine, taken), key=taken, kind="station", replaces=key_id(public_raw(mine))
        )
        with pytest.raises(HeadOfficeError) as refused:
            office.office.enrol(record)
        assert refused.value.code == "key-in-use"
    third = Shop(station="B-3")
    third.keys["B-3"] = old
    asking = third.key_event("enrol", "B-3", signers=("B-3",), kind="station", key=old)
    with pytest.raises(HeadOfficeError) as refused:
        office.office.enrol(asking)
    assert refused.value.code == "key-in-use"


def test_what_a_station_was_known_by_is_only_added_to(office: Office) -> None:
    office.office.enrol(office.rotated())
    for change in ("DELETE FROM station_key", "UPDATE station_key SET station = 'X'"):
        with office.store.transaction(), pytest.raises(Exception, match="append-only"):
            office.store.db.execute(change)
