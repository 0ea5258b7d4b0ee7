"""What is known of one phone when it is diagnosed: symptoms, what checks said, whom crash logs suspect.

A check that was not run is not in it as evidence: it speaks neither for nor against anything. It is named with its
reason, so that it can be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from checklists.verdict import Verdict
from drivers.text import Words

__all__ = ["Evidence", "Said", "Suspect"]

_JUDGED = (Verdict.PASS, Verdict.WARN, Verdict.FAIL)


@dataclass(frozen=True, slots=True)
class Said:
    """What one check said of the phone, last.

    Attributes:
        check: its id.
        verdict: `pass`, `warn` or `fail` speak; `info` and `none` do not.
        findings: the fault codes of the limits that did not pass; may be empty.
        reason: the verdict's own reason, or why it was not run.
    """

    check: str
    verdict: Verdict
    findings: tuple[str, ...] = ()
    reason: Words | None = None

    @property
    def speaks(self) -> bool:
        """Whether it is evidence at all."""
        return self.verdict in _JUDGED


@dataclass(frozen=True, slots=True)
class Suspect:
    """A part that crash evidence names, and what that stands on."""

    part: str
    strength: Literal["hardware", "driver", "hint"] = "hardware"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the checks of a ticket said; of one check only what it said last."""

    said: Mapping[str, Said] = field(default_factory=dict)
    suspects: tuple[Suspect, ...] = ()

    @classmethod
    def of(cls, said: Sequence[Said], suspects: Sequence[Suspect] = ()) -> Evidence:
        """From what was said in the order of time; a later word of a check replaces an earlier one if it speaks."""
        last: dict[str, Said] = {}
        for one in said:
            if one.speaks or one.check not in last or not last[one.check].speaks:
                last[one.check] = one
        return cls(last, tuple(suspects))

    def spoke(self, check: str) -> bool:
        """Whether the check has said pass, warn or fail."""
        return check in self.said and self.said[check].speaks
