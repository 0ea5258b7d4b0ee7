"""Which other stations of the shop this one reaches over the network, and whether they reach it: `lan.toml`.

A file of its own beside the station's settings, read anew each time it is asked for, so that a station that was refused
is refused from then on. It knows no socket, no key and no bundle.
"""

from __future__ import annotations

import ipaddress
import json
import re
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_USE, Trouble
from station.settings import Id, write_private

__all__ = ["LAN_FILE", "PORT", "LanSettings", "load_lan", "save_lan", "split"]

LAN_FILE = "lan.toml"
#: The port that is listened on where none is named; unassigned at IANA.
PORT = 8471

_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*")


def split(address: str) -> tuple[str, int]:
    """Host and port of `HOST`, `HOST:PORT`, `IPv6` or `[IPv6]:PORT`.

    Raises:
        ValueError: it is none of these.
    """
    host, port = address, str(PORT)
    if address.startswith("["):
        host, closed, rest = address[1:].partition("]")
        host = host if closed and rest[:1] in ("", ":") else ""
        port = rest.removeprefix(":") if rest else port
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 65536):
        raise ValueError("an address is HOST:PORT")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not _NAME.fullmatch(host):
            raise ValueError("an address is HOST:PORT") from None
    return host, int(port)


def _address(value: str) -> str:
    host, port = split(value)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


Address = Annotated[str, Field(max_length=300), AfterValidator(_address)]


class LanSettings(BaseModel):
    """The shop's network as this station sees it.

    Attributes:
        listen: where the engine takes other stations' calls, `HOST:PORT`; None: it does not listen.
        peers: the address of each other station, by its id.
        refused: stations whose calls and bundles are not taken any more, and to which nothing is sent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: Address | None = None
    peers: dict[Id, Address] = Field(default_factory=dict, max_length=200)
    refused: tuple[Id, ...] = Field(default=(), max_length=200)


def load_lan(data: Path) -> LanSettings:
    """What `lan.toml` in the data folder says; nothing of it where there is none.

    Raises:
        Trouble: `lan.settings` when it can't be used.
    """
    path = data / LAN_FILE
    try:
        return LanSettings.model_validate(tomllib.loads(path.read_bytes().decode()))
    except FileNotFoundError:
        return LanSettings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unusable(path, str(error)) from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise _unusable(path, told) from error


def save_lan(data: Path, settings: LanSettings) -> None:
    """Store them, whole or not at all.

    Raises:
        Trouble: `disk.write`.
    """
    lines = [f"listen = {json.dumps(settings.listen)}"] if settings.listen else []
    lines += [f"refused = {json.dumps(list(settings.refused))}"] if settings.refused else []
    lines += ["[peers]", *(f"{json.dumps(name)} = {json.dumps(at)}" for name, at in sorted(settings.peers.items()))]
    write_private(data / LAN_FILE, ("\n".join(lines) + "\n").encode())


def _unusable(path: Path, why: str) -> Trouble:
    return Trouble("lan.settings", _UNUSABLE.fill(path=path, why=why), Side.BENCH, _MEND, EXIT_USE)


_UNUSABLE = Words("{path} can't be used: {why}", "无法使用 {path}：{why}")
_MEND = Words("correct the file, or set it again: assay station lan", "请修正该文件，或重新设置：assay station lan")
