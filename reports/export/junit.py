"""JUnit XML, as build servers read it: a suite for each run, a case for each check.

JUnit knows pass, failure, error and skipped. A warning passes and says so; a check that was not run is skipped, never
passed; trouble of the bench is an error, never a failure of the phone.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from drivers.text import Words
from reports.export.left_out import ATTEMPTS, EVIDENCE, LIMITS, OTHER_RECORDS, PROMPTS, SIGNATURES
from reports.export.view import Checked, Exported, Run, Ticket, iso, outcome_of, plain, shown, unit_of
from reports.export.xml_of import document, element

__all__ = ["export"]

_WARNINGS = Words(
    "a result for warnings: JUnit has none, they pass with a text", "JUnit 无预警结果：以文字注明并计为通过"
)
_LEFT = (SIGNATURES, EVIDENCE, OTHER_RECORDS, ATTEMPTS, PROMPTS, LIMITS, _WARNINGS)


def export(ticket: Ticket, run: str = "") -> Exported:
    """All runs that stand."""
    root = element(None, "testsuites", name=f"assay {ticket.ticket}")
    for one in ticket.runs:
        if not one.amended:
            _suite(root, ticket, one)
    totals = {name: sum(int(suite.get(name, "0")) for suite in root) for name in ("tests", "failures", "errors")}
    for name, total in totals.items():
        root.set(name, str(total))
    return Exported(document(root), "application/xml", "junit.xml", _LEFT)


def _suite(root: ET.Element, ticket: Ticket, one: Run) -> None:
    outcomes = [outcome_of(checked) for checked in one.checks]
    suite = element(
        root,
        "testsuite",
        name=f"{ticket.ticket} {one.run.stage.value} {one.run.run}",
        tests=str(len(outcomes)),
        failures=str(outcomes.count("fail")),
        errors=str(outcomes.count("error")),
        skipped=str(outcomes.count("not-run") + outcomes.count("not-applicable")),
        timestamp=iso(one.run.started_ms),
        time=_seconds(one.run.started_ms, one.run.ended_ms),
        hostname=ticket.station,
    )
    properties = element(suite, "properties")
    told = {
        "simulated": "true" if ticket.simulated else "false",
        "record": one.digest,
        "person": one.run.person,
        "checklist": one.run.checklist_sha256,
        "model": one.run.device.model,
    }
    for name, value in told.items():
        element(properties, "property", name=name, value=value)
    for left in _LEFT:
        element(properties, "property", name="leaves-out", value=f"{left.en} / {left.zh}")
    for checked in one.checks:
        _case(suite, one, checked)


def _case(suite: ET.Element, one: Run, checked: Checked) -> None:
    attempt, outcome = checked.attempt, outcome_of(checked)
    seconds = _seconds(attempt.started_ms, attempt.ended_ms) if attempt else "0.000"
    case = element(suite, "testcase", name=checked.id, classname=f"{one.run.stage.value}.{one.run.run}", time=seconds)
    reason = f"{attempt.reason.en} / {attempt.reason.zh}" if attempt and attempt.reason else ""
    if outcome == "fail":
        element(case, "failure", reason, message=reason, type_=(attempt.finding or "fail") if attempt else "fail")
    elif outcome == "error":
        element(case, "error", reason, message=reason, type_=attempt.ending.value if attempt else "error")
    elif outcome in ("not-run", "not-applicable"):
        element(case, "skipped", message=f"{outcome}: {reason}" if reason else outcome)
    measured = (
        [f"{row.name} = {shown(row.value)} {unit_of(row)}".rstrip() for row in attempt.measurements] if attempt else []
    )
    if outcome == "warn":
        measured.insert(0, f"WARN {reason}")
    if measured:
        # Lines are ours, texts are not: each is made inert on its own before they are put together.
        element(case, "system-out").text = "\n".join(plain(text) for text in measured)


def _seconds(start_ms: int, end_ms: int) -> str:
    return f"{max(0, end_ms - start_ms) / 1000:.3f}"
