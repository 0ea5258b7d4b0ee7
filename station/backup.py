"""A backup: one file with a consistent copy of the data folder, verified after it was written; and putting it back.

A ZIP that any program opens: the database as SQLite itself copies it (`VACUUM INTO`: no log, no trace of what was
erased), settings, checklists, policies, and a manifest with the SHA-256 of each and the signed head of the ledger. No
private key is in it unless a passphrase is given: then they are sealed under it. Stands on the ledger and its
verification; it asks nobody anything.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import errno
import hashlib
import json
import os
import re
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from sqlite_utils import Database

from drivers.api import Side
from drivers.text import Words
from reports import ledger
from reports.attest import open_record
from reports.predicates import HeadV1
from reports.record import RecordError
from reports.verify import Problem, verify_ledger
from station.clock import StationClock
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_USE, Trouble
from station.settings import DATABASE_FILE, SETTINGS_FILE, Settings, load_station_key, private_folder, write_new
from station.signing import software

__all__ = ["FORMAT", "BackupReport", "back_up", "restore"]

FORMAT: Final = "assay-backup/v1"
MANIFEST: Final = "manifest.json"
KEYS: Final = "keys.sealed"
#: The shop's own data: folders, taken with all their files, and what is known of the shop's network.
FOLDERS: Final = ("checklists", "policy", "lan.toml")
#: What holds private keys: the station's, the shop's, and people's as they are sealed under their PINs.
KEY_FILES: Final = ("station.key", "shop.key", "people")
#: The most bytes of one entry beside the database when a backup is opened: checklists and policies are text.
MAX_ENTRY: Final = 16 * 1024 * 1024
#: The shortest passphrase; a copied file can be tried at leisure.
SHORTEST: Final = 12
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}(/[A-Za-z0-9][A-Za-z0-9._-]{0,120}){0,3}")


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What is in a backup, as read back from it.

    Attributes:
        size, root: of the signed head over the ledger in it.
        records, problems: of verifying that ledger.
        keys: whether private keys are in it, sealed.
        files: the names in it.
        sha256: of the whole file.
        made_ms: when it was made, by the station's clock.
    """

    size: int
    root: str
    records: int
    problems: tuple[Problem, ...]
    keys: bool
    files: tuple[str, ...]
    sha256: str
    made_ms: int


# --- making one ------------------------------------------------------------------------------------------------------


def back_up(settings: Settings, target: Path, passphrase: str | None = None) -> BackupReport:
    """Seal a head, copy everything into `target`, and read it back.

    Works beside a running engine. Nothing is left behind when it fails.

    Raises:
        Trouble: `backup.exists`, `backup.passphrase`, `disk.write`, or what was written does not read back the same.
    """
    if target.exists():
        raise _exists(target)
    if passphrase is not None and len(passphrase) < SHORTEST:
        raise Trouble("backup.passphrase", _SHORT.fill(n=SHORTEST), Side.PERSON, _LONGER, EXIT_USE)
    try:
        with tempfile.TemporaryDirectory(prefix=".assay-backup-", dir=target.parent) as folder:
            aside = Path(folder) / "backup"
            head = _copied(settings, Path(folder) / DATABASE_FILE)
            _write(settings, aside, Path(folder) / DATABASE_FILE, head, passphrase)
            _place(aside, target)
    except FileExistsError:
        raise _exists(target) from None
    except (OSError, sqlite3.Error) as error:
        raise Trouble("disk.write", _UNWRITABLE.fill(path=target, why=error), Side.BENCH, _SPACE) from error
    _sync(target.parent)
    return read_back(target, bytes.fromhex(settings.head_office_key) or None, passphrase)


