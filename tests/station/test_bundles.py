"""One ticket on several stations: handed over as a file, verified before anything is kept, forks decided by a lead."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reports.attest import generate_key
from reports.ledger import envelopes_of, foreign_of, roster_of
from reports.release import verify_release
from reports.verify import verify_file, verify_ledger
from station import messages as m
from station.errors import Trouble
from station.rebuilding import rebuild
from station.vault import erase
from tests.station.shop_bench import Desk, desk, enrolled, joined
from tests.station.station_bench import PEOPLE, Phone, send, signed


@dataclass
class Shop:
    counter: Desk
    bench: Desk


@contextlib.asynccontextmanager
async def two_stations(folder: Path, bench_phone: Phone | None = None) -> AsyncIterator[Shop]:
    keys = {person: generate_key() for person in PEOPLE}
    first = await enrolled(folder / "counter", "COUNTER", keys)
    second = await enrolled(folder / "bench", "BENCH", keys)
    joined(first, second)
    async with desk(first, _phone()) as counter, desk(second, bench_phone or _phone()) as bench:
        yield Shop(counter, bench)


def _phone(**more: Any) -> Phone:
    return Phone(answers={"cat level": "80\n"}, **more)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with two_stations(tmp_path) as both:
        yield both


async def over(shop: Shop) -> tuple[str, Path]:
    """A ticket taken in at the counter and handed to the bench."""
    ticket = await shop.counter.taken_in()
    path = await shop.counter.hand(ticket)
    await shop.bench.take(path)
    return ticket, path


async def kinds(one: Desk, ticket: str) -> list[str]:
    return [record.kind for record in await one.records(ticket)]


async def test_a_ticket_goes_to_the_bench_and_back_and_is_released_at_the_counter(shop: Shop) -> None:
    ticket, _ = await over(shop)
    await shop.bench.checked(ticket)
    back = await shop.counter.take(await shop.bench.hand(ticket))
    assert (back["sender"], back["apart"]) == ("BENCH", 0)
    view = await send(shop.counter.client, m.TicketQuery(ticket=ticket))
    assert [run["stage"] for run in view["runs"]] == ["self-check", "cross-check"]
    await shop.counter.let_go(ticket)
    assert await shop.counter.state(ticket) == "ready"

    whole = await shop.counter.hand(ticket, "whole", public=True)
    report = verify_file(whole)
    assert report.ok
    assert report.release is not None
    assert report.release.decision == "released"
    for station in (shop.counter, shop.bench):
        assert verify_ledger(station.station.settings.database).problems == ()
        assert not (await station.engine.store.write(rebuild)).differences


async def test_the_bench_knows_the_phone_and_the_customer_but_nobody_else_can_read_them(shop: Shop) -> None:
    ticket, path = await over(shop)
    text = path.read_text(encoding="utf-8")
    assert "356938035643809" not in text
    assert "王小芳" not in text
    session = await shop.bench.engine.work.session(ticket)
    assert session.opened is not None
    assert session.opened.imeis[0].identity == "356938035643809"
    assert shop.bench.engine.work.ticket_in == {1: ticket}


async def test_taking_the_same_bundle_in_again_changes_nothing(shop: Shop) -> None:
    ticket, path = await over(shop)
    before = await kinds(shop.bench, ticket)
    again = await shop.bench.take(path)
    assert (again["new"], again["record"]) == (0, None)
    assert await kinds(shop.bench, ticket) == before
    assert (await shop.counter.take(path))["new"] == 0


async def test_what_is_kept_of_other_stations_stands_in_order_and_is_found_again(shop: Shop) -> None:
    ticket, _ = await over(shop)
    await shop.bench.run(ticket, "self-check", "tech", "technician", "performed")
    assert await kinds(shop.bench, ticket) == ["bundle/v1", "intake/v1", "signoff/v1", "run/v1", "signoff/v1"]
    kept = await shop.bench.engine.store.read(lambda db: foreign_of(db, ticket))
    assert [each.station for each in kept] == ["COUNTER", "COUNTER"]


@pytest.mark.parametrize("place", [10, 1000, -200, -3])
async def test_a_changed_byte_is_refused_and_nothing_is_stored(shop: Shop, place: int) -> None:
    ticket = await shop.counter.taken_in()
    path = await shop.counter.hand(ticket)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(Trouble, match=r"refused|changed on the way|belongs to"):
        await shop.bench.take(path)
    assert await kinds(shop.bench, ticket) == []
    with pytest.raises(Trouble, match="no ticket"):
        await send(shop.bench.client, m.TicketQuery(ticket=ticket))


async def test_bundles_from_outside_the_shop_are_refused_with_words(shop: Shop, tmp_path: Path) -> None:
    ticket = await shop.counter.taken_in()
    path = await shop.counter.hand(ticket)
    keys = {person: generate_key() for person in PEOPLE}
    elsewhere = await enrolled(tmp_path / "elsewhere", "X-1", keys, shop="S-02")
    same_name = await enrolled(tmp_path / "same", "X-2", keys)
    alone = await enrolled(tmp_path / "alone", "X-3", keys)
    joined(elsewhere)
    joined(same_name)
    for station, words in ((elsewhere, "belongs to S-02"), (same_name, "nothing shows"), (alone, "shares no key")):
        async with desk(station, None) as other:
            with pytest.raises(Trouble, match=words):
                await other.take(path)


async def test_a_bundle_for_anybody_or_for_another_station_is_not_taken_in(shop: Shop) -> None:
    ticket = await shop.counter.taken_in()
    with pytest.raises(Trouble, match="for anybody to verify"):
        await shop.bench.take(await shop.counter.hand(ticket, public=True))
    with pytest.raises(Trouble, match="for station QC"):
        await shop.bench.take(await shop.counter.hand(ticket, to="QC"))
    assert (await shop.bench.take(await shop.counter.hand(ticket, to="BENCH")))["new"] == 2


async def test_evidence_stays_behind_unless_it_is_asked_for(shop: Shop) -> None:
    ticket = await shop.counter.taken_in()
    await shop.counter.run(ticket, "intake", "tech", "technician", "performed")

    async def pieces() -> int:
        count = "SELECT count(*) FROM evidence WHERE scope = ?"
        return int(await shop.bench.engine.store.read(lambda db: db.execute(count, [ticket]).fetchone()[0]))

    await shop.bench.take(await shop.counter.hand(ticket))
    assert await pieces() == 0
    await shop.bench.take(await shop.counter.hand(ticket, evidence=True))
    assert await pieces() > 0


async def forked(shop: Shop) -> str:
    """The bench made both checks; the counter made a self-check of its own meanwhile, and hears of it afterwards."""
    ticket, _ = await over(shop)
    await shop.bench.checked(ticket)
    await shop.counter.run(ticket, "self-check", "tech", "technician", "performed")
    told = await shop.counter.take(await shop.bench.hand(ticket))
    assert told["apart"] == 2
    return ticket


async def test_two_stations_that_went_on_apart_are_both_shown_and_nothing_is_released(shop: Shop) -> None:
    ticket = await forked(shop)
    view = await send(shop.counter.client, m.TicketQuery(ticket=ticket))
    assert len(view["runs"]) == 3
    asked = await shop.counter.asked(ticket)
    assert asked["decision"] == "refused"
    assert "fork" in asked["codes"]


async def test_a_lead_decides_which_branch_counts_and_the_other_stays(shop: Shop) -> None:
    ticket = await forked(shop)
    assert await shop.counter.why_not(ticket, "fork") == ""
    await shop.counter.act("fork", ticket, "lead", branch="there", reason="the bench has both checks")
    await shop.counter.let_go(ticket)
    assert (await kinds(shop.counter, ticket)).count("run/v1") == 3
    assert verify_ledger(shop.counter.station.settings.database).problems == ()
    assert "apart" in await shop.counter.why_not(ticket, "fork")

    told = await shop.bench.take(await shop.counter.hand(ticket))
    assert told["apart"] == 0
    decision = await shop.bench.engine.store.read(
        lambda db: verify_release(envelopes_of(db, ticket), roster_of(db)).decision
    )
    assert decision == "released"


async def test_the_other_branch_can_count_too_and_then_the_checks_of_the_bench_do_not(shop: Shop) -> None:
    ticket = await forked(shop)
    await shop.counter.act("fork", ticket, "lead", branch="here", reason="the bench had another phone")
    asked = await shop.counter.asked(ticket)
    assert "no-cross-check" in asked["codes"]
    assert "fork" not in asked["codes"]


async def test_who_is_no_lead_decides_over_no_fork(shop: Shop) -> None:
    ticket = await forked(shop)
    with pytest.raises(Trouble) as refused:
        await shop.counter.act("fork", ticket, "tech", branch="there", reason="-")
    assert refused.value.code == "person.role"


async def test_a_wrong_phone_on_a_ticket_that_was_handed_over_is_caught(tmp_path: Path) -> None:
    async with two_stations(tmp_path, _phone(serial="OTHER", imeis=("490154203237518",))) as shop:
        ticket, _ = await over(shop)
        start = m.StartRun(
            slot=1, ticket=ticket, checklist=str(shop.bench.checklist), stage="self-check", person="tech"
        )
        with pytest.raises(Trouble) as refused:
            await send(shop.bench.client, start)
        assert refused.value.code == "ticket.other-phone"


async def test_a_phone_that_is_in_an_open_ticket_here_is_not_taken_in_twice(shop: Shop) -> None:
    await send(shop.bench.client, m.NewTicket(ticket="B-1", person="tech"))
    await shop.bench.taken_in(ticket="B-1")
    await send(shop.counter.client, m.NewTicket(ticket="C-1", person="tech"))
    await shop.counter.taken_in(ticket="C-1")
    with pytest.raises(Trouble) as refused:
        await shop.bench.take(await shop.counter.hand("C-1"))
    assert refused.value.code == "ticket.twice"
    assert await kinds(shop.bench, "C-1") == []


async def test_two_tickets_of_one_number_are_never_made_one(tmp_path: Path) -> None:
    async with two_stations(tmp_path) as shop:
        for one in (shop.counter, shop.bench):
            await send(one.client, m.NewTicket(ticket="T-1", person="tech"))
            await one.taken_in(ticket="T-1")
        with pytest.raises(Trouble, match="Another ticket has the number"):
            await shop.bench.take(await shop.counter.hand("T-1"))


async def test_an_envelope_of_another_station_that_is_changed_in_the_store_is_found(shop: Shop) -> None:
    await over(shop)

    def tamper(db: Any) -> None:
        db.execute("DROP TRIGGER foreign_record_no_update")
        change = (
            "UPDATE foreign_record SET envelope = CAST(replace(envelope, 'e', 'f') AS BLOB) WHERE kind = 'intake/v1'"
        )
        db.execute(change)

    await shop.bench.engine.store.write(tamper)
    found = {problem.what for problem in verify_ledger(shop.bench.station.settings.database).problems}
    assert {"digest", "bundle"} <= found


async def test_an_erased_ticket_does_not_come_back_with_a_bundle(shop: Shop) -> None:
    ticket, path = await over(shop)
    await shop.bench.engine.store.write(lambda db: erase(db, ticket))
    with pytest.raises(Trouble) as refused:
        await shop.bench.take(path)
    assert refused.value.code == "ticket.erased"


async def test_what_a_station_signed_of_itself_can_not_be_taken_for_its_own_unless_it_has_it(shop: Shop) -> None:
    ticket, _ = await over(shop)
    sign_off = m.PrepareSignoff
    record = next(one for one in await shop.bench.records(ticket) if one.kind == "intake/v1")
    done = await signed(
        shop.bench.station,
        shop.bench.client,
        "lead",
        sign_off(target=record.digest, person="lead", role="lead", meaning="performed"),
    )
    assert done["ticket"] == ticket
    told = await shop.counter.take(await shop.bench.hand(ticket))
    assert told["new"] == 2
    assert json.loads((await shop.counter.hand(ticket)).read_text(encoding="utf-8"))["peers"][0]["station"] == "BENCH"
