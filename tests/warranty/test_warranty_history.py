"""What a ticket's own records say of earlier stays: the rule counts them whether or not somebody types them in."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.verdict import Stage, Verdict
from reports.attest import Envelope, Record
from reports.predicates import AttemptV1, Clock, IntakeV1, PartUseV1, RepairV1, RunV1, Statement
from reports.record import ReadStatement
from reports.steps.delivery import DeliveryV1
from reports.steps.exchange import ExchangeV1, ReplacementV1
from reports.steps.follow_up import FollowUpV1
from reports.steps.parts_order import PartsOrderV1
from reports.steps.send_out import SendBackV1, SendOutV1
from reports.steps.warranty import ClaimV1, WarrantyV1
from reports.warranty.days import Away
from reports.warranty.decide import Claim, decide
from reports.warranty.history import history, with_typed
from reports.warranty.rules import shipped

DAY_0 = datetime.date(2026, 3, 2)


def day(n: int) -> datetime.date:
    return DAY_0 + datetime.timedelta(days=n)


def ms(n: int) -> int:
    """Noon in China on that day."""
    noon = datetime.datetime.combine(day(n), datetime.time(4), datetime.UTC)
    return int(noon.timestamp() * 1000)


def record(model: type[Statement], **said: Any) -> Record:
    """A record of which nothing is read but what is said here."""
    kind = model.__name__.removesuffix("V1").lower() + "/v1"
    digest = hashlib.sha256(f"{kind}{said}".encode()).hexdigest()
    return Record(Envelope(digest, b"", ()), ReadStatement(kind, "0" * 64, model.model_construct(**said), {}))


def part(model: type[Statement], **said: Any) -> Any:
    """A part of a record, the same way."""
    return model.model_construct(**said)


def intake(n: int) -> Record:
    return record(IntakeV1, received_ms=ms(n))


def handed_back(n: int) -> Record:
    return record(DeliveryV1, decision="delivered", delivered_ms=ms(n))


def decided(*rows: str, decision: str = "in-warranty") -> Record:
    return record(WarrantyV1, decision=decision, claim=part(ClaimV1, rows=rows))


def looked_at(finding: str, stage: Stage = Stage.INTAKE) -> Record:
    attempt = part(AttemptV1, verdict=Verdict.FAIL, finding=finding)
    return record(RunV1, stage=stage, attempts=(attempt,))


REPAIRED = record(RepairV1, remedies=("x",))
NOT_GONE = "reopened"


def test_a_repair_of_this_ticket_is_a_stay_for_the_fault_that_its_warranty_decision_was_about() -> None:
    found = history([intake(0), decided("display"), REPAIRED, handed_back(4)])
    assert found.stays == (Away(day(0), day(4), "display"),)
    assert found.handed_in is None


def test_without_a_warranty_decision_the_fault_is_what_the_checks_found_before_the_repair() -> None:
    after = looked_at("SPEAKER-DEAD", Stage.SELF_CHECK)
    assert history([intake(0), looked_at("BATTERY-WORN"), REPAIRED, after, handed_back(1)]).stays[0].row == "battery"


def test_a_repair_that_the_rule_did_not_cover_is_a_stay_and_no_repair_under_it() -> None:
    found = history([intake(0), decided("display", decision="excluded"), REPAIRED, handed_back(2)])
    assert found.stays == (Away(day(0), day(2), ""),)


@pytest.mark.parametrize(
    ("between", "row"),
    [
        ([record(PartsOrderV1, decision="ordered")], ""),
        ([record(SendOutV1), record(SendBackV1, outcome="unrepaired")], ""),
        ([record(SendOutV1), record(SendBackV1, outcome="repaired"), intake(9)], "keys"),
        ([record(PartUseV1)], "keys"),
    ],
)
def test_waiting_for_parts_and_the_factory_count_as_days_away(between: list[Record], row: str) -> None:
    found = history([intake(0), decided("keys"), *between, handed_back(20)])
    assert found.stays == (Away(day(0), day(20), row),)


def test_a_phone_that_was_only_looked_at_was_in_no_repair() -> None:
    assert history([intake(0), decided("keys"), handed_back(2)]).stays == ()


def test_the_stay_that_is_not_over_says_when_the_phone_was_handed_in() -> None:
    reopened = record(FollowUpV1, decision=NOT_GONE, called_ms=ms(8))
    found = history([intake(0), decided("keys"), REPAIRED, handed_back(4), reopened, intake(11)])
    assert (found.came_back, found.handed_in) == (day(8), day(11))


def test_exchanges_of_the_handset_and_replaced_accessories_are_counted() -> None:
    claim = part(ClaimV1, item="charger")
    exchanged = record(ExchangeV1, decision="exchanged", clock=part(Clock, wall_ms=ms(3)))
    found = history(
        [
            record(ReplacementV1, decision="replaced", claim=claim),
            record(ReplacementV1, decision="refunded", claim=claim),
            exchanged,
        ]
    )
    assert (found.replaced, found.exchanged) == (("charger",), day(3))


def test_two_repairs_of_this_ticket_give_an_exchange_without_anybody_typing_them() -> None:
    stays = history(
        [
            *(intake(20), decided("display"), REPAIRED, handed_back(22)),
            *(intake(30), decided("display"), REPAIRED, handed_back(33)),
        ]
    ).stays
    claim = Claim("handset", day(0), day(40), day(40), rows=("display",), stays=stays)
    assert decide(claim, shipped()).reason == "two-repairs"


def test_a_battery_that_was_changed_twice_is_no_repair_of_the_handset() -> None:
    stays = tuple(Away(day(n), day(n + 1), "battery") for n in (20, 30))
    claim = Claim("handset", day(0), day(40), day(40), rows=("display",), stays=stays)
    assert decide(claim, shipped()).reason == "in-period"


def test_delays_are_counted_from_the_day_the_phone_was_handed_in() -> None:
    asked = Claim("handset", day(0), day(20), day(55), rows=("display",), delay="repairer")
    assert decide(asked, shipped()).reason == "late-repairer"
    brought = Claim("handset", day(0), day(20), day(55), rows=("display",), delay="repairer", handed_in=day(30))
    assert decide(brought, shipped()).reason == "in-period"


SPANS = st.tuples(st.integers(0, 60), st.integers(0, 10))


@given(st.lists(SPANS, max_size=4), st.lists(SPANS, max_size=4))
def test_what_is_typed_off_the_card_is_counted_once(own: list[tuple[int, int]], typed: list[tuple[int, int]]) -> None:
    recorded = [Away(day(at), day(at + long), "keys") for at, long in own]
    told = [Away(day(at), day(at + long), "keys") for at, long in typed]
    found = with_typed(recorded, told)
    assert found[: len(recorded)] == tuple(recorded)
    assert with_typed(recorded, recorded) == tuple(recorded)
    for one in found[len(recorded) :]:
        assert one in told
        assert not any(one.handed_in <= each.back and each.handed_in <= one.back for each in recorded)
