"""The keys of people on this station: sealed under a PIN, unlocked where the PIN is typed, counted when it is wrong.

A key is Ed25519, sealed by AES-256-GCM under Argon2id in one file of mode 0600 per key; the file's level is `file`, the
weakest, and every sign-off says so. Statements about keys are made in `station.enrolment`. This module knows no screen,
no record and no roster, and asks nobody.
"""

from __future__ import annotations

import base64
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.settings import Id, private_folder, read_private, write_new, write_private

__all__ = ["COST", "Cost", "Outcome", "PersonKeys", "StoredKey", "UnlockTry"]

#: The shortest secret of a key that nothing but the secret protects: four digits are 10,000 guesses at 0.3 s, an hour
#: on a copied folder.
SHORTEST_SECRET = 8
#: Wrong tries in a row before the lock-out, and how long it lasts.
TRIES = 5
LOCK_OUT_S = 15 * 60
#: Seconds to wait after the first, second, ... wrong try.
DELAYS_S = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess costs. The default is RFC 9106 section 4, second recommended option (64 MiB, t=3, p=4)."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4


COST = Cost()


class Outcome(StrEnum):
    """What came of one try to unlock a key."""

    OPENED = "opened"
    WRONG = "wrong"
    TOO_SOON = "too-soon"
    LOCKED_OUT = "locked-out"
    LOCK_ENDED = "lock-ended"


@dataclass(frozen=True, slots=True)
class UnlockTry:
    """One try, for the journal: whose key, what came of it, how many were wrong in a row by then."""

    person: str
    key_id: str
    outcome: Outcome
    failures: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A person's key on this station; `public` has its 32 raw bytes, `path` the sealed private key."""

    person: str
    key_id: str
    public: bytes
    level: str
    created_ms: int
    path: Path


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Kdf(_Model):
    """Bounded, so that a planted file cannot make the bench work for hours or take all its memory."""

    name: Literal["argon2id"] = "argon2id"
    memory_kib: int = Field(ge=8, le=1024 * 1024)
    iterations: int = Field(ge=1, le=64)
    lanes: int = Field(ge=1, le=16)
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class _KeyFile(_Model):
    """The file's content; all but `sealed` is bound to the seal as associated data."""

    format: Literal["assay-person-key/1"] = "assay-person-key/1"
    person: Id
    level: Literal["file"] = "file"
    created_ms: int
    public: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    kdf: _Kdf
    cipher: Literal["aes-256-gcm"] = "aes-256-gcm"
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
    sealed: Annotated[str, Field(max_length=200)] = ""

    def bound(self) -> bytes:
        return self.model_dump_json(exclude={"sealed"}).encode()


class _Tries(_Model):
    """Wrong tries in a row, and from when how long no further one is looked at."""

    failures: int = Field(default=0, ge=0)
    from_ms: int = 0
    wait_ms: int = 0

    def remaining_ms(self, now_ms: int) -> int:
        """Never longer than the wait itself, even when the clock went back."""
        return max(0, min(self.from_ms + self.wait_ms - now_ms, self.wait_ms))


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _nobody(_: UnlockTry) -> None:
    """The report of those who keep no journal (`assay person list`)."""