def _copied(settings: Settings, copy: Path) -> bytes:
    """A consistent copy of the database, closed by a signed head; gives the head."""
    with contextlib.closing(sqlite3.connect(settings.database, timeout=10.0, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous = FULL")
        db = Database(raw)
        raw.execute("BEGIN IMMEDIATE")
        try:
            head = ledger.seal_head(
                db,
                load_station_key(settings.data),
                shop=settings.shop,
                station=settings.station,
                simulated=settings.simulated,
                clock=StationClock().now(ledger.believable_clock(db)),
                software=software(),
            )
        except BaseException:
            raw.execute("ROLLBACK")
            raise
        raw.execute("COMMIT")
        raw.execute("VACUUM INTO ?", (str(copy),))
    return head


def _write(settings: Settings, aside: Path, database: Path, head: bytes, passphrase: str | None) -> None:
    entries = {SETTINGS_FILE: (settings.data / SETTINGS_FILE).read_bytes()}
    entries |= {name: data for folder in FOLDERS for name, data in _files(settings.data, folder)}
    if passphrase is not None:
        keys = {name: data for part in KEY_FILES for name, data in _files(settings.data, part)}
        entries[KEYS] = _sealed(keys, passphrase)
    manifest = {
        "format": FORMAT,
        "shop": settings.shop,
        "station": settings.station,
        "simulated": settings.simulated,
        "made_ms": time.time_ns() // 1_000_000,
        "software": software().version,
        "head": head.decode(),
        "files": {DATABASE_FILE: _sha256(database)}
        | {name: hashlib.sha256(data).hexdigest() for name, data in sorted(entries.items())},
    }
    descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
            archive.write(database, DATABASE_FILE)
            for name, data in entries.items():
                archive.writestr(name, data)
        file.flush()
        os.fsync(file.fileno())


def _files(data: Path, part: str) -> list[tuple[str, bytes]]:
    """A file of the data folder, or all files under a folder of it, by their names in the backup."""
    root = data / part
    paths = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    named = ((path.relative_to(data).as_posix(), path) for path in paths if not path.is_symlink())
    return [(name, path.read_bytes()) for name, path in named if _NAME.fullmatch(name)]


# --- keys under a passphrase ---


def _sealed(files: Mapping[str, bytes], passphrase: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = os.urandom(16), os.urandom(12)
    plain = json.dumps({name: base64.b64encode(data).decode() for name, data in files.items()}).encode()
    sealed = AESGCM(_stretched(passphrase, salt)).encrypt(nonce, plain, FORMAT.encode())
    told = {"kdf": "argon2id", "salt": salt.hex(), "nonce": nonce.hex(), "sealed": base64.b64encode(sealed).decode()}
    return json.dumps(told).encode()


def _unsealed(data: bytes, passphrase: str) -> dict[str, bytes]:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        told = json.loads(data)
        key = _stretched(passphrase, bytes.fromhex(told["salt"]))
        sealed = base64.b64decode(told["sealed"], validate=True)
        plain = AESGCM(key).decrypt(bytes.fromhex(told["nonce"]), sealed, FORMAT.encode())
    except InvalidTag:
        raise Trouble("backup.passphrase", _WRONG_PHRASE, Side.PERSON, _RIGHT_PHRASE, EXIT_NO) from None
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise _broken(KEYS) from error
    return {name: base64.b64decode(text) for name, text in json.loads(plain).items() if _NAME.fullmatch(name)}


def _stretched(passphrase: str, salt: bytes) -> bytes:
    """Argon2id, RFC 9106 section 4, second recommended option: as people's keys are sealed."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    return Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=64 * 1024).derive(passphrase.encode())


# --- reading one -----------------------------------------------------------------------------------------------------


def read_back(file: Path, root: bytes | None, passphrase: str | None = None) -> BackupReport:
    """What is in a backup: every entry compared with the manifest, the ledger in it verified to its head.

    Raises:
        Trouble: it is no backup, or not whole.
    """
    with tempfile.TemporaryDirectory(prefix="assay-backup-") as folder:
        return _unpacked(file, Path(folder), root, passphrase)[0]


def restore(file: Path, data: Path, passphrase: str | None = None) -> BackupReport:
    """Put a backup into a data folder that holds no station, after verifying all of it.

    Without a passphrase (or without keys in the backup) the station's history is back and can be read and verified, but
    it signs nothing until its keys are put back.

    Raises:
        Trouble: `restore.exists` (nothing is ever overwritten), `backup.broken`, `backup.passphrase`, `disk.write`.
    """
    taken = [name for name in (DATABASE_FILE, SETTINGS_FILE, "station.key") if (data / name).exists()]
    if taken:
        what = _OCCUPIED.fill(path=data, names=", ".join(taken))
        raise Trouble("restore.exists", what, Side.PERSON, _EMPTY_FOLDER, EXIT_USE)
    private_folder(data)
    try:
        with tempfile.TemporaryDirectory(prefix=".assay-restore-", dir=data) as folder:
            report, entries = _unpacked(file, Path(folder), None, passphrase)
            if report.problems:
                why = report.problems[0].why
                raise Trouble("backup.broken", _BAD_LEDGER.fill(why=why), Side.BENCH, _OTHER_BACKUP, EXIT_NO)
            keys = _unsealed(entries.pop(KEYS), passphrase) if passphrase and KEYS in entries else {}
            for name, content in {**entries, **keys}.items():
                if name != KEYS:
                    private_folder((data / name).parent)
                    write_new(data / name, content)
            _place(Path(folder) / DATABASE_FILE, data / DATABASE_FILE)  # last: without it there is no station
    except FileExistsError as error:
        what = _OCCUPIED.fill(path=data, names=error.filename or "")
        raise Trouble("restore.exists", what, Side.PERSON, _EMPTY_FOLDER, EXIT_USE) from error
    except OSError as error:
        raise Trouble("disk.write", _UNWRITABLE.fill(path=data, why=error), Side.BENCH, _SPACE) from error
    _sync(data)
    return report


def _unpacked(
    file: Path, folder: Path, root: bytes | None, passphrase: str | None
) -> tuple[BackupReport, dict[str, bytes]]:
    """The report of a backup whose database is unpacked into `folder`, and its other entries."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _manifest(archive)
            entries = _entries(archive, manifest["files"], folder)
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise _broken(str(error)) from error
    if passphrase and KEYS in entries:
        _unsealed(entries[KEYS], passphrase)
    database = folder / DATABASE_FILE
    verified = verify_ledger(database, root)
    head = _head(manifest, database)
    report = BackupReport(
        size=head.size,
        root=head.root,
        records=verified.records,
        problems=verified.problems,
        keys=KEYS in entries,
        files=tuple(manifest["files"]),
        sha256=_sha256(file),
        made_ms=manifest["made_ms"],
    )
    return report, entries


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        info = archive.getinfo(MANIFEST)
        whole = json.loads(archive.read(info)) if info.file_size <= MAX_ENTRY else None
    except (KeyError, ValueError) as error:
        raise _broken(MANIFEST) from error
    match whole:
        case {"format": "assay-backup/v1", "files": dict(files), "head": str(head), "made_ms": int(made_ms)}:
            allowed = {DATABASE_FILE, SETTINGS_FILE, KEYS}
            known = all(name in allowed or name.split("/")[0] in FOLDERS for name in files)
            if known and {DATABASE_FILE, SETTINGS_FILE} <= files.keys() and all(map(_NAME.fullmatch, files)):
                return {"files": files, "head": head, "made_ms": made_ms}
    raise _broken(MANIFEST)


def _entries(archive: zipfile.ZipFile, files: Mapping[str, str], folder: Path) -> dict[str, bytes]:
    if sorted(archive.namelist()) != sorted([MANIFEST, *files]):
        raise _broken(MANIFEST)
    entries: dict[str, bytes] = {}
    for name, wanted in files.items():
        info = archive.getinfo(str(PurePosixPath(name)))
        if name == DATABASE_FILE:
            with archive.open(info) as packed, (folder / name).open("xb") as out:
                os.chmod(out.fileno(), 0o600)
                while block := packed.read(1 << 20):
                    out.write(block)
                out.flush()
                os.fsync(out.fileno())
            found = _sha256(folder / name)
        else:
            if info.file_size > MAX_ENTRY:
                raise _broken(name)
            entries[name] = archive.read(info)
            found = hashlib.sha256(entries[name]).hexdigest()
        if found != wanted:
            raise _broken(name)
    return entries


def _head(manifest: Mapping[str, Any], database: Path) -> HeadV1:
    """The signed head of the manifest, which must be the newest one of the ledger beside it."""
    envelope = str(manifest["head"]).encode()
    try:
        head = open_record(envelope).statement.predicate
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
            stored = db.execute("SELECT envelope FROM head ORDER BY size DESC LIMIT 1").fetchone()
            ((size,),) = db.execute("SELECT count(*) FROM record")
            sound = db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    except (RecordError, sqlite3.Error) as error:
        raise _broken(DATABASE_FILE) from error
    if not isinstance(head, HeadV1) or stored is None or bytes(stored[0]) != envelope or size != head.size or not sound:
        raise _broken(DATABASE_FILE)
    return head


def _place(aside: Path, target: Path) -> None:
    """Give a finished file its name, which must be free; a stick's FAT knows no links, and there it is renamed."""
    try:
        os.link(aside, target)
    except FileExistsError:
        raise
    except OSError:
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        aside.rename(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _exists(target: Path) -> Trouble:
    return Trouble("backup.exists", _EXISTS.fill(path=target), Side.PERSON, _OTHER_NAME, EXIT_USE)


def _broken(where: str) -> Trouble:
    return Trouble("backup.broken", _BROKEN.fill(where=where), Side.BENCH, _OTHER_BACKUP, EXIT_BENCH)


_EXISTS = Words("{path} exists already", "{path} 已存在")
_OTHER_NAME = Words("Name another file: a backup is never written over", "请另取文件名：备份从不覆盖")
_SHORT = Words("The passphrase is too short: at least {n} characters", "口令过短：至少 {n} 个字符")
_LONGER = Words(
    "Use several words: whoever copies the backup can try passphrases for as long as they like",
    "请用多个词：备份一旦被复制可被反复尝试",
)
_UNWRITABLE = Words("{path} cannot be written: {why}", "无法写入 {path}：{why}")
_SPACE = Words("Free some space, or choose another place; nothing was left behind", "请腾出空间或另选位置；未留下残余")
_BROKEN = Words("This is not a whole backup: {where}", "该备份不完整：{where}")
_BAD_LEDGER = Words("The ledger in this backup is wrong: {why}", "该备份中的台账有误：{why}")
_OTHER_BACKUP = Words("Use another backup; nothing was changed", "请使用其他备份；未作任何更改")
_OCCUPIED = Words("{path} already holds {names}", "{path} 中已有 {names}")
_EMPTY_FOLDER = Words(
    "Name an empty folder with --data; nothing is ever overwritten", "请用 --data 指定空目录；从不覆盖任何数据"
)
_WRONG_PHRASE = Words("The passphrase does not open the keys of this backup", "口令无法打开该备份中的密钥")
_RIGHT_PHRASE = Words("Type it again; nothing was changed", "请重新输入；未作任何更改")
