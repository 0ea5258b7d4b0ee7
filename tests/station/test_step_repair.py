"""Parts and repair: nothing outside of what was agreed, nothing from an empty shelf, nothing half stored."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from reports.agreement import agreement
from reports.fitted import Fit, match_parts
from station import messages as m
from station import signing
from station.errors import Trouble
from tests.station.repair_bench import BOOT, LATER, LOCK, PART, REPAIR, STEPS, Desk, desk
from tests.station.station_bench import Phone, send

BOARD = {"repair": "board-repair", "part": "MB-EX-1"}
BOARD_RISKS = ["water-seal", "biometrics", "data", "identity", "warranty", "price-above"]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as opened:
        yield opened


async def agreed(bench: Desk, *repairs: dict[str, Any], **consent: Any) -> None:
    await bench.diagnosed()
    await bench.planned(*repairs)
    await bench.agreed(**consent)


async def refused(done: Any, code: str, words: str) -> None:
    with pytest.raises(Trouble, match=words) as found:
        await done
    assert found.value.code == code
    assert found.value.what.zh != found.value.what.en


# --- parts -----------------------------------------------------------------------------------------------------------


async def test_a_shortage_sets_the_promise_and_waits_for_parts_until_they_are_there(bench: Desk) -> None:
    await agreed(bench)
    await refused(bench.act("reserve", "tech"), "person.role", "may not sign as")
    await refused(bench.act("reserve", "lead"), "parts.promise", "BAT-EX-1. Say when")
    await refused(bench.act("reserve", "lead", ready="2020-01-01 10:00"), "parts.promise", "not in the future")
    await bench.act("reserve", "lead", ready=LATER, supplier="wholesaler")
    order = await bench.newest("parts-order/v1")
    assert (order.decision, order.parts[0].short, order.promised_ms is None) == ("ordered", 1, False)
    assert await bench.state() == "waiting for parts"
    await bench.stocked()
    await bench.act("reserve", "lead")
    assert (await bench.newest("parts-order/v1")).decision == "reserved"
    assert await bench.state() == "in repair"
    assert (await bench.level())["reserved"] == {bench.ticket: 1}
    await refused(bench.act("reserve", "lead"), "parts.reserved", "reserved already")


async def test_what_is_held_goes_back_when_the_customer_says_no_or_another_plan_needs_less(bench: Desk) -> None:
    await agreed(bench, {**REPAIR, "quantity": 2})
    await bench.stocked(quantity=3)
    await bench.act("reserve", "lead")
    assert ((await bench.level())["free"], (await bench.level())["reserved"]) == (1, {bench.ticket: 2})
    await bench.planned()
    await bench.agreed()
    await bench.act("reserve", "lead")
    assert ((await bench.level())["free"], (await bench.level())["reserved"]) == (2, {bench.ticket: 1})
    await bench.agreed(decision="return-unrepaired", confirmed=[])
    assert ((await bench.level())["free"], (await bench.level())["reserved"]) == (3, {})


async def test_only_what_the_customer_agreed_to_is_fitted_and_the_shelf_and_the_record_agree(bench: Desk) -> None:
    await agreed(bench)
    await refused(bench.fitted(), "part.no-stock", "never on the shelf")
    await bench.stocked(serials=("NEW-1",), batch="L7", proof="delivery note 5")
    await refused(bench.fitted(number="LCD-EX-1"), "part.unplanned", "not in the plan that the customer agreed to")
    await refused(bench.fitted(quantity=2), "part.more", "has 1 more")
    await refused(bench.fitted(quantity=0), "part.quantity", "At least one")
    await refused(bench.fitted(genuine="compatible"), "part.not-genuine", "agreed to the maker's part")
    await refused(bench.fitted(proof=""), "part.proof", "Nothing shows")
    await refused(bench.fitted(issued_by=""), "part.issuer", "not known")
    await refused(bench.fitted(issued_by="tech"), "part.issuer", " may not hand out parts")
    await refused(bench.fitted(serial="NEW-9"), "stock.serial", "NEW-9 is not on the shelf")
    await refused(bench.fitted(), "stock.serial", "say which")
    assert (await bench.level())["shelf"] == 1
    await bench.fitted(serial="NEW-1", proof="", old_serial="OLD-1", old_part="customer")
    made = await bench.newest("part-use/v1")
    assert (made.batch, made.genuine_proof, made.old_part, made.issued_by) == (
        "L7",
        "delivery note 5",
        "customer",
        "lead",
    )
    assert made.plan == agreement(await bench.records()).digest
    assert "NEW-1" not in str(made)
    assert ((await bench.level())["shelf"], (await bench.level())["used"]) == (0, 1)
    await refused(bench.fitted(), "step.not-now", "no part that is still to be fitted")
    await refused(bench.planned({"repair": "reflash"}), "plan.fitted", "is fitted already")


@pytest.mark.parametrize(
    ("wanted", "right", "wrong", "words"),
    [
        ("customer", "customer", "shop", "wants the old part back"),
        ("shop", "destroyed", "customer", "leaves the old part here"),
    ],
)
async def test_the_old_part_goes_where_the_customer_wants_it(
    bench: Desk, wanted: str, right: str, wrong: str, words: str
) -> None:
    await bench.diagnosed()
    await bench.planned()
    done = await bench.agreed(old_parts=wanted)
    assert any(line[0].startswith("Old parts: ") and line[1].startswith("旧件：") for line in done["says"])
    await bench.stocked(batch="L7")
    await refused(bench.fitted(old_part=wrong), "part.old-part", words)
    await refused(bench.fitted(old_part="maker" if wanted == "customer" else "customer"), "part.old-part", words)
    await bench.fitted(old_part=right)
    assert (await bench.newest("part-use/v1")).old_part == right


async def test_of_two_who_take_the_last_part_one_is_refused_and_nothing_of_it_is_stored(bench: Desk) -> None:
    await agreed(bench)
    first, phone = bench.ticket, Phone(serial="SER0002", imeis=("490154203237518",), answers=bench.phone.answers, key=5)
    phone.port = "usb:1-2"
    bench.engine._transports[0].put(phone)
    slot = (await send(bench.client, m.FindDevice(device="mem:SER0002", wait_s=10)))["slot"]
    other = dataclasses.replace(bench, phone=phone, slot=slot)
    told = m.Intake(slot=slot, complaint="too", data_notice_confirmed=True, test_consent=True, person="tech")
    other.ticket = str((await send(bench.client, told))["ticket"])
    await other.run()
    await other.act("diagnosis", decision="cause-found", cause="battery-worn", why="seen")
    await other.planned()
    await other.agreed()
    await bench.stocked()
    assert first != other.ticket
    ends = await asyncio.gather(bench.fitted(), other.fitted(), return_exceptions=True)
    lost = [one for one in ends if isinstance(one, Trouble)]
    assert [one.code for one in lost] == ["stock.short"]
    assert (await bench.level())["used"] == 1
    uses = [one for desk_ in (bench, other) for one in await desk_.records() if one.kind == "part-use/v1"]
    assert len(uses) == 1


async def test_a_store_that_fails_behind_the_move_leaves_neither_the_move_nor_the_record(
    bench: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await agreed(bench)
    await bench.stocked()
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorname = "SQLITE_FULL"  # type: ignore[misc]

    def fail(*args: Any) -> None:
        raise full

    with monkeypatch.context() as broken:
        broken.setattr(signing, "enqueue", fail)
        await refused(bench.fitted(), "store.full", "disk is full")
    assert ((await bench.level())["shelf"], (await bench.level())["used"]) == (1, 0)
    assert not any(one.kind == "part-use/v1" for one in await bench.records())
    await bench.fitted()
    assert (await bench.level())["used"] == 1


async def test_the_newest_run_says_whether_the_phone_reports_the_part_that_was_fitted(bench: Desk) -> None:
    await agreed(bench)
    before = await bench.newest("run/v1")
    await bench.stocked(serials=("NEW-1",))
    await bench.fitted(serial="NEW-1")
    use = await bench.newest("part-use/v1")
    found = {}
    for said in ("NEW-1", "OLD-1", "FOREIGN", ""):
        bench.phone.answers[PART.script] = said
        await bench.run()
        after = await bench.newest("run/v1")
        found[said] = [one.fit for one in match_parts(before, after, [use])]
        if said == "FOREIGN":
            assert [one.fit for one in match_parts(before, after, [])] == [Fit.UNPLANNED]
    assert found == {"NEW-1": [Fit.MATCHES], "OLD-1": [Fit.UNCHANGED], "FOREIGN": [Fit.OTHER], "": [Fit.UNREAD]}


# --- the repair ------------------------------------------------------------------------------------------------------


async def test_a_repair_keeps_to_plan_parts_and_manual(bench: Desk) -> None:
    await bench.diagnosed()
    await bench.planned()
    await refused(bench.repaired(), "step.not-now", "not agreed")
    await bench.agreed()
    await refused(bench.repaired(remedies="replace-display"), "repair.unplanned", "Not in the plan.*replace-display")
    await refused(bench.repaired(), "repair.part", "BAT-EX-1 is planned and was not fitted")
    await bench.stocked()
    await bench.fitted()
    await refused(bench.repaired(steps=STEPS[:-1]), "repair.steps", "steps 1 to 6.*filled in: 1 2 3 4 5")
    await refused(bench.repaired(steps=[STEPS[1], STEPS[0], *STEPS[2:]]), "repair.steps", "in this order")
    skipped = [*STEPS[:2], {"step": 3, "done": False}, *STEPS[3:]]
    await refused(bench.repaired(steps=skipped), "repair.step", "Step 3 was not done: Disconnect the battery")
    await refused(bench.repaired(esd=""), "repair.esd", "wrist-strap test is missing")
    await refused(bench.repaired(esd="good"), "repair.esd", "not a resistance")
    await refused(bench.repaired(esd="35.1"), "repair.esd", "35.1 megohm, at most 35")
    await refused(bench.repaired(esd="0.79"), "repair.esd", "0.79 megohm, at least 0.8")
    await refused(bench.repaired(esd="NaN"), "repair.esd", "not a resistance")
    await refused(bench.repaired(screws_in=None), "repair.screws", "count the screws")
    await refused(bench.repaired(screws_in=7), "repair.screws", "8 screws came out and 7 went in")
    await refused(bench.repaired(sealed=["screw-seal"]), "repair.seal", "neither tape nor seal")
    await refused(bench.repaired(new_imei="490154203237518"), "repair.identity", "No board was exchanged")
    done = await bench.repaired(screws_in=7, remedy="exchanged; one screw was missing already, see appearance")
    assert done["says"][-1][0] == "8 screws came out and 7 went in"
    made = await bench.newest("repair/v1")
    assert (made.remedies, made.screws_in, made.sealed, made.system) == (("replace-battery",), 7, ("tape",), None)
    assert (made.esd.resistance.v, made.esd.resistance.e, made.esd.resistance.u) == (12, -1, "MOhm")
    assert [step.done for step in made.steps] == [True] * 6
    assert await bench.state() == "self-check due"
    reasons = await send(bench.client, m.PrepareRelease(ticket=bench.ticket, person="inspector"))
    assert {"no-plan-consent", "unsigned", "phone", "record"}.isdisjoint(reasons["codes"])


async def test_what_was_planned_as_well_may_be_left_out_with_its_part(bench: Desk) -> None:
    await agreed(bench, {"repair": "clean-mesh"}, REPAIR)
    done = {"steps": [{**step, "done": False, "note": "cleaning was enough"} for step in STEPS]}
    await bench.repaired(remedies="clean-mesh", esd="", screws_out=None, screws_in=None, sealed=[], **done)
    assert (await bench.newest("repair/v1")).remedies == ("clean-mesh",)


async def test_after_an_installation_the_build_is_the_makers_and_the_phone_is_locked(bench: Desk) -> None:
    await agreed(bench, {"repair": "reflash"}, confirmed=["data"])
    soft = {"remedies": "reflash", "steps": STEPS[:3], "esd": "", "screws_out": None, "screws_in": None, "sealed": []}
    await refused(bench.repaired(**soft), "repair.no-run", "no run looked at it since")
    await bench.run()
    await refused(bench.repaired(**soft), "repair.no-builds", "no list of the maker's builds for Phone 1")
    bench.policy("builds", 'version = "7"\nmodel = "x"\n')
    await refused(bench.repaired(**soft), "builds.unusable", "builds.toml can't be used: model")
    bench.policy("builds", 'version = "7"\n[[model]]\nname = "phone 1"\nbuilds = ["B.1"]\n')
    await refused(bench.repaired(**soft), "repair.build", "BUILD is not in the maker's list")
    bench.policy("builds", 'version = "7"\n[[model]]\nname = "phone 1"\nbuilds = ["B.1", "BUILD"]\n')
    for boot, lock, code, words in (
        ("", "", "repair.boot-unread", "was not read"),
        ("orange", "0", "repair.unlocked", "not locked .verified boot: orange"),
        ("yellow", "1", "repair.unlocked", "somebody else's key .verified boot: yellow"),
        ("red", "1", "repair.unlocked", "does not pass its own verification"),
        ("green", "0", "repair.unlocked", "not locked"),
    ):
        bench.phone.answers |= {BOOT.script: boot, LOCK.script: lock}
        await bench.run()
        await refused(bench.repaired(**soft), code, words)
    bench.phone.answers |= {BOOT.script: "green", LOCK.script: "1"}
    digest = await bench.run()
    await bench.repaired(**soft)
    made = (await bench.newest("repair/v1")).system
    assert (made.run, made.build, made.verified_boot, made.list_version) == (digest, "BUILD", "green", "7")


async def test_an_exchanged_board_binds_the_old_phone_to_the_new(bench: Desk) -> None:
    await agreed(bench, BOARD, confirmed=BOARD_RISKS)
    await bench.stocked("MB-EX-1", part="mainboard")
    await bench.fitted(number="MB-EX-1")
    board = {"remedies": "board-repair"}
    await refused(bench.repaired(**board), "repair.identity", "new IMEI or serial is needed")
    await refused(bench.repaired(**board, new_imei="490154203237517"), "ticket.imei", "check digit")
    await bench.repaired(**board, new_imei="490154203237518", new_serial="SER0002")
    made = await bench.newest("repair/v1")
    assert [one.kind for one in made.new_identities] == ["imei", "serial"]
    cabinet = bench.engine._transports[0]
    cabinet.pull(bench.phone)
    cabinet.put(dataclasses.replace(bench.phone, imeis=("490154203237518",), serial="SER0002", key=7))
    bench.slot = (await send(bench.client, m.FindDevice(device="mem:SER0002", wait_s=10)))["slot"]
    await bench.run("self-check")
    run = await bench.newest("run/v1")
    assert run.device.phone == made.new_phone
    assert run.device.phone != (await bench.newest("intake/v1")).phone
    reasons = await send(bench.client, m.PrepareRelease(ticket=bench.ticket, person="inspector"))
    assert "phone" not in reasons["codes"]
