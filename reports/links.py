"""The links of a ledger alone: digests, order and chain, as fast as the disk and SHA-256 allow.

For a first look at a large ledger: it finds every changed envelope and link, and says nothing of signatures, heads and
receipts (`reports.verify`). Stands on the standard library.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LinkReport", "verify_links"]

_WHOLE = "SELECT seq, digest, prev, chain, envelope FROM record ORDER BY seq"
_CHAIN = "SELECT seq, digest, prev, chain FROM record ORDER BY seq"


@dataclass(frozen=True, slots=True)
class LinkReport:
    """How many records were linked as they must be, and the seq of the first that was not (0: all were)."""

    records: int
    broken: int


def verify_links(path: str | Path, *, envelopes: bool = True) -> LinkReport:
    """Check every link of a ledger's file.

    Args:
        envelopes: also that each digest is its envelope's; without, the chain over the stored digests alone.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    with contextlib.closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as db:
        return _whole(db) if envelopes else _chain(db)


def _whole(db: sqlite3.Connection) -> LinkReport:
    sha256, number, before, chain = hashlib.sha256, 0, None, b""
    for seq, digest, prev, chained, envelope in db.execute(_WHOLE):
        number += 1
        own = sha256(envelope).digest()
        chain = sha256(b"\x01" + chain + own).digest() if chain else own
        if digest != own.hex() or chained != chain.hex() or prev != before or seq != number:
            return LinkReport(number - 1, number)
        before = digest
    return LinkReport(number, 0)


def _chain(db: sqlite3.Connection) -> LinkReport:
    sha256, fromhex, number, before, chain = hashlib.sha256, bytes.fromhex, 0, None, ""
    for seq, digest, prev, chained in db.execute(_CHAIN):
        number += 1
        try:  # in hex throughout: two conversions fewer for each of millions of links
            expected = sha256(fromhex("01" + chain + digest)).hexdigest() if chain else digest
        except ValueError:
            return LinkReport(number - 1, number)
        if chained != expected or prev != before or seq != number:
            return LinkReport(number - 1, number)
        chain, before = chained, digest
    return LinkReport(number, 0)
