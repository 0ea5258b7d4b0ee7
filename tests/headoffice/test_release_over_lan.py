"""Two engines exchange a ticket over the network and both send to one head office, one of them with a new key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reports.attest import public_raw
from reports.headoffice.serve import running
from reports.headoffice.store import HeadOfficeStore, create_head_office
from reports.ledger import LEDGER
from reports.verify import verify_ledger
from station import messages as m
from station.head_office import request_enrolment
from station.outbox import OUTBOX, Uploader
from station.settings import Settings, load_station_key
from station.setup import enrolment_of, rotate_station_key
from station.store import Store
from tests.headoffice.head_office_bench import HQ_KEY
from tests.station.lan_bench import network
from tests.station.station_bench import send


async def uploaded(settings: Settings, url: str) -> int:
    """How many records of a station head office has acknowledged after it sent what waits."""
    at_office = settings.model_copy(update={"head_office": url, "head_office_key": public_raw(HQ_KEY).hex()})
    store = Store(settings.database)
    try:
        await store.migrate([LEDGER, OUTBOX])
        return (await Uploader(store, at_office, load_station_key(settings.data)).once()).acknowledged
    finally:
        store.close()


async def enrolled_at(settings: Settings, url: str, office: HeadOfficeStore) -> None:
    store = Store(settings.database)
    try:
        first = await store.read(enrolment_of)
    finally:
        store.close()
    assert first is not None
    await request_enrolment(url, first)
    with office.transaction():
        office.decide(settings.station, "approved", "test", 1)


async def test_a_release_that_went_over_two_desks_is_judged_when_both_have_sent(tmp_path: Path) -> None:
    async with network(tmp_path) as net:
        ticket = await net.counter.taken_in()
        await net.sends(ticket)
        await net.bench.checked(ticket)
        await send(net.counter.client, m.FetchBundle(ticket=ticket, sender="BENCH"))
        await net.counter.let_go(ticket)
        counter, bench = (one.station.settings for one in (net.counter, net.bench))
    await rotate_station_key(bench)

    database = tmp_path / "hq" / "hq.db"
    create_head_office(database, "hq", simulated=True)
    office = HeadOfficeStore(database)

    def told() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        with office.transaction():
            return office.counts(), office.unjudged()

    async with running(database, HQ_KEY) as url:
        for settings in (counter, bench):
            await enrolled_at(settings, url, office)
        await uploaded(counter, url)
        counts, waiting = told()
        assert (counts["releases"], counts["unjudged"], counts["refused"]) == ({}, 1, 0)
        assert (waiting[0]["ticket"], waiting[0]["station"]) == (ticket, "COUNTER")
        assert "BENCH" in waiting[0]["why"]["en"]
        assert await uploaded(bench, url) > 5
        counts, waiting = told()
        assert (counts["releases"], waiting, counts["refused"]) == ({"released": 1}, [], 0)
    office.close()
    for settings in (counter, bench):
        assert verify_ledger(settings.database, public_raw(HQ_KEY)).origin == "proven"
