"""What can be erased: per ticket a key, a salt, personal data, and the raw evidence encrypted under that key.

Journal and records hold only ciphertext and salted commitments, so destroying one row here makes a customer unreadable
everywhere without breaking a chain. Stands on AES-256-GCM; every function works inside the caller's transaction. A
*scope* is a ticket number, or the id of a dry run, which has no ticket.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

__all__ = ["VAULT", "Kept", "Scope", "erase", "evidence", "keep", "open_scope", "personal", "save_personal"]

VAULT = Migrations("assay-vault")
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

    def seal(self, data: bytes, purpose: str) -> bytes:
        """`data` encrypted for this scope and purpose (both are authenticated)."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.key).encrypt(nonce, data, f"{self.name}\0{purpose}".encode())

    def open(self, sealed: bytes, purpose: str) -> bytes | None:
        """What was sealed, or None when it was not sealed here for this purpose."""
        try:
            return AESGCM(self.key).decrypt(sealed[:_NONCE], sealed[_NONCE:], f"{self.name}\0{purpose}".encode())
        except (InvalidTag, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Kept:
    """Raw evidence as it was seen."""

    name: str
    media_type: str
    data: bytes


def open_scope(db: Database, name: str, *, make: bool = False) -> Scope | None:
    """The scope's key and salt; None when there is none or it was erased. `make` creates a new one when missing."""
    for row in db.query("SELECT key, salt FROM erasable WHERE scope = ?", [name]):
        return Scope(name, row["key"], row["salt"])
    if not make:
        return None
    scope = Scope(name, AESGCM.generate_key(256), os.urandom(32))
    db.table("erasable").insert({"scope": name, "key": scope.key, "salt": scope.salt, "personal": None})
    return scope


def keep(db: Database, scope: Scope, kept: Kept) -> str:
    """Store evidence once; its SHA-256 (of the plain bytes) is its name from now on."""
    digest = hashlib.sha256(kept.data).hexdigest()
    known = db.execute("SELECT 1 FROM evidence WHERE scope = ? AND sha256 = ?", [scope.name, digest]).fetchone()
    if known is None:
        sealed = scope.seal(kept.data, f"evidence:{digest}")
        db.execute(
            "INSERT INTO evidence (scope, sha256, bytes, name, media_type, sealed) VALUES (?, ?, ?, ?, ?, ?)",
            [scope.name, digest, len(kept.data), kept.name, kept.media_type, sealed],
        )
    return digest


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
