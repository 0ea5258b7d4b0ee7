"""The policy of diagnosis as data: symptoms, findings, parts, causes, repairs, and the words for how strong "often" is.

Strict models without logic; what they refer to among each other is checked by `checklists.diagnosis.load`. Weights are
words everywhere; the numbers behind the words stand once, in `policy/strengths.toml`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from checklists.schema import Model, Number, Text
from drivers.text import Words

__all__ = [
    "Cause",
    "CheckSign",
    "Exempt",
    "FaultRow",
    "Finding",
    "Fine",
    "Part",
    "Phrases",
    "Policy",
    "Qualifier",
    "Repair",
    "Strengths",
    "Symptom",
]

_Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
_Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class Strengths(Model):
    """What the words of the policy mean, as probabilities (`warning`, `suspect`: as shares of a fail's weight)."""

    sign: dict[str, Number]
    false_alarm: dict[str, Number]
    complaint: dict[str, Number]
    vagueness: dict[str, Number]
    prior: dict[str, Number]
    sound: dict[Literal["prior"], Number]
    warning: dict[str, Number]
    suspect: dict[Literal["hardware", "driver", "hint", "false_alarm"], Number]
    confidence: dict[Literal["certain", "likely", "possible"], Number]


class Phrases(Model):
    """How people say it, in both languages."""

    en: tuple[_Phrase, ...] = ()
    zh: tuple[_Phrase, ...] = ()


class Symptom(Model):
    """One coded complaint.

    Attributes:
        vagueness: how often it is said with other causes than those that list it; a word of `strengths.toml`.
        plain: to be seen by whoever looks, so that the customer's word for it is enough.
        iris: the symptom code of IRIS that says the same, where one does.
    """

    id: _Id
    group: _Id
    name: Text
    vagueness: str
    plain: bool = False
    iris: str | None = None
    phrases: Phrases


class Qualifier(Model):
    """When, how often or after what a symptom shows. `iris`: the condition code of IRIS."""

    id: _Id
    kind: Literal["frequency", "when", "trigger"]
    name: Text
    iris: str | None = None
    phrases: Phrases


class Fine(Phrases):
    """Words that say that something is well."""


class Part(Model):
    """A part or subsystem; `aliases` are other names that crash evidence may give it."""

    id: _Id
    en: str
    zh: str
    aliases: tuple[str, ...] = ()

    @property
    def words(self) -> Words:
        """Its name."""
        return Words(self.en, self.zh)


class FaultRow(Model):
    """One row of the 三包 fault table."""

    id: _Id
    en: str
    zh: str

    @property
    def words(self) -> Words:
        """The row as the rule has it."""
        return Words(self.en, self.zh)


class Exempt(FaultRow):
    """Why a finding stands in no row of the fault table."""


class Finding(Model):
    """A fault code: the checks that give it, its place in the fault table (`row`) or why it has none (`exempt`).

    `awaited`: no shipped check gives it yet.
    """

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)*$", max_length=60)]
    name: Text
    checks: tuple[_Id, ...] = Field(min_length=1)
    part: _Id
    row: _Id | None = None
    exempt: _Id | None = None
    awaited: bool = False


class CheckSign(Model):
    """How far a check can be believed: how often it does not pass without cause, and what a warning of it weighs."""

    id: _Id
    false_alarm: str
    warning: str = "half"


class Cause(Model):
    """What can be wrong: how often it is, how it shows, and what is done about it."""

    id: _Id
    part: _Id
    prior: str
    name: Text
    why: Text
    signs: dict[str, str] = Field(default_factory=dict)
    complaints: dict[str, str] = Field(default_factory=dict)
    suspects: dict[str, str] = Field(default_factory=dict)
    repairs: tuple[_Id, ...] = Field(min_length=1)


class Repair(Model):
    """One remedy: where it acts, how hard it is, what it needs and what it risks."""

    id: _Id
    layer: Literal["soft", "hard"]
    difficulty: Literal["easy", "moderate", "difficult", "board"]
    cost: Literal["none", "low", "medium", "high"]
    needs: _Id | None = None
    name: Text
    risks: tuple[_Id, ...] = ()


class Policy(Model):
    """Everything that diagnosis knows; `sha256` is over the canonical bytes of all of it."""

    strengths: Strengths
    symptoms: tuple[Symptom, ...]
    qualifiers: tuple[Qualifier, ...]
    fine: Fine
    parts: tuple[Part, ...]
    rows: tuple[FaultRow, ...]
    exempt: tuple[Exempt, ...]
    findings: tuple[Finding, ...]
    checks: tuple[CheckSign, ...]
    causes: tuple[Cause, ...]
    repairs: tuple[Repair, ...]
    risks: dict[str, Text]
    sha256: str
