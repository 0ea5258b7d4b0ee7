"""Who is qualified for which checklist, from when to when.

Stands on the common predicates alone; folded into the roster (`reports.roster`), which says who may state it.
"""

from __future__ import annotations

from reports.predicates import Made, Millis, Name, Statement

__all__ = ["PREDICATES", "QualificationV1"]


class QualificationV1(Made):
    """A lead says that a person is qualified for a checklist from `from_ms` to before `to_ms`.

    The newest one for a person and a checklist holds; one that ends where it begins takes the qualification away.
    """

    person: Name
    printed_name: Name
    checklist: Name
    from_ms: Millis
    to_ms: Millis
    approved_by: Name


PREDICATES: dict[str, type[Statement]] = {"qualification/v1": QualificationV1}
