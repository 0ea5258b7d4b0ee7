"""The hand-back through the real engine: the right phone, the right person, the right sum, and what papers say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from station import messages as m
from station.errors import Trouble
from tests.station.delivery_bench import OWNER, TELEPHONE, USUAL, Counter, counter
from tests.station.station_bench import IMEI, Phone, holds, send

OTHER_IMEI = "490154203237518"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter(tmp_path) as found:
        yield found


async def refused(shop: Counter, ticket: str, **fields: str) -> Trouble:
    with pytest.raises(Trouble) as caught:
        await shop.act("deliver", ticket, "tech", **{**USUAL, **fields})
    return caught.value


async def test_a_released_phone_is_handed_over_and_the_record_says_to_whom_and_what(shop: Counter) -> None:
    ticket = await shop.released()
    await shop.act("deliver", ticket, "tech", **USUAL)
    assert await shop.state(ticket) == "delivered"
    said = await shop.newest(ticket, "delivery/v1")
    assert (said.decision, said.seen, said.marks) == ("delivered", "plugged", ())
    assert said.handed_over.accessories == "charger"
    assert said.collector.capacity == "owner"
    assert len(said.shown) == 2
    payloads = b"".join(one.envelope.payload for one in await shop.records(ticket))
    assert not [one for one in (OWNER, TELEPHONE, IMEI) if one.encode() in payloads]


async def test_on_a_ticket_whose_phone_was_handed_back_nothing_is_measured_any_more(shop: Counter) -> None:
    ticket = await shop.delivered()
    start = m.StartRun(slot=1, ticket=ticket, checklist=str(shop.checklist), stage="self-check", person="tech")
    with pytest.raises(Trouble) as caught:
        await send(shop.client, start)
    assert caught.value.code == "ticket.ended", caught.value
    assert await shop.state(ticket) == "delivered"


async def test_nothing_is_handed_over_before_its_release(shop: Counter) -> None:
    ticket = await shop.taken_in()
    assert "no release" in await shop.why_not(ticket, "deliver")
    await shop.checked(ticket)
    assert "no release" in (await refused(shop, ticket)).what.en


async def test_a_release_that_does_not_stand_any_more_hands_nothing_over(shop: Counter) -> None:
    ticket = await shop.released()
    await shop.run(ticket, "self-check", "tech", "technician", "performed")
    assert "does not stand" in (await refused(shop, ticket)).what.en


async def test_another_phone_is_refused_whether_scanned_or_plugged_in(shop: Counter) -> None:
    ticket = await shop.released()
    scanned = await refused(shop, ticket, imei=OTHER_IMEI)
    assert (scanned.code, scanned.what.en) == ("deliver.wrong-phone", "This is another phone (…7518) than the ticket's")
    assert "check digit" in (await refused(shop, ticket, imei=IMEI[:-1] + "0")).what.en
    shop.cabinet.pull(shop.phone)
    await holds(lambda: shop.engine.bench.slots[1].identity is None)
    assert (await refused(shop, ticket)).code == "deliver.no-phone"
    shop.cabinet.put(Phone(serial="SER0002", imeis=(OTHER_IMEI,), key=7))
    await holds(lambda: shop.engine.bench.slots[1].identity is not None)
    assert (await refused(shop, ticket)).code == "deliver.wrong-phone"
    await shop.act("deliver", ticket, "tech", **USUAL, imei="SER0001")
    assert (await shop.newest(ticket, "delivery/v1")).seen == "scanned"


REFUSALS = (
    (
        {"name": "李四"},
        "deliver.collector",
        "This is not the name that was taken down: the owner",
        "姓名与登记不符：机主",
    ),
    ({"name": ""}, "deliver.name", "The collector's name is needed", "请填写取机人姓名"),
    ({"collector": "bringer"}, "deliver.collector", "Nobody was named as: who brought it", "未登记：送修人"),
    ({"reference": ""}, "deliver.proof", "A slip or a parcel needs its number", "纸质取机单或运单需填编号"),
    ({"way": "signature"}, "deliver.proof", "A signature on the bench needs its picture", "工位签名需附图片"),
    ({"accessories": "no"}, "deliver.accessories", "Not everything that was taken in", "附件未全部交还"),
    ({"old_parts": "kept"}, "deliver.old-part", "agreed was: none were taken out", "旧件约定为：未拆下旧件"),
    ({"shown": "no"}, "form.wrong", "the customer was shown the result: needed", "已向客户展示检测结果：必填"),
    ({"outcome": "refunded"}, "deliver.outcome", "ends as: repaired, released, not: refunded", "不是“退机退款”"),
    ({"imei": OTHER_IMEI}, "deliver.wrong-phone", "another phone (…7518) than the ticket's", "（…7518）不是此工单"),
    ({"imei": IMEI[:-1] + "0"}, "deliver.imei", "the check digit is wrong", "校验位错误"),
    (
        {"paid": "120.50", "pay_way": "cash"},
        "deliver.sum",
        "120.50 CNY is 120.50 CNY more than was agreed to (0.00 CNY)",
        "120.50 CNY 比客户确认的金额（0.00 CNY）多 120.50 CNY",
    ),
    (
        {"refunded": "5"},
        "deliver.refund",
        "5.00 CNY is paid back, decided was 0.00 CNY",
        "退款 5.00 CNY，应退 0.00 CNY",
    ),
)


async def test_each_refusal_says_why_and_stores_nothing(shop: Counter) -> None:
    ticket = await shop.released()
    before = len(await shop.records(ticket))
    for fields, code, en, zh in REFUSALS:
        found = await refused(shop, ticket, **fields)
        assert (found.code, en in found.what.en, zh in found.what.zh) == (code, True, True), found.what
    assert len(await shop.records(ticket)) == before
    done = await shop.act("deliver", ticket, "tech", **{**USUAL, "accessories": "no", "missing": "charger lost"})
    assert ["missing: charger lost", "缺少：charger lost"] in done["says"]
    assert (await shop.newest(ticket, "delivery/v1")).marks == ("accessories-missing",)
    assert "handed over already" in (await refused(shop, ticket)).what.en


async def test_a_signature_on_the_bench_is_kept_as_evidence(shop: Counter, tmp_path: Path) -> None:
    picture = tmp_path / "signature.png"
    picture.write_bytes(b"\x89PNG drawn")
    ticket = await shop.released()
    await shop.act("deliver", ticket, "tech", **{**USUAL, "way": "signature", "proof": [str(picture)]})
    (proof,) = (await shop.newest(ticket, "delivery/v1")).collector.proof
    assert (proof.name, proof.bytes, proof.media_type) == ("signature.png", 10, "image/png")


async def test_a_named_collector_takes_it_with_the_authority_that_was_registered(shop: Counter) -> None:
    ticket = await registered(shop)
    await shop.taken_in(ticket=ticket, customer_name="", customer_phone="")
    await shop.checked(ticket)
    await shop.let_go(ticket)
    wrong = await refused(shop, ticket, collector="collector", name=OWNER)
    assert wrong.what.en == "This is not the name that was taken down: who was named to collect it"
    await shop.act("deliver", ticket, "tech", **{**USUAL, "collector": "collector", "name": "赵六"})
    said = (await shop.newest(ticket, "delivery/v1")).collector
    assert (said.capacity, said.authority) == ("collector", ("id-shown",))


async def test_a_collector_who_is_named_later_needs_something_that_shows_that_they_may(
    shop: Counter, tmp_path: Path
) -> None:
    ticket = await shop.released()
    assert (await refused(shop, ticket, collector="collector", name="赵六")).next_step.en.endswith("`assay authorise`")
    letter, call = tmp_path / "letter of 赵六.png", tmp_path / "call.mp3"
    letter.write_bytes(b"picture")
    call.write_bytes(b"sound")
    named = {"part": "collector", "name": "赵六", "phone": "138 0013 8000", "relation": "spouse"}
    for wrong, words in (
        ({"authority": "letter"}, "The owner's letter is not there"),
        ({"authority": "call", "proof": [str(letter)]}, "The recording of the owner's call is not there"),
        ({"authority": "relation", "relation": ""}, "Which relation to the owner?"),
        ({"authority": "id-shown", "name": OWNER}, "This is the owner, who needs no authority"),
    ):
        with pytest.raises(Trouble) as trouble:
            await shop.act("authorise", ticket, "tech", **{**named, **wrong})
        assert trouble.value.what.en == words
    done = await shop.act("authorise", ticket, "tech", **named, authority="letter,call", proof=[str(letter), str(call)])
    assert done["says"][0][1] == "取机人，代机主（配偶）：机主委托书、机主电话确认"
    said = await shop.newest(ticket, "authority/v1")
    assert [one.name for one in said.evidence] == ["authority-1.png", "authority-2.mp3"]
    await shop.act("deliver", ticket, "tech", **{**USUAL, "collector": "collector", "name": "赵六"})
    handed = (await shop.newest(ticket, "delivery/v1")).collector
    assert (handed.capacity, handed.authority) == ("collector", ("letter", "call"))
    assert "not here any more" in await shop.why_not(ticket, "authorise")


async def registered(shop: Counter) -> str:
    done = await shop.act(
        "register",
        "",
        "tech",
        channel="walk-in",
        owner_name=OWNER,
        owner_phone=TELEPHONE,
        collector_name="赵六",
        collector_phone="13800138000",
        collector_relation="spouse",
        collector_authority="id-shown",
        model="Phone 1",
        imei=IMEI,
        complaint="slow",
    )
    return str(done["ticket"])


async def test_a_phone_without_a_cross_check_is_handed_over_as_such_on_every_paper(shop: Counter) -> None:
    ticket = await shop.taken_in()
    await shop.checked(ticket, cross=False)
    await shop.act("waive", ticket, "lead", waiver="no-cross-check", reason="one person here")
    await shop.let_go(ticket, "lead")
    await shop.act("deliver", ticket, "tech", **USUAL)
    said = await shop.newest(ticket, "delivery/v1")
    assert said.marks == ("not-cross-checked", "released-with-waiver")
    assert [note.zh for note in said.notes][:2] == ["未互检", "特批免检放行"]  # nothing failed: no 让步
    assert any("one person here" in note.en for note in said.notes)


# --- after the hand-back ---------------------------------------------------------------------------------------------


async def test_a_follow_up_that_reached_nobody_comes_again_and_one_that_did_not_help_opens_the_ticket(
    shop: Counter,
) -> None:
    ticket = await shop.delivered()
    (row,) = (await send(shop.client, m.DueQuery(what="follow-ups")))["due"]
    assert (row["ticket"], row["tries"], row["due"]) == (ticket, 0, False)
    done = await shop.act("follow-up", ticket, "tech", channel="phone")
    assert "1 of 3" in done["says"][0][0]
    (row,) = (await send(shop.client, m.DueQuery(what="follow-ups")))["due"]
    assert row["tries"] == 1
    about = {"channel": "phone", "reached": "yes", "fault": "not-gone", "score": "2"}
    with pytest.raises(Trouble, match="What is still wrong"):
        await shop.act("follow-up", ticket, "tech", **about)
    await shop.act("follow-up", ticket, "tech", **about, words=f"still slow, {TELEPHONE}")
    assert await shop.state(ticket) == "registered"
    assert (await shop.newest(ticket, "follow-up/v1")).words == "still slow, …5678"
    assert (await send(shop.client, m.DueQuery(what="follow-ups")))["due"] == []
    assert "taken in" in await shop.why_not(ticket, "deliver") or "already" in await shop.why_not(ticket, "deliver")
    assert "take the phone in" in await shop.why_not(ticket, "close")


async def test_who_was_reached_is_asked_for_fault_and_score(shop: Counter) -> None:
    ticket = await shop.delivered()
    for fields, words in (
        ({"reached": "yes"}, "Whether the fault is gone"),
        ({"reached": "yes", "fault": "gone"}, "score"),
        ({"fault": "gone"}, "was not reached said nothing"),
    ):
        with pytest.raises(Trouble, match=words):
            await shop.act("follow-up", ticket, "tech", channel="phone", **fields)


async def test_a_ticket_is_closed_when_nothing_is_owed_any_more(shop: Counter) -> None:
    ticket = await shop.released()
    assert await shop.why_not(ticket, "close") == "The phone is still here"
    await shop.act("deliver", ticket, "tech", sign_off=False, **USUAL)
    assert "not signed by Tech" in await shop.why_not(ticket, "close")
    record = next(one for one in await shop.records(ticket) if one.kind == "delivery/v1")
    await shop.sign(record.digest, "tech", "receptionist")
    assert "due on" in await shop.why_not(ticket, "close")
    await shop.act("follow-up", ticket, "tech", channel="phone", reached="yes", fault="gone", score="5")
    with pytest.raises(Trouble, match="not how this ticket ends"):
        await shop.act("close", ticket, "lead", how="cancelled")
    await shop.act("close", ticket, "lead", how="completed")
    assert await shop.state(ticket) == "closed"
    assert await shop.why_not(ticket, "close") == "The ticket is closed"


async def test_a_ticket_whose_phone_never_came_is_cancelled(shop: Counter) -> None:
    ticket = (await send(shop.client, m.NewTicket(person="tech", complaint="slow")))["ticket"]
    with pytest.raises(Trouble, match="not how this ticket ends"):
        await shop.act("close", ticket, "lead", how="completed")
    await shop.act("close", ticket, "lead", how="cancelled")
    assert await shop.state(ticket) == "closed"


async def test_a_grievance_is_one_case_with_an_owner_two_deadlines_and_an_end(shop: Counter) -> None:
    ticket = await shop.delivered()
    words = {"channel": "phone", "words": f"rude, says {OWNER}"}
    with pytest.raises(Trouble, match="No case"):
        await shop.act("grievance", ticket, "tech", act="close", remedy="-", **words)
    with pytest.raises(Trouble, match="not enrolled"):
        await shop.act("grievance", ticket, "tech", act="open", owner="ghost", **words)
    done = await shop.act("grievance", ticket, "tech", act="open", owner="lead", level="2", **words)
    assert "5 working days" in done["says"][0][0]
    assert await shop.state(ticket) == "grievance open"
    opened = await shop.newest(ticket, "grievance/v1")
    assert (opened.owner, opened.level, opened.hold, opened.words) == ("lead", 2, True, "rude, says …")
    assert opened.answer_by_ms - opened.opened_ms == 24 * 3_600_000
    (row,) = (await send(shop.client, m.DueQuery(what="grievances")))["due"]
    assert (row["ticket"], row["owner"], row["answered"], row["overdue"]) == (ticket, "lead", False, "")
    with pytest.raises(Trouble, match="is open"):
        await shop.act("grievance", ticket, "tech", act="open", **words)
    with pytest.raises(Trouble, match="not answered"):
        await shop.act("grievance", ticket, "lead", act="close", remedy="sorry", **words)
    assert "grievance is open" in await shop.why_not(ticket, "close")
    await shop.act("grievance", ticket, "lead", act="answer", **words)
    with pytest.raises(Trouble, match="What was agreed"):
        await shop.act("grievance", ticket, "lead", act="close", **words)
    await shop.act("grievance", ticket, "lead", act="close", remedy="apology", **words)
    closed = await shop.newest(ticket, "grievance/v1")
    assert (closed.number, closed.late, closed.hold) == (1, False, False)
    assert await shop.state(ticket) == "delivered"
    await shop.act("grievance", ticket, "tech", act="open", **words)
    assert (await shop.newest(ticket, "grievance/v1")).number == 2


# --- clocks ----------------------------------------------------------------------------------------------------------


async def test_the_clocks_of_a_ticket_stand_while_a_person_stopped_them(shop: Counter) -> None:
    ticket = await shop.taken_in()
    told = await send(shop.client, m.ClocksQuery(ticket=ticket))
    assert [(one["clock"], one["ended_ms"], one["standing"]) for one in told["clocks"]] == [("repair", None, "")]
    await shop.act("clock", ticket, "tech", act="paused", why="customer", reason="asked for a copy of the data")
    with pytest.raises(Trouble, match="stand still"):
        await shop.act("clock", ticket, "tech", act="paused", why="parts", reason="-")
    (repair,) = (await send(shop.client, m.ClocksQuery(ticket=ticket)))["clocks"]
    assert repair["standing"] == "customer"
    await shop.act("clock", ticket, "tech", act="resumed", why="customer", reason="it came")
    with pytest.raises(Trouble, match="clocks run"):
        await shop.act("clock", ticket, "tech", act="resumed", why="customer", reason="-")
    (repair,) = (await send(shop.client, m.ClocksQuery(ticket=ticket)))["clocks"]
    assert (repair["standing"], [one["why"] for one in repair["paused"]]) == ("", ["customer"])


async def test_clocks_of_a_ticket_that_is_not_here_are_refused(shop: Counter) -> None:
    with pytest.raises(Trouble, match="no ticket"):
        await send(shop.client, m.ClocksQuery(ticket="T-404"))
