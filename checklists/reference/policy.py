"""From how many readings on something is compared with reference phones, which measurements, and how far is far.

The rules are data (`policy.toml`) with their sources. Pure: it knows no store and no phone.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from checklists.problems import ChecklistErrors, explain
from checklists.schema import Model, Number, Source
from checklists.toml import read_document
from probes.units import is_number

__all__ = ["Compared", "Policy", "load_policy", "shipped_policy"]

SHIPPED = Path(__file__).parent / "policy.toml"


class BaselineRule(Model):
    """The fewest readings that give a baseline."""

    readings_min: int = Field(ge=3)
    source: Source


class Step(Model):
    """How many sigmas are far, from this many units on."""

    units: int = Field(ge=3)
    k: Number = Field(gt=0)


class OutlierRule(Model):
    """How far is far; below the first step's units nothing is flagged."""

    k: tuple[Step, ...] = Field(min_length=1)
    source: Source

    @model_validator(mode="after")
    def _more_units_are_surer(self) -> OutlierRule:
        pairs = zip(self.k, self.k[1:], strict=False)
        if any(one.units >= other.units or one.k < other.k for one, other in pairs):
            raise ValueError("the steps go up in units and down in k")
        return self


class Compared(Model):
    """A measurement that good units of a model have alike.

    Attributes:
        side: where being far away means anything.
        floor: the least sigma that is believed, in `unit`.
        fixture: only readings of the same shop and fixture are compared.
    """

    check: str
    measure: str
    unit: str
    side: Literal["low", "high", "both"]
    floor: Number = Field(gt=0)
    fixture: bool

    @model_validator(mode="after")
    def _is_a_number(self) -> Compared:
        if not is_number(self.unit):
            raise ValueError("needs a unit")
        return self


class Policy(Model):
    """The rules."""

    baseline: BaselineRule
    outlier: OutlierRule
    measure: tuple[Compared, ...]

    @model_validator(mode="after")
    def _each_is_there_once(self) -> Policy:
        if len({(one.check, one.measure) for one in self.measure}) < len(self.measure):
            raise ValueError("a measurement is there twice")
        return self

    @property
    def compared(self) -> Mapping[tuple[str, str], Compared]:
        """By check and measurement."""
        return {(one.check, one.measure): one for one in self.measure}

    def k(self, units: int) -> Decimal | None:
        """How many sigmas are far with so many units behind them; None when they are too few to say."""
        found = [step.k for step in self.outlier.k if step.units <= units]
        return found[-1] if found else None


@cache
def shipped_policy() -> Policy:
    """The rules that come with Assay, read once."""
    return load_policy()


def load_policy(path: Path = SHIPPED) -> Policy:
    """The rules of a file.

    Raises:
        ChecklistErrors: everything that is wrong with it.
    """
    document = read_document(path)
    try:
        return Policy.model_validate(document.data)
    except ValidationError as error:
        found = [document.problem(*explain(one, Policy)) for one in error.errors(include_url=False)]
        raise ChecklistErrors(found) from error
