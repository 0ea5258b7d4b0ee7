"""From the diagnosis to the customer's word: causes, tries, prices, risks, ways to consent; and out to the factory."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from checklists.diagnosis.load import shipped_policy
from reports.attest import open_record
from reports.ledger import envelopes_of
from station import messages as m
from station.clock import StationClock
from station.errors import Trouble
from station.plans import plan_policy
from station.steps.consent import RISKS
from tests.station.repair_bench import LATER, REPAIR, Desk, desk
from tests.station.station_bench import LEVEL, send

TRIES = [{"conditions": f"try {n}", "minutes": 10} for n in range(3)]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as opened:
        yield opened


async def refused(done: Any, code: str, words: str) -> None:
    with pytest.raises(Trouble, match=words) as found:
        await done
    assert found.value.code == code
    assert found.value.what.zh != found.value.what.en


def code_of(bench: Desk) -> str:
    """What the customer reads in the newest message of the shop's folder."""
    sent = max((bench.station.data / "notices" / bench.ticket).glob("*.txt"), key=lambda one: one.stat().st_mtime_ns)
    to, text = sent.read_text(encoding="utf-8").split("\n", 1)
    assert to.replace(" ", "") == "13800138000"
    (found,) = re.findall(r"\b[0-9]{8}\b", text.replace(to, ""))
    return str(found)


def test_every_risk_that_a_plan_can_have_can_be_confirmed() -> None:
    known = [*shipped_policy().risks, *plan_policy({}).risks]
    assert sorted(choice.value for choice in RISKS) == sorted(known)


# --- diagnosis -------------------------------------------------------------------------------------------------------


async def test_a_diagnosis_stands_on_sealed_runs_and_says_why_it_is_not_the_likeliest_cause(bench: Desk) -> None:
    await bench.take_in()
    digest = await bench.run()
    told = {"decision": "cause-found"}
    await refused(bench.act("diagnosis", **told), "diagnosis.cause", "Name the cause")
    await refused(
        bench.act("diagnosis", **told, cause="battery-worm"), "diagnosis.cause", "no cause is called.*battery-worn"
    )
    await refused(bench.act("diagnosis", **told, cause="battery-worn"), "diagnosis.why", "not the likeliest")
    await refused(
        bench.act("diagnosis", **told, cause="other", words="gnawed by a dog"), "diagnosis.words", "own words"
    )
    await bench.act("diagnosis", **told, cause="battery-worn", why="runs two hours, IMEI 356938035643809")
    made = await bench.newest("diagnosis/v1")
    assert (made.runs, made.chosen, made.decision) == ((digest,), "battery-worn", "cause-found")
    assert made.policy == shipped_policy().sha256
    assert made.cause == "Battery worn / 电池老化"
    assert "356938035643809" not in made.why
    assert await bench.state() == "diagnosing"


async def test_no_fault_found_is_earned_by_tries_and_leads_to_observation_or_return_only(bench: Desk) -> None:
    await bench.take_in()
    told = {"decision": "no-fault-found"}
    await refused(bench.act("diagnosis", **told, tries=TRIES), "diagnosis.no-run", "No run")
    await bench.run()
    await refused(bench.act("diagnosis", **told, tries=TRIES[:2]), "diagnosis.tries", "2 times, 3 are demanded")
    await refused(
        bench.act("diagnosis", **told, tries=[{"conditions": "the same"}] * 3), "diagnosis.tries", "same conditions"
    )
    shown = [*TRIES, {"conditions": "cold", "minutes": 5, "shown": True}]
    await refused(bench.act("diagnosis", **told, tries=shown), "diagnosis.shown", "was seen")
    done = await bench.act("diagnosis", **told, tries=TRIES)
    assert done["says"][-1][0] == "This says nothing of the phone being well"
    assert await bench.state() == "waiting for the customer"
    await refused(bench.planned(), "plan.no-cause", "nothing to repair")
    await bench.act("plan", promised=LATER)
    plan = await bench.newest("plan/v1")
    assert ([line.kind for line in plan.lines], plan.price_fen, plan.remedies) == (["examination"], 2000, ())
    await refused(bench.agreed(confirmed=[]), "consent.nothing", "repairs nothing")
    await bench.agreed(decision="observe", confirmed=[])
    assert await bench.state() == "diagnosing"
    await bench.agreed(decision="return-unrepaired", confirmed=[])
    assert await bench.state() == "ready"
    await refused(bench.repaired(), "step.not-now", "not agreed")
    release = await send(bench.client, m.PrepareRelease(ticket=bench.ticket, person="inspector"))
    assert release["decision"] == "refused"


