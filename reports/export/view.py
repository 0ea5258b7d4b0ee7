"""A ticket as its envelopes tell it, for exports: runs with their checks, and texts that are safe in any format.

Pure: it opens envelopes and verifies nothing; what an export says is as good as the verification of what it was made
from. Stands on `reports.attest`; it knows no store, no file and no format.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from checklists.verdict import Ending, Verdict
from drivers.text import Words, safe_text
from reports.attest import Record, open_record
from reports.predicates import AmendV1, AttemptV1, Commitment, MeasurementV1, Quantity, ReleaseV1, RunV1
from reports.record import RecordError

__all__ = [
    "Checked",
    "Exported",
    "Outcome",
    "Run",
    "Ticket",
    "iso",
    "number_of",
    "outcome_of",
    "plain",
    "read_ticket",
    "shown",
    "the_run",
]

#: The most characters of one text in an export; those of records are shorter.
LONGEST = 4000
#: Stages in the order of what they say of the phone as it is handed back.
_STAGES = ("cross-check", "self-check", "delivery", "diagnosis", "intake")
#: Not allowed in XML 1.0 (2.2) even where UTF-8 and JSON have them.
_NONCHARACTERS = re.compile("[\ufffe\uffff]")

#: What came of a check or of one point of a list: nothing but `pass` is a pass.
Outcome = Literal["pass", "warn", "fail", "not-applicable", "info", "error", "not-run"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A check of a run: its title and whether it was required, its last attempt and those before."""

    id: str
    title: Words
    required: bool
    attempt: AttemptV1 | None
    earlier: tuple[AttemptV1, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A run and its record's digest. `amended`: an amendment took it out."""

    digest: str
    run: RunV1
    checks: tuple[Checked, ...]
    amended: bool


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket of one station: every record in order, its runs, and its release where there is one that stands."""

    ticket: str
    shop: str
    station: str
    simulated: bool
    records: tuple[Record, ...]
    runs: tuple[Run, ...]
    release: ReleaseV1 | None


@dataclass(frozen=True, slots=True)
class Exported:
    """A document. `leaves_out` is what of the ticket is not in it; each document says so itself as well."""

    data: bytes
    media_type: str
    suffix: str
    leaves_out: tuple[Words, ...]


def read_ticket(envelopes: Iterable[bytes]) -> Ticket:
    """The ticket in these stored envelopes, in ledger order.

    Raises:
        RecordError: one is no record, they are of several tickets, or there are none.
    """
    records = tuple(open_record(data) for data in envelopes)
    tickets = {record.ticket for record in records}
    if len(tickets) != 1 or None in tickets:
        raise RecordError(Words("these are not the records of one ticket", "不是同一工单的记录"))
    raw = records[0].statement.raw
    predicates = [record.statement.predicate for record in records]
    amended = {one.target for one in predicates if isinstance(one, AmendV1)}
    releases = [
        one
        for record, one in zip(records, predicates, strict=True)
        if isinstance(one, ReleaseV1) and record.digest not in amended
    ]
    return Ticket(
        ticket=str(records[0].ticket),
        shop=str(raw.get("shop", "")),
        station=str(raw.get("station", "")),
        simulated=any(record.statement.raw.get("simulated") is not False for record in records),
        records=records,
        runs=tuple(
            Run(record.digest, one, _checks(one), record.digest in amended)
            for record, one in zip(records, predicates, strict=True)
            if isinstance(one, RunV1)
        ),
        release=releases[-1] if releases else None,
    )


def _checks(run: RunV1) -> tuple[Checked, ...]:
    """Every check of the resolved checklist, tried or not, and any attempt of a check that is not in it."""
    tried: dict[str, list[AttemptV1]] = {}
    for attempt in run.attempts:
        tried.setdefault(attempt.check, []).append(attempt)
    listed: dict[str, Mapping[str, Any]] = {}
    for check in _items(run.checklist.get("checks")):
        if isinstance(check.get("id"), str):
            listed[check["id"]] = check
    found = []
    for name in [*listed, *(name for name in tried if name not in listed)]:
        check = listed.get(name, {})
        mine = tried.get(name, [])
        found.append(
            Checked(
                id=name,
                title=_title(check.get("title"), name),
                required=check.get("required") is True,
                attempt=mine[-1] if mine else None,
                earlier=tuple(mine[:-1]),
            )
        )
    return tuple(found)


def _items(value: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list | tuple) else []


def _title(value: object, name: str) -> Words:
    match value:
        case {"en": str(en), "zh": str(zh)}:
            return Words(en, zh)
    return Words(name, name)


def the_run(ticket: Ticket, wanted: str = "") -> Run:
    """The run that an export of one run is made of: `wanted` by its name or digest, else the one that says most of the
    phone as it is handed back (the newest cross-check, else self-check, ...).

    Raises:
        RecordError: there is no such run.
    """
    if wanted:
        found = [one for one in ticket.runs if one.run.run == wanted or one.digest.startswith(wanted)]
    else:
        standing = [one for one in ticket.runs if not one.amended]
        ranked = sorted(standing, key=lambda one: _STAGES.index(one.run.stage.value))
        found = [one for one in standing if one.run.stage == ranked[0].run.stage] if ranked else []
    if not found:
        raise RecordError(Words("there is no sealed run to export", "没有可导出的已封存检测"))
    return found[-1]


def outcome_of(checked: Checked) -> Outcome:
    """What came of a check, by its last attempt."""
    attempt = checked.attempt
    if attempt is None or attempt.ending is Ending.SKIPPED:
        return "not-run"
    if attempt.ending is Ending.NOT_APPLICABLE:
        return "not-applicable"
    if attempt.ending is not Ending.COMPLETED:
        return "error"
    return "not-run" if attempt.verdict is Verdict.NONE else _OUTCOMES[attempt.verdict]


_OUTCOMES: Mapping[Verdict, Outcome] = {
    Verdict.PASS: "pass",
    Verdict.WARN: "warn",
    Verdict.FAIL: "fail",
    Verdict.INFO: "info",
}


# --- texts and values ------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A text that is inert in any format: no control characters, nothing invisible, nothing that XML can't hold."""
    return _NONCHARACTERS.sub("\ufffd", safe_text(text, LONGEST))


def shown(value: Quantity | Commitment | bool | str | tuple[str, ...] | None) -> str:
    """A recorded value as text: numbers exactly, commitments as such."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Quantity():
            return number_of(value)
        case Commitment():
            return f"commitment:{value.commitment}"
        case str():
            return plain(value)
        case _:
            return plain("; ".join(value))


def number_of(value: Quantity) -> str:
    """The number in plain decimal digits with all its places: 3712 x 10^-3 is `3.712`."""
    return format(Decimal(value.v).scaleb(value.e), "f")


def unit_of(measurement: MeasurementV1) -> str:
    """The UCUM unit of a measured number, else nothing."""
    return plain(measurement.value.u) if isinstance(measurement.value, Quantity) else ""


def iso(ms: int) -> str:
    """A moment in UTC as RFC 3339; one beyond the calendar is kept as its number of milliseconds."""
    try:
        moment = datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return str(ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
