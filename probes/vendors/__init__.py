"""What each maker's Android phones add, refuse and call their switches, as data (`*.toml`), and who made a phone.

Read by probes, by the runner (which says a refusal in the words of that phone's menus) and by `assay vendors`. A mark
`seen` says how well each word is known: `documented` by its maker or by Android's source, or `reported` in public by
people who did it. No code that resets or wipes is here. Stands on the standard library; it touches no phone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from drivers.text import Words

__all__ = [
    "ANY",
    "ANY_SWITCH",
    "FOREIGN_SYSTEMS",
    "Added",
    "Code",
    "Debugging",
    "SafeMode",
    "Switch",
    "Vendor",
    "advice",
    "by_usb",
    "in_words_of",
    "recognise",
    "steps_to_debugging",
    "vendor",
    "vendors",
]

_FOLDER = Path(__file__).parent
#: The id of what holds for every phone.
ANY = "any"
#: Properties of systems that owners put in the maker's place: the maker's menus and switches are not there.
FOREIGN_SYSTEMS = ("ro.lineage.version", "ro.modversion")

Seen = Literal["documented", "reported"]


@dataclass(frozen=True, slots=True)
class Debugging:
    """How USB debugging is turned on: where to tap what how often, where the switch is then, and what else to mind."""

    unlock: Words
    tap: Words
    taps: int
    options: Words
    toggle: Words
    also: tuple[Words, ...]
    seen: Seen
    source: str


@dataclass(frozen=True, slots=True)
class SafeMode:
    """The keys that start the phone in safe mode."""

    steps: tuple[Words, ...]
    seen: Seen
    source: str


@dataclass(frozen=True, slots=True)
class Added:
    """Something that only this maker's phones tell: `what` as the phone calls it."""

    what: str
    means: Words
    source: str


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch of the phone that keeps the cable from things: turned `turn` it opens `permissions`."""

    name: Words
    where: Words
    turn: Literal["on", "off"]
    permissions: tuple[str, ...]
    note: Words | None
    seen: Seen
    source: str


@dataclass(frozen=True, slots=True)
class Code:
    """A service menu for the person: typed in the dialler, and what it opens."""

    code: str
    opens: Words
    seen: Seen
    source: str


@dataclass(frozen=True, slots=True)
class Vendor:
    """One maker.

    Attributes:
        manufacturers, brands: `ro.product.manufacturer` and `ro.product.brand` in lower case, sub-brands too.
        marks: properties that only its systems have.
        usb: its USB vendor ids, four hex digits.
    """

    id: str
    name: Words
    system: Words
    manufacturers: tuple[str, ...]
    brands: tuple[str, ...]
    marks: tuple[str, ...]
    usb: tuple[str, ...]
    debugging: Debugging
    safe_mode: SafeMode
    adds: tuple[Added, ...]
    switches: tuple[Switch, ...]
    codes: tuple[Code, ...]


@cache
def vendors() -> Mapping[str, Vendor]:
    """Every maker by id, in the order of their names, `any` last.

    Raises:
        ValueError: a file is not as it must be; no bench starts with such data.
    """
    known = [_read(path) for path in sorted(_FOLDER.glob("*.toml"))]
    return {one.id: one for one in sorted(known, key=lambda one: (one.id == ANY, one.id))}


def vendor(name: str) -> Vendor | None:
    """The maker of that id, brand or manufacturer, however it is written."""
    wanted = name.strip().lower()
    found = vendors().get(wanted)
    return found or next((one for one in _makers() if wanted in one.brands + one.manufacturers), None)


def recognise(manufacturer: str, brand: str = "", marks: Iterable[str] = ()) -> Vendor | None:
    """Who made the phone's system, None where nobody known did.

    What the system has of itself (`marks`, names of properties) counts before what is printed on the case: a switch is
    in the menus of a system. Of two makers with marks (Honor's first systems have Huawei's) the brand decides.
    """
    there = set(marks)
    if there & set(FOREIGN_SYSTEMS):
        return None
    names = {manufacturer.strip().lower(), brand.strip().lower()} - {""}
    marked = [one for one in _makers() if there & set(one.marks)]
    named = [one for one in marked if names & set(one.brands)]
    branded = [one for one in _makers() if brand.strip().lower() in one.brands]
    made = [one for one in _makers() if names & {*one.manufacturers, *one.brands}]
    return next(iter((*named, *marked, *branded, *made)), None)


#: Google's id is in the phones of many makers whose USB part was never changed.
_SHARED_USB = "18d1"


def by_usb(vendor_id: str, names: str = "") -> Vendor | None:
    """Who made a phone by its USB descriptor: the names that it shows there, else its vendor id."""
    words = set(re.findall(r"[a-z]+", names.lower()))
    named = next((one for one in _makers() if words & _of(one)), None)
    if named is not None or vendor_id.lower() == _SHARED_USB:
        return named
    return next((one for one in _makers() if vendor_id.lower() in one.usb), None)


def _of(one: Vendor) -> set[str]:
    """The words by which a descriptor names this maker."""
    return {*one.brands, *one.manufacturers, *(("pixel",) if one.id == "google" else ())}


def _makers() -> list[Vendor]:
    return [one for one in vendors().values() if one.id != ANY]


# --- in words --------------------------------------------------------------------------------------------------------

#: What a refusal says where the maker is not known.
ANY_SWITCH = Words(
    "In Developer options turn on “USB debugging (Security settings)” (Xiaomi) or “Disable permission monitoring” "
    "(OPPO, realme, OnePlus), then run this again; `assay vendors` names those of others",
    "请在开发者选项中打开“USB 调试（安全设置）”（小米）或“禁止权限监控”（OPPO、realme、一加），然后重测；"
    "其他厂商请用 `assay vendors` 查看",
)
_TURN = {
    "on": Words("{where}: turn on “{name}”, then run this again", "{where}：打开“{name}”，然后重测"),
    "off": Words("{where}: turn off “{name}”, then run this again", "{where}：关闭“{name}”，然后重测"),
}
_NOTE = Words("{text} ({note})", "{text}（{note}）")
_NONE = Words(
    "no switch of {vendor} is known to open it; other checks stand in for it",
    "{vendor}没有已知的开关可以放开，请参考其他检测",
)
_UNLOCK = Words("{where}: tap “{what}” {taps} times", "{where}：连续点击“{what}” {taps} 次")
_SWITCH_ON = Words("{where}: turn on “{name}”", "{where}：打开“{name}”")
_ALLOW = Words(
    "Plug the cable in and tap Allow on the question on the phone's screen", "插上数据线，在手机弹窗中点“允许”"
)

_PERMISSION = re.compile(
    r"android\.permission\.([A-Z_]{1,200})|\b((?:[A-Z]{1,40}_){1,12}[A-Z]{1,40})(?= permission)", re.ASCII
)


def advice(maker: Vendor, refusal: str) -> Words:
    """Which switch of this maker opens what was refused; that none is known where none is.

    `refusal` is the phone's own line. One that names no permission may be any: the maker's first switch is named.
    """
    wanted = {one or other for one, other in _PERMISSION.findall(refusal)}
    for switch in maker.switches:
        if not wanted or wanted & set(switch.permissions):
            text = _TURN[switch.turn].fill(where=switch.where, name=switch.name)
            return text if switch.note is None else _NOTE.fill(text=text, note=switch.note)
    return _NONE.fill(vendor=maker.name)


def in_words_of(maker: Vendor | None, reason: Words) -> Words:
    """A reason with the advice for any phone replaced by that for this maker's; any other reason as it is."""
    if maker is None or ANY_SWITCH.en not in reason.en or ANY_SWITCH.zh not in reason.zh:
        return reason
    said = advice(maker, reason.en.replace(ANY_SWITCH.en, ""))
    return Words(reason.en.replace(ANY_SWITCH.en, said.en), reason.zh.replace(ANY_SWITCH.zh, said.zh))