async def test_a_check_that_failed_is_never_no_fault_found_and_an_observation_has_an_end(bench: Desk) -> None:
    bench.phone.answers[LEVEL.script] = "20"
    await bench.take_in()
    await bench.run()
    await refused(
        bench.act("diagnosis", decision="no-fault-found", tries=TRIES), "diagnosis.failed", "Checks failed: battery"
    )
    watch = {"decision": "observation", "tries": TRIES}
    await refused(bench.act("diagnosis", **watch), "diagnosis.until", "a day to come")
    await refused(bench.act("diagnosis", **watch, until="2020-01-01"), "diagnosis.until", "a day to come")
    await bench.act("diagnosis", **watch, until="2099-01-01")
    assert (await bench.newest("diagnosis/v1")).until_ms is not None


# --- the plan --------------------------------------------------------------------------------------------------------


async def test_a_plan_is_priced_by_the_list_and_says_every_price_that_is_not(bench: Desk) -> None:
    await bench.take_in()
    await refused(bench.planned(), "step.not-now", "no diagnosis")
    await bench.run()
    await bench.act("diagnosis", decision="cause-found", cause="battery-worn", why="seen")
    await refused(bench.planned({"repair": "replace-batery"}), "plan.repair", "replace-battery")
    await refused(bench.planned({**REPAIR, "price": "99"}), "plan.price", "say where it comes from")
    await refused(bench.planned({"repair": "replace-camera"}), "plan.price", "no labour for this model")
    await refused(bench.planned({**REPAIR, "quantity": 0}), "plan.quantity", "1 to 1000")
    await refused(bench.planned(REPAIR, REPAIR), "plan.twice", "twice")
    await refused(
        bench.act("plan", repairs=[REPAIR], promised="2020-01-01 10:00"), "plan.promised", "not in the future"
    )
    await refused(bench.planned(manual="Own manual"), "plan.manual", "title, its version and its steps")
    await refused(bench.planned({**REPAIR, "payer": "warranty"}), "plan.warranty", "no warranty decision")
    bought = (datetime.date.today() - datetime.timedelta(days=60)).isoformat()
    about = {"item": "battery", "papers": "both", "sold": bought, "faults": "battery"}
    await bench.act("warranty", **about, exclusions=["liquid"])
    await refused(bench.planned({**REPAIR, "payer": "warranty"}), "plan.not-in-warranty", "gives no free repair")
    await bench.act("warranty", **about)
    assert any("仅可收取三包范围以外的费用" in line[1] for line in (await bench.planned())["says"])
    free = (await bench.planned({**REPAIR, "payer": "warranty"}))["says"]
    assert not any("仅可收取三包范围以外的费用" in line[1] for line in free)
    declined = [{"check": "battery", "note": "leave it"}]
    await refused(bench.planned(declined=declined), "plan.declined", "did not fail before the repair")
    own = {
        "repair": "replace-camera",
        "part": "CAM-9",
        "labour": "400",
        "price": "250.50",
        "why": "maker's quotation 7",
    }
    done = await bench.planned(REPAIR, own, manual="Own manual", version="2", steps="Open\nChange\n\nClose")
    said = [line[0] for line in done["says"]]
    assert (
        "Replace the camera module: 1 x CNY 400.00 = CNY 400.00 [not from the price list: maker's quotation 7]" in said
    )
    plan = await bench.newest("plan/v1")
    assert plan.price_fen == 6000 + 12900 + 40000 + 25050
    assert [line.listed for line in plan.lines] == [True, True, False, False]
    assert [risk.id for risk in plan.risks] == ["water-seal", "warranty", "not-genuine", "price-above"]
    assert plan.manual.steps == ("Open", "Change", "Close")
    assert plan.price_list.example


async def test_a_shops_own_list_is_used_while_it_holds_and_only_whole(bench: Desk) -> None:
    await bench.diagnosed()
    head = 'format = 1\nid = "mine"\nversion = 4\ncurrency = "CNY"\nvalid_from = 2020-01-01\n'
    row = '[[repair]]\nid = "replace-battery"\nlabour = "80.00"\nminutes = 20\nmodels = ["Phone*"]\n'
    part = '[[part]]\nnumber = "B1"\npart = "battery"\nname = ["cell", "电芯"]\nprice = "99.90"\n'
    part += 'genuine = true\nrepairs = ["replace-battery"]\n'
    book = '[[manual]]\ntitle = "SM"\nversion = "1"\nrepairs = ["replace-battery"]\nsteps = ["a", "b"]\n'
    bench.policy("prices", head + "valid_to = 2020-12-31\n" + row + part + book)
    await refused(bench.planned({"repair": "replace-battery"}), "prices.not-in-force", "not in force today")
    bench.policy("prices", head + row.replace('"80.00"', "80.5") + part + book)
    await refused(bench.planned({"repair": "replace-battery"}), "prices.unusable", "repair.0.labour.*in quotes")
    bench.policy("prices", head + row + part + book)
    await bench.planned({"repair": "replace-battery"})
    plan = await bench.newest("plan/v1")
    assert (plan.price_fen, plan.minutes, plan.price_list.id, plan.price_list.example) == (17990, 20, "mine", False)
    assert [part.number for part in plan.parts] == ["B1"]


