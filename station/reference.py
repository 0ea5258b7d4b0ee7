"""The reference store: what known-good phones of a model measured, by whom and when, and the tables made from it.

Readings are only ever added; taking one out is one more line that says who did and why. Stands on the store, the fold
of a run and `checklists.reference`; a phone is known here by a code under this store's own salt, never by its serial.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from statistics import fmean, stdev
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from checklists.models.card import model_key
from checklists.reference.policy import Policy
from checklists.reference.robust import centre, robust_sigma
from checklists.reference.table import ReferenceTable, Row
from checklists.schema import Checklist
from checklists.verdict import Ending, Verdict
from drivers.text import Words
from probes.units import is_number
from reports.predicates import Quantity
from reports.record import (
    PREDICATE_PREFIX,
    STATEMENT_TYPE,
    RecordError,
    canonical,
    digest_of,
    quantity,
    read_statement,
)
from station.events import DeviceSeen, Measured
from station.session import Run
from station.store import append_only

__all__ = [
    "REFERENCE",
    "Change",
    "Handed",
    "Place",
    "Reading",
    "Taken",
    "add",
    "change_rows",
    "device_code",
    "handed_payload",
    "live",
    "measure_rows",
    "model_key",
    "model_rows",
    "read_handed",
    "readings_of",
    "rows_of",
    "strike",
    "table_of",
]

REFERENCE = Migrations("assay-reference")


@REFERENCE()
def m001_reference(db: Database) -> None:
    """Readings, what was done to them, and the salt of the phones' codes."""
    db.table("reference_change").create(
        {"seq": int, "at_ms": int, "action": str, "person": str, "note": str},
        pk="seq",
        not_null={"at_ms", "action", "person", "note"},
        strict=True,
    )
    what = ("id", "shop", "station", "model", "name", "check_id", "measure", "unit", "fixture")
    texts = (*what, "device", "person", "run", "record", "build", "probe_sha256")
    numbers = ("v", "e", "attempt", "measured_ms", "simulated")
    db.table("reference_reading").create(
        {"seq": int, "change": int} | dict.fromkeys(texts, str) | dict.fromkeys(numbers, int),
        pk="seq",
        not_null={"change", *texts, *numbers},
        foreign_keys=[("change", "reference_change", "seq")],
        strict=True,
    )
    db.table("reference_reading").create_index(["id"], unique=True)
    db.table("reference_reading").create_index(["model"])
    db.table("reference_mark").create(
        {"seq": int, "reading": int, "change": int, "live": int},
        pk="seq",
        not_null={"reading", "change", "live"},
        foreign_keys=[("reading", "reference_reading", "seq"), ("change", "reference_change", "seq")],
        strict=True,
    )
    db.table("reference_mark").create_index(["reading"])
    db.table("reference_salt").create({"id": int, "salt": bytes}, pk="id", not_null={"salt"}, strict=True)
    db.table("reference_salt").insert({"id": 1, "salt": os.urandom(32)})
    for table in ("reference_change", "reference_reading", "reference_mark"):
        append_only(db, table)


# --- what is kept ----------------------------------------------------------------------------------------------------


def _number_unit(unit: str) -> str:
    if not is_number(unit):
        raise ValueError("needs a unit")
    return unit


Named = Annotated[str, Field(max_length=200)]


class Reading(BaseModel):
    """One number that one attempt on a known-good phone measured.

    Attributes:
        shop, station: where it was measured.
        model: the phone's maker and model as compared (`model_key`); `name`: as the phone says it.
        check_id, measure, unit: what was measured; `v` x 10^`e` in `unit` is the value, exactly as in a record.
        fixture: the place or jig on the bench; empty for none.
        device: the phone's code; two readings with one code are of one phone.
        person: who measured; `run`, `record`: in which run, and its record's digest where it is sealed.
        build: the phone's build; `probe_sha256`: the probe's module.
        attempt: which attempt of the check; `measured_ms`: when it began.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    shop: Named
    station: Named
    model: Named
    name: Named
    check_id: Named
    measure: Named
    unit: Annotated[str, AfterValidator(_number_unit)]
    fixture: Named
    device: Named
    person: Named
    run: Named
    record: Named
    build: Annotated[str, Field(max_length=400)]
    probe_sha256: Named
    v: Annotated[int, Field(gt=-(2**53), lt=2**53)]
    e: Annotated[int, Field(ge=-18, le=18)]
    attempt: Annotated[int, Field(ge=1, lt=2**53)]
    measured_ms: Annotated[int, Field(ge=0, lt=2**53)]
    simulated: bool

    @property
    def value(self) -> Decimal:
        """The number in `unit`."""
        return Decimal(self.v).scaleb(self.e)

    @property
    def id(self) -> str:
        """What it is known by everywhere: taking or importing it again adds nothing."""
        return digest_of(canonical(self.model_dump(exclude={"record"})))  # a run may be taken before it is sealed, too


@dataclass(frozen=True, slots=True)
class Change:
    """Something done to the store: `add`, `take`, `drop` or `import`, by whom, and why or from where."""

    action: str
    person: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of adding: how many readings are new, were struck before and count again, or were there already."""

    new: int
    again: int
    known: int


