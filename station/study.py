"""Repeatability studies: who shall measure which checks how often on how many phones, what they read, and the figures.

Plans and readings are only ever added. Stands on the fold of a run and `reports.repeatability`; a phone is known here
by a label or by its code in the reference store.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from checklists.canonical import revived
from checklists.verdict import Verdict
from drivers.text import Words
from reports.predicates import Quantity
from reports.repeatability import Cell, Incomplete, agreement, balanced, gauge
from station.session import Attempt, Run
from station.store import append_only

__all__ = ["STUDY", "Plan", "Refused", "add_run", "figures", "is_name", "make", "plan_of", "plans", "runs_of"]

STUDY = Migrations("assay-study")

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@STUDY()
def m001_study(db: Database) -> None:
    """Plans, the runs that belong to them, and what these read."""
    db.table("study").create(
        {"seq": int, "id": str, "at_ms": int, "person": str, "plan": str},
        pk="seq",
        not_null={"id", "at_ms", "person", "plan"},
        strict=True,
    )
    db.table("study").create_index(["id"], unique=True)
    texts = ("study", "run", "unit", "person", "added_by", "checklist_sha256")
    db.table("study_run").create(
        {"seq": int, "at_ms": int, "started_ms": int} | dict.fromkeys(texts, str),
        pk="seq",
        not_null={"at_ms", "started_ms", *texts},
        strict=True,
    )
    db.table("study_run").create_index(["study", "run"], unique=True)
    db.table("study_reading").create(
        {"seq": int, "study_run": int, "check_id": str, "measure": str, "value": str, "unit": str, "limits": str},
        pk="seq",
        not_null={"study_run", "check_id", "measure", "value", "unit", "limits"},
        foreign_keys=[("study_run", "study_run", "seq")],
        strict=True,
    )
    db.table("study_reading").create_index(["study_run"])
    for table in ("study", "study_run", "study_reading"):
        append_only(db, table)


#: In place of a measurement's name: the reading is the check's verdict.
_VERDICT = ""


class Refused(Exception):
    """A plan or a run that does not fit; `words` says why in both languages."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study is to be.

    Attributes:
        id: its name.
        checklist, checks: what is run; of the checks only these.
        people: who measures.
        units: on how many phones; repeats: how often each person measures each phone.
        note: why.
    """

    id: str
    checklist: str
    checks: tuple[str, ...]
    people: tuple[str, ...]
    units: int
    repeats: int
    note: str = ""


def is_name(text: str) -> bool:
    """Whether a study may be called so."""
    return len(text) <= 60 and _NAME.fullmatch(text) is not None


def make(db: Database, plan: Plan, person: str) -> None:
    """Store a plan in the caller's transaction.

    Raises:
        Refused: the name is taken or none, nobody measures, or too seldom to show a spread.
    """
    if not is_name(plan.id) or plan_of(db, plan.id) is not None:
        raise Refused(_NAME_TAKEN.fill(id=plan.id))
    if plan.repeats < 2 or plan.units < 1 or not plan.people or not plan.checks:
        raise Refused(_TOO_LITTLE)
    row = {"id": plan.id, "at_ms": _now_ms(), "person": person, "plan": json.dumps(asdict(plan), ensure_ascii=False)}
    db.table("study").insert(row)


def plan_of(db: Database, name: str) -> Plan | None:
    """The plan of that name."""
    found = db.execute("SELECT plan FROM study WHERE id = ?", [name]).fetchone()
    if found is None:
        return None
    told = json.loads(found[0])
    return Plan(**told | {"checks": tuple(told["checks"]), "people": tuple(told["people"])})


def plans(db: Database) -> list[dict[str, Any]]:
    """Every study with its plan and how many runs it has."""
    query = (
        "SELECT id, at_ms, person, plan, (SELECT count(*) FROM study_run WHERE study = study.id) AS runs"
        " FROM study ORDER BY seq"
    )
    return [json.loads(row.pop("plan")) | row for row in db.query(query)]


def add_run(db: Database, plan: Plan, run: Run, unit: str, added_by: str) -> bool:
    """Store what a finished run read, in the caller's transaction; False when it was in the study already.

    Raises:
        Refused: the run is of a person or a phone that is not in the plan, or made none of its checks.
    """
    if db.execute("SELECT 1 FROM study_run WHERE study = ? AND run = ?", [plan.id, run.id]).fetchone():
        return False
    if run.opened.person not in plan.people:
        raise Refused(_NOT_IN_PLAN.fill(person=run.opened.person, people=", ".join(plan.people)))
    known = {row[0] for row in db.execute("SELECT DISTINCT unit FROM study_run WHERE study = ?", [plan.id])}
    if unit not in known and len(known) >= plan.units:
        raise Refused(_TOO_MANY_PHONES.fill(n=plan.units))
    rows = [row for attempt in _latest(run, plan.checks) for row in _readings(attempt)]
    if not rows:
        raise Refused(_NO_CHECKS.fill(run=run.id, checks=", ".join(plan.checks)))
    stored = db.table("study_run").insert(
        {
            "study": plan.id,
            "run": run.id,
            "unit": unit,
            "person": run.opened.person,
            "added_by": added_by,
            "checklist_sha256": run.opened.checklist_sha256,
            "started_ms": run.started_ms,
            "at_ms": _now_ms(),
        }
    )
    db.table("study_reading").insert_all({"study_run": stored.last_pk} | row for row in rows)
    return True


def _latest(run: Run, checks: Sequence[str]) -> Iterable[Attempt]:
    return {attempt.check: attempt for attempt in run.attempts if attempt.check in checks and attempt.ended}.values()


def _readings(attempt: Attempt) -> Iterator[dict[str, str]]:
    """The verdict and every number of an attempt, exactly; a check that was not run gives the verdict `none`."""
    assert attempt.ended is not None  # noqa: S101 - `_latest` has looked
    yield _row(attempt.check, _VERDICT, attempt.ended.verdict.value)
    for one in {one.name: one for one in attempt.measured}.values():
        if isinstance(one.value, Quantity):
            exact = f"{one.value.v}e{one.value.e}"
            yield _row(attempt.check, one.name, exact, one.unit, json.dumps(one.limit) if one.limit else "")


def _row(check: str, measure: str, value: str, unit: str = "", limits: str = "") -> dict[str, str]:
    return {"check_id": check, "measure": measure, "value": value, "unit": unit, "limits": limits}


def runs_of(db: Database, name: str) -> list[dict[str, Any]]:
    """The runs of a study, in the order in which they were made."""
    query = (
        "SELECT run, unit, person, added_by, started_ms, checklist_sha256 FROM study_run WHERE study = ?"
        " ORDER BY started_ms, seq"
    )
    return list(db.query(query, [name]))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


# --- figures ---------------------------------------------------------------------------------------------------------


def figures(db: Database, plan: Plan) -> list[dict[str, Any]]:
    """Each check of the study: the figures of every measurement, and how far the verdicts agree.

    Where readings are missing the figures are, too, and `why` names each cell that is short.
    """
    query = (
        "SELECT r.check_id, r.measure, r.value, r.unit, r.limits, s.unit AS phone, s.person FROM study_reading r"
        " JOIN study_run s ON s.seq = r.study_run WHERE s.study = ? ORDER BY s.started_ms, s.seq, r.seq"
    )
    rows = list(db.query(query, [plan.id]))
    seen = list(dict.fromkeys(row["phone"] for row in rows))
    phones = [*seen, *(f"({n})" for n in range(len(seen) + 1, plan.units + 1))]
    found = []
    for check in plan.checks:
        mine = [row for row in rows if row["check_id"] == check]
        numbers = dict.fromkeys(row["measure"] for row in mine if row["measure"] != _VERDICT)
        measures = [_measure(plan, phones, [row for row in mine if row["measure"] == name]) for name in numbers]
        verdicts = _verdicts(plan, phones, [row for row in mine if row["measure"] == _VERDICT])
        found.append({"check": check, "measures": measures, "verdicts": verdicts})
    return found


def _measure(plan: Plan, phones: Sequence[str], rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    newest = rows[-1]
    one_unit = [row for row in rows if row["unit"] == newest["unit"]]
    about = {"measure": newest["measure"], "unit": newest["unit"], "readings": len(one_unit), "why": None}
    try:
        whole = balanced(_cells(one_unit), phones, plan.people, plan.repeats)
    except Incomplete as incomplete:
        return about | dict.fromkeys(_GAUGE) | {"why": list(incomplete.words)}
    exact = {cell: [Decimal(value) for value in values] for cell, values in whole.cells.items()}
    said = asdict(gauge(balanced(exact, phones, plan.people, plan.repeats), _width(newest["limits"])))
    return about | {name: said[name] for name in _GAUGE}


_GAUGE = (
    "repeatability_sd",
    "reproducibility_sd",
    "combined_sd",
    "unit_sd",
    "interaction_p",
    "pooled",
    "of_limit_percent",
    "of_total_percent",
)


def _verdicts(plan: Plan, phones: Sequence[str], rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """How often each verdict was given, and how far they agree. A check that was not run agrees with nobody: it is
    counted, and missing from its cell."""
    names = ("within", "between", "fleiss", "cohen")
    given = [row for row in rows if row["value"] != Verdict.NONE]
    counts = dict(sorted(Counter(row["value"] for row in rows).items())) or None
    try:
        found = agreement(balanced(_cells(given), phones, plan.people, plan.repeats))
    except Incomplete as incomplete:
        return {"counts": counts} | dict.fromkeys(names) | {"why": list(incomplete.words)}
    said = asdict(found)
    cohen = [{"people": list(pair), "kappa": kappa} for pair, kappa in found.cohen.items()]
    why = list(found.why) if found.why else None
    return {"counts": counts} | {name: said[name] for name in names} | {"cohen": cohen, "why": why}


def _cells(rows: Iterable[Mapping[str, str]]) -> dict[Cell, list[str]]:
    cells: dict[Cell, list[str]] = {}
    for row in rows:
        cells.setdefault((row["phone"], row["person"]), []).append(row["value"])
    return cells


def _width(limits: str) -> Decimal | None:
    """The distance between a limit's two fail bounds; None where it has one alone, or none that stand by themselves."""
    limit = revived(json.loads(limits)) if limits else {}
    low, high = limit.get("min"), limit.get("max")
    if limit.get("mode") or not isinstance(low, Decimal) or not isinstance(high, Decimal) or high <= low:
        return None
    return high - low


_NAME_TAKEN = Words(
    "{id} can't be the name: it is taken, or has more than small letters, digits and dashes",
    "名称 {id} 不可用：已被使用，或含小写字母、数字和短横线以外的字符",
)
_TOO_LITTLE = Words(
    "a study needs a check, a person, a phone and two repeats at least", "至少需要一项检测、一人、一台手机、重复两次"
)
_NOT_IN_PLAN = Words("{person} is not in the plan ({people})", "{person} 不在计划人员中（{people}）")
_TOO_MANY_PHONES = Words("the plan is for {n} phones, and this is another", "计划为 {n} 台手机，此手机超出计划")
_NO_CHECKS = Words("{run} made none of {checks}", "{run} 未做 {checks} 中任何一项")
