"""OCP test and validation output (OCPTV 2.0, github.com/opencomputeproject/ocp-diag-core): JSON, one fact a line.

One run is one stream. Its two words, status and result, are kept as the specification pairs them: a run in which
anything was not run, or in which the bench failed, has no result, whatever passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from drivers.text import Words
from reports.export.left_out import EVIDENCE, OTHER_RECORDS, OTHER_RUNS, PROMPTS, SIGNATURES, as_lists
from reports.export.view import Checked, Exported, Outcome, Ticket, iso, number_of, outcome_of, plain, shown, the_run
from reports.predicates import AttemptV1, MeasurementV1, Quantity

__all__ = ["export"]

_EXACT = Words(
    "limits that are no plain bounds; numbers are doubles, their exact digits are in each one's metadata",
    "未含非简单上下限的判定标准；数值为双精度，精确值见各自元数据",
)
_LEFT = (SIGNATURES, EVIDENCE, OTHER_RECORDS, OTHER_RUNS, PROMPTS, _EXACT)
_BOUNDS = {"min": "GREATER_THAN_OR_EQUAL", "max": "LESS_THAN_OR_EQUAL", "equals": "EQUAL"}
_DIAGNOSES: dict[Outcome, str] = {"pass": "PASS", "warn": "PASS", "fail": "FAIL"}


def export(ticket: Ticket, run: str = "") -> Exported:
    """One run as a stream."""
    lines = []
    for number, (ms, fact) in enumerate(_facts(ticket, run)):
        lines.append(json.dumps({**fact, "sequenceNumber": number, "timestamp": iso(ms)}))
    return Exported("\n".join([*lines, ""]).encode("ascii"), "application/jsonl", "ocptv.jsonl", _LEFT)


def _facts(ticket: Ticket, wanted: str) -> Iterator[tuple[int, dict[str, Any]]]:
    one = the_run(ticket, wanted)
    run, device = one.run, one.run.device
    yield run.started_ms, {"schemaVersion": {"major": 2, "minor": 0}}
    start = {
        "name": f"assay {run.stage.value}",
        "version": plain(run.software.version),
        "commandLine": f"assay run --stage {run.stage.value}",
        "parameters": {"ticket": plain(ticket.ticket), "checklist": run.checklist_sha256},
        "dutInfo": {
            "dutInfoId": device.phone.commitment,
            "name": plain(f"{device.manufacturer} {device.model}".strip()),
            "platformInfos": [{"info": plain(f"{device.platform} {device.os_version}")}],
            "softwareInfos": [
                {
                    "softwareInfoId": "build",
                    "name": "build",
                    "version": plain(device.build),
                    "softwareType": "SYSTEM",
                }
            ],
        },
        "metadata": {
            "record": one.digest,
            "run": plain(run.run),
            "simulated": ticket.simulated,
            "amended": one.amended,
            "leavesOut": as_lists(_LEFT),
        },
    }
    yield run.started_ms, {"testRunArtifact": {"testRunStart": start}}
    step = 0
    for checked in one.checks:
        tried = (*checked.earlier, *((checked.attempt,) if checked.attempt else ()))
        for attempt in tried or (None,):
            for at_ms, fact in _step(checked, attempt, run.started_ms):
                yield at_ms, {"testStepArtifact": {**fact, "testStepId": str(step)}}
            step += 1
    yield run.ended_ms, {"testRunArtifact": {"testRunEnd": _end([outcome_of(checked) for checked in one.checks])}}


def _step(checked: Checked, attempt: AttemptV1 | None, ms: int) -> Iterator[tuple[int, dict[str, Any]]]:
    name = f"{checked.id} ({attempt.n})" if attempt and attempt.n > 1 else checked.id
    yield attempt.started_ms if attempt else ms, {"testStepStart": {"name": name}}
    if attempt is None:
        yield ms, {"testStepEnd": {"status": "SKIP"}}
        return
    outcome = outcome_of(Checked(checked.id, checked.title, checked.required, attempt))
    for measured in attempt.measurements:
        yield attempt.ended_ms, {"measurement": _measurement(measured)}
    for gap in attempt.unread:
        log = {"severity": "WARNING", "message": plain(f"{gap.name}: {gap.reason.en}")}
        yield attempt.ended_ms, {"log": log}
    reason = plain(attempt.reason.en) if attempt.reason else ""
    if outcome == "error":
        yield attempt.ended_ms, {"error": {"symptom": attempt.ending.value, "message": reason}}
    else:
        verdict = plain(attempt.finding or f"{checked.id}-{outcome}")
        told = {"verdict": verdict, "type": _DIAGNOSES.get(outcome, "UNKNOWN"), "message": reason}
        yield attempt.ended_ms, {"diagnosis": told}
    status = {"error": "ERROR", "not-run": "SKIP", "not-applicable": "SKIP"}.get(outcome, "COMPLETE")
    yield attempt.ended_ms, {"testStepEnd": {"status": status}}


def _end(outcomes: list[Outcome]) -> dict[str, str]:
    """One of the pairs that the specification calls valid: a fail is a fail; what was not done has no result."""
    if "fail" in outcomes:
        return {"status": "COMPLETE", "result": "FAIL"}
    if "error" in outcomes:
        return {"status": "ERROR", "result": "NOT_APPLICABLE"}
    if "not-run" in outcomes or not {"pass", "warn"} & set(outcomes):
        return {"status": "SKIP", "result": "NOT_APPLICABLE"}
    return {"status": "COMPLETE", "result": "PASS"}


def _measurement(one: MeasurementV1) -> dict[str, Any]:
    told: dict[str, Any] = {"name": plain(one.name), "metadata": {"verdict": one.verdict.value}}
    value = one.value
    if isinstance(value, Quantity):
        told |= {"value": _number(Decimal(number_of(value))), "unit": plain(value.u)}
        told["metadata"]["exact"] = number_of(value)
        if validators := _validators(one.limit or {}):
            told["validators"] = validators
    else:
        told["value"] = value if isinstance(value, bool) else shown(value)
    return told


def _number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() and abs(number) < 2**53 else float(number)


def _validators(limit: dict[str, Any]) -> list[dict[str, Any]]:
    """Plain bounds; a limit that is relative to a baseline has none that could stand here."""
    if limit.get("relative_to") or limit.get("equals_baseline"):
        return []
    found = []
    for key, kind in _BOUNDS.items():
        number = _bound(limit.get(key))
        if number is not None:
            found.append({"type": kind, "value": _number(number), "name": key})
    return found


def _bound(value: object) -> Decimal | None:
    """A limit's number as records write it: an integer, `{"v", "e"}`, or digits in a text."""
    match value:
        case bool() | None:
            return None
        case int():
            return Decimal(value)
        case {"v": int(v), "e": int(e), **_more} if abs(e) <= 18:
            return Decimal(v).scaleb(e)
        case str():
            try:
                number = Decimal(value)
            except ArithmeticError:
                return None
            return number if number.is_finite() else None
    return None