def device_code(db: Database, seen: DeviceSeen) -> str:
    """The phone's code: the start of HMAC-SHA-256 of its IMEI, else serial, under this store's salt."""
    salt = db.execute("SELECT salt FROM reference_salt").fetchone()[0]
    known = next((one.identity for one in seen.imeis if one.identity), seen.serial.identity or "")
    return hmac.new(salt, known.encode(), hashlib.sha256).hexdigest()[:16]


def readings_of(run: Run, shop: str, station: str, fixture: str, device: str) -> Iterator[Reading]:
    """Every number of the run's last completed attempts that did not fail, attempt by attempt."""
    seen, opened = run.opened.device, run.opened
    probes = {str(check["id"]): check["probe"].get(seen.platform, "") for check in opened.checklist["checks"]}
    latest = {attempt.check: attempt for attempt in run.attempts}
    for attempt in latest.values():
        ended = attempt.ended
        if ended is None or ended.ending is not Ending.COMPLETED or ended.verdict is Verdict.FAIL:
            continue
        for one in _last_of_each(attempt.measured):
            if isinstance(one.value, Quantity):
                yield Reading(
                    shop=shop,
                    station=station,
                    model=model_key(seen.manufacturer, seen.model),
                    name=" ".join(filter(None, (seen.manufacturer, seen.model))),
                    check_id=attempt.check,
                    measure=one.name,
                    unit=one.unit,
                    fixture=fixture,
                    device=device,
                    person=opened.person,
                    run=run.id,
                    record=run.record.digest if run.record else "",
                    build=seen.build,
                    probe_sha256=opened.probes.get(probes.get(attempt.check, ""), ""),
                    v=one.value.v,
                    e=one.value.e,
                    attempt=attempt.n,
                    measured_ms=attempt.started_ms,
                    simulated=seen.simulated,
                )


def _last_of_each(measured: Iterable[Measured]) -> Iterable[Measured]:
    return {one.name: one for one in measured}.values()


# --- storing ---------------------------------------------------------------------------------------------------------


def add(db: Database, change: Change, readings: Iterable[Reading]) -> Taken:
    """Store readings in the caller's transaction, with who did it."""
    seq, new, again, known = _note(db, change), 0, 0, 0
    for reading in readings:
        found = db.execute(
            "SELECT seq, COALESCE((SELECT live FROM reference_mark WHERE reading = r.seq ORDER BY seq DESC LIMIT 1), 1)"
            " FROM reference_reading r WHERE id = ?",
            [reading.id],
        ).fetchone()
        if found is None:
            row = reading.model_dump() | {"id": reading.id, "change": seq, "simulated": int(reading.simulated)}
            db.table("reference_reading").insert(row)
            new += 1
        elif found[1]:
            known += 1
        else:
            db.table("reference_mark").insert({"reading": found[0], "change": seq, "live": 1})
            again += 1
    return Taken(new, again, known)


def strike(db: Database, change: Change, where: Mapping[str, str]) -> int:
    """Take the live readings out that have these values in these columns; back comes how many."""
    picked = [seq for seq, reading in _live(db) if all(getattr(reading, key) == value for key, value in where.items())]
    if picked:
        noted = _note(db, change)
        db.table("reference_mark").insert_all({"reading": seq, "change": noted, "live": 0} for seq in picked)
    return len(picked)


