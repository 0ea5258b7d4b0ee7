"""Where this station keeps its data and what it is: id, printed name, shop, real or simulated, its head office.

Stands on the platform's data folder and the standard library's TOML reader. It knows no phone, no record and no screen.
Identity (`station`, `shop`, `simulated`, the key) is fixed when the station is enrolled and never edited afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_USE, Trouble
from station.places import data_folder

if TYPE_CHECKING:  # the screen asks for the data folder and needs no keys
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "Settings",
    "create_key",
    "create_station_key",
    "data_folder",
    "load_key",
    "load_settings",
    "load_station_key",
    "private_folder",
    "read_private",
    "save_settings",
    "write_new",
    "write_private",
]

SETTINGS_FILE = "station.toml"
KEY_FILE = "station.key"
DATABASE_FILE = "assay.db"

#: An id goes into file names, key ids and printed papers: plain letters, digits and dashes.
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Printed = Annotated[str, Field(min_length=1, max_length=200)]
PublicKeyHex = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]

_FIXED = ("station", "shop", "simulated")


class Settings(BaseModel):
    """What this station is.

    Attributes:
        data: the data folder; not stored in the file, because the file lies in it.
        station: id of the station, unique within head office; fixed at enrolment.
        name: printed name of the station; may change.
        shop: id of the shop; fixed at enrolment.
        simulated: a demo station; fixed at enrolment, said by every record and screen.
        head_office: base URL of head office, empty when the station works alone.
        head_office_key: its public key, 64 hex digits, pinned when it was compared at enrolment.
        language: `en`, `zh`, or empty for the environment's.
        fixture: the jig or place on this bench where phones are measured; empty for none. What depends on the place is
            compared with reference phones of the same fixture alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path
    station: Id
    name: Printed
    shop: Id
    simulated: bool
    head_office: Annotated[str, Field(max_length=400)] = ""
    head_office_key: PublicKeyHex = ""
    language: Literal["en", "zh", ""] = ""
    fixture: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")] = ""

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("a name is printed on papers: no control characters")
        return name

    @field_validator("head_office")
    @classmethod
    def _web_address(cls, url: str) -> str:
        if url and not (url.startswith(("https://", "http://")) and url.isascii() and url.isprintable()):
            raise ValueError("head office is an http(s) address")
        return url.rstrip("/")

    @property
    def database(self) -> Path:
        """The store: records, journal, outbox in one SQLite file."""
        return self.data / DATABASE_FILE

    @property
    def key_file(self) -> Path:
        """The station's private key."""
        return self.data / KEY_FILE


