"""Every branch of a ticket's life by commands alone; its records then verify, here and where only `reports` is."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_utils import Database

from reports.verify import export_bundle
from station.steps import steps
from tests.life import branches
from tests.life.branches import Branch
from tests.life.elsewhere import verified_there
from tests.life.shop import ROOT, Shop, Walk

#: What each branch is called, the phone that it needs, its lines, and what a release comes to in the end.
LIVES: dict[str, tuple[str, Branch, str]] = {
    "over the counter, repaired and checked": ("worn-battery", branches.WALK_IN, "released"),
    "sent in by parcel": ("healthy", branches.MAIL_IN, "released"),
    "no fault found": ("healthy", branches.NO_FAULT, ""),
    "refused by the customer": ("worn-battery", branches.REFUSED, ""),
    "sent to the factory and back": ("worn-battery", branches.SENT_OUT, "released"),
    "exchanged": ("worn-battery", branches.EXCHANGED, ""),
    "checked by nobody else": ("healthy", branches.ONE_PERSON, "released-with-waiver"),
    "a concession after an amendment": ("worn-battery", branches.CONCESSION, "released-with-waiver"),
    "a fault the customer declined": ("worn-battery", branches.DECLINED, "released"),
    "a fault that is not gone": ("worn-battery", branches.REOPENED, "released"),
    "a grievance that holds the erasure": ("worn-battery", branches.GRIEVANCE, "released"),
    "a plan that changed": ("worn-battery", branches.CHANGED_PLAN, ""),
    "another phone at the scan": ("healthy", branches.WRONG_PHONE, "released"),
}


@pytest.mark.parametrize(("persona", "branch", "release"), LIVES.values(), ids=LIVES)
def test_a_ticket_goes_through_by_commands_and_its_bundle_verifies_with_reports_alone(
    shop: Shop, elsewhere: Path, persona: str, branch: Branch, release: str
) -> None:
    with shop.walk(persona) as walk:
        walk.go(branch)
    for what in (("--ledger",), ("--ticket", walk.ticket)):
        told = shop.assay("verify", *what, "--self", "--json")
        assert told.code == 0, told.out + told.err
    bundle = bundle_of(walk)
    there = verified_there(elsewhere, bundle)
    assert (there["ok"], there["problems"], there["release"]) == (True, [], release)
    assert without_our_code(shop)


def test_no_field_of_a_step_has_the_name_of_an_option_that_every_command_has() -> None:
    taken = {"as", "data", "form", "help", "json", "lang", "pin-file", "preview", "role", "unsigned"}
    named = {(step.id, one.name.replace("_", "-")) for step in steps().values() for one in step.fields}
    assert [one for one in sorted(named) if one[1] in taken] == []


def bundle_of(walk: Walk) -> Path:
    """The ticket as the one file that leaves the shop."""
    db = sqlite3.connect(f"{(walk.shop.data / 'assay.db').as_uri()}?mode=ro", uri=True)
    path = walk.shop.folder / f"{walk.ticket}.json"
    path.write_bytes(export_bundle(Database(db), walk.ticket))
    db.close()
    return path


def without_our_code(shop: Shop) -> bool:
    """What the verifier of the docs, which knows no code of Assay, says of the whole ledger."""
    command = [sys.executable, "-I", str(ROOT / "docs" / "verify.py"), str(shop.data / "assay.db"), "00" * 32]
    done = subprocess.run(command, capture_output=True, text=True)
    answer = json.loads(done.stdout)
    assert answer["problems"] == []
    return bool(answer["ok"])
