"""What a run's probes are told of the ticket's records: when the phone was repaired, what was agreed about its data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from checklists.verdict import Stage
from drivers.text import Words
from probes.api import Unread
from reports.attest import open_record
from reports.predicates import ConsentV1, RepairV1, TextV1
from reports.record import digest_of
from reports.steps.confirmation import ConfirmationV1, NoticeV1
from reports.steps.erasure import ErasureV1, MediaV1
from station.agreed import record_facts
from station.events import TicketRegistered
from station.hazards import present
from station.session import Session
from station.tickets import facts
from tests.reports.records_builder import PHONE, Shop
from tests.station import repair_bench

NOTICE = NoticeV1(id="n", version=1, sha256="a" * 64, clauses=(TextV1(en="back it up", zh="请备份"),))


def told(*envelopes: bytes) -> dict[str, str]:
    return record_facts([open_record(one) for one in envelopes])


def confirmation(shop: Shop, decision: Literal["confirmed", "differs"] = "confirmed") -> bytes:
    predicate = ConfirmationV1(
        **shop.common(),
        person="wang",
        witness=None,
        intake="b" * 64,
        appearance=None,
        notice=NOTICE,
        backup="made",
        decision=decision,
        difference="",
        by="owner",
        way="signature",
        remote=False,
        proof=(),
        name=None,
        code=None,
        given_ms=shop.now_ms,
    )
    return shop.sign("confirmation/v1", PHONE, predicate, shop.station)


def consent(shop: Shop, plan: bytes, *confirmed: str) -> bytes:
    about: dict[str, Any] = {"person": "wang", "way": "in-person", "proof": None, "given_ms": shop.now_ms}
    predicate = ConsentV1(**shop.common(), **about, plan=digest_of(plan), confirmed=confirmed)
    return shop.sign("consent/v1", PHONE, predicate, shop.station)


def repair(shop: Shop, plan: bytes, *remedies: str) -> bytes:
    about: dict[str, Any] = {"person": "wang", "remedy": "done", "new_phone": None, "ended_ms": shop.now_ms}
    predicate = RepairV1(**shop.common(), **about, plan=digest_of(plan), remedies=remedies)
    return shop.sign("repair/v1", PHONE, predicate, shop.station)


def erasure(shop: Shop, result: Literal["erased", "failed"]) -> bytes:
    media = MediaV1(
        media="internal-storage",
        source="customer",
        method="clear",
        how="factory-reset",
        tool="settings",
        tool_version="14",
        verified_by="li",
        verification="setup-screen",
        result=result,
        data_before="personal",
        data_after="none",
        backup="made",
        destination="customer",
        certificate="E-1",
    )
    predicate = ErasureV1(
        **shop.signed("wang", "technician", "performed"),
        decision="phone-erased" if result == "erased" else "failed",
        consent=None,
        phone=media,
        records=None,
        reason="asked for",
    )
    return shop.sign("erasure/v1", PHONE, predicate, shop.station, "wang")


def test_a_ticket_without_such_records_says_nothing() -> None:
    assert told() == {}
    shop = Shop()
    assert told(shop.intake(), confirmation(shop, "differs")) == {}


def test_the_customers_yes_to_the_data_notice_means_that_the_data_is_kept() -> None:
    assert told(confirmation(Shop())) == {"data-agreed": "kept"}


def test_a_consent_that_risks_no_data_leaves_it_kept() -> None:
    shop = Shop()
    plan = shop.plan()
    assert told(confirmation(shop), plan, consent(shop, plan, "water-seal"))["data-agreed"] == "kept"


def test_agreed_risk_alone_says_neither_kept_nor_erased_so_that_a_person_is_asked() -> None:
    shop = Shop()
    plan = shop.plan()
    agreed = (confirmation(shop), plan, consent(shop, plan, "data"))
    assert "data-agreed" not in told(*agreed)
    assert "data-agreed" not in told(*agreed, repair(shop, plan, "replace-battery"))


def test_an_erasing_repair_under_a_confirmed_risk_is_an_erasure_as_agreed() -> None:
    shop = Shop()
    plan = shop.plan()
    done = repair(shop, plan, "restart", "factory-reset")
    assert told(confirmation(shop), plan, consent(shop, plan, "data"), done)["data-agreed"] == "erased"


def test_only_an_erasure_that_succeeded_counts() -> None:
    shop = Shop()
    assert told(confirmation(shop), erasure(shop, "failed"))["data-agreed"] == "kept"
    assert told(confirmation(shop), erasure(shop, "erased"))["data-agreed"] == "erased"


def test_the_newest_repair_that_was_not_voided_is_when_the_phone_was_repaired() -> None:
    shop = Shop()
    first = shop.repair()
    first_s = str(shop.now_ms // 1000)
    shop.tick(3_600_000)
    second = shop.repair()
    assert int(told(first, second)["repaired_s"]) == int(first_s) + 3601
    assert told(first, second, shop.amend(second))["repaired_s"] == first_s


async def test_a_run_after_the_repair_knows_when_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []

    async def parts(bench: Any) -> AsyncIterator[Unread]:
        seen.append(dict(bench.ticket))
        yield Unread("battery_serial", Words("none", "无"), "serial")

    monkeypatch.setattr(repair_bench, "parts", parts)
    async with repair_bench.desk(tmp_path) as bench:
        await bench.diagnosed()
        await bench.planned()
        await bench.agreed()
        await bench.stocked()
        await bench.fitted()
        await bench.repaired()
        await bench.run("self-check")
        ended_ms = (await bench.newest("repair/v1")).ended_ms
    assert "repaired_s" not in seen[0]
    assert seen[-1]["repaired_s"] == str(ended_ms // 1000)


def registered(*symptoms: str) -> Session:
    return Session(registered=TicketRegistered(person="front", model="A", complaint="-", symptoms=symptoms))


def test_the_coded_complaint_is_told_to_probes_and_to_the_safety_policy() -> None:
    session = registered("swollen", "drains-fast")
    assert facts(session)["symptoms"] == "swollen drains-fast"
    assert present(session, Stage.DIAGNOSIS)
    assert not present(session, Stage.SELF_CHECK), "after the repair it is not held against the phone"
    assert not present(registered("drains-fast"), Stage.DIAGNOSIS)