async def test_only_a_fault_that_was_found_before_the_work_can_be_declined(bench: Desk) -> None:
    bench.phone.answers[LEVEL.script] = "20"
    await bench.take_in()
    await bench.run("intake")
    await bench.act("diagnosis", decision="cause-found", cause="other", words="glass broken", why="seen")
    await bench.planned(
        {"repair": "clean-mesh"}, declined=[{"check": "battery", "note": "later"}], unrepaired="scratches"
    )
    plan = await bench.newest("plan/v1")
    assert [(one.check, one.note) for one in plan.declined] == [("battery", "later")]
    assert (plan.unrepaired, plan.risks, plan.price_fen) == ("scratches", (), 0)


# --- the customer's word ----------------------------------------------------------------------------------------------


async def test_a_consent_confirms_each_risk_singly_in_a_way_that_can_be_shown(bench: Desk, tmp_path: Path) -> None:
    await bench.diagnosed()
    await refused(bench.agreed(), "step.not-now", "no plan")
    await bench.planned()
    await refused(bench.agreed(confirmed=["water-seal"]), "consent.risk", "its warranty may end")
    await refused(bench.agreed(confirmed=["data"]), "consent.risk", "no such risk: data")
    await refused(bench.agreed(witness=""), "consent.witness", "needs a witness")
    await refused(bench.agreed(witness="tech"), "consent.witness", "can't be its witness")
    await refused(bench.agreed(witness="mallory"), "consent.witness", "not enrolled")
    await refused(bench.agreed(way="signature"), "consent.proof", "signature is not there")
    await refused(bench.agreed(way="call"), "consent.proof", "recording of the call")
    await refused(bench.agreed(plan="0" * 64), "consent.other-plan", "has changed")
    picture = tmp_path / "signature.png"
    picture.write_bytes(b"\x89PNG signed")
    await bench.agreed(way="signature", proof=[str(picture)], witness="")
    consent = await bench.newest("consent/v1")
    assert (consent.proof.name, consent.proof.bytes, consent.witness) == ("signature.png", 11, None)
    assert consent.confirmed == ("water-seal", "warranty")
    assert await bench.state() == "in repair"


