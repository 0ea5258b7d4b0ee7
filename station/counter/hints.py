"""First self-help hints for simple software faults, by symptom: shown while the customer is still at the counter.

A hint never touches data and never opens a phone. Where a symptom speaks of danger (a swollen battery, heat, liquid)
none is given: the phone is switched off and handed in. The data is `hints.toml`; it knows no ticket.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache

from pydantic import Field

from checklists.canonical import canonical_data
from checklists.schema import Model, Text
from drivers.text import Words
from reports.steps.registration import HintsV1
from station.counter.policy import shipped

__all__ = ["Hint", "Hints", "hints_for", "shipped_hints"]


class Hint(Model):
    """One hint: what may help with `symptoms`, in `steps`."""

    id: str
    symptoms: tuple[str, ...] = Field(min_length=1)
    title: Text
    steps: tuple[Text, ...] = Field(min_length=1)

    @property
    def says(self) -> Words:
        """The hint as it is shown."""
        en = " ".join(f"{n}. {step.en}" for n, step in enumerate(self.steps, 1))
        zh = " ".join(f"{n}. {step.zh}" for n, step in enumerate(self.steps, 1))
        return Words(f"Worth a try, {self.title.en}: {en}", f"可先自助尝试（{self.title.zh}）：{zh}")


class Danger(Model):
    """Symptoms with which nothing is tried, and what is said instead."""

    symptoms: tuple[str, ...] = Field(min_length=1)
    says: Text


class Hints(Model):
    """All hints."""

    version: int = Field(ge=1)
    danger: Danger
    hint: tuple[Hint, ...]


@cache
def shipped_hints() -> Hints:
    """The hints that come with Assay."""
    return Hints.model_validate(dict(shipped("hints")))


@cache
def _digest() -> str:
    return hashlib.sha256(canonical_data(shipped_hints().model_dump(mode="json"))).hexdigest()


def hints_for(symptoms: Iterable[str]) -> tuple[HintsV1, tuple[Words, ...]]:
    """Which hints these symptoms call for, as it is recorded and as it is shown."""
    every, told = shipped_hints(), set(symptoms)
    if told & set(every.danger.symptoms):
        return HintsV1(version=every.version, sha256=_digest(), shown=()), (every.danger.says.words,)
    found = [hint for hint in every.hint if told & set(hint.symptoms)]
    shown = HintsV1(version=every.version, sha256=_digest(), shown=tuple(hint.id for hint in found))
    return shown, tuple(hint.says for hint in found)
