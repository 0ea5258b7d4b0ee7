"""A ticket from the diagnosis to the repair by commands alone, each signed with a PIN, and back out with its bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.agreement import agreement
from reports.attest import open_record
from reports.ledger import envelopes_of, roster_of
from reports.release import verify_release
from station.store import Store
from tests.station.command_line import run_assay
from tests.station.station_bench import IMEI, enrol

PIN = "correct horse"
STEPS = [part for n in range(1, 7) for part in ("--steps", f"{n};yes")]


async def test_a_ticket_goes_from_the_diagnosis_to_the_repair_by_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    data, pin = tmp_path / "data", tmp_path / "pin"
    await enrol(data, pin=PIN)
    pin.write_text(PIN + "\n", encoding="utf-8")
    signature = tmp_path / "signed.png"
    signature.write_bytes(b"\x89PNG")

    async def assay(*args: str, code: int = 0) -> str:
        got, out, err = await asyncio.to_thread(run_assay, data, monkeypatch, *args)
        assert got == code, f"{args}: {err}"
        return out + err

    tech, lead = (("--as", person, "--pin-file", str(pin)) for person in ("tech", "lead"))
    await assay("intake", "T-1", "--imei", IMEI, "--model", "Phone 1", "--complaint", "empty by noon", "--as", "tech")
    await assay("sign", "T-1", *tech)
    found = ("--decision", "cause-found", "--cause", "battery-worn", "--why", "measured")
    assert "Cause found: Battery worn" in await assay("diagnosis", "T-1", *found, *tech)
    repairs = ("--repairs", "replace-battery;BAT-EX-1", "--promised", "2099-01-01 10:00")
    assert "Price: CNY 189.00" in await assay("plan", "T-1", *repairs, *tech)
    yes = ("--decision", "agreed", "--way", "signature", "--proof", str(signature))
    missing = await assay("consent", "T-1", *yes, "--confirmed", "water-seal", *tech, code=2)
    assert "Not confirmed by the customer" in missing
    await assay("consent", "T-1", *yes, "--confirmed", "water-seal", "--confirmed", "warranty", *tech)
    await assay("stock", "add", "BAT-EX-1", "--part", "battery", "--serial", "N-1", "--as", "lead")
    await assay("reserve", "T-1", *lead)
    use = ("--number", "BAT-EX-1", "--serial", "N-1", "--genuine", "maker", "--proof", "label", "--old-part", "shop")
    await assay("part", "T-1", *use, *tech)
    done = ("--remedies", "replace-battery", "--esd", "1.0", "--screws-out", "8", "--screws-in", "8")
    await assay("repair", "T-1", *done, *STEPS, "--sealed", "tape", *tech)
    assert "self-check due" in await assay("ticket", "show", "T-1")

    wrong = tmp_path / "wrong"
    wrong.write_text("not the PIN\n", encoding="utf-8")
    opens = ("grievance", "T-1", "--act", "open", "--channel", "phone", "--words", "too slow")
    told = await assay(*opens, "--as", "lead", "--pin-file", str(wrong), code=1)
    shown, asked, refused = (told.index(part) for part in ("answer", "Your signature says: performed", "not the PIN"))
    assert shown < asked < refused
    assert "grievance" not in await assay("ticket", "show", "T-1")

    store = Store(data / "assay.db")
    envelopes = await store.read(lambda db: list(envelopes_of(db, "T-1")))
    roster = await store.read(roster_of)
    store.close()
    agreed = agreement(map(open_record, envelopes))
    assert (agreed.plan is agreed.agreed, agreed.plan and agreed.plan.price_fen) == (True, 18900)
    decision = verify_release(envelopes, roster, approver="inspector", at_ms=4_000_000_000_000)
    assert set(decision.codes) == {"no-self-check", "no-cross-check"}
