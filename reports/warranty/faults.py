"""From fault codes to the fault table: which rows they stand in, and which stand in none and why.

The mapping itself is the diagnosis policy's (`checklists/diagnosis/policy/findings.toml`); there is no second one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checklists.diagnosis.load import shipped_policy
from checklists.diagnosis.schema import Exempt, Policy
from drivers.text import Words

__all__ = ["Mapped", "mapped", "row_words"]


@dataclass(frozen=True, slots=True)
class Mapped:
    """Fault codes in the table.

    Attributes:
        rows: the rows they stand in, each once, in the table's order.
        outside: code and reason for each that stands in none.
        unknown: codes that the policy does not know.
    """

    rows: tuple[str, ...]
    outside: tuple[tuple[str, Exempt], ...]
    unknown: tuple[str, ...]


def mapped(codes: Iterable[str], policy: Policy | None = None) -> Mapped:
    """Where fault codes stand in the fault table."""
    policy = policy or shipped_policy()
    findings = {one.code: one for one in policy.findings}
    exempt = {one.id: one for one in policy.exempt}
    given = tuple(dict.fromkeys(codes))
    found = [findings[code] for code in given if code in findings]
    rows = {one.row for one in found if one.row}
    return Mapped(
        rows=tuple(row.id for row in policy.rows if row.id in rows),
        outside=tuple((one.code, exempt[one.exempt]) for one in found if one.exempt),
        unknown=tuple(code for code in given if code not in findings),
    )


def row_words(row: str) -> Words:
    """What the fault table says in that row; the id itself where it has no such row."""
    return next((one.words for one in shipped_policy().rows if one.id == row), Words(row, row))
