"""The rules as data: those that come with Assay, and what a shop or a brand adds to them.

Stands on `rules.toml`. A shop's file may promise more than the rule gives, never less. It knows no claim.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from drivers.text import Words, safe_text

__all__ = ["Condition", "Item", "Named", "PolicyError", "Promise", "Rules", "Source", "Terms", "shipped", "with_policy"]

_FILE = Path(__file__).parent / "rules.toml"

#: The longest promise that is taken for meant, in days and in months: ten years.
_MOST_DAYS, _MOST_MONTHS = 3650, 120


class PolicyError(ValueError):
    """A shop's policy that can't be used; `words` says what is wrong."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class Terms:
    """The figures of the rule, as `rules.toml` explains them; days, times, and basis points (1/100 %) a day."""

    return_days: int
    exchange_days: int
    failed_repairs: int
    repairer_days: int
    parts_days: int
    hold_days: int
    factory_days: int
    replacements: int
    refund_bp: int
    restarts: bool
    call_needed: bool


@dataclass(frozen=True, slots=True)
class Named:
    """Something that has an id and a name."""

    id: str
    words: Words


@dataclass(frozen=True, slots=True)
class Item(Named):
    """What can be faulty: its period in months, and the rows of the fault table that are its own."""

    months: int
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source(Named):
    """Where something stands: the article, and the keys of the pages that reprint it."""

    refs: tuple[str, ...]

    @property
    def cited(self) -> Words:
        """As it is printed behind a line of arithmetic."""
        keys = "".join(f" [{one}]" for one in self.refs)
        return Words(self.words.en + keys, self.words.zh + keys)


