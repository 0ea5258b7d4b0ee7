"""From finished runs to a diagnosis: what the documents of runs say, as evidence, and the answer as a document.

Stands on the shape of `assay run --json`, so that a ticket's runs, a file and another station's output are read alike.
Pure; it knows no engine and no screen. What is not in the shape is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from checklists.diagnosis.diagnose import Candidate, Diagnosis, Reason
from checklists.diagnosis.evidence import Evidence, Said, Suspect
from checklists.diagnosis.schema import Finding, Policy
from checklists.safety.policy import Hazard, Observed
from checklists.schema import Check
from checklists.verdict import Verdict
from drivers.api import Side
from drivers.text import Words, safe_text
from station.errors import EXIT_USE, Trouble

__all__ = ["as_document", "evidence_of", "findings_of", "observed_in"]

#: The check whose measurements name suspects, as `part: what was seen`.
_CRASHES = "crashes"


def evidence_of(documents: Sequence[Mapping[str, Any]], checks: Mapping[str, Check]) -> Evidence:
    """What runs say, the oldest first.

    Args:
        documents: runs in the shape of `assay run --json`.
        checks: the known checks, which say what a measurement out of its limit is called.

    Raises:
        Trouble: a document is no run.
    """
    said = [_said(row, checks) for document in documents for row in _rows(document)]
    crashes = [row for document in documents for row in _rows(document) if row["id"] == _CRASHES]
    return Evidence.of(said, _suspects(crashes[-1]) if crashes else ())


def observed_in(
    documents: Sequence[Mapping[str, Any]], checks: Mapping[str, Check], symptoms: Iterable[str]
) -> Observed:
    """The same runs as the safety policy wants them: the newest values, codes and what was said."""
    values: dict[tuple[str, str], tuple[object, str]] = {}
    codes: dict[str, tuple[str, ...]] = {}
    for document in documents:
        for row in _rows(document):
            for one in _measurements(row):
                value = one["value"]
                exact = isinstance(value, int | float) and not isinstance(value, bool)
                values[row["id"], one["name"]] = (Decimal(str(value)) if exact else value, str(one.get("unit", "")))
            if (said := _said(row, checks)).speaks:
                codes[said.check] = said.findings
    return Observed(values, frozenset(code for each in codes.values() for code in each), frozenset(symptoms))


def findings_of(policy: Policy, evidence: Evidence) -> list[Finding]:
    """The fault codes that were found and that the policy knows."""
    found = {code for said in evidence.said.values() if said.speaks for code in said.findings}
    return [one for one in policy.findings if one.code in found]


def _rows(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    rows = document.get("checks") if isinstance(document, Mapping) else None
    if not isinstance(rows, list):
        raise _no_run()
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("id"), str):
            raise _no_run()
        if row.get("verdict") not in set(Verdict):
            raise _no_run()
        yield row


def _measurements(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = row.get("measurements")
    every = listed if isinstance(listed, list) else []
    return [one for one in every if isinstance(one, Mapping) and isinstance(one.get("name"), str) and "value" in one]


def _said(row: Mapping[str, Any], checks: Mapping[str, Check]) -> Said:
    verdict, name = Verdict(row["verdict"]), row["id"]
    codes = [row["finding"]] if isinstance(row.get("finding"), str) else []
    check = checks.get(name)
    if check is not None and verdict in (Verdict.WARN, Verdict.FAIL):
        out = {one["name"] for one in _measurements(row) if one.get("verdict") == verdict.value}
        codes += [limit.finding for limit in check.limits if limit.finding and limit.measure in out]
        if not codes and check.finding:
            codes = [check.finding]
    return Said(name, verdict, tuple(dict.fromkeys(codes)), _words(row.get("reason")))


def _words(reason: object) -> Words | None:
    if isinstance(reason, list) and len(reason) == 2 and all(isinstance(one, str) for one in reason):
        return Words(safe_text(reason[0], 400), safe_text(reason[1], 400))
    return None


def _suspects(row: Mapping[str, Any]) -> tuple[Suspect, ...]:
    """Whom the logs suspect. Where the phone itself reported errors of a part, those named are taken for such."""
    values = {one["name"]: one["value"] for one in _measurements(row)}
    errors = values.get("part_errors")
    own_word = isinstance(errors, int | float) and errors > 0
    strength: Literal["hardware", "driver"] = "hardware" if own_word else "driver"
    named = [Suspect(part, strength) for part in _parts(values.get("suspects"))]
    return (*named, *(Suspect(part, "hint") for part in _parts(values.get("hints"))))


def _parts(listed: object) -> list[str]:
    every = listed if isinstance(listed, list | tuple) else []
    return list(dict.fromkeys(one.partition(":")[0].strip() for one in every if isinstance(one, str)))


def _no_run() -> Trouble:
    return Trouble("diagnose.no-run", _NO_RUN, Side.PERSON, _GIVE_A_RUN, EXIT_USE)


_NO_RUN = Words("this is not the result of a run", "该文件不是检测结果")
_GIVE_A_RUN = Words("Give what `assay run --json` printed", "请使用 `assay run --json` 的输出")


# --- the answer as a document ----------------------------------------------------------------------------------------


def as_document(
    answer: Diagnosis, policy: Policy, findings: Sequence[Finding], dangers: Sequence[Hazard]
) -> dict[str, Any]:
    """The shape of `assay diagnose --json`, without the ticket; probabilities have four digits."""
    rows = {row.id: row.words for row in policy.rows}
    exempt = {one.id: one.words for one in policy.exempt}
    separator = answer.separator
    return {
        "outcome": answer.outcome.value,
        "words": list(answer.words),
        "causes": list(answer.causes),
        "sound": round(answer.sound, 4),
        "ranking": [_candidate(one) for one in answer.ranking],
        "plan": [
            {
                "repair": step.repair.id,
                "name": list(step.repair.name.words),
                "causes": list(step.causes),
                "chance": round(step.chance, 4),
                "layer": step.repair.layer,
                "difficulty": step.repair.difficulty,
                "cost": step.repair.cost,
                "needs": step.repair.needs,
                "risks": [list(policy.risks[risk].words) for risk in step.repair.risks],
            }
            for step in answer.plan
        ],
        "separator": None
        if separator is None
        else {
            "check": separator.check,
            "sign": separator.sign,
            "between": list(separator.between),
            "shown": [round(one, 4) for one in separator.shown],
            "words": list(separator.words),
        },
        "next_checks": [
            {"check": one.check, "bits": round(one.bits, 4), "sign": one.sign} for one in answer.next_checks
        ],
        "not_run": {check: None if why is None else list(why) for check, why in answer.not_run.items()},
        "findings": [
            {
                "code": one.code,
                "name": list(one.name.words),
                "part": one.part,
                "fault_table": list(rows[one.row]) if one.row else None,
                "outside": list(exempt[one.exempt]) if one.exempt else None,
            }
            for one in findings
        ],
        "hazards": [{"id": one.id, "name": list(one.name.words), "do": list(one.do.words)} for one in dangers],
        "unexplained": list(answer.unexplained),
        "unknown": list(answer.unknown),
        "policy": policy.sha256,
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "cause": one.cause.id,
        "name": list(one.cause.name.words),
        "why": list(one.cause.why.words),
        "part": one.cause.part,
        "probability": round(one.probability, 4),
        "for": [_reason(each) for each in one.speaking_for],
        "against": [_reason(each) for each in one.speaking_against],
    }


def _reason(one: Reason) -> dict[str, Any]:
    return {
        "kind": one.sign.kind,
        "key": one.sign.key,
        "check": one.sign.check or None,
        "words": list(one.words),
        "strength": list(one.strength),
        "weight": round(one.weight, 3),
    }
