"""What the closing of a ticket states: nothing more is to be done on it, and why."""

from __future__ import annotations

from typing import Literal

from reports.predicates import Common, FreeText, Name, Sha256, Statement

__all__ = ["PREDICATES", "CloseV1"]


class CloseV1(Common):
    """A ticket is closed. `last` is the digest of what it ended with: delivery, follow-up or closed grievance."""

    decision: Literal["completed", "cancelled", "duplicate"]
    person: Name
    last: Sha256 | None
    note: FreeText


PREDICATES: dict[str, type[Statement]] = {"close/v1": CloseV1}