@dataclass(frozen=True, slots=True)
class Condition(Named):
    """What has to be so before an exchange; `bases` are the kinds of exchange that ask for it."""

    bases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Promise(Source):
    """What a brand gives beyond the rule; `id` is the brand."""

    return_days: int
    exchange_days: int
    months: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that a decision stands on; `sha256` is over all of it."""

    terms: Terms
    items: Mapping[str, Item]
    exclusions: Mapping[str, Named]
    conditions: tuple[Condition, ...]
    things: Mapping[str, Named]
    goes_in: Mapping[str, tuple[str, ...]]
    promises: Mapping[str, Promise]
    sources: Mapping[str, Source]
    refs: Mapping[str, str]
    sha256: str

    def promise(self, brand: str) -> Promise | None:
        """What that brand promises, if it is known to."""
        return self.promises.get(_brand(brand))

    def list_for(self, brand: str) -> tuple[str, ...]:
        """What goes in with an exchange of that brand."""
        return self.goes_in.get(_brand(brand), self.goes_in["default"])


@cache
def shipped() -> Rules:
    """The rules that come with Assay."""
    return _rules(tomllib.loads(_FILE.read_text(encoding="utf-8")))


def _rules(said: Mapping[str, Any]) -> Rules:
    return Rules(
        terms=Terms(**said["terms"]),
        items={key: Item(key, _words(one), one["months"], tuple(one["rows"])) for key, one in said["items"].items()},
        exclusions={one["id"]: Named(one["id"], _words(one)) for one in said["exclusion"]},
        conditions=tuple(Condition(one["id"], _words(one), tuple(one["for"])) for one in said["condition"]),
        things={one["id"]: Named(one["id"], _words(one)) for one in said["thing"]},
        goes_in={key: tuple(one) for key, one in said["goes_in"].items()},
        promises={
            key: Promise(
                key,
                _words(one),
                tuple(one.get("refs", ())),
                one.get("return_days", 0),
                one.get("exchange_days", 0),
                one.get("months", {}),
            )
            for key, one in said["promises"].items()
        },
        sources={key: Source(key, _words(one), tuple(one["refs"])) for key, one in said["sources"].items()},
        refs=said["refs"],
        sha256=_digest(said),
    )


def _words(table: Mapping[str, Any]) -> Words:
    return Words(table["en"], table["zh"])


def _digest(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _brand(name: str) -> str:
    return name.strip().casefold()


# --- the shop's own layer


def with_policy(rules: Rules, policy: Mapping[str, Any]) -> Rules:
    """The rules with a shop's policy file (`policy/warranty.toml`) laid over them.

    Args:
        policy: `refund_bp`, `call_needed`, `[promises.BRAND]` (`return_days`, `exchange_days`, `months`, `en`, `zh`)
            and `[goes_in]` (`BRAND = [things]`); everything may be left out.

    Raises:
        PolicyError: a key that is not known, or a promise that would give less than the rule.
    """
    if not policy:
        return rules
    _known(policy, ("refund_bp", "call_needed", "promises", "goes_in"), "")
    terms = rules.terms
    if "refund_bp" in policy:
        terms = replace(terms, refund_bp=_whole(policy["refund_bp"], "refund_bp", 0, terms.refund_bp))
    if "call_needed" in policy:
        if not isinstance(policy["call_needed"], bool):
            raise PolicyError(_FLAG.fill(key="call_needed"))
        terms = replace(terms, call_needed=policy["call_needed"])
    promises = {_brand(key): _promise(rules, key, one) for key, one in _table(policy, "promises").items()}
    lists = {_brand(key): _list(rules, key, one) for key, one in _table(policy, "goes_in").items()}
    return replace(
        rules,
        terms=terms,
        promises={**rules.promises, **promises},
        goes_in={**rules.goes_in, **lists},
        sha256=_digest([rules.sha256, policy]),
    )


def _promise(rules: Rules, brand: str, said: Any) -> Promise:
    where = f"promises.{brand}"
    if not isinstance(said, Mapping):
        raise PolicyError(_TABLE.fill(key=where))
    _known(said, ("return_days", "exchange_days", "months", "en", "zh"), where)
    terms, months = rules.terms, _table(said, "months")
    _known(months, tuple(rules.items), f"{where}.months")
    return Promise(
        id=_brand(brand),
        words=Words(*(safe_text(str(said.get(key) or _OWN.fill(brand=brand).to(key)), 200) for key in ("en", "zh"))),
        refs=(),
        return_days=_days(said, "return_days", where, terms.return_days),
        exchange_days=_days(said, "exchange_days", where, terms.exchange_days),
        months={
            key: _whole(one, f"{where}.months.{key}", rules.items[key].months, _MOST_MONTHS)
            for key, one in months.items()
        },
    )


def _days(said: Mapping[str, Any], key: str, where: str, least: int) -> int:
    return _whole(said[key], f"{where}.{key}", least, _MOST_DAYS) if key in said else 0


def _list(rules: Rules, brand: str, said: Any) -> tuple[str, ...]:
    if not isinstance(said, list) or not said or not all(isinstance(one, str) for one in said):
        raise PolicyError(_THINGS.fill(key=f"goes_in.{brand}"))
    if unknown := [one for one in said if one not in rules.things]:
        raise PolicyError(_UNKNOWN.fill(key=unknown[0], known=", ".join(rules.things)))
    return tuple(said)


def _table(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = said.get(key, {})
    if not isinstance(table, Mapping):
        raise PolicyError(_TABLE.fill(key=key))
    return table


def _known(said: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in said:
        if key not in keys:
            raise PolicyError(_UNKNOWN.fill(key=f"{where}.{key}".lstrip("."), known=", ".join(keys)))


def _whole(value: Any, key: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise PolicyError(_RANGE.fill(key=key, least=least, most=most))
    return value


_OWN = Words("{brand}'s own promise", "{brand} 自有承诺")
_UNKNOWN = Words("{key} is not known here; known: {known}", "此处没有 {key}；可用：{known}")
_RANGE = Words("{key} must be a whole number from {least} to {most}", "{key} 应为 {least} 至 {most} 的整数")
_FLAG = Words("{key} must be true or false", "{key} 应为 true 或 false")
_TABLE = Words("{key} must be a table", "{key} 应为表")
_THINGS = Words("{key} must be a list of things", "{key} 应为物品列表")
