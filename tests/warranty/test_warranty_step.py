"""The warranty decision and what is done on it, at a counter with a real engine."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from drivers.imei import check_digit
from reports.calendar import day_of
from reports.predicates import Commitment
from reports.steps.warranty import claim_of, stated_decision
from reports.warranty.decide import decide
from reports.warranty.rules import shipped
from station import messages as m
from station.errors import Trouble
from station.steps import steps
from tests.station.counter_bench import LOOKS, Counter, open_counter
from tests.station.station_bench import IMEI, send

NEW_IMEI = "490154203237518"
GOES_IN = "handset,invoice-copy,card-copy,fault-report"
OPENING = "film,network-tag,back-label,shell,imei-label,card-copies,box"
ALL_HOLDS = "legible,unaltered,model,imei"


pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBERS = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counter_for_all(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path_factory.mktemp("counter")) as found:
        yield found


@pytest.fixture
def counter(counter_for_all: Counter) -> Iterator[Counter]:
    """The one counter: each test brings its own phone, and leaves no policy behind."""
    yield counter_for_all
    counter_for_all.policy("warranty", "")


def another_imei() -> str:
    body = f"35693803564{next(NUMBERS):03d}"
    return body + check_digit(body)


def ago(days: int) -> str:
    """A day so many days before today in China."""
    now = datetime.datetime.now(datetime.UTC).timestamp() * 1000
    return (day_of(int(now)) - datetime.timedelta(days=days)).isoformat()


def paper(name: str, sold: str, holds: str = ALL_HOLDS) -> dict[str, str]:
    return {name: "shown", f"{name}_holds": holds, f"{name}_date": sold, f"{name}_seller": "Shop"}


async def registered(counter: Counter, imei: str = "", **papers: str) -> str:
    imei = imei or another_imei()
    ticket = (await counter.register(manufacturer="Maker", imei=imei, **papers))["ticket"]
    return await counter.take_in(str(ticket), plugged=False, imei=imei, model="Phone 1")


async def decision(counter: Counter, ticket: str, **fields: Any) -> Any:
    await counter.act("warranty", ticket, **fields)
    return await counter.stated(ticket, "warranty")


def call(counter: Counter) -> dict[str, Any]:
    now = datetime.datetime.now().astimezone() - datetime.timedelta(minutes=5)
    return {"call": [counter.file("call with 王芳.mp3", b"ID3")], "called": now.isoformat()}


# --- the decision


async def test_papers_day_of_sale_and_brand_come_from_the_registration(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)), **paper("card", ago(3)))
    said = await decision(counter, ticket, faults="display", price="2999")
    claim = said.claim
    assert (claim.papers, claim.sold, claim.brand, claim.brought) == ("both", ago(3), "Maker", ago(0))
    assert (said.decision, said.reason) == ("in-warranty", "within-return")
    assert [(one.kind, one.refund_fen) for one in said.remedies] == [
        ("return", 299900),
        ("exchange", None),
        ("repair", None),
    ]


async def test_who_decides_is_shown_the_arithmetic_with_its_sources_in_both_languages(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)), **paper("card", ago(3)))
    done = await counter.act("warranty", ticket, faults="display", price="2999")
    english, chinese = ("\n".join(one[at] for one in done["says"]) for at in (0, 1))
    assert "The customer may choose: return against 2999.00 / exchange of the handset / free repair" in english
    assert "Art. 11 [S68]" in english
    assert "第十一条 [S68]" in chinese
    assert "+ 12 个月 =" in chinese


async def test_the_record_alone_is_enough_to_decide_again(counter: Counter) -> None:
    ticket = await registered(counter)
    repairs = [{"handed_in": ago(90), "back": ago(80), "fault": "sound"}]
    said = await decision(
        counter, ticket, papers="both", sold=ago(100), faults="display", price="1000", repairs=repairs, brand="vivo"
    )
    again = decide(claim_of(said.claim), shipped())
    told = stated_decision(again)
    assert told == {name: getattr(said, name) for name in told}
    assert said.rules_sha256 == shipped().sha256


async def test_a_preview_says_the_same_and_stores_nothing(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)), **paper("card", ago(3)))
    fields = {"faults": "display"}
    told = await send(counter.client, m.PreviewStep(step="warranty", ticket=ticket, person="tech", fields=fields))
    assert told["predicate"]["reason"] == "within-return"
    assert await counter.records(ticket, "warranty") == []


async def test_the_form_is_filled_in_with_what_is_known(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)), **paper("card", ago(3)))
    told = await send(counter.client, m.StepsQuery(ticket=ticket, person="tech"))
    form = next(one for one in told["steps"] if one["id"] == "warranty")
    given = {field["name"]: field["given"] for field in form["fields"] if field["given"]}
    assert given == {"item": "handset", "papers": "both", "sold": ago(3), "brought": ago(0), "brand": "Maker"}


async def test_one_good_paper_is_proof_but_gives_no_return(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)))
    said = await decision(counter, ticket, faults="display", price="2999")
    assert said.claim.papers == "proof"
    assert [one.kind for one in said.remedies] == ["exchange", "repair"]


async def test_altered_papers_exclude_whatever_the_form_says(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3), "legible,model,imei"), **paper("card", ago(3)))
    said = await decision(counter, ticket, faults="display", papers="both")
    assert (said.decision, said.reason, said.remedies) == ("excluded", "papers-altered", ())


async def test_a_card_of_another_phone_excludes(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)), **paper("card", ago(3), "legible,unaltered,model"))
    said = await decision(counter, ticket, faults="display")
    assert (said.decision, said.reason) == ("excluded", "papers-mismatch")


async def test_without_a_registration_the_papers_have_to_be_named(counter: Counter) -> None:
    ticket = await counter.take_in(plugged=False, imei=another_imei(), model="Phone 1", complaint="slow")
    with pytest.raises(Trouble, match="No papers") as refused:
        await counter.act("warranty", ticket, faults="display")
    assert "--papers" in refused.value.next_step.en
    said = await decision(counter, ticket, faults="display", papers="lost", made=ago(100))
    assert (said.decision, said.reason) == ("in-warranty", "papers-lost")


async def test_the_customer_s_word_is_no_day_of_sale(counter: Counter) -> None:
    ticket = await registered(counter, purchased=ago(3))
    with pytest.raises(Trouble, match="day of sale"):
        await counter.act("warranty", ticket, faults="display", papers="proof")


async def test_a_fault_that_no_check_found_is_not_in_the_table(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)), **paper("card", ago(3)))
    said = await decision(counter, ticket)
    assert (said.decision, said.reason, said.findings) == ("out-of-warranty", "not-listed", ())


async def test_what_was_seen_at_intake_is_said_and_left_to_a_person(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)), **paper("card", ago(3)))
    await counter.act("appearance", ticket, **{**LOOKS, "liquid": "triggered"})
    done = await counter.act("warranty", ticket, faults="display")
    assert any("not taken for a reason to exclude: liquid" in one[0] for one in done["says"])
    said = await decision(counter, ticket, faults="display", exclusions="liquid")
    assert (said.decision, said.reason) == ("excluded", "liquid")


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"sold": "2001-01-01"}, "no day that this rule knows"),
    ({"brought": "2999-01-01"}, "is before 2999-01-01"),
    ({"repairs": ["yesterday; today"]}, "The days of a repair"),
    ({"repairs": ["2020-01-01; 2020-01-02"]}, "is before"),
]


async def test_a_claim_that_can_t_be_is_refused(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)), **paper("card", ago(3)))
    for fields, why in IMPOSSIBLE:
        with pytest.raises(Trouble, match=why):
            await counter.act("warranty", ticket, **{"faults": "display", **fields})
    assert await counter.records(ticket, "warranty") == []


async def test_a_shop_s_own_policy_counts_and_is_told_apart_by_its_digest(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(29)), **paper("card", ago(29)))
    counter.policy("warranty", "[promises.maker]\nexchange_days = 30\n")
    said = await decision(counter, ticket, faults="display")
    assert said.reason == "promised-exchange"
    assert said.rules_sha256 != shipped().sha256


async def test_a_policy_that_gives_less_than_the_rule_is_refused(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)), **paper("card", ago(3)))
    counter.policy("warranty", "refund_bp = 100\n")
    with pytest.raises(Trouble, match="refund_bp must be") as refused:
        await counter.act("warranty", ticket, faults="display")
    assert refused.value.code == "warranty.policy"


async def test_a_phone_that_was_not_taken_in_gets_no_decision(counter: Counter) -> None:
    ticket = (await counter.register(imei=another_imei()))["ticket"]
    with pytest.raises(Trouble, match="not taken in"):
        await counter.act("warranty", ticket, papers="both", sold=ago(3), faults="display")


# --- exchange and refund

REPEAT = "network-tag,back-label,imei-label,card-copies,repair-records"
TWO_REPAIRS = [f"{ago(60)}; {ago(50)}; sound", f"{ago(90)}; {ago(80)}; sound"]


async def due(counter: Counter, sold: int = 3, imei: str = "", **more: Any) -> str:
    ticket = await registered(counter, imei, **paper("invoice", ago(sold)), **paper("card", ago(sold)))
    await counter.act("warranty", ticket, **{"faults": "display", "price": "2999", **more})
    return ticket


async def test_a_handset_is_exchanged_for_one_with_a_new_imei(counter: Counter) -> None:
    ticket = await due(counter)
    fields = {"remedy": "exchange", "met": OPENING, "goes_in": GOES_IN, "new_imei": NEW_IMEI, **call(counter)}
    await counter.act("exchange", ticket, person="lead", **fields)
    said = await counter.stated(ticket, "exchange")
    assert (said.decision, said.basis, said.refund_fen) == ("exchanged", "opening-box", 0)
    assert isinstance(said.new_phone, Commitment)
    assert all(one.met for one in said.conditions)
    assert said.call is not None
    raw = await counter.envelopes(ticket)
    assert NEW_IMEI.encode() not in raw
    assert "王芳".encode() not in raw


async def test_the_ticket_is_ready_after_it_and_names_the_decision(counter: Counter) -> None:
    ticket = await due(counter)
    fields = {"remedy": "return", "met": OPENING, "goes_in": GOES_IN, **call(counter)}
    await counter.act("exchange", ticket, person="lead", **fields)
    said = await counter.stated(ticket, "exchange")
    warranty = (await counter.records(ticket, "warranty"))[-1]
    assert (said.decision, said.refund_fen, said.new_phone) == ("refunded", 299900, None)
    assert said.warranty == warranty.digest
    view = await send(counter.client, m.TicketQuery(ticket=ticket))
    assert view["state"] == "ready"


async def test_a_refund_instead_of_an_exchange_charges_the_days_of_use(counter: Counter) -> None:
    ticket = await due(counter, 100, repairs=TWO_REPAIRS)
    fields = {"remedy": "return", "met": REPEAT, "goes_in": GOES_IN, **call(counter)}
    done = await counter.act("exchange", ticket, person="lead", **fields)
    said = await counter.stated(ticket, "exchange")
    assert (said.basis, said.remedy_basis) == ("repeat", "used")
    assert said.refund_fen == 299900 - 299900 * 80 * 50 // 10_000  # 100 days less two stays of 10
    assert any("2999.00 x 80 x 0.5 %" in one[0] for one in done["says"])


async def test_without_stock_there_is_no_exchange_and_the_whole_price(counter: Counter) -> None:
    ticket = await due(counter, 100, repairs=TWO_REPAIRS)
    fields = {"met": REPEAT, "goes_in": GOES_IN, "no_stock": "yes", **call(counter)}
    with pytest.raises(Trouble, match=r"there is no exchange of the handset; given is: return against 2999\.00"):
        await counter.act("exchange", ticket, person="lead", remedy="exchange", new_imei=NEW_IMEI, **fields)
    await counter.act("exchange", ticket, person="lead", remedy="return", **fields)
    assert (await counter.stated(ticket, "exchange")).refund_fen == 299900


DISORDERLY: list[tuple[dict[str, Any], str, str]] = [
    ({"goes_in": "handset,invoice-copy"}, "exchange.missing", "copy of the warranty card, record of the fault"),
    ({"goes_in": f"{GOES_IN},charger"}, "exchange.extra", "What is faulty is what is exchanged; not: the charger"),
    ({"met": "film"}, "exchange.condition", "Not met: the network-access tag"),
    ({"met": "film", "in_spite": "it is the law"}, "exchange.condition", "Not met"),
    ({"call": []}, "exchange.call", "reached by a recorded call"),
    ({"called": ""}, "exchange.called", "time of the call"),
    ({"called": "2999-01-01 10:00"}, "exchange.called", "future"),
    ({"new_imei": ""}, "exchange.imei", "15 digits"),
    ({"new_imei": "490154203237519"}, "exchange.imei", "15 digits"),
    ({"new_imei": IMEI}, "exchange.imei", "the phone that was brought"),
]


async def test_an_exchange_that_is_not_in_order_is_refused(counter: Counter) -> None:
    ticket = await due(counter, imei=IMEI)
    fields = {"remedy": "exchange", "met": OPENING, "goes_in": GOES_IN, "new_imei": NEW_IMEI, **call(counter)}
    for changed, code, why in DISORDERLY:
        with pytest.raises(Trouble, match=why) as refused:
            await counter.act(
                "exchange",
                ticket,
                **{**fields, **changed},
            )
        assert refused.value.code == code
        assert any("\u4e00" <= char <= "\u9fff" for char in refused.value.what.zh)
    assert await counter.records(ticket, "exchange") == []


async def test_a_lead_goes_on_in_spite_of_a_worn_film_with_a_reason(counter: Counter) -> None:
    ticket = await due(counter)
    met = OPENING.replace("film,", "")
    fields = {"remedy": "exchange", "met": met, "goes_in": GOES_IN, "new_imei": NEW_IMEI, **call(counter)}
    await counter.act("exchange", ticket, person="lead", in_spite="the rule does not ask for a film", **fields)
    said = await counter.stated(ticket, "exchange")
    assert [one.id for one in said.conditions if not one.met] == ["film"]
    assert said.in_spite == "the rule does not ask for a film"


async def test_a_shop_that_records_no_calls_says_so_in_its_policy(counter: Counter) -> None:
    ticket = await due(counter)
    counter.policy("warranty", "call_needed = false\n")
    fields = {"remedy": "exchange", "met": OPENING, "goes_in": GOES_IN, "new_imei": NEW_IMEI}
    await counter.act("exchange", ticket, person="lead", **fields)
    assert (await counter.stated(ticket, "exchange")).call is None


async def test_nothing_is_exchanged_without_a_decision_or_against_it(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(3)), **paper("card", ago(3)))
    with pytest.raises(Trouble, match="no warranty decision"):
        await counter.act("exchange", ticket, person="lead", remedy="exchange", goes_in=GOES_IN)
    await counter.act("warranty", ticket, faults="display", exclusions="liquid")
    with pytest.raises(Trouble, match="neither exchange nor return"):
        await counter.act("exchange", ticket, person="lead", remedy="exchange", goes_in=GOES_IN)


async def test_an_accessory_is_replaced_and_lets_no_phone_go(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(100)), **paper("card", ago(100)))
    await counter.act("warranty", ticket, item="charger", faults="charger", price="99")
    before = (await send(counter.client, m.TicketQuery(ticket=ticket)))["state"]
    with pytest.raises(Trouble, match="no warranty decision about it"):
        await counter.act("exchange", ticket, person="lead", remedy="exchange", goes_in=GOES_IN)
    papers = "charger,invoice-copy,card-copy,fault-report"
    with pytest.raises(Trouble, match="not: the faulty handset"):
        await counter.act("replace", ticket, person="lead", remedy="replace", goes_in=f"{papers},handset")
    serials = {"old_serial": "CHG-OLD-0001", "new_serial": "CHG-NEW-0002"}
    await counter.act("replace", ticket, person="lead", remedy="replace", goes_in=papers, **serials)
    said = await counter.stated(ticket, "replacement")
    assert (said.decision, said.refund_fen) == ("replaced", 0)
    assert b"CHG-OLD-0001" not in await counter.envelopes(ticket)
    assert (await send(counter.client, m.TicketQuery(ticket=ticket)))["state"] == before


async def test_an_accessory_that_failed_after_two_replacements_is_paid_back(counter: Counter) -> None:
    ticket = await registered(counter, **paper("invoice", ago(100)), **paper("card", ago(100)))
    await counter.act("warranty", ticket, item="charger", faults="charger", price="99", replaced="2")
    papers = "charger,invoice-copy,card-copy,fault-report"
    fields = {"remedy": "return", "goes_in": papers, **call(counter)}
    await counter.act("replace", ticket, person="lead", **fields)
    assert (await counter.stated(ticket, "replacement")).refund_fen == 9900


async def test_the_steps_stand_where_a_ticket_needs_them() -> None:
    ids = list(steps())
    assert ids.index("register") < ids.index("warranty") < ids.index("exchange") < ids.index("deliver")