async def test_a_one_time_code_is_for_one_plan_once_and_not_for_long(
    bench: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.take_in(customer_name="王芳", customer_phone="138 0013 8000")
    await bench.run()
    await bench.act("diagnosis", decision="cause-found", cause="battery-worn", why="seen")
    await bench.planned()
    by_code = {"way": "one-time-code", "witness": ""}
    await refused(bench.agreed(**by_code, code="12345678"), "consent.no-code", "No code was sent for the plan")
    done = await bench.act("consent-code")
    first = code_of(bench)
    assert len(first) == 8
    envelopes = await bench.engine.store.read(lambda db: list(envelopes_of(db, bench.ticket)))
    assert not any(first in str(open_record(envelope).statement.raw) for envelope in envelopes)
    assert first not in str(done)
    await bench.planned({**REPAIR, "quantity": 2})
    await refused(bench.agreed(**by_code, code=first), "consent.no-code", "No code was sent for the plan")
    await bench.act("consent-code")
    second = code_of(bench)
    assert second != first
    await refused(bench.agreed(**by_code, code=first), "consent.code", "not the one that was sent")
    with monkeypatch.context() as later:
        now = StationClock.now

        def half_an_hour_on(self: StationClock, *args: Any) -> Any:
            told = now(self, *args)
            return told.model_copy(update={"wall_ms": told.wall_ms + 30 * 60_000 + 1})

        later.setattr(StationClock, "now", half_an_hour_on)
        await refused(bench.agreed(**by_code, code=second), "consent.code-late", "does not hold any more")
    await bench.agreed(**by_code, code=second)
    assert (await bench.newest("consent/v1")).code is not None
    await refused(bench.agreed(**by_code, code=second), "consent.code-used", "used already")


async def test_another_plan_or_a_no_ends_what_was_agreed(bench: Desk) -> None:
    await bench.diagnosed()
    await bench.planned()
    await bench.agreed()
    await bench.stocked()
    await bench.planned({**REPAIR, "quantity": 2})
    assert await bench.state() == "waiting for the customer"
    await refused(bench.fitted(), "step.not-now", "not agreed to the newest plan")
    await bench.agreed()
    await bench.agreed(decision="refused", confirmed=[], note="too dear")
    await refused(bench.fitted(), "step.not-now", "not agreed to the newest plan")
    await refused(bench.repaired(), "step.not-now", "not agreed to the newest plan")
    assert await bench.state() == "diagnosing"


async def test_a_typed_signature_is_the_name_that_was_taken_down_and_stands_in_no_record(bench: Desk) -> None:
    await bench.take_in(customer_name="王 芳")
    await bench.run()
    await bench.act("diagnosis", decision="cause-found", cause="battery-worn", why="seen")
    await bench.planned()
    await refused(bench.act("consent-code"), "code.no-telephone", "No telephone number is known: owner")
    await refused(bench.agreed(way="typed", name="李四"), "consent.name", "not the one that was taken down")
    await refused(bench.agreed(way="typed"), "consent.name", "not the one that was taken down")
    await bench.agreed(way="typed", name="王芳")
    made = await bench.newest("consent/v1")
    assert (made.way, made.name.kind) == ("typed", "name")
    assert "王" not in str(made)


async def test_a_bringer_consents_only_where_somebody_was_named_as_one(bench: Desk) -> None:
    await bench.diagnosed()
    await bench.planned()
    await refused(bench.agreed(by="bringer"), "consent.by", "Nobody was named as a bringer")
    await bench.act("authorise", part="bringer", name="赵六", authority=["id-shown"])
    await bench.agreed(by="bringer")
    assert (await bench.newest("consent/v1")).by == "bringer"


# --- out to the factory ----------------------------------------------------------------------------------------------

OUT = {
    "destination": "factory",
    "receiver": "Maker's depot",
    "carrier": "SF",
    "waybill": "SF100",
    "seal": "S-77",
    "sent": ["handset", "sim"],
    "data_state": "backed-up",
    "reason": "board work",
    "due": LATER,
}
BACK = {"outcome": "repaired", "carrier": "SF", "waybill": "SF200", "seal": "S-78", "seal_whole": True}


async def test_a_phone_goes_out_sealed_inside_of_an_agreed_plan_and_comes_back_to_be_taken_in_anew(bench: Desk) -> None:
    picture = bench.folder / "seal.jpg"
    picture.write_bytes(b"seal")
    out, back = {**OUT, "photos": [str(picture)]}, {**BACK, "photos": [str(picture)]}
    await bench.diagnosed()
    await bench.planned()
    await refused(bench.act("send-out", **out), "step.not-now", "not agreed")
    await bench.agreed()
    await refused(bench.act("send-out", **OUT), "form.wrong", "pictures of the seal: needed")
    await refused(bench.act("send-out", **out | {"sent": ["sim"]}), "send-out.handset", "handset itself")
    await refused(bench.act("send-out", **out | {"due": "2020-01-01 10:00"}), "send-out.due", "before it goes")
    await refused(bench.act("send-back", **back, came=["handset"]), "step.not-now", "not away")
    done = await bench.act("send-out", **out)
    assert done["says"][1][0].startswith("The customer's own card travels along")
    assert await bench.state() == "at the factory"
    await refused(bench.act("send-out", **out), "step.not-now", "away already")
    await refused(bench.act("send-back", **back, came=["handset"]), "send-back.differs", "SIM card")
    exchanged = back | {"outcome": "exchanged", "report": "new unit, no card came back", "came": ["handset"]}
    await refused(bench.act("send-back", **exchanged), "send-back.identity", "IMEI or serial is needed")
    done = await bench.act("send-back", **exchanged, new_imei="490154203237518", new_serial="SER0002")
    assert done["says"][-1][0].startswith("It is taken in anew")
    made = await bench.newest("send-back/v1")
    assert (made.decision, made.missing, made.new_phone is None) == ("differs", ("sim",), False)
    assert await bench.state() == "received"
    bench.phone.imeis, bench.phone.serial = ("490154203237518",), "SER0002"


async def test_the_ticket_goes_on_with_the_unit_that_came_back(bench: Desk) -> None:
    picture = bench.folder / "seal.jpg"
    picture.write_bytes(b"seal")
    await bench.diagnosed()
    await bench.planned()
    await bench.agreed()
    await bench.act("send-out", **OUT, photos=[str(picture)])
    about = {"outcome": "exchanged", "came": ["handset", "sim"], "new_imei": "490154203237518"}
    await bench.act("send-back", **BACK | about, photos=[str(picture)])
    cabinet = bench.engine._transports[0]
    cabinet.pull(bench.phone)
    other = dataclasses.replace(bench.phone, imeis=("490154203237518",), serial="SER0002", key=7)
    cabinet.put(other)
    bench.slot = (await send(bench.client, m.FindDevice(device="mem:SER0002", wait_s=10)))["slot"]
    await bench.run("intake")
    run, back = await bench.newest("run/v1"), await bench.newest("send-back/v1")
    assert run.device.phone == back.new_phone
