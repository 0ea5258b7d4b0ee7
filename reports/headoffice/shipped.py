"""Lets releases stand on the checklists that come with this version; what earlier versions brought stays allowed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from checklists.load import shipped
from checklists.schema import Checklist
from reports.headoffice.store import HeadOfficeStore

__all__ = ["allow", "allow_shipped"]


def allow(database: Path, checklists: Iterable[Checklist], by_whom: str) -> None:
    """Allow these checklists at the head office in `database`.

    Raises:
        HeadOfficeError: the file is not a head office.
    """
    store = HeadOfficeStore(database)
    try:
        with store.transaction():
            for one in checklists:
                store.allow_checklist(one.sha256, one.id, one.version, by_whom, time.time_ns() // 1_000_000)
    finally:
        store.close()


def allow_shipped(database: Path) -> None:
    """Allow every checklist of this version."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("assay")
    except PackageNotFoundError:
        number = "?"
    allow(database, shipped(), f"assay {number}")
