"""The links of a ledger alone: digests, order and chain, as fast as the disk and SHA-256 allow.

For a first look at a large ledger: it finds every changed envelope and link, and says nothing of signatures, heads and
receipts (`reports.verify`). Stands on the standard library alone, so that this file is also the program that looks at
one part of a large ledger in a process of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from struct import iter_unpack

__all__ = ["LinkReport", "verify_links"]

#: Links that are looked at together, without and with their envelopes. One statement then brings thousands of digests
#: as one text: a row of its own for each link, and its four values, cost more than all hashing (measured).
_TOGETHER = {False: 2048, True: 512}
#: The fewest links that are worth a process of their own: a tenth of a second of work, several times what it starts in.
_PART = {False: 50_000, True: 5_000}

# NOT INDEXED: in the order of `seq`, whatever indexes somebody has added. A value that is no text counts as missing.
_LINKS = (
    "SELECT sum(typeof(digest) = 'text' AND typeof(chain) = 'text'"
    " AND typeof(prev) = CASE seq WHEN 1 THEN 'null' ELSE 'text' END),"
    " group_concat(digest, ' '), group_concat(coalesce(prev, '-'), ' '), group_concat(chain, ' ')"
    " FROM record NOT INDEXED WHERE seq BETWEEN ? AND ?"
)
_BEFORE = "SELECT digest, chain FROM record WHERE seq = ?"
_ENVELOPES = "SELECT envelope FROM record WHERE seq BETWEEN ? AND ? ORDER BY seq"


@dataclass(frozen=True, slots=True)
class LinkReport:
    """How many records were linked as they must be, and the seq of the first that was not (0: all were)."""

    records: int
    broken: int


def verify_links(path: str | Path, *, envelopes: bool = True, processes: int | None = None) -> LinkReport:
    """Check every link of a ledger's file.

    Every link pins the one before it, so that a ledger can be looked at in parts: it is as it must be just when each
    part is, and its first broken link is the first of its first broken part.

    Args:
        envelopes: also that each digest is its envelope's; without, the chain over the stored digests alone.
        processes: how many look at a part each; None: as many as there are cores, and one for a small ledger.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    with _reading(path) as db:
        first, last = db.execute("SELECT min(seq), max(seq) FROM record").fetchone()
        if first is None or first < 1:
            return LinkReport(0, 0 if first is None else 1)
        count = processes or min(_cores(), last // _PART[envelopes])
        own, *others = _parts(last, max(1, min(count, last)))
        with contextlib.ExitStack() as started:
            asked = [(part, started.enter_context(_asked(path, part, envelopes))) for part in others]
            broken = _first_broken(db, own, envelopes)
            for part, process in asked:
                broken = broken or _answer(process, db, part, envelopes)
    return LinkReport(broken - 1 if broken else last, broken)


@contextlib.contextmanager
def _reading(path: str | Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.text_factory = lambda data: data.decode("ascii", "replace")  # a text that is no ASCII is no digest
        yield db


# --- one part --------------------------------------------------------------------------------------------------------


def _first_broken(db: sqlite3.Connection, part: range, envelopes: bool) -> int:
    """The seq of the first link of the part that is not as it must be, 0 when all are."""
    size = _TOGETHER[envelopes]
    for start in range(part.start, part.stop, size):
        some = range(start, min(start + size, part.stop))
        if not _hold(db, some, envelopes):
            return _narrowed(db, some, envelopes)
    return 0


def _narrowed(db: sqlite3.Connection, some: range, envelopes: bool) -> int:
    """The first broken link among some of which one is."""
    while len(some) > 1:
        front, back = some[: len(some) // 2], some[len(some) // 2 :]
        some = back if _hold(db, front, envelopes) else front
    return some.start


def _hold(db: sqlite3.Connection, some: range, envelopes: bool) -> bool:
    """Whether all of these links are there, in their one form, and each goes on from the one before it."""
    count, digests, prevs, chains = db.execute(_LINKS, (some.start, some.stop - 1)).fetchone()
    if count != len(some):
        return False
    before, chain_before = db.execute(_BEFORE, (some.start - 1,)).fetchone() or ("", "")
    if (some.start == 1) is bool(before) or f"{before or '-'} {digests}" != f"{prevs} {digests[-64:]}":
        return False
    try:
        own, chained = _raw(digests, len(some)), _raw(chains, len(some))
        pinned = _raw(chain_before, int(some.start > 1)) + chained[:-32]
        if envelopes and own != _digests_of(db, some):
            return False
    except (ValueError, TypeError):  # not in hex, or an envelope that is no bytes
        return False
    new = hashlib.sha256
    if some.start == 1:  # the chain begins with the digest of the first record
        after, expected = own[32:], [own[:32]]
    else:
        after, expected = own, []
    expected += [
        new(b"\x01" + chain + digest).digest()
        for (chain,), (digest,) in zip(iter_unpack("32s", pinned), iter_unpack("32s", after), strict=True)
    ]
    return b"".join(expected) == chained


def _raw(text: str, count: int) -> bytes:
    """The bytes of so many digests with a space between them, in lower-case hex and no other form.

    Raises:
        ValueError: it is anything else.
    """
    raw = bytes.fromhex(text)
    if len(raw) != 32 * count or raw.hex(" ", 32) != text:
        raise ValueError
    return raw


def _digests_of(db: sqlite3.Connection, some: range) -> bytes:
    new = hashlib.sha256
    return b"".join([new(row[0]).digest() for row in db.execute(_ENVELOPES, (some.start, some.stop - 1))])


# --- several ---------------------------------------------------------------------------------------------------------


def _cores() -> int:
    if not sys.executable:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _parts(last: int, count: int) -> list[range]:
    """The links 1..last in so many parts of about the same size."""
    ends = [1 + last * n // count for n in range(count + 1)]
    return [range(start, stop) for start, stop in pairwise(ends)]


@contextlib.contextmanager
def _asked(path: str | Path, part: range, envelopes: bool) -> Iterator[subprocess.Popen[str]]:
    """A process that looks at a part with a connection of its own; it is ended when nobody waits for it any more."""
    told = [str(Path(path).absolute()), str(part.start), str(part.stop), str(int(envelopes))]
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, *told],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what it could not do is done here, and said then
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _answer(process: subprocess.Popen[str], db: sqlite3.Connection, part: range, envelopes: bool) -> int:
    """What the process found; where it could not, as it is found here."""
    said = process.communicate()[0].strip()
    return int(said) if process.returncode == 0 and said.isdecimal() else _first_broken(db, part, envelopes)


def _main(path: str, start: str, stop: str, envelopes: str) -> None:
    with _reading(path) as db:
        sys.stdout.write(str(_first_broken(db, range(int(start), int(stop)), bool(int(envelopes)))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
