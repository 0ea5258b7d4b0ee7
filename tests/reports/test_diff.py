"""Before against after: what got worse stands first, numbers are subtracted, parts are told as changed, never shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from records_builder import PHONE, Case, Shop, attempt

from checklists.schema import Checklist
from checklists.verdict import Stage
from reports.attest import Envelope, Record, open_record
from reports.diff import RunDiff, before_and_after, compare, planned_changes
from reports.predicates import AttemptV1, ConsentV1, PlannedPartV1
from reports.record import ReadStatement, digest_of

GOOD: dict[str, Any] = {"battery": Decimal(93), "display": True, "charger": Decimal(4)}


def records(case: Case) -> list[Record]:
    return [open_record(envelope) for envelope in case.envelopes]


def compared(before: dict[str, Any], after: dict[str, Any]) -> RunDiff:
    case = Case(Shop())
    case.intake()
    case.add(case.shop.run(Stage.INTAKE, "wang", values=GOOD | before))
    case.add(case.shop.run(Stage.SELF_CHECK, "wang", values=GOOD | after))
    return diff_of(case)


def diff_of(case: Case) -> RunDiff:
    both = before_and_after(records(case))
    assert both is not None
    return compare(*both, planned_changes(records(case)))


def swapped(*planned: PlannedPartV1) -> RunDiff:
    """A battery of another serial afterwards."""

    def tried(serial: str) -> Any:
        def attempts(used: Checklist) -> list[AttemptV1]:
            return [
                attempt(check, GOOD[check.id], serial=serial if check.id == "battery" else None)
                for check in used.checks
            ]

        return attempts

    case = Case(Shop())
    case.intake()
    case.add(case.shop.run(Stage.INTAKE, "wang", attempts=tried("A1")))
    if planned:
        case.add(case.shop.consent(case.add(case.shop.plan(parts=planned))))
    case.add(case.shop.run(Stage.SELF_CHECK, "wang", attempts=tried("B2")))
    return diff_of(case)


def changes(found: RunDiff) -> dict[str, str]:
    return {row.check: row.change for row in found.rows}


def test_a_check_that_was_good_and_fails_now_is_a_regression_and_stands_first() -> None:
    found = compared({}, {"battery": Decimal(60)})
    assert found.rows[0].check == "battery"
    assert [row.check for row in found.regressions] == ["battery"]
    [value] = [one for one in found.rows[0].values if one.by is not None]
    assert (value.before, value.after, value.by) == ("93", "60", Decimal(-33))


def test_a_repaired_fault_is_better_and_no_regression() -> None:
    found = compared({"battery": Decimal(60)}, {})
    assert changes(found)["battery"] == "better"
    assert found.regressions == ()


def test_what_did_not_change_is_the_same() -> None:
    assert set(changes(compared({}, {})).values()) == {"same"}


def test_without_a_run_on_both_sides_there_is_nothing_to_compare() -> None:
    case = Case(Shop())
    case.intake()
    case.add(case.shop.run(Stage.SELF_CHECK, "wang", values=GOOD))
    assert before_and_after(records(case)) is None


def test_a_run_for_the_diagnosis_stands_in_where_there_was_none_at_intake() -> None:
    case = Case(Shop())
    case.intake()
    case.add(case.shop.run(Stage.DIAGNOSIS, "wang", values=GOOD))
    case.add(case.shop.run(Stage.SELF_CHECK, "wang", values=GOOD))
    assert before_and_after(records(case)) is not None


def test_a_part_that_is_another_is_told_and_neither_serial_is_shown() -> None:
    found = swapped()
    assert changes(found)["battery"] == "part-changed"
    [(check, value)] = found.unplanned
    assert (check, value.name, value.before, value.after) == ("battery", "serial", "", "")


def test_a_part_that_the_agreed_plan_exchanges_is_no_unplanned_change() -> None:
    found = swapped(PlannedPartV1(part="battery", number="B-1", changes=("battery:serial",)))
    assert found.unplanned == ()
    assert [value.planned for row in found.rows for value in row.values if value.changed] == [True]


def test_a_run_that_was_taken_out_does_not_count() -> None:
    case = Case(Shop())
    case.intake()
    case.add(case.shop.run(Stage.INTAKE, "wang", values=GOOD))
    bad = case.add(case.shop.run(Stage.SELF_CHECK, "wang", values=GOOD | {"battery": Decimal(60)}))
    case.add(case.shop.run(Stage.SELF_CHECK, "wang", values=GOOD))
    case.add(case.shop.amend(bad))
    assert diff_of(case).regressions == ()


def test_a_plan_that_the_customer_refused_lets_no_part_differ() -> None:
    case = Case(Shop())
    battery = PlannedPartV1(part="battery", number="B-1", changes=("battery:serial",))
    offered = case.add(case.shop.plan(parts=(battery,)))
    told: dict[str, Any] = {"person": "wang", "way": "in-person", "proof": None, "given_ms": 1}
    refused = ConsentV1(**case.shop.common(), **told, plan=digest_of(offered), decision="refused")
    case.add(case.shop.sign("consent/v1", PHONE, refused, case.shop.station))
    assert planned_changes(records(case)) == frozenset()
    case.add(case.shop.consent(offered))
    assert planned_changes(records(case)) == {"battery:serial"}


def test_a_phone_that_comes_again_is_compared_with_how_it_came_this_time() -> None:
    case = Case(Shop())
    worn = GOOD | {"battery": Decimal(60)}
    case.add(case.shop.run(Stage.INTAKE, "wang", values=worn))
    case.add(case.shop.run(Stage.SELF_CHECK, "wang", values=GOOD))
    first = records(case)
    over = Record(Envelope("d" * 64, b"", ()), ReadStatement("delivery/v1", "0" * 64, None, {}))
    assert before_and_after([*first, over]) == before_and_after(first)
    case.add(case.shop.run(Stage.INTAKE, "wang", values=GOOD))
    assert before_and_after([*first, over, *records(case)[2:]]) is None
    case.add(case.shop.run(Stage.SELF_CHECK, "wang", values=worn))
    both = before_and_after([*first, over, *records(case)[2:]])
    assert both is not None
    assert [row.check for row in compare(*both).regressions] == ["battery"]
