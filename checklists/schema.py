"""Checks, limits and checklists as data: the strict models.

Files are TOML with no expressions and no inheritance. A *check* is defined once (`checks/*.toml`); a *checklist* is an
ordered list of check ids with explicit overrides. What is recorded, hashed and signed is the *resolved* checklist:
every check with its settings, limits and their sources, so that an omission shows on any machine.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from checklists.verdict import Layer, Stage
from drivers.text import Words

__all__ = ["Check", "CheckUse", "Checklist", "ChecklistFile", "Limit", "LimitValue", "Model", "Source", "Text"]


class Model(BaseModel):
    """Base of all data models here: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Text(Model):
    """A text in both languages; neither may be empty."""

    en: str = Field(min_length=1, max_length=600)
    zh: str = Field(min_length=1, max_length=600)

    @property
    def words(self) -> Words:
        """As `Words`."""
        return Words(self.en, self.zh)


def _exact(value: object) -> object:
    """TOML floats become the decimal that was written, not the binary neighbour."""
    return Decimal(repr(value)) if isinstance(value, float) else value


Number = Annotated[Decimal, BeforeValidator(_exact)]
LimitValue = bool | Number | str


class Source(Model):
    """Where a number comes from: a standard and clause, a vendor page, a measurement with its date."""

    text: Text
    ref: str = Field(min_length=1, max_length=300)


class Limit(Model):
    """What one measurement is judged against.

    `min`/`max` are the fail limits; `warn_min`/`warn_max` open a warn band inside them: a value that is inside the fail
    limits but outside the warn limits is `warn`. `severity = "warn"` makes the limit unable to fail (a limit with no
    published norm). With `relative_to` the numbers are a factor (`mode = "ratio"`) or an offset (`mode = "delta"`) to
    the value of that baseline; `equals_baseline` demands the baseline's own value. Without the baseline nothing is
    judged. `optional` means that a value that could not be read leaves the check's verdict to its other limits.
    """

    measure: str
    unit: str
    min: Number | None = None
    max: Number | None = None
    warn_min: Number | None = None
    warn_max: Number | None = None
    equals: LimitValue | None = None
    one_of: tuple[LimitValue, ...] | None = None
    severity: Literal["fail", "warn"] = "fail"
    optional: bool = False
    relative_to: Literal["reference", "model", "intake", "ticket"] | None = None
    mode: Literal["ratio", "delta"] | None = None
    equals_baseline: bool = False
    finding: str | None = None
    source: Source


class Check(Model):
    """One check, defined once.

    `probe` names the probe for each platform. `settings` are the probe's keyword arguments. `finding` is the fault code
    that a fail gives. `person` means that somebody must act. `after` names checks that must come earlier.
    `required` means that a release needs it satisfied.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: Text
    help: Text | None = None
    layer: Layer
    probe: dict[str, str]
    settings: dict[str, object] = Field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    finding: str | None = None
    person: bool = False
    cost: Literal["quick", "slow"] = "quick"
    writes: bool = False
    after: tuple[str, ...] = ()
    required: bool = True
    deadline_s: Number = Decimal(30)
    attempts: int = Field(default=2, ge=1, le=10)
    on_fail: Literal["continue", "stop"] = "continue"


class CheckUse(Model):
    """One line of a checklist: a check's id and what is different here; every key left out is the check's own."""

    id: str
    required: bool | None = None
    settings: dict[str, object] | None = None
    limits: tuple[Limit, ...] | None = None
    deadline_s: Number | None = None
    attempts: int | None = Field(default=None, ge=1, le=10)
    on_fail: Literal["continue", "stop"] | None = None


class ChecklistFile(Model):
    """A checklist as written."""

    format: Literal[1]
    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    version: int = Field(ge=1)
    title: Text
    platform: Literal["android", "ios"]
    stages: tuple[Stage, ...] = Field(min_length=1)
    check: tuple[CheckUse, ...] = Field(min_length=1)


class Checklist(Model):
    """A resolved checklist. `sha256` is over its canonical bytes (`checklists.load.canonical_checklist`)."""

    id: str
    version: int
    title: Text
    platform: Literal["android", "ios"]
    stages: tuple[Stage, ...]
    checks: tuple[Check, ...]
    sha256: str

    def check(self, check_id: str) -> Check:
        """The check of that id; raises KeyError."""
        for check in self.checks:
            if check.id == check_id:
                return check
        raise KeyError(check_id)