def load_settings(data: Path) -> Settings:
    """The settings in `data`.

    Raises:
        Trouble: `station.not-enrolled` when there are none, `station.settings` when they cannot be used.
    """
    path = data / SETTINGS_FILE
    try:
        stored = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        raise Trouble(
            "station.not-enrolled",
            Words("this station is not enrolled yet: {path} does not exist", "本工位尚未注册：{path} 不存在").fill(
                path=path
            ),
            Side.BENCH,
            Words(
                "run `assay station enrol`, or name another data folder with --data",
                "请运行 `assay station enrol`，或用 --data 指定其他数据目录",
            ),
            EXIT_USE,
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unusable(path, str(error)) from error
    try:
        return Settings.model_validate({**stored, "data": data})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise _unusable(path, problems) from error


def save_settings(settings: Settings) -> None:
    """Store the settings, whole or not at all.

    Raises:
        Trouble: `station.fixed` when station, shop or simulated would change after enrolment;
            `station.settings` when the folder cannot be written.
    """
    path = settings.data / SETTINGS_FILE
    if path.exists():
        before = load_settings(settings.data)
        changed = [name for name in _FIXED if getattr(before, name) != getattr(settings, name)]
        if changed:
            raise Trouble(
                "station.fixed",
                Words("{names}: fixed when the station was enrolled", "{names}：注册时已固定，不可更改").fill(
                    names=", ".join(changed)
                ),
                Side.PERSON,
                Words("enrol a new station in another data folder", "请在另一数据目录中注册新工位"),
                EXIT_USE,
            )
    values = settings.model_dump(exclude={"data"})
    lines = [f"{key} = {_toml(value)}" for key, value in values.items() if value != ""]
    write_private(path, ("\n".join(lines) + "\n").encode())


def _toml(value: object) -> str:
    """A printable string or a boolean; JSON's escapes of quote and backslash are TOML's as well."""
    return json.dumps(value, ensure_ascii=False)


def _unusable(path: Path, why: str) -> Trouble:
    return Trouble(
        "station.settings",
        Words("{path} cannot be used: {why}", "{path} 无法使用：{why}").fill(path=path, why=why),
        Side.BENCH,
        Words(
            "correct the file or restore it from a backup; nothing was changed",
            "请修正该文件或从备份恢复；未作任何更改",
        ),
    )


# --- keys of stations -----------------------------------------------------------------------------------------------


def create_station_key(data: Path) -> Ed25519PrivateKey:
    """A new Ed25519 key in `data`/station.key, readable by its owner alone.

    Raises:
        Trouble: `key.exists`: a key is never overwritten, its records would lose their signer.
    """
    return create_key(data / KEY_FILE)


def load_station_key(data: Path) -> Ed25519PrivateKey:
    """The station's private key.

    Raises:
        Trouble: `station.not-enrolled` when there is none, `key.readable` when others could read it, `key.unusable`
            when it is not an Ed25519 key.
    """
    path = data / KEY_FILE
    try:
        return load_key(path)
    except FileNotFoundError:
        raise Trouble(
            "station.not-enrolled",
            Words("this station has no key: {path} does not exist", "本工位没有密钥：{path} 不存在").fill(path=path),
            Side.BENCH,
            Words(
                "run `assay station enrol`, or restore the data folder from a backup",
                "请运行 `assay station enrol`，或从备份恢复数据目录",
            ),
        ) from None


def create_key(path: Path) -> Ed25519PrivateKey:
    """A new Ed25519 key in a file (PKCS#8 PEM, not encrypted), readable by its owner alone.

    Raises:
        Trouble: `key.exists`: a key is never overwritten; `disk.write`.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    private_folder(path.parent)
    try:
        write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    except FileExistsError:
        raise Trouble(
            "key.exists",
            Words("{path} exists already", "{path} 已存在").fill(path=path),
            Side.PERSON,
            Words("use the key that is there, or choose another folder", "请使用已有密钥，或另选目录"),
            EXIT_USE,
        ) from None
    return key


def load_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file made by `create_key`.

    Raises:
        FileNotFoundError: there is none.
        Trouble: `key.readable` when others could read it, `key.unusable` when it is not an Ed25519 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = read_private(path)
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise _bad_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _bad_key(path)
    return key


def _bad_key(path: Path) -> Trouble:
    return Trouble(
        "key.unusable",
        Words("{path} is not a usable key", "{path} 不是可用的密钥").fill(path=path),
        Side.BENCH,
        Words("restore the file from a backup", "请从备份恢复该文件"),
    )


# --- files that only their owner may read ----------------------------------------------------------------------------


def private_folder(path: Path) -> None:
    """Make the folder (and its parents) if it is missing, for its owner alone."""
    try:
        path.mkdir(parents=True, mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def read_private(path: Path) -> bytes:
    """The bytes of a file that holds a secret.

    Raises:
        FileNotFoundError: there is none.
        Trouble: `key.readable` when somebody else may read or change it, `key.unusable` when it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _bad_key(path) from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        # Windows has no such bits: there the folder's access list protects the file.
        if os.name == "posix" and (status.st_mode & 0o077 or status.st_uid != os.geteuid()):
            raise Trouble(
                "key.readable",
                Words("{path} may be read by others (mode {mode})", "{path} 可被他人读取（权限 {mode}）").fill(
                    path=path, mode=oct(stat.S_IMODE(status.st_mode))
                ),
                Side.BENCH,
                Words(
                    "if only you had access: chmod 600 it, and go on; otherwise report the key as compromised",
                    "如确认无他人接触：执行 chmod 600 后继续；否则请按密钥泄露处理",
                ),
            )
        return file.read()


def write_new(path: Path, content: bytes) -> None:
    """Create a private file that must not exist yet, and make it durable.

    Raises:
        FileExistsError: the name is taken; nothing was changed.
        Trouble: `disk.write` when the folder cannot be written.
    """
    # Written aside and linked in place: a crash leaves either no file or the whole one.
    aside = _aside(path)
    try:
        _write_synced(aside, content)
        try:
            os.link(aside, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                aside.unlink()
        _sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise _unwritable(path, error) from error


def write_private(path: Path, content: bytes) -> None:
    """Replace a private file as a whole: write aside, fsync, rename, fsync the folder.

    Raises:
        Trouble: `disk.write` when it cannot be written; the old file is as it was.
    """
    private_folder(path.parent)
    aside = _aside(path)
    try:
        try:
            _write_synced(aside, content)
            aside.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                aside.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _write_synced(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder; NTFS journals the rename
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> Trouble:
    return Trouble(
        "disk.write",
        Words("{path} cannot be written: {why}", "无法写入 {path}：{why}").fill(path=path, why=error.strerror or error),
        Side.BENCH,
        Words(
            "free some space or correct the folder's permissions; nothing was lost",
            "请腾出空间或修正目录权限；数据未丢失",
        ),
    )
