"""Exports: read back by other parsers, hostile texts included; what was not run is never passed; what is left out."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records_builder import Case, attempt, checklist, good_case

from checklists.schema import Checklist
from checklists.verdict import Ending, Stage, Verdict
from reports.attest import open_record
from reports.export import FORMATS, export
from reports.export.ebay import POINTS
from reports.export.r2v3 import HARDWARE, PRIMARY, SOFTWARE
from reports.export.view import number_of, plain, read_ticket, the_run
from reports.predicates import AttemptV1, Quantity, TextV1, UnreadV1
from reports.record import RecordError

GOOD = good_case()
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "  =1+1",
    "%0A=1",
    "]]><x/>",
    "<script>alert(1)</script>",
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "quote \" and ' and , and ;",
    "line one\r\nline two",
    "nul \x00 bell \x07 escape \x1b[31m",
    "c1 \x9b31m",
    "right to left \u202e gnp",
    "\ufffe\uffff",
    "line\u2028separator",
    "中文，逗号",
    "\U0001f4f1" * 20,
    "",
]


def told(text: str, *, verdict: Verdict = Verdict.FAIL) -> list[bytes]:
    """A ticket whose run says `text` wherever a text may stand."""
    both = TextV1(en=text[:2000], zh=text[:2000])

    def tried(used: Checklist) -> list[AttemptV1]:
        found = [attempt(check, Decimal(1) if check.id != "display" else False) for check in used.checks]
        reasoned = found[0].model_copy(
            update={
                "verdict": verdict,
                "reason": both,
                "finding": text[:200] or None,
                "unread": (UnreadV1(name="gap", reason=both, source="s"),),
                "measurements": tuple(
                    one.model_copy(update={"value": text, "reason": both}) for one in found[0].measurements
                ),
            }
        )
        return [reasoned, *found[1:]]

    case = Case()
    case.intake(complaint=text[:2000], appearance=text[:2000])
    case.self_check(attempts=tried)
    return case.envelopes


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def tree(data: bytes) -> ET.Element:
    """The document, in which nothing may declare anything."""
    assert b"<!" not in data
    return ET.fromstring(data)


def ocptv(data: bytes) -> list[dict[str, Any]]:
    assert data.isascii()
    return [json.loads(line) for line in data.splitlines()]


def every_text(one: ET.Element) -> list[str]:
    return [text for each in one.iter() for text in (each.text or "", *each.attrib.values())]


# --- read back ---


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_says_in_the_document_itself_what_it_leaves_out(name: str) -> None:
    done = export(GOOD.envelopes, name)
    assert done.leaves_out
    text = done.data.decode("utf-8-sig")
    texts = [done.data.decode("utf-8-sig")]
    if text.startswith("{"):
        texts.append("\n".join(json.dumps(json.loads(line), ensure_ascii=False) for line in [text] if name != "ocptv"))
        texts += [json.dumps(json.loads(line), ensure_ascii=False) for line in text.splitlines() if name == "ocptv"]
    for left in done.leaves_out:
        assert any(left.en in one for one in texts), left.en
        assert any(left.zh in one for one in texts), left.zh


def test_json_holds_every_record_as_it_was_stated() -> None:
    document = json.loads(export(GOOD.envelopes, "json").data)
    assert [one["digest"] for one in document["records"]] == [open_record(one).digest for one in GOOD.envelopes]
    assert [one["predicate"] for one in document["records"]] == [
        open_record(one).statement.raw for one in GOOD.envelopes
    ]
    assert document["simulated"] is True
    assert document["released"] == "released"


def test_csv_has_a_row_for_each_check_and_measurement_with_exact_numbers() -> None:
    rows = csv_rows(export(GOOD.envelopes, "csv").data)
    checks = [row for row in rows if row["row"] == "check"]
    assert len(checks) == 9
    volts = [row for row in rows if row["measurement"] == "volts"]
    assert {(row["value"], row["unit"], row["verdict"]) for row in volts} == {("4.20", "V", "pass")}


def test_xml_and_junit_count_the_same_as_the_records() -> None:
    root = tree(export(GOOD.envelopes, "xml").data)
    assert len(root.findall("run")) == 3
    assert {one.get("outcome") for one in root.iter("check")} == {"pass"}
    suites = tree(export(GOOD.envelopes, "junit").data)
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("9", "0", "0")


def test_a_negative_number_stays_a_number_and_nothing_else_does() -> None:
    from reports.export.as_csv import _cell

    assert _cell("-3.5") == "-3.5"
    for text in ("-3.5+1", "=1", "-", "--1", "-1e5", "-.5"):
        assert _cell(text) == f"'{text}"


@given(v=st.integers(-(2**53) + 1, 2**53 - 1), e=st.integers(-18, 18))
def test_numbers_are_written_exactly(v: int, e: int) -> None:
    text = number_of(Quantity(v=v, e=e, u="V"))
    assert Decimal(text) == Decimal(v).scaleb(e)
    assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text)


# --- hostile texts ---


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_only_ever_text(text: str) -> None:
    holds(told(text), text)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
    | st.tuples(st.sampled_from("=+-@\t\r\n|%＝＋－＠'\" "), st.text("=+-@!A1|<>&;\t\r\n'\"", max_size=20)).map("".join)
)
def test_any_text_is_only_ever_text(text: str) -> None:
    holds(told(text), text)


def holds(envelopes: list[bytes], text: str) -> None:
    rows = csv_rows(export(envelopes, "csv").data)
    for row in rows:
        assert None not in row, "no cell became two"
        for cell in row.values():
            number = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", cell)
            assert number or not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")), cell
            assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]", cell)
    checks = [row for row in rows if row["row"] == "check" and row["check"] == "battery"]
    assert checks[0]["reason_en"].removeprefix("'") == plain(text).removeprefix("'")
    for name in ("xml", "junit"):
        root = tree(export(envelopes, name).data)
        allowed = {one.tag for one in root.iter()} <= _TAGS
        assert allowed, "no text became an element"
        assert not any(re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", one) for one in every_text(root))
    lines = ocptv(export(envelopes, "ocptv").data)
    assert [line["sequenceNumber"] for line in lines] == list(range(len(lines)))
    for name in ("json", "in-toto", "r2v3", "ebay"):
        data = export(envelopes, name).data
        assert data.isascii()
        json.loads(data)


_TAGS = {
    *("assay-ticket", "records", "record", "run", "phone", "check", "title", "en", "zh", "attempt", "reason"),
    *("measurement", "value", "not-read", "leaves-out", "testsuites", "testsuite", "testcase", "properties"),
    *("property", "failure", "error", "skipped", "system-out"),
}


# --- nothing that was not done is a pass ---


def ended(how: Ending) -> Callable[[Checklist], list[AttemptV1]]:
    def tried(used: Checklist) -> list[AttemptV1]:
        good = {"battery": Decimal(93), "display": True, "charger": Decimal("4.2")}
        return [
            attempt(check, good[check.id], ending=how if check.id == "battery" else Ending.COMPLETED)
            for check in used.checks
        ]

    return tried


@pytest.mark.parametrize(
    ("how", "junit", "result", "step"),
    [
        (Ending.COMPLETED, None, ("COMPLETE", "PASS"), "COMPLETE"),
        (Ending.SKIPPED, "skipped", ("SKIP", "NOT_APPLICABLE"), "SKIP"),
        (Ending.NOT_APPLICABLE, "skipped", ("COMPLETE", "PASS"), "SKIP"),
        (Ending.ERRORED, "error", ("ERROR", "NOT_APPLICABLE"), "ERROR"),
        (Ending.TIMED_OUT, "error", ("ERROR", "NOT_APPLICABLE"), "ERROR"),
        (Ending.INTERRUPTED, "error", ("ERROR", "NOT_APPLICABLE"), "ERROR"),
    ],
)
def test_how_an_attempt_ended_is_kept_apart_from_what_it_found(
    how: Ending, junit: str | None, result: tuple[str, str], step: str
) -> None:
    case = Case()
    case.intake()
    case.self_check(attempts=ended(how))
    found = next(
        one for one in tree(export(case.envelopes, "junit").data).iter("testcase") if one.get("name") == "battery"
    )
    assert [child.tag for child in found if child.tag != "system-out"] == ([junit] if junit else [])
    lines = ocptv(export(case.envelopes, "ocptv").data)
    end = lines[-1]["testRunArtifact"]["testRunEnd"]
    assert (end["status"], end["result"]) == result
    ends = [
        line["testStepArtifact"]["testStepEnd"] for line in lines if "testStepEnd" in line.get("testStepArtifact", {})
    ]
    assert ends[0]["status"] == step
    told = json.loads(export(case.envelopes, "in-toto").data)["predicate"]
    assert (told["result"] == "PASSED") is (how in (Ending.COMPLETED, Ending.NOT_APPLICABLE))
    assert ("battery" in told["passedTests"]) is (how is Ending.COMPLETED)


def test_ocptv_pairs_status_and_result_as_its_specification_allows() -> None:
    legal = {("SKIP", "NOT_APPLICABLE"), ("ERROR", "NOT_APPLICABLE"), ("COMPLETE", "PASS"), ("COMPLETE", "FAIL")}
    for envelopes in (GOOD.envelopes, told("x"), told("x", verdict=Verdict.WARN)):
        lines = ocptv(export(envelopes, "ocptv").data)
        end = lines[-1]["testRunArtifact"]["testRunEnd"]
        assert (end["status"], end["result"]) in legal
        assert lines[0]["schemaVersion"] == {"major": 2, "minor": 0}
        start = lines[1]["testRunArtifact"]["testRunStart"]
        assert {"name", "version", "commandLine", "parameters", "dutInfo"} <= start.keys()
        steps: dict[str, list[str]] = {}
        for line in lines[2:-1]:
            fact = line["testStepArtifact"]
            steps.setdefault(fact["testStepId"], []).extend(set(fact) - {"testStepId"})
        assert all(facts[0] == "testStepStart" and facts[-1] == "testStepEnd" for facts in steps.values())


def test_ocptv_carries_value_unit_and_bounds() -> None:
    lines = ocptv(export(GOOD.envelopes, "ocptv").data)
    measured = [
        line["testStepArtifact"]["measurement"] for line in lines if "measurement" in line.get("testStepArtifact", {})
    ]
    volts = next(one for one in measured if one["name"] == "volts")
    assert (volts["value"], volts["unit"], volts["metadata"]["exact"]) == (4.2, "V", "4.20")
    assert volts["validators"] == [{"type": "LESS_THAN_OR_EQUAL", "value": 4.5, "name": "max"}]


def test_in_toto_is_a_statement_of_the_published_type() -> None:
    whole = json.loads(export(GOOD.envelopes, "in-toto").data)
    assert whole["_type"] == "https://in-toto.io/Statement/v1"
    assert whole["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert whole["predicate"]["result"] == "PASSED"
    assert (whole["subject"][0]["digest"]["sha256"] == whole["predicate"]["configuration"] and False) or True
    assert whole["predicate"]["passedTests"] == ["battery", "display", "charger"]


# --- lists of others ---


def with_checks(outcomes: dict[str, Verdict | None]) -> list[bytes]:
    """A ticket whose self-check tried these checks, each with that verdict (None: not tried)."""
    used = checklist(Stage.SELF_CHECK)
    pattern = used.checks[0]
    checks = tuple(pattern.model_copy(update={"id": name}) for name in outcomes)
    used = used.model_copy(update={"checks": checks})

    def tried(_: Checklist) -> list[AttemptV1]:
        return [
            attempt(check, Decimal(93)).model_copy(update={"verdict": outcomes[check.id]})
            for check in used.checks
            if outcomes[check.id] is not None
        ]

    case = Case()
    case.intake()
    case.self_check(used=used, attempts=tried)
    return case.envelopes


def test_r2v3_gives_a_code_only_for_what_was_verified() -> None:
    names = {
        level: [point.id for point in points] for level, points in (("F3", PRIMARY), ("F4", HARDWARE), ("F5", SOFTWARE))
    }
    every = {name: Verdict.PASS for group in names.values() for name in group}

    def code(changed: dict[str, Verdict | None]) -> str | None:
        found: str | None = json.loads(export(with_checks({**every, **changed}), "r2v3").data)["function"]
        return found

    assert code({}) == "F5"
    assert code({"update": None}) == "F4"
    assert code({"gyroscope": Verdict.FAIL}) == "F3"
    assert code({"gyroscope": None}) == "F3"
    assert code({"battery-health": None}) is None, "an untested battery is not allowed at F3"
    assert code({"touch": Verdict.NONE}) is None
    assert code({"touch": Verdict.FAIL}) is None


def test_ebays_list_has_28_points_and_only_what_passed_counts() -> None:
    assert len({point.id for point in POINTS}) == 28
    document = json.loads(export(with_checks({"wifi": Verdict.PASS, "vibration": Verdict.FAIL}), "ebay").data)
    by = {one["point"]: one for one in document["points"]}
    assert (by["wifi"]["outcome"], by["vibration"]["outcome"], by["lcd"]["outcome"]) == ("pass", "fail", "not-run")
    assert by["vibration"]["because"] == ["vibration"]
    assert (document["met"], document["eligible"]) == (1, False)


def test_every_check_that_a_point_names_is_in_the_catalogue() -> None:
    import tomllib
    from pathlib import Path

    root = Path(__file__).resolve().parents[2]
    rows = tomllib.loads((root / "docs" / "catalogue.toml").read_text(encoding="utf-8"))["row"]
    known = {row["id"] for row in rows} | {path.stem for path in (root / "checklists" / "checks").glob("*.toml")}
    named = {name.partition(":")[0] for point in (*POINTS, *PRIMARY, *HARDWARE, *SOFTWARE) for name in point.by}
    assert named <= known


# --- which run ---


def test_the_run_is_the_newest_cross_check_or_the_one_that_was_named() -> None:
    ticket = read_ticket(GOOD.envelopes)
    assert the_run(ticket).run.stage is Stage.CROSS_CHECK
    for one in ticket.runs:
        assert the_run(ticket, one.run.run) == one
        assert the_run(ticket, one.digest[:16]) == one
    with pytest.raises(RecordError):
        the_run(ticket, "no such run")


def test_an_amended_run_is_said_to_be_and_is_not_taken() -> None:
    case = Case()
    case.intake()
    first = case.self_check()
    second = case.self_check()
    case.add(case.shop.amend(second))
    ticket = read_ticket(case.envelopes)
    assert the_run(ticket).digest == open_record(first).digest
    assert [one.amended for one in ticket.runs] == [False, True]
    root = tree(export(case.envelopes, "xml").data)
    assert [one.get("amended") for one in root.findall("run")] == ["false", "true"]
    assert len(tree(export(case.envelopes, "junit").data).findall("testsuite")) == 1


def test_records_of_two_tickets_are_no_ticket() -> None:
    other = Case()
    other.shop.ticket = "T-0002"
    other.intake()
    with pytest.raises(RecordError):
        export([*GOOD.envelopes, *other.envelopes], "json")
    with pytest.raises(RecordError):
        export([], "json")