def steps_to_debugging(maker: Vendor) -> tuple[Words, ...]:
    """What a person does to turn USB debugging on, step by step, in the words of the phone's menus."""
    how = maker.debugging
    return (
        _UNLOCK.fill(where=how.unlock, what=how.tap, taps=how.taps),
        _SWITCH_ON.fill(where=how.options, name=how.toggle),
        *how.also,
        _ALLOW,
    )


# --- reading ---------------------------------------------------------------------------------------------------------


def _read(path: Path) -> Vendor:
    try:
        return _vendor(tomllib.loads(path.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: {type(error).__name__}: {error}") from error


def _vendor(said: dict[str, Any]) -> Vendor:
    how, safe = said.pop("debugging"), said.pop("safe_mode")
    also = tuple(_words(one) for one in how.pop("also", ()))
    steps = tuple(_words(one) for one in safe.pop("steps"))
    return Vendor(
        id=said.pop("id"),
        name=_words(said.pop("name")),
        system=_words(said.pop("system")),
        debugging=Debugging(also=also, **_filled(how)),
        safe_mode=SafeMode(steps=steps, **_filled(safe)),
        adds=tuple(Added(**_filled(one)) for one in said.pop("adds", ())),
        switches=tuple(Switch(**{"note": None} | _filled(one)) for one in said.pop("switch", ())),
        codes=tuple(Code(**_filled(one)) for one in said.pop("code", ())),
        **{name: tuple(value) for name, value in said.items()},
    )


def _filled(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table with texts as `Words` and lists as tuples; `seen` must be one of its words."""
    if table.get("seen", "reported") not in ("documented", "reported"):
        raise ValueError(f"seen = {table['seen']!r}")
    made = {name: _words(value) if isinstance(value, dict) else value for name, value in table.items()}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in made.items()}


def _words(table: Mapping[str, str]) -> Words:
    if table.keys() != {"en", "zh"} or not all(text.strip() for text in table.values()):
        raise ValueError(f"needs en and zh: {dict(table)}")
    return Words(table["en"], table["zh"])