class PersonKeys:
    """The sealed keys in `data`/people.

    Arguments:
        data: the data folder.
        report: called once for every try to unlock, before its answer is given; the engine journals it.
        cost: what a guess costs in keys made from now on.
        now_ms: wall time in milliseconds since 1970.
    """

    def __init__(
        self,
        data: Path,
        report: Callable[[UnlockTry], None] = _nobody,
        cost: Cost = COST,
        now_ms: Callable[[], int] = _wall_ms,
    ) -> None:
        self._folder = data / "people"
        self._report, self._cost, self._now_ms = report, cost, now_ms

    def stored(self) -> list[StoredKey]:
        """Every key on this station, newest first; a file that is not a key is left out (see `damaged`)."""
        found = [key for path in self._files() if (key := self._summary(path))]
        return sorted(found, key=lambda key: (-key.created_ms, key.key_id))

    def damaged(self) -> list[Path]:
        """Key files that cannot be used: unreadable, garbage, or open to others."""
        return [path for path in self._files() if self._summary(path) is None]

    def key_of(self, person: str) -> StoredKey:
        """The newest key of a person.

        Raises:
            Trouble: `person.no-key` when this station has none, `key.readable` or `key.unusable` when its file is not
                as it should be.
        """
        for key in self.stored():
            if key.person == person:
                return key
        for path in self._files():
            if path.name.rsplit(".", 2)[0] == person:
                self._read(path)
        raise Trouble(
            "person.no-key",
            Words("{person} has no key on this station", "本工位没有 {person} 的密钥").fill(person=person),
            Side.PERSON,
            Words("enrol the person: assay person add {person}", "请先登记：assay person add {person}").fill(
                person=person
            ),
            EXIT_USE,
        )

    def create(self, person: str, secret: str) -> Ed25519PrivateKey:
        """Make a key, seal it under the secret, and give it for the signatures of its enrolment.

        Raises:
            Trouble: `person.id` for an id that cannot name a file, `person.weak-secret` for fewer than 8 characters.
        """
        from reports.attest import generate_key, public_raw

        _demand_strong(secret)
        private = generate_key()
        public = public_raw(private)
        try:
            unsealed = _KeyFile(
                person=person,
                created_ms=self._now_ms(),
                public=public.hex(),
                kdf=_Kdf(
                    memory_kib=self._cost.memory_kib,
                    iterations=self._cost.iterations,
                    lanes=self._cost.lanes,
                    salt=secrets.token_hex(16),
                ),
                nonce=secrets.token_hex(12),
            )
        except ValidationError as error:
            raise Trouble(
                "person.id",
                Words("'{person}' cannot be a person's id", "“{person}” 不能作为人员编号").fill(person=person),
                Side.PERSON,
                Words("use up to 64 letters, digits, dots and dashes", "请使用不超过 64 个字母、数字、点或短横线"),
                EXIT_USE,
            ) from error
        sealed = AESGCM(_stretch(secret, unsealed.kdf)).encrypt(
            bytes.fromhex(unsealed.nonce), private.private_bytes_raw(), unsealed.bound()
        )
        file = unsealed.model_copy(update={"sealed": base64.b64encode(sealed).decode()})
        private_folder(self._folder)
        write_new(self._folder / f"{person}.{public.hex()[:16]}.key", (file.model_dump_json() + "\n").encode())
        self._tries_file(person).unlink(missing_ok=True)  # they were wrong for the secret before
        return private

    def adopt(self, content: bytes) -> StoredKey:
        """Keep the sealed key of a person as another station has it; it opens with the same secret.

        Raises:
            Trouble: `key.unusable` for what is no such file, or whose key is here already.
        """
        try:
            file = _KeyFile.model_validate_json(content)
        except ValidationError as error:
            raise Trouble(
                "key.unusable",
                Words("this is no sealed key", "不是封存的密钥"),
                Side.PERSON,
                Words("export the person again", "请重新导出该人员"),
                EXIT_USE,
            ) from error
        path = self._folder / f"{file.person}.{file.public[:16]}.key"
        private_folder(self._folder)
        try:
            write_new(path, content)
        except FileExistsError as error:
            raise Trouble(
                "person.here",
                Words("the key of {person} is on this station already", "本工位已有 {person} 的密钥").fill(
                    person=file.person
                ),
                Side.PERSON,
                Words("nothing needs to be done", "无需操作"),
                EXIT_NO,
            ) from error
        adopted = self._summary(path)
        assert adopted is not None  # noqa: S101 - validated above
        return adopted

    def unlock(self, person: str, secret: str) -> Ed25519PrivateKey:
        """The person's private key, in this process, for the signature that is due now.

        The try is counted on disk before the secret is looked at, so that ending the process saves no one a wrong try.

        Raises:
            Trouble: `person.wrong-secret`, `person.too-soon` or `person.locked-out` (with the seconds to wait),
                `person.no-key`, `key.readable`, `key.unusable`.
        """
        with self._alone():
            stored = self.key_of(person)
            file = self._read(stored.path)
            tries = self._tries(person)
            if waiting := tries.remaining_ms(self._now_ms()):
                raise self._refuse_early(stored, tries, waiting)
            tries = self._count(person, tries)
            private = _unseal(file, secret)
            if private is None:
                raise self._wrong(stored, tries)
            self._tries_file(person).unlink(missing_ok=True)
            self._tell(stored, Outcome.OPENED, 0)
            return private

    def end_lock_out(self, person: str, lead: Ed25519PrivateKey, leads: Callable[[bytes], bool]) -> None:
        """A lead, with an unlocked key, lets a person try again at once.

        Arguments:
            leads: whether a raw public key is a lead's now (the roster's answer).

        Raises:
            Trouble: `person.not-lead` when the roster does not say so.
        """
        if not leads(lead.public_key().public_bytes_raw()):
            raise Trouble(
                "person.not-lead",
                Words("only a lead can end a lock-out", "只有店长可以解除锁定"),
                Side.PERSON,
                Words("ask a lead, or wait until it ends", "请联系店长，或等待锁定结束"),
                EXIT_NO,
            )
        with self._alone():
            stored = self.key_of(person)
            self._tries_file(person).unlink(missing_ok=True)
            self._tell(stored, Outcome.LOCK_ENDED, 0)

    def destroy(self, key_id: str) -> bool:
        """Delete a private key that has been replaced or revoked; False when it is not here."""
        with self._alone():
            for key in self.stored():
                if key.key_id == key_id:
                    key.path.unlink(missing_ok=True)
                    return True
        return False

    # --- files -------------------------------------------------------------------------------------------------------

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.key"))

    def _read(self, path: Path) -> _KeyFile:
        try:
            return _KeyFile.model_validate_json(read_private(path))
        except (OSError, ValidationError) as error:
            raise Trouble(
                "key.unusable",
                Words("{path} is not a usable key", "{path} 不是可用的密钥").fill(path=path),
                Side.BENCH,
                Words(
                    "restore the file from a backup, or give the person a new key",
                    "请从备份恢复该文件，或为该人员更换密钥",
                ),
            ) from error

    def _summary(self, path: Path) -> StoredKey | None:
        from reports.attest import key_id

        try:
            file = self._read(path)
        except Trouble:
            return None
        public = bytes.fromhex(file.public)
        return StoredKey(file.person, key_id(public), public, file.level, file.created_ms, path)

    def _tries_file(self, person: str) -> Path:
        return self._folder / f"{person}.tries"

    def _tries(self, person: str) -> _Tries:
        """The count; a file that cannot be read counts as a lock-out, or damaging it would be a way round."""
        try:
            return _Tries.model_validate_json(read_private(self._tries_file(person)))
        except FileNotFoundError:
            return _Tries()
        except (Trouble, OSError, ValidationError):
            locked = _Tries(failures=TRIES, from_ms=self._now_ms(), wait_ms=LOCK_OUT_S * 1000)
            self._tries_file(person).unlink(missing_ok=True)
            write_private(self._tries_file(person), locked.model_dump_json().encode())
            return locked

    def _count(self, person: str, tries: _Tries) -> _Tries:
        failures = tries.failures + 1
        wait_s = LOCK_OUT_S if failures >= TRIES else DELAYS_S[min(failures, len(DELAYS_S)) - 1]
        counted = _Tries(failures=failures, from_ms=self._now_ms(), wait_ms=wait_s * 1000)
        write_private(self._tries_file(person), counted.model_dump_json().encode())
        return counted

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One try at a time on this station, or two processes would share one count."""
        private_folder(self._folder)
        try:
            with FileLock(self._folder / ".lock", timeout=30, mode=0o600):
                yield
        except Timeout as error:
            raise Trouble(
                "person.busy",
                Words("another program is unlocking a key", "另一个程序正在解锁密钥"),
                Side.BENCH,
                Words("wait a moment and try again", "请稍候再试"),
            ) from error

    # --- answers -----------------------------------------------------------------------------------------------------

    def _tell(self, key: StoredKey, outcome: Outcome, failures: int) -> None:
        self._report(UnlockTry(key.person, key.key_id, outcome, failures, self._now_ms()))

    def _refuse_early(self, key: StoredKey, tries: _Tries, waiting_ms: int) -> Trouble:
        seconds = -(-waiting_ms // 1000)
        if tries.failures >= TRIES:
            self._tell(key, Outcome.LOCKED_OUT, tries.failures)
            return _locked_out(key.person, seconds)
        self._tell(key, Outcome.TOO_SOON, tries.failures)
        return Trouble(
            "person.too-soon",
            Words("a wrong PIN was typed just now", "刚才输入的 PIN 有误"),
            Side.PERSON,
            Words("try again in {s} s", "请在 {s} 秒后再试").fill(s=seconds),
            EXIT_NO,
        )

    def _wrong(self, key: StoredKey, tries: _Tries) -> Trouble:
        self._tell(key, Outcome.WRONG, tries.failures)
        if tries.failures >= TRIES:
            return _locked_out(key.person, tries.wait_ms // 1000)
        return Trouble(
            "person.wrong-secret",
            Words("this is not the PIN of {person}", "{person} 的 PIN 不正确").fill(person=key.person),
            Side.PERSON,
            Words("try again in {s} s; {n} tries are left", "请在 {s} 秒后再试；还可尝试 {n} 次").fill(
                s=tries.wait_ms // 1000, n=TRIES - tries.failures
            ),
            EXIT_NO,
        )


def _locked_out(person: str, seconds: int) -> Trouble:
    return Trouble(
        "person.locked-out",
        Words("the key of {person} is locked after {n} wrong tries", "{person} 的密钥因 {n} 次输入错误已锁定").fill(
            person=person, n=TRIES
        ),
        Side.PERSON,
        Words("wait {m} min, or ask a lead to end the lock-out", "请等待 {m} 分钟，或请店长解除锁定").fill(
            m=-(-seconds // 60)
        ),
        EXIT_NO,
    )


def _demand_strong(secret: str) -> None:
    if len(unicodedata.normalize("NFC", secret)) < SHORTEST_SECRET:
        raise Trouble(
            "person.weak-secret",
            Words("the PIN or passphrase is shorter than {n} characters", "PIN 或口令少于 {n} 个字符").fill(
                n=SHORTEST_SECRET
            ),
            Side.PERSON,
            Words("choose a longer one; a sentence is fine", "请设置更长的口令，一句话也可以"),
            EXIT_USE,
        )


def _stretch(secret: str, kdf: _Kdf) -> bytes:
    """256 bits for AES from the secret; NFC, so that the same characters typed elsewhere are the same secret."""
    return Argon2id(
        salt=bytes.fromhex(kdf.salt),
        length=32,
        iterations=kdf.iterations,
        lanes=kdf.lanes,
        memory_cost=kdf.memory_kib,
    ).derive(unicodedata.normalize("NFC", secret).encode(errors="surrogatepass"))


def _unseal(file: _KeyFile, secret: str) -> Ed25519PrivateKey | None:
    """The private key, or None when the secret is wrong or the file was changed."""
    try:
        sealed = base64.b64decode(file.sealed, validate=True)
        raw = AESGCM(_stretch(secret, file.kdf)).decrypt(bytes.fromhex(file.nonce), sealed, file.bound())
        private = Ed25519PrivateKey.from_private_bytes(raw)
    except (InvalidTag, ValueError):
        return None
    return private if private.public_key().public_bytes_raw().hex() == file.public else None
