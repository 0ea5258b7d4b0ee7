"""The one secret that the stations of a shop share: it shows that a file is the shop's, and hides what is personal.

AES-256-GCM under a random key, bound to everything that stands in clear beside it; between two stations the key goes as
a file sealed under a passphrase that a person types on both (Argon2id). It knows no record and no ticket.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.settings import Id, Settings, read_private, write_new

__all__ = ["FILE", "ShopKey", "invite", "join", "load_shop_key", "the_shop_key"]

FILE = "shop.key"
#: The shortest passphrase for the way between two stations: the file can be guessed at by whoever copies it.
SHORTEST = 8
_NONCE = 12  # bytes, NIST SP 800-38D 8.2
_INVITED = b"assay-shop-invitation/1\0"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _KeyFile(_Model):
    format: Literal["assay-shop-key/1"] = "assay-shop-key/1"
    shop: Id
    simulated: bool
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Invitation(_Model):
    """All but `sealed` is bound to the seal."""

    format: Literal["assay-shop-invitation/1"] = "assay-shop-invitation/1"
    shop: Id
    simulated: bool
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
    sealed: Annotated[str, Field(max_length=200)] = ""

    def bound(self) -> bytes:
        return _INVITED + self.model_dump_json(exclude={"sealed"}).encode()


@dataclass(frozen=True, slots=True)
class ShopKey:
    """Seals for the stations of the shop, and opens what one of them sealed."""

    shop: str
    key: bytes

    def seal(self, plain: bytes, bound: bytes) -> dict[str, str]:
        """`plain` encrypted; whoever opens it knows that `bound` is as it was."""
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self.key).encrypt(nonce, plain, bound)
        return {"nonce": nonce.hex(), "sealed": base64.b64encode(sealed).decode()}

    def open(self, sealed: Mapping[str, str], bound: bytes) -> bytes | None:
        """What was sealed; None when it was not by a station of the shop, or anything was changed."""
        try:
            text = base64.b64decode(sealed["sealed"], validate=True)
            return AESGCM(self.key).decrypt(bytes.fromhex(sealed["nonce"]), text, bound)
        except (InvalidTag, KeyError, ValueError, binascii.Error):
            return None


def load_shop_key(settings: Settings) -> ShopKey | None:
    """The shop's key on this station; None where it works alone.

    Raises:
        Trouble: `key.readable` or `key.unusable`.
    """
    path = settings.data / FILE
    try:
        file = _KeyFile.model_validate_json(read_private(path))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise Trouble("key.unusable", _UNUSABLE.fill(path=path), Side.BENCH, _FROM_BACKUP) from error
    if (file.shop, file.simulated) != (settings.shop, settings.simulated):
        raise Trouble("key.unusable", _UNUSABLE.fill(path=path), Side.BENCH, _FROM_BACKUP)
    return ShopKey(file.shop, bytes.fromhex(file.key))


def the_shop_key(settings: Settings) -> ShopKey:
    """The shop's key, for what is done with other stations of the shop.

    Raises:
        Trouble: `shop.alone` where this station works alone; else as `load_shop_key`.
    """
    key = load_shop_key(settings)
    if key is None:
        raise Trouble("shop.alone", _ALONE, Side.PERSON, _JOIN, EXIT_NO)
    return key


def invite(settings: Settings, passphrase: str) -> bytes:
    """The file by which another station joins; makes the shop's key where there is none yet.

    Raises:
        Trouble: `shop.passphrase` when it is too short, `disk.write`.
    """
    if len(passphrase) < SHORTEST:
        raise Trouble("shop.passphrase", _SHORT.fill(n=SHORTEST), Side.PERSON, _LONGER, EXIT_USE)
    known = load_shop_key(settings)
    if known is None:
        known = ShopKey(settings.shop, AESGCM.generate_key(256))
        _keep(settings, known.key)
    made = _Invitation(
        shop=settings.shop, simulated=settings.simulated, salt=os.urandom(16).hex(), nonce=os.urandom(_NONCE).hex()
    )
    stretched = _stretched(passphrase, bytes.fromhex(made.salt))
    sealed = AESGCM(stretched).encrypt(bytes.fromhex(made.nonce), known.key, made.bound())
    return made.model_copy(update={"sealed": base64.b64encode(sealed).decode()}).model_dump_json().encode() + b"\n"


def join(settings: Settings, data: bytes, passphrase: str) -> None:
    """Take the shop's key from another station's file; repeating it changes nothing.

    Raises:
        Trouble: `shop.invitation` for what is none, of another shop or world; `shop.passphrase`; `shop.joined` when
            this station has another key already.
    """
    try:
        file = _Invitation.model_validate_json(data)
        sealed = base64.b64decode(file.sealed, validate=True)
    except (ValidationError, ValueError) as error:
        raise Trouble("shop.invitation", _NO_INVITATION, Side.PERSON, _INVITE, EXIT_USE) from error
    if (file.shop, file.simulated) != (settings.shop, settings.simulated):
        what = _OTHER_SHOP.fill(theirs=file.shop, ours=settings.shop)
        raise Trouble("shop.invitation", what, Side.PERSON, _INVITE, EXIT_NO)
    try:
        key = AESGCM(_stretched(passphrase, bytes.fromhex(file.salt))).decrypt(
            bytes.fromhex(file.nonce), sealed, file.bound()
        )
    except InvalidTag:
        raise Trouble("shop.passphrase", _WRONG, Side.PERSON, _TYPE_AGAIN, EXIT_NO) from None
    known = load_shop_key(settings)
    if known is not None and known.key != key:
        raise Trouble("shop.joined", _JOINED, Side.PERSON, _TAKE_AWAY, EXIT_NO)
    if known is None:
        _keep(settings, key)


def _keep(settings: Settings, key: bytes) -> None:
    file = _KeyFile(shop=settings.shop, simulated=settings.simulated, key=key.hex())
    write_new(settings.data / FILE, json.dumps(file.model_dump()).encode() + b"\n")


def _stretched(passphrase: str, salt: bytes) -> bytes:
    """Argon2id, RFC 9106 section 4, second recommended option: as people's keys are sealed."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    return Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=64 * 1024).derive(passphrase.encode())


