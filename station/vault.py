"""What can be erased: per ticket a key, a salt, personal data, and the raw evidence encrypted under that key.

Journal and records hold only ciphertext and salted commitments, so destroying one row here makes a customer unreadable
everywhere without breaking a chain. Stands on AES-256-GCM; every function works inside the caller's transaction. A
*scope* is a ticket number, or the id of a dry run, which has no ticket.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from station.store import insert_rows
from station.unreadable import Undeciphered

__all__ = [
    "VAULT",
    "Kept",
    "Scope",
    "erase",
    "evidence",
    "keep",
    "lost_scope",
    "open_scope",
    "personal",
    "save_personal",
    "scrub",
]

VAULT = Migrations("assay-vault")
_COLUMNS = ("scope", "sha256", "bytes", "name", "media_type", "sealed")
#: Seconds that emptying the log waits for a reader.
SCRUB_S = 5.0
_NONCE = 12  # bytes, NIST SP 800-38D 8.2: 96-bit nonces


@VAULT()
def m001_erasable(db: Database) -> None:
    """The one erasable table, and the evidence that stands under its keys."""
    db.table("erasable").create(
        {"scope": str, "key": bytes, "salt": bytes, "personal": bytes},
        pk="scope",
        not_null={"key", "salt"},
        strict=True,
    )
    db.table("evidence").create(
        {"id": int, "scope": str, "sha256": str, "bytes": int, "name": str, "media_type": str, "sealed": bytes},
        pk="id",
        not_null={"scope", "sha256", "bytes", "name", "media_type", "sealed"},
        strict=True,
    )
    db.table("evidence").create_index(["scope", "sha256"], unique=True)
    db.table("evidence").create_index(["sha256"])


@dataclass(frozen=True, slots=True)
class Scope:
    """An opened scope: seals and opens small texts, and gives the salt of its commitments."""

    name: str
    key: bytes
    salt: bytes
    _cipher: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cipher", AESGCM(self.key))  # made once: it costs as much as sealing a short text

    def seal(self, data: bytes, purpose: str) -> bytes:
        """`data` encrypted for this scope and purpose (both are authenticated)."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, data, f"{self.name}\0{purpose}".encode())

    def open(self, sealed: bytes, purpose: str) -> bytes | None:
        """What was sealed, or None when it was not sealed here for this purpose."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], f"{self.name}\0{purpose}".encode())
        except (InvalidTag, ValueError):
            return None

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """What was sealed here for this purpose.

        Raises:
            Undeciphered: it was not, or it was changed since.
        """
        data = self.open(sealed, purpose)
        if data is None:
            raise Undeciphered(purpose)
        return data


class Kept(NamedTuple):
    """Raw evidence as it was seen."""

    name: str
    media_type: str
    data: bytes


def open_scope(db: Database, name: str, *, make: bool = False) -> Scope | None:
    """The scope's key and salt; None when there is none or it was erased. `make` creates a new one when missing."""
    row = db.execute("SELECT key, salt FROM erasable WHERE scope = ?", [name]).fetchone()
    if row is not None:
        return Scope(name, *row)
    if not make:
        return None
    scope = Scope(name, AESGCM.generate_key(256), os.urandom(32))
    db.execute("INSERT INTO erasable (scope, key, salt) VALUES (?, ?, ?)", [name, scope.key, scope.salt])
    return scope


def lost_scope(name: str) -> Scope:
    """A scope whose key nobody keeps: what is sealed in it is erased."""
    return Scope(name, AESGCM.generate_key(256), os.urandom(32))


def keep(db: Database, scope: Scope, kept: Iterable[Kept]) -> list[str]:
    """Store pieces of evidence, each once; the SHA-256 of its plain bytes is its name from now on.

    Of pieces that are the same the first gives the name that people see.
    """
    named = [(hashlib.sha256(one.data).hexdigest(), one) for one in kept]
    rows = [_row(scope, digest, one) for digest, one in dict(reversed(named)).items()]
    insert_rows(db, "evidence", _COLUMNS, rows, "ON CONFLICT (scope, sha256) DO NOTHING")
    return [digest for digest, _ in named]


def _row(scope: Scope, digest: str, kept: Kept) -> tuple[str, str, int, str, str, bytes]:
    sealed = scope.seal(kept.data, f"evidence:{digest}")
    return scope.name, digest, len(kept.data), kept.name, kept.media_type, sealed


def evidence(db: Database, sha256: str) -> tuple[str, Kept] | None:
    """The evidence of that digest and its scope; None when there is none, its key is gone, or its bytes are not it."""
    for row in db.query("SELECT * FROM evidence WHERE sha256 = ?", [sha256]):
        scope = open_scope(db, row["scope"])
        data = scope.open(row["sealed"], f"evidence:{sha256}") if scope else None
        if data is not None and hashlib.sha256(data).hexdigest() == sha256:
            return row["scope"], Kept(row["name"], row["media_type"], data)
    return None


def save_personal(db: Database, scope: Scope, values: dict[str, Any]) -> None:
    """Store the personal data of a ticket (names, numbers), replacing what was there."""
    sealed = scope.seal(json.dumps(values, ensure_ascii=False).encode(), "personal")
    db.execute("UPDATE erasable SET personal = ? WHERE scope = ?", [sealed, scope.name])


def personal(db: Database, name: str) -> dict[str, Any]:
    """The personal data of a ticket; empty when there is none or it was erased."""
    scope = open_scope(db, name)
    row = db.execute("SELECT personal FROM erasable WHERE scope = ?", [name]).fetchone()
    data = scope.open(row[0], "personal") if scope and row and row[0] else None
    values: dict[str, Any] = json.loads(data) if data else {}
    return values


def erase(db: Database, name: str) -> None:
    """Destroy key, salt, personal data and evidence of a scope; what the journal and records hold stays, unreadable."""
    db.execute("DELETE FROM evidence WHERE scope = ?", [name])
    db.execute("DELETE FROM erasable WHERE scope = ?", [name])


def scrub(path: Path) -> bool:
    """Fold SQLite's log into the data file and empty it, so that no byte of what was erased is left in either.

    A delete overwrites its place in the data file (`secure_delete`), but the log still holds the pages as they were.
    Called outside any transaction, after the erasing one. False when a reader held on: then the log stays, and the next
    erasure or the engine's end empties it.
    """
    until, busy = time.monotonic() + SCRUB_S, 1
    with contextlib.closing(sqlite3.connect(path, timeout=SCRUB_S, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = ON")
        while busy:  # for who folds the log at this moment SQLite itself does not wait
            ((busy, _pages, _moved),) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if time.monotonic() > until:
                break
            time.sleep(0.02 * busy)
    return not busy
