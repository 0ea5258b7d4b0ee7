"""Checks, limits and checklists as data: the strict models.

Files are TOML with no expressions and no inheritance. A *check* is defined once (`checks/*.toml`); a *checklist* is an
ordered list of check ids with explicit overrides. What is recorded, hashed and signed is the *resolved* checklist:
every check with its settings, limits and their sources, so that an omission shows on any machine.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, StringConstraints

from checklists.verdict import Layer, Stage
from drivers.text import Words

__all__ = [
    "PLATFORMS",
    "Baseline",
    "Check",
    "CheckUse",
    "Checklist",
    "ChecklistFile",
    "Limit",
    "LimitValue",
    "Model",
    "Platform",
    "Source",
    "Text",
]

#: The platforms that a checklist may be for.
Platform = Literal["android", "ios"]
PLATFORMS: tuple[str, ...] = get_args(Platform)

#: What a relative limit may stand on: the shop's reference phones, the model card, the intake run, the ticket.
Baseline = Literal["reference", "model", "intake", "ticket"]

_ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_CODE = r"^[A-Za-z0-9]+([-.][A-Za-z0-9]+)*$"


class Model(BaseModel):
    """Base of all data models here: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]


class Text(Model):
    """A text in both languages; neither may be empty."""

    en: _Line
    zh: _Line

    @property
    def words(self) -> Words:
        """As `Words`."""
        return Words(self.en, self.zh)


def _number(value: object) -> object:
    """Only numbers are numbers: no text, no flag; a float becomes the decimal that was written, not its neighbour."""
    if isinstance(value, (bool, str)):
        raise ValueError("needs a number")  # noqa: TRY004 - pydantic reports ValueErrors only
    return Decimal(repr(value)) if isinstance(value, float) else value


def _value(value: object) -> bool | Decimal | str:
    """Keeps a flag a flag and a text a text; everything else must be a finite number."""
    if isinstance(value, (bool, str)):
        return value
    number = _number(value)
    if isinstance(number, (int, Decimal)) and Decimal(number).is_finite():
        return Decimal(number)
    raise ValueError("needs a number, a text or true/false")


Number = Annotated[Decimal, BeforeValidator(_number)]
LimitValue = Annotated[bool | Decimal | str, PlainValidator(_value)]


class Source(Model):
    """Where a number comes from: a standard and clause, a vendor page, a measurement with its date."""

    text: Text
    ref: str = Field(min_length=1, max_length=300)


class Limit(Model):
    """What one measurement is judged against.

    Attributes:
        measure, unit: the measurement as its probe declares it. A check has at most one limit for each.
        min, max: the fail limits, both inside.
        warn_min, warn_max: open a warn band: a value inside the fail limits but outside these is `warn`.
        equals: the one right value of a flag, a text or a number.
        one_of: the right values; of a list every item must be one of them (`one_of = []`: the list must be empty).
        severity: `warn` makes the limit unable to fail (a limit with no published norm).
        optional: a value or a baseline that could not be had leaves the verdict to the check's other limits.
        relative_to: the numbers are a factor (`mode = "ratio"`) or an offset (`mode = "delta"`) to the value of that
            baseline; without the baseline nothing is judged.
        equals_baseline: the value must be the baseline's own (of a list: the baseline is one of its items), or one of
            several that the baseline allows.
        baseline: the baseline's name for the value, when it is not the measurement's.
        uncompared: what an optional limit without its baseline makes of a check that would pass: `info`, where to
            compare is what the check is for.
        finding: the fault code that a fail of this limit gives, else the check's.
        source: where the numbers come from.
    """

    measure: str = Field(min_length=1, max_length=60)
    unit: str
    min: Number | None = None
    max: Number | None = None
    warn_min: Number | None = None
    warn_max: Number | None = None
    equals: LimitValue | None = None
    one_of: tuple[LimitValue, ...] | None = None
    severity: Literal["fail", "warn"] = "fail"
    optional: bool = False
    relative_to: Baseline | None = None
    mode: Literal["ratio", "delta"] | None = None
    equals_baseline: bool = False
    baseline: str | None = Field(default=None, min_length=1, max_length=60)
    uncompared: Literal["info"] | None = None
    finding: str | None = Field(default=None, pattern=_CODE)
    source: Source

    @property
    def bounds(self) -> dict[str, Decimal]:
        """The numeric limits that are set, by key."""
        named = {"min": self.min, "warn_min": self.warn_min, "warn_max": self.warn_max, "max": self.max}
        return {key: value for key, value in named.items() if value is not None}

    @property
    def baseline_name(self) -> str:
        """What the baseline calls the value."""
        return self.baseline or self.measure


class Check(Model):
    """One check, defined once.

    Attributes:
        title, help: what is looked at; how to do it and how to take the result, where that is not plain.
        layer: `soft` checks come before `hard` ones.
        probe: the probe for each platform.
        settings: the probe's keyword arguments as written; `checklists.load.keyword_arguments` makes them ready.
        limits: at most one for each measurement; a measurement without one is `info`.
        finding: the fault code that a fail gives, unless the limit names its own.
        person: somebody must act or judge.
        cost: `slow` takes more than ten seconds of the phone or of a person.
        writes: it changes something on the phone (and undoes it).
        after: checks that must come earlier.
        required: a release needs it satisfied.
        deadline_s: seconds for one attempt, the person's time included.
        attempts: the most attempts in one run without asking.
        on_fail: whether a fail stops the run.
    """

    id: str = Field(pattern=_ID, max_length=60)
    title: Text
    help: Text | None = None
    layer: Layer
    probe: dict[Platform, str] = Field(min_length=1)
    settings: dict[str, object] = Field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    finding: str | None = Field(default=None, pattern=_CODE)
    person: bool = False
    cost: Literal["quick", "slow"] = "quick"
    writes: bool = False
    after: tuple[str, ...] = ()
    required: bool = True
    deadline_s: Number = Field(default=Decimal(30), gt=0, le=7200)
    attempts: int = Field(default=2, ge=1, le=10)
    on_fail: Literal["continue", "stop"] = "continue"


class CheckUse(Model):
    """One line of a checklist: a check's id and what is different here; every key left out is the check's own.

    `settings` replace the check's setting by setting, `limits` replace or add to them measurement by measurement: what
    the check demands can be set differently in the open, never dropped by leaving it out.
    """

    id: str
    required: bool | None = None
    settings: dict[str, object] | None = None
    limits: tuple[Limit, ...] | None = None
    deadline_s: Number | None = Field(default=None, gt=0, le=7200)
    attempts: int | None = Field(default=None, ge=1, le=10)
    on_fail: Literal["continue", "stop"] | None = None


class ChecklistFile(Model):
    """A checklist as written."""

    format: Literal[1]
    id: str = Field(pattern=_ID, max_length=60)
    version: int = Field(ge=1, lt=2**53)
    title: Text
    platform: Platform
    stages: tuple[Stage, ...] = Field(min_length=1)
    check: tuple[CheckUse, ...] = Field(min_length=1)


class Checklist(Model):
    """A resolved checklist. `sha256` is over its canonical bytes (`checklists.load.canonical_checklist`)."""

    id: str
    version: int
    title: Text
    platform: Platform
    stages: tuple[Stage, ...]
    checks: tuple[Check, ...]
    sha256: str

    def check(self, check_id: str) -> Check:
        """The check of that id; raises KeyError."""
        for check in self.checks:
            if check.id == check_id:
                return check
        raise KeyError(check_id)