def _note(db: Database, change: Change) -> int:
    row = asdict(change) | {"at_ms": time.time_ns() // 1_000_000}
    return int(db.table("reference_change").insert(row).last_pk or 0)


def live(db: Database, model: str | None = None) -> list[Reading]:
    """The readings that count, oldest first; of one model or all."""
    return [reading for _, reading in _live(db, model)]


_COLUMNS = tuple(Reading.model_fields)


def _live(db: Database, model: str | None = None) -> Iterator[tuple[int, Reading]]:
    query = (
        "SELECT * FROM reference_reading r WHERE (? IS NULL OR model = ?) AND COALESCE((SELECT live FROM reference_mark"
        " WHERE reading = r.seq ORDER BY seq DESC LIMIT 1), 1) ORDER BY measured_ms, seq"
    )
    for row in db.query(query, [model, model]):
        told = {name: row[name] for name in _COLUMNS}
        yield row["seq"], Reading(**told | {"simulated": bool(row["simulated"])})


def change_rows(db: Database) -> list[dict[str, Any]]:
    """All that was done to the store, oldest first, with how many readings came in and how many were struck."""
    query = (
        "SELECT c.at_ms, c.action, c.person, c.note,"
        " (SELECT count(*) FROM reference_reading WHERE change = c.seq)"
        " + (SELECT count(*) FROM reference_mark WHERE change = c.seq AND live = 1) AS added,"
        " (SELECT count(*) FROM reference_mark WHERE change = c.seq AND live = 0) AS struck"
        " FROM reference_change c ORDER BY c.seq"
    )
    return list(db.query(query))


# --- tables ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is made: only readings of the same shop and fixture count for what depends on the place."""

    shop: str
    fixture: str


def rows_of(readings: Iterable[Reading], policy: Policy, place: Place) -> list[Row]:
    """What readings of one model say of each measurement at that place, as far as there are enough of them.

    A measurement that was once taken in another unit stands on the readings in the unit of the newest.
    """
    grouped: dict[tuple[str, str], list[Reading]] = {}
    for one in readings:
        known = policy.compared.get((one.check_id, one.measure))
        anywhere = known is not None and not known.fixture
        if anywhere or (one.shop, one.fixture) == (place.shop, place.fixture):
            grouped.setdefault((one.check_id, one.measure), []).append(one)
    return [row for key in sorted(grouped) if (row := _row(_in_one_unit(grouped[key]), policy)) is not None]


def _in_one_unit(group: Sequence[Reading]) -> list[Reading]:
    unit = max(group, key=_newest).unit
    return [one for one in group if one.unit == unit]


def _newest(reading: Reading) -> tuple[int, int, str]:
    return reading.measured_ms, reading.attempt, reading.run


def _row(group: Sequence[Reading], policy: Policy) -> Row | None:
    first, of_unit = group[0], _by_device(group)
    if len(group) < policy.baseline.readings_min:
        return None
    middle = centre([centre([one.value for one in unit]) for unit in of_unit.values()])
    known, k = policy.compared.get((first.check_id, first.measure)), policy.k(len(of_unit))
    flags: dict[str, Any] = {}
    if known is not None and known.unit == first.unit and k is not None:
        flags = {"sigma": max(_from_unit_to_unit(of_unit), known.floor), "k": k, "side": known.side}
    if not all(_fits(number, first.unit) for number in (middle, flags.get("sigma", Decimal(0)))):
        return None
    moments = [one.measured_ms for one in group]
    return Row(
        check=first.check_id,
        measure=first.measure,
        unit=first.unit,
        centre=middle,
        readings=len(group),
        units=len(of_unit),
        since_ms=min(moments),
        until_ms=max(moments),
        people=tuple(sorted({one.person for one in group})),
        **flags,
    )


def _by_device(group: Iterable[Reading]) -> dict[str, list[Reading]]:
    found: dict[str, list[Reading]] = {}
    for one in group:
        found.setdefault(one.device, []).append(one)
    return found


def _from_unit_to_unit(of_unit: Mapping[str, Sequence[Reading]]) -> Decimal:
    """The spread of one reading of each unit: a phone on the bench is read once, so the newest of each stands here."""
    return robust_sigma([max(unit, key=_newest).value for unit in of_unit.values()])


def _fits(number: Decimal, unit: str) -> bool:
    try:
        quantity(number, unit)
    except RecordError:
        return False
    return number.is_zero() or -18 <= number.adjusted() <= 15


def table_of(
    readings: Sequence[Reading], policy: Policy, place: Place, model: str, checklist: Checklist
) -> ReferenceTable:
    """What a run of the checklist needs of them: what its limits stand on, and what is flagged."""
    wanted = {
        (check.id, limit.baseline_name, limit.unit)
        for check in checklist.checks
        for limit in check.limits
        if limit.relative_to == "reference"
    }
    checks = {check.id for check in checklist.checks}
    rows = [
        row
        for row in rows_of(readings, policy, place)
        if (row.check, row.measure, row.unit) in wanted or (row.check in checks and row.spread is not None)
    ]
    return ReferenceTable(model, place.fixture, tuple(rows))


# --- lists -----------------------------------------------------------------------------------------------------------


def model_rows(readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """Each model with how many phones and readings there are, since when, until when, and by whom."""
    grouped: dict[str, list[Reading]] = {}
    for one in readings:
        grouped.setdefault(one.model, []).append(one)
    return [{"model": model, "name": group[-1].name} | _about(group) for model, group in sorted(grouped.items())]


def measure_rows(readings: Iterable[Reading], policy: Policy) -> list[dict[str, Any]]:
    """Each measurement of one model and fixture: mean, spread, n, when and by whom, and what comes of it in a run.

    Numbers are floats for reading; the exact ones are in the readings and in each run's table.
    """
    grouped: dict[tuple[str, ...], list[Reading]] = {}
    for one in readings:
        grouped.setdefault((one.check_id, one.measure, one.unit, one.shop, one.fixture), []).append(one)
    found = []
    for key, group in sorted(grouped.items()):
        values = [one.value for one in group]
        numbers = [float(value) for value in values]
        of_unit = _by_device(group)
        table = _row(group, policy)
        edges = table.spread if table else None
        found.append(
            dict(zip(("check", "measure", "unit", "shop", "fixture"), key, strict=True))
            | _about(group)
            | {
                "mean": fmean(numbers),
                "sd": stdev(numbers) if len(numbers) > 1 else None,
                "median": float(centre([centre([one.value for one in unit]) for unit in of_unit.values()])),
                "sigma": float(_from_unit_to_unit(of_unit)) if len(of_unit) > 1 else None,
                "min": float(min(values)),
                "max": float(max(values)),
                "baseline": table is not None,
                "flag_below": float(edges.low) if edges and edges.side != "high" else None,
                "flag_above": float(edges.high) if edges and edges.side != "low" else None,
            }
        )
    return found


def _about(group: Sequence[Reading]) -> dict[str, Any]:
    return {
        "readings": len(group),
        "phones": len({one.device for one in group}),
        "since_ms": min(one.measured_ms for one in group),
        "until_ms": max(one.measured_ms for one in group),
        "people": sorted({one.person for one in group}),
        "simulated": any(one.simulated for one in group),
    }


# --- a file to hand out ----------------------------------------------------------------------------------------------

#: What a file of readings states; no record of a ticket or a ledger.
KIND = "reference-readings/v1"


class Handed(BaseModel):
    """What a file of readings says: whose they are, who hands them out (empty: head office), and the readings."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    shop: str = Field(max_length=200)
    station: str = Field(max_length=200)
    person: str = Field(max_length=200)
    made_ms: int = Field(ge=0, lt=2**53)
    readings: tuple[Reading, ...] = Field(min_length=1)


def handed_payload(handed: Handed) -> bytes:
    """The bytes to be signed.

    Raises:
        RecordError: more readings than a file holds.
    """
    predicate = handed.model_dump(mode="json")
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "readings", "digest": {"sha256": digest_of(canonical(predicate["readings"]))}}],
        "predicateType": PREDICATE_PREFIX + KIND,
        "predicate": predicate,
    }
    payload = canonical(statement)
    read_statement(payload)
    return payload


def read_handed(payload: bytes) -> Handed:
    """What a signed payload states.

    Raises:
        RecordError: it is no file of readings, or not as it was digested.
    """
    statement = read_statement(payload)
    if statement.kind != KIND:
        raise RecordError(_NO_READINGS)
    try:
        handed = Handed.model_validate_json(canonical(statement.raw))
    except ValidationError as error:
        raise RecordError(_NO_READINGS) from error
    if digest_of(canonical(statement.raw["readings"])) != statement.subject:
        raise RecordError(_NO_READINGS)
    return handed


_NO_READINGS = Words("is no file of reference readings", "不是参考读数文件")
