"""A one-time code can't be found by trying: every try is counted before it is answered, however it is made."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from station import messages as m
from station.errors import Trouble
from station.events import CodeTried, DeviceLost
from station.journal import event, load
from station.steps import one_time_code
from station.steps.one_time_code import TRIES
from tests.station.counter_bench import SAYS, Counter, open_counter
from tests.station.repair_bench import desk
from tests.station.station_bench import Cabinet, Phone, running, send
from tests.station.test_bundles import two_stations
from tests.station.test_engine_faults import limit_pages
from tests.station.test_step_counter import code_of, received
from tests.station.test_step_plan import code_of as plan_code_of

BY_CODE = {**SAYS, "way": "one-time-code"}


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path) as found:
        yield found


@contextlib.asynccontextmanager
async def begun_again(counter: Counter) -> AsyncIterator[Counter]:
    """The same counter with an engine that has only what is on the disk."""
    await counter.client.close()
    await counter.engine.close()
    async with running(counter.station, Cabinet(Phone())) as (engine, client):
        yield Counter(counter.station, engine, client, counter.folder)


async def sent(counter: Counter, ticket: str = "") -> tuple[str, str]:
    """A ticket to whose customer a code was sent, and the code."""
    ticket = ticket or await received(counter)
    await counter.act("consent-code", ticket)
    return ticket, code_of(counter, ticket)


def other_than(code: str, n: int = 1) -> str:
    return f"{(int(code) + n) % 10 ** len(code):0{len(code)}d}"


async def told(doing: Any) -> str:
    try:
        await doing
    except Trouble as trouble:
        return trouble.code
    return "done"


def confirm(counter: Counter, ticket: str, code: str) -> Any:
    return counter.act("confirm", ticket, **BY_CODE, code=code)


def preview(counter: Counter, ticket: str, code: str) -> Any:
    fields = {**BY_CODE, "code": code}
    return send(counter.client, m.PreviewStep(step="confirm", ticket=ticket, person="tech", fields=fields))


async def tries(counter: Counter, ticket: str) -> list[bool]:
    events = await counter.engine.store.read(lambda db: load(db, ticket=ticket))
    return [each.body.right for each in events if isinstance(each.body, CodeTried)]


async def test_five_wrong_codes_end_the_one_that_was_sent_and_a_new_one_works(counter: Counter) -> None:
    ticket, code = await sent(counter)
    for n in range(1, TRIES):
        with pytest.raises(Trouble, match=f"not the one that was sent; tries left: {TRIES - n}") as found:
            await confirm(counter, ticket, other_than(code, n))
        assert found.value.code == "consent.code"
    with pytest.raises(Trouble, match=r"does not hold any more.*send a new code \(`assay consent-code`\)") as last:
        await confirm(counter, ticket, other_than(code, TRIES))
    assert (last.value.code, last.value.exit_code) == ("consent.code-tries", 1)
    assert await told(confirm(counter, ticket, code)) == "consent.code-tries"
    assert await told(preview(counter, ticket, code)) == "consent.code-tries"
    assert await tries(counter, ticket) == [False] * TRIES
    assert not await counter.records(ticket, "confirmation")
    ticket, new = await sent(counter, ticket)
    assert await told(confirm(counter, ticket, code)) == "consent.code"
    assert await told(confirm(counter, ticket, new)) == "done"
    assert await tries(counter, ticket) == [False] * (TRIES + 1) + [True]


async def test_a_preview_is_a_try_like_any_other(counter: Counter) -> None:
    ticket, code = await sent(counter)
    for n in range(1, TRIES):
        assert await told(preview(counter, ticket, other_than(code, n))) == "consent.code"
    assert await told(preview(counter, ticket, other_than(code, TRIES))) == "consent.code-tries"
    assert await told(confirm(counter, ticket, code)) == "consent.code-tries"


async def test_many_tries_at_once_are_counted_one_by_one(counter: Counter) -> None:
    ticket, code = await sent(counter)
    clients = [await type(counter.client).connect(counter.station.data) for _ in range(6)]
    desks = [Counter(counter.station, counter.engine, client, counter.folder) for client in clients]
    guesses = [(confirm, preview)[n % 2](desks[n % 6], ticket, other_than(code, n + 1)) for n in range(30)]
    said = await asyncio.gather(*map(told, guesses))
    assert sorted(set(said)) == ["consent.code", "consent.code-tries"]
    assert said.count("consent.code") == TRIES - 1
    assert await tries(counter, ticket) == [False] * TRIES
    for client in clients:
        await client.close()


async def test_tries_are_still_counted_after_the_engine_began_again(counter: Counter) -> None:
    ticket, code = await sent(counter)
    for n in range(1, TRIES):
        await told(confirm(counter, ticket, other_than(code, n)))
    async with begun_again(counter) as again:
        assert await told(confirm(again, ticket, other_than(code, TRIES))) == "consent.code-tries"
        assert await told(confirm(again, ticket, code)) == "consent.code-tries"


async def test_what_can_not_be_a_guess_costs_no_try(counter: Counter) -> None:
    ticket, code = await sent(counter)
    for _ in range(TRIES + 1):
        assert await told(confirm(counter, ticket, "  ")) == "consent.code-missing"
        unfinished = {**BY_CODE, "decision": "differs", "code": other_than(code)}
        assert await told(counter.act("confirm", ticket, **unfinished)) == "confirm.difference"
    assert await tries(counter, ticket) == []
    assert await told(preview(counter, ticket, code)) == "done"
    assert await told(confirm(counter, ticket, f" {code} ")) == "done"
    assert await tries(counter, ticket) == [True, True]


async def test_on_a_full_disk_no_code_is_told_right_from_wrong(counter: Counter) -> None:
    ticket, code = await sent(counter)
    await limit_pages(counter.engine, 1)
    for size in (4000, 1000, 200, 1):
        while await told(counter.engine.journal.append([event(DeviceLost(slot=1, port="x" * size))])) == "done":
            pass
    for guess in (code, other_than(code)):
        assert await told(confirm(counter, ticket, guess)) == "store.full"
        assert await told(preview(counter, ticket, guess)) == "store.full"
    await limit_pages(counter.engine, 10_000_000)
    assert await tries(counter, ticket) == []
    assert await told(confirm(counter, ticket, code)) == "done"


async def test_new_codes_do_not_make_a_ticket_one_that_can_be_tried_for_ever(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_time_code, "TRIES_OF_TICKET", 2 * TRIES)
    ticket, _ = await sent(counter)
    for _ in range(2):
        ticket, code = await sent(counter, ticket)
        for n in range(1, TRIES + 1):
            await told(confirm(counter, ticket, other_than(code, n)))
    with pytest.raises(Trouble, match=r"takes no code any more.*signature") as found:
        await counter.act("consent-code", ticket)
    assert found.value.code == "consent.codes-tried"
    typed = {**SAYS, "way": "typed", "name": "王芳"}
    assert await told(counter.act("confirm", ticket, **typed)) == "done"


async def test_what_was_typed_is_kept_nowhere(counter: Counter) -> None:
    ticket, code = await sent(counter)
    wrong = other_than(code, 12345)
    await told(confirm(counter, ticket, wrong))
    await told(confirm(counter, ticket, code))
    whole = b"".join(path.read_bytes() for path in counter.station.data.glob("assay.db*"))
    assert wrong.encode() not in whole
    assert code.encode() not in whole


async def test_a_code_for_the_plan_is_bounded_the_same_way(tmp_path: Path) -> None:
    async with desk(tmp_path) as bench:
        await bench.take_in(customer_name="王芳", customer_phone="138 0013 8000")
        await bench.run()
        await bench.act("diagnosis", decision="cause-found", cause="battery-worn", why="seen")
        await bench.planned()
        await bench.act("consent-code")
        code = plan_code_of(bench)
        by_code = {"way": "one-time-code", "witness": ""}
        said = [await told(bench.agreed(**by_code, code=other_than(code, n + 1))) for n in range(TRIES)]
        assert said == ["consent.code"] * (TRIES - 1) + ["consent.code-tries"]
        assert await told(bench.agreed(**by_code, code=code)) == "consent.code-tries"
        await bench.act("consent-code")
        assert await told(bench.agreed(**by_code, code=plan_code_of(bench))) == "done"


async def test_tries_go_along_with_a_ticket_to_another_station(tmp_path: Path) -> None:
    async with two_stations(tmp_path) as shop:
        ticket = await shop.counter.taken_in()
        await shop.counter.act("consent-code", ticket, "tech")
        for n in range(TRIES):
            fields = {**BY_CODE, "code": f"{n}{n}{n}"}
            await told(send(shop.counter.client, m.DoStep(step="confirm", ticket=ticket, person="tech", fields=fields)))
        await shop.bench.take(await shop.counter.hand(ticket))
        fields = {**BY_CODE, "code": "00000000"}
        doing = m.DoStep(step="confirm", ticket=ticket, person="tech", fields=fields)
        assert await told(send(shop.bench.client, doing)) == "consent.code-tries"
