"""What the reference phones of one model gave, as a run is judged with it and as its record carries it.

The table is taken once, when the run begins, and travels with it: whoever has the record can judge again, whatever was
measured on reference phones since. Pure; reading one from a record never raises anything but ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from checklists.canonical import dump_model, revived
from checklists.reference.robust import Spread
from checklists.schema import Check, Model, Number
from probes.units import is_number

__all__ = ["KEY", "ReferenceTable", "Row", "read_table"]

#: Under which key of a run's `bench` the table lies.
KEY = "reference"


class Row(Model):
    """One measurement of one check over the reference phones of a model.

    Attributes:
        centre: the median over units of each unit's median, in `unit`.
        sigma, k, side: how far a good unit lies at most (`robust.Spread`); None where nothing is flagged: too few
            units, or the policy compares this measurement with nothing.
        readings, units: how many there are behind it.
        since_ms, until_ms: when the oldest and the newest of them was measured.
        people: who put them in.
    """

    check: str
    measure: str
    unit: str
    centre: Number
    sigma: Number | None = Field(default=None, gt=0)
    k: Number | None = Field(default=None, gt=0)
    side: Literal["low", "high", "both"] | None = None
    readings: int = Field(ge=1)
    units: int = Field(ge=1)
    since_ms: int
    until_ms: int
    people: tuple[str, ...]

    @model_validator(mode="after")
    def _is_whole(self) -> Row:
        if len({self.sigma is None, self.k is None, self.side is None}) > 1:
            raise ValueError("sigma, k and side come together")
        if not is_number(self.unit):
            raise ValueError("needs a unit")
        return self

    @property
    def spread(self) -> Spread | None:
        """What good units lie in, where something is flagged."""
        if self.sigma is None or self.k is None or self.side is None:
            return None
        return Spread(self.centre, self.sigma, self.k, self.side, self.units)


class _Carried(Model):
    model: str
    fixture: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ReferenceTable:
    """The rows for one model at one fixture; empty where the shop has no reference for it."""

    model: str = ""
    fixture: str = ""
    rows: Sequence[Row] = ()

    @cached_property
    def _of(self) -> Mapping[tuple[str, str], Row]:
        return {(row.check, row.measure): row for row in self.rows}

    def row(self, check: str, measure: str) -> Row | None:
        """The row of a measurement."""
        return self._of.get((check, measure))

    def baselines(self, check: Check) -> dict[str, Decimal]:
        """What the check's limits against the reference stand on, by the name that the limit looks for."""
        found = {}
        for limit in check.limits:
            row = self.row(check.id, limit.baseline_name) if limit.relative_to == "reference" else None
            if row is not None and row.unit == limit.unit:
                found[limit.baseline_name] = row.centre
        return found

    def spread(self, check: str, measure: str, unit: str) -> Spread | None:
        """What good units lie in; None where nothing is flagged, or the unit is another."""
        row = self.row(check, measure) if self.rows else None
        return row.spread if row is not None and row.unit == unit else None

    def dump(self) -> dict[str, Any]:
        """As a run's record carries it."""
        return dump_model(_Carried(model=self.model, fixture=self.fixture, rows=tuple(self.rows)))


def read_table(bench: Mapping[str, Any]) -> ReferenceTable:
    """The table in a run's `bench`; an empty one where it has none.

    Raises:
        ValueError: what is there is no table.
    """
    told = bench.get(KEY)
    if told is None:
        return ReferenceTable()
    try:
        carried = _Carried.model_validate(revived(told))
    except (ValidationError, TypeError, RecursionError) as error:
        raise ValueError("the run's reference table can't be read") from error
    if len({(row.check, row.measure) for row in carried.rows}) < len(carried.rows):
        raise ValueError("the run's reference table has a measurement twice")
    return ReferenceTable(carried.model, carried.fixture, carried.rows)