_ALONE = Words("This station shares no key with other stations yet", "本工位尚未与其他工位共享网点密钥")
_JOIN = Words(
    "`assay station invite` on one station, `assay station join` on the other",
    "一端执行 `assay station invite`，另一端执行 `assay station join`",
)
_UNUSABLE = Words("{path} is not this shop's key", "{path} 不是本网点的密钥")
_FROM_BACKUP = Words("restore the file from a backup, or join the shop again", "请从备份恢复，或重新加入网点")
_SHORT = Words("the passphrase is shorter than {n} characters", "口令少于 {n} 个字符")
_LONGER = Words("choose a longer one; a sentence is fine", "请设置更长的口令，一句话也可以")
_NO_INVITATION = Words("this file is not a shop's invitation", "该文件不是网点邀请文件")
_INVITE = Words(
    "make one on another station of the shop: assay station invite", "请在本网点其他工位生成：assay station invite"
)
_OTHER_SHOP = Words(
    "the invitation is for {theirs}, this station belongs to {ours}", "邀请属于 {theirs}，本工位属于 {ours}"
)
_WRONG = Words(
    "the passphrase does not open the invitation, or the file was changed", "口令无法打开邀请文件，或文件被改动"
)
_TYPE_AGAIN = Words("type it as it was typed on the other station", "请与另一工位输入的口令保持一致")
_JOINED = Words("this station has another shop key already", "本工位已有另一网点密钥")
_TAKE_AWAY = Words(
    "take shop.key out of the data folder if the shop starts anew", "如网点重新开始，请先移走数据目录中的 shop.key"
)
