"""Whole ways to a hand-back: a repair with an extra, a phone that goes back unrepaired, one that comes back."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from reports.calendar import day_of, working_day_from
from station import messages as m
from station.errors import Trouble
from tests.station.delivery_bench import USUAL, Counter, counter
from tests.station.station_bench import send

LATER = "2099-01-01 12:00"
MANUAL = {"manual": "Service manual", "version": "3", "steps": "open\nclean\nclose"}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter(tmp_path) as found:
        yield found


async def diagnosed(shop: Counter, **more: Any) -> str:
    ticket = await shop.taken_in(**more)
    await shop.run(ticket, "diagnosis", "tech", "technician", "performed")
    told = {"decision": "cause-found", "cause": "other", "words": "dust", "why": "seen under the lens"}
    await shop.act("diagnosis", ticket, "tech", **told)
    return ticket


async def agreed(shop: Counter, ticket: str, labour: str, decision: str = "agreed") -> None:
    repair = {"repair": "clean-mesh", "labour": labour, "why": "quotation"}
    await shop.act("plan", ticket, "tech", repairs=[repair], promised=LATER, **MANUAL)
    await shop.act("consent", ticket, "tech", decision=decision, way="in-person", witness="lead")


async def told(shop: Counter, ticket: str, stage: str) -> str:
    """What the customer would be told."""
    about = {"step": "notify", "ticket": ticket, "person": "tech", "fields": {"stage": stage}}
    return str((await send(shop.client, m.PreviewStep(**about)))["says"][1][1])


async def repaired(shop: Counter, ticket: str) -> None:
    steps = [{"step": str(n), "done": "yes"} for n in (1, 2, 3)]
    await shop.act("repair", ticket, "tech", remedies="clean-mesh", steps=steps, esd="1.2")
    await shop.checked(ticket)
    await shop.let_go(ticket)


async def test_quote_and_agreed_extra_are_what_is_paid_and_the_warranty_of_the_repair_begins(shop: Counter) -> None:
    ticket = await diagnosed(shop)
    await agreed(shop, ticket, "35.50")
    repair = {"repair": "clean-mesh", "labour": "50", "why": "quotation"}
    await shop.act("plan", ticket, "tech", repairs=[repair], promised=LATER, **MANUAL)
    assert "50.00 CNY" in await told(shop, ticket, "plan-waiting")
    await shop.act("consent", ticket, "tech", decision="agreed", way="in-person", witness="lead")
    await repaired(shop, ticket)
    with pytest.raises(Trouble) as differs:
        await shop.act("deliver", ticket, "tech", **{**USUAL, "paid": "35.50", "pay_way": "cash"})
    assert differs.value.what.en == "35.50 CNY is 14.50 CNY less than was agreed to (50.00 CNY)"
    done = await shop.act("deliver", ticket, "tech", **{**USUAL, "paid": "50", "pay_way": "cash"})
    said = await shop.newest(ticket, "delivery/v1")
    assert [(one.what, one.fen) for one in said.settled.charges] == [("quote", 3550), ("extra", 1450)]
    start = day_of(said.delivered_ms)
    until = working_day_from(start + datetime.timedelta(days=30))
    assert (said.warranty.days, said.warranty.layer, said.warranty.until_day) == (30, "law", until.isoformat())
    assert any(f"{start} + 30 days = until {until}" in line[0].replace("day 0 ", "") for line in done["says"])
    assert any("至 " in line[1] for line in done["says"])


async def test_a_shop_may_promise_more_than_the_law_and_never_less(shop: Counter) -> None:
    ticket = await diagnosed(shop)
    await agreed(shop, ticket, "0")
    await repaired(shop, ticket)
    policy = shop.station.data / "policy" / "repair-warranty.toml"
    policy.write_text('days = "long"\n', encoding="utf-8")
    with pytest.raises(Trouble, match="no number of days"):
        await shop.act("deliver", ticket, "tech", **USUAL)
    policy.write_text("days = 10\n[brands]\nmaker = 90\n", encoding="utf-8")
    await shop.act("deliver", ticket, "tech", **USUAL)
    said = (await shop.newest(ticket, "delivery/v1")).warranty
    assert (said.days, said.layer) == (90, "brand")
    assert said.source.en == "promise of the brand: 90 days; the law asks for 30"


async def test_a_phone_goes_back_unrepaired_against_the_examination_that_was_offered(shop: Counter) -> None:
    ticket = await shop.taken_in()
    await shop.run(ticket, "diagnosis", "tech", "technician", "performed")
    tries = [{"conditions": "warm, charging", "minutes": "30"}] * 3
    await shop.act("diagnosis", ticket, "tech", decision="no-fault-found", tries=tries, why="never seen")
    await shop.act("plan", ticket, "tech", promised=LATER)
    await shop.act("consent", ticket, "tech", decision="return-unrepaired", way="in-person", witness="lead")
    assert "20.00 CNY" in await told(shop, ticket, "ready")
    with pytest.raises(Trouble, match=r"20\.00 CNY less than was agreed"):
        await shop.act("deliver", ticket, "tech", **USUAL)
    await shop.act("deliver", ticket, "tech", **{**USUAL, "paid": "20", "pay_way": "wechat"})
    said = await shop.newest(ticket, "delivery/v1")
    assert (said.decision, said.marks, said.release) == ("returned-unrepaired", ("returned-unrepaired",), None)
    assert [note.zh for note in said.notes] == ["拒修退回（未维修）"]
    assert await shop.state(ticket) == "returned unrepaired"
    assert said.warranty is None


async def test_a_phone_whose_fault_is_not_gone_is_taken_in_again_on_the_same_ticket(shop: Counter) -> None:
    ticket = await shop.taken_in()
    await shop.act("notify", ticket, "tech", stage="received")
    await shop.checked(ticket)
    await shop.let_go(ticket)
    await shop.act("deliver", ticket, "tech", **USUAL)
    about = {"channel": "phone", "reached": "yes", "fault": "not-gone", "score": "1", "words": "still slow"}
    await shop.act("follow-up", ticket, "tech", **about)
    assert await shop.taken_in(ticket=ticket) == ticket
    assert await shop.state(ticket) == "received"
    assert "no release" in await shop.why_not(ticket, "deliver")
    await shop.act("notify", ticket, "tech", stage="received")
    clocks = (await send(shop.client, m.ClocksQuery(ticket=ticket)))["clocks"]
    assert [one["clock"] for one in clocks if one["ended_ms"] is None] == ["repair"]
