"""What this station demands of a release beyond the rules: runs of checklists that are allowed here."""

from __future__ import annotations

from checklists.load import shipped
from reports.release import ReleasePolicy
from station.settings import Settings

__all__ = ["release_policy"]


def release_policy(settings: Settings) -> ReleasePolicy:
    """Self-check and cross-check by a checklist of this version, or by one that the station's settings allow.

    A checklist is allowed by its SHA-256 over everything that is in it: a copy with a check left out, or with a wider
    limit, is another one.
    """
    return ReleasePolicy(checklists=frozenset(one.sha256 for one in shipped()) | frozenset(settings.checklists))
