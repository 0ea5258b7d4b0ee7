"""Which checks must not start because of what was already seen, and what a person does about it first.

The rules are data (`policy.toml`); here they are read and applied to plain observations. Pure: it knows no phone, no
run and no screen. What is forbidden is *not run*, with the hazard as its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from checklists.problems import ChecklistErrors, explain
from checklists.schema import Model, Number, Source, Text
from checklists.toml import read_document
from drivers.text import Words

__all__ = ["Hazard", "Observed", "Safety", "When", "forbidden", "hazards", "load_safety", "shipped_safety"]

SHIPPED = Path(__file__).parent / "policy.toml"


class When(Model):
    """One way in which a hazard is known: by a measurement, by fault codes, or by what was said."""

    measure: str | None = None
    checks: tuple[str, ...] = ()
    unit: str | None = None
    at_least: Number | None = None
    below: Number | None = None
    one_of: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> When:
        bounds = self.at_least is not None or self.below is not None
        if bounds and self.unit is None:
            raise ValueError("needs a unit")
        if not (self.findings or self.symptoms or (self.measure and (bounds or self.one_of))):
            raise ValueError("needs a measure with a bound, findings or symptoms")
        return self


class Hazard(Model):
    """A danger, what it forbids, and what to do first."""

    id: str
    name: Text
    do: Text
    forbids: tuple[str, ...] = Field(min_length=1)
    source: Source
    when: tuple[When, ...] = Field(min_length=1)


class Safety(Model):
    """The rules: what checks do (`activities`), and what forbids it."""

    activities: dict[str, tuple[str, ...]]
    hazard: tuple[Hazard, ...]

    @cached_property
    def guarded(self) -> frozenset[str]:
        """Every check that some hazard forbids."""
        return frozenset(check for one in self.hazard for each in one.forbids for check in self.activities[each])

    @model_validator(mode="after")
    def _activities_are_known(self) -> Safety:
        for hazard in self.hazard:
            for activity in hazard.forbids:
                if activity not in self.activities:
                    raise ValueError(f"{hazard.id} forbids {activity}, which is no activity")
        return self


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of a phone's safety.

    Attributes:
        values: the newest value of each (check, measurement) with its unit.
        findings: fault codes of checks as they last ended.
        symptoms: what the customer or a person at the bench said of the phone, coded.
    """

    values: Mapping[tuple[str, str], tuple[object, str]]
    findings: frozenset[str] = frozenset()
    symptoms: frozenset[str] = frozenset()


@cache
def shipped_safety() -> Safety:
    """The rules that come with Assay, read once."""
    return load_safety()


def load_safety(path: Path = SHIPPED) -> Safety:
    """The rules of a file.

    Raises:
        ChecklistErrors: everything that is wrong with it.
    """
    document = read_document(path)
    try:
        return Safety.model_validate(document.data)
    except ValidationError as error:
        found = [document.problem(*explain(one, Safety)) for one in error.errors(include_url=False)]
        raise ChecklistErrors(found) from error


def hazards(policy: Safety, seen: Observed) -> tuple[Hazard, ...]:
    """The hazards that are there, in the order of the policy."""
    return tuple(one for one in policy.hazard if any(_holds(when, seen) for when in one.when))


def forbidden(policy: Safety, check: str, present: Sequence[Hazard]) -> Words | None:
    """Why the check must not start, and what to do first; None when nothing forbids it."""
    for hazard in present:
        if any(check in policy.activities[activity] for activity in hazard.forbids):
            return _FORBIDDEN.fill(hazard=hazard.name.words, do=hazard.do.words)
    return None


def _holds(when: When, seen: Observed) -> bool:
    if set(when.findings) & seen.findings or set(when.symptoms) & seen.symptoms:
        return True
    return any(_reaches(when, value, unit) for value, unit in _values(when, seen))


def _values(when: When, seen: Observed) -> Iterable[tuple[object, str]]:
    for (check, measure), found in seen.values.items():
        if measure == when.measure and (not when.checks or check in when.checks):
            yield found


def _reaches(when: When, value: object, unit: str) -> bool:
    """Whether a value is dangerous; one of another unit or kind says nothing."""
    if isinstance(value, str):
        return value in when.one_of
    if not isinstance(value, Decimal) or not value.is_finite() or unit != when.unit:
        return False
    hot = when.at_least is not None and value >= when.at_least
    return hot or (when.below is not None and value < when.below)


_FORBIDDEN = Words("not started for safety: {hazard}. {do}", "出于安全未启动：{hazard}。{do}")
