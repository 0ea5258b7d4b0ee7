"""What one campaign counted, and the bar that it is held to: nothing acknowledged lost, nothing invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.crash.audit import Findings, unfit_refusals
from tests.crash.clerk import Book

__all__ = ["Tally", "table"]


@dataclass
class Tally:
    """One campaign's count.

    Attributes:
        rounds: how often something was made to go wrong.
        hit: how often it really did (a fault that nothing ran into is no fault).
        unwanted: records that were refused and yet found after a crash.
        wrong: whatever else must not be, in words.
    """

    name: str
    rounds: int = 0
    hit: int = 0
    acknowledged: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    skipped: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Whether the bar is met: zero of each."""
        return not (self.lost or self.invented or self.unwanted or self.wrong)

    def found(self, findings: Findings, where: str = "") -> None:
        """Take over what an audit found, once each: what is wrong stays so in the audits after it."""
        for mine, theirs in (
            (self.lost, findings.lost),
            (self.invented, findings.invented),
            (self.unwanted, findings.unwanted),
            (self.wrong, findings.wrong),
        ):
            mine += [f"{where}{each}" for each in theirs if not any(known.endswith(f": {each}") for known in mine)]

    def close(self, *books: Book) -> None:
        """Count what the books say."""
        self.acknowledged += sum(len(book.told) for book in books)
        self.refused += sum(len(book.refused) for book in books)
        for book in books:
            self.wrong += unfit_refusals(book)


def table(tallies: Sequence[Tally]) -> str:
    """The count of every campaign, as a table for people."""
    head = ("campaign", "rounds", "hit", "acknowledged", "refused", "lost", "invented", "unwanted", "wrong", "bar")
    rows = [head, *map(_row, tallies)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    said = [
        f"{tally.name}: {kind}: {text}"
        for tally in tallies
        for kind in ("lost", "invented", "unwanted", "wrong", "notes")
        for text in getattr(tally, kind)[:10]
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], "", *said]).rstrip() + "\n"


def _row(tally: Tally) -> tuple[str, ...]:
    counts = (tally.rounds, tally.hit, tally.acknowledged, tally.refused)
    bad = (tally.lost, tally.invented, tally.unwanted, tally.wrong)
    bar = f"skipped: {tally.skipped}" if tally.skipped else "met" if tally.met else "NOT MET"
    return (tally.name, *map(str, counts), *(str(len(each)) for each in bad), bar)
