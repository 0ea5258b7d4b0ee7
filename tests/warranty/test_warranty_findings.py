"""What the checks found becomes rows of the fault table, by the one map there is; the newest word of a check counts."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

from checklists.schema import Checklist
from checklists.verdict import Stage
from reports.attest import Record, open_record
from reports.predicates import AttemptV1
from station.session import Session
from station.steps import steps
from station.steps.api import Case
from station.steps.form import fill
from tests.reports.records_builder import Shop, attempt


def found(shop: Shop, **codes: str) -> Record:
    """A run in which these checks failed with these codes; a check without one passed."""
    values: dict[str, Any] = {"battery": Decimal(50), "display": False, "charger": Decimal(9)}
    good: dict[str, Any] = {"battery": Decimal(93), "display": True, "charger": Decimal("4.20")}

    def attempts(used: Checklist) -> list[AttemptV1]:
        return [
            attempt(one, values[one.id], finding=codes[one.id]) if one.id in codes else attempt(one, good[one.id])
            for one in used.checks
        ]

    return open_record(shop.run(Stage.INTAKE, "wang", attempts=attempts))


def case_of(shop: Shop, *records: Record) -> Case:
    """A ticket with these records alone: nothing else of a case is looked at."""
    known: dict[str, Any] = {
        "ticket": shop.ticket,
        "session": Session(),
        "records": records,
        "person": "wang",
        "policy": {},
        "now_ms": shop.now_ms,
        "common": shop.common(),
    }
    return Case(**{one.name: known.get(one.name) for one in fields(Case)})


def decided(case: Case, **typed: Any) -> Any:
    step = steps()["warranty"]
    given = {"papers": "both", "sold": "2025-09-10", **typed}
    made = step.make(case, fill(step.fields, given, lambda path: (_ for _ in ()).throw(AssertionError(path))))
    return made.predicate, [one.en for one in made.says]


def test_a_finding_of_the_display_is_a_fault_of_the_handset() -> None:
    shop = Shop()
    said, says = decided(case_of(shop, found(shop, display="DISPLAY-PIXELS")))
    assert (said.claim.item, said.claim.rows) == ("handset", ("display",))
    assert "DISPLAY-PIXELS" in said.findings
    assert said.decision == "in-warranty"
    assert any("no display, wrong or missing strokes" in line for line in says)


def test_a_worn_battery_is_a_fault_of_the_battery() -> None:
    shop = Shop()
    said, _ = decided(case_of(shop, found(shop, battery="BATTERY-WORN")))
    assert (said.claim.item, said.claim.rows) == ("battery", ("battery",))
    assert [one.kind for one in said.remedies] == ["replace"]


def test_liquid_is_in_no_row_and_the_reason_is_said() -> None:
    shop = Shop()
    said, says = decided(case_of(shop, found(shop, display="LIQUID")))
    assert (said.decision, said.reason) == ("out-of-warranty", "not-listed")
    assert any(line.startswith("Finding LIQUID: not in the fault table") for line in says)


def test_a_code_that_the_map_does_not_know_is_said_and_decides_nothing() -> None:
    shop = Shop()
    said, says = decided(case_of(shop, found(shop, display="HOMEMADE-CODE")))
    assert said.reason == "not-listed"
    assert any("HOMEMADE-CODE: not mapped" in line for line in says)


def test_a_check_that_passed_later_has_no_fault_any_more() -> None:
    shop = Shop()
    said, _ = decided(case_of(shop, found(shop, display="DISPLAY-PIXELS"), found(shop)))
    assert (said.findings, said.reason) == ((), "not-listed")


def test_a_person_may_say_that_it_is_none_of_the_table() -> None:
    shop = Shop()
    said, _ = decided(case_of(shop, found(shop, display="DISPLAY-PIXELS")), faults="none")
    assert said.reason == "not-listed"
    assert "DISPLAY-PIXELS" in said.findings


def test_the_form_proposes_what_was_found() -> None:
    shop = Shop()
    case = case_of(shop, found(shop, battery="BATTERY-WORN"))
    given = {one.name: one.given(case) for one in steps()["warranty"].fields if one.given}
    assert (given["item"], given["faults"]) == ("battery", "battery")
