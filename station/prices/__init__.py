"""The published price list: per repair the standard time, the labour and the parts, with what each costs.

A shop's own list is `DATA/policy/prices.toml`, in the shape of `example.toml` beside this file. The example prices
nothing real: only a simulated station works with it, and says so. All sums are whole hundredths of the currency. Pure.
"""

from __future__ import annotations

import datetime
import fnmatch
import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from checklists.canonical import canonical_data
from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_NO, EXIT_USE, Trouble

__all__ = ["EXAMPLE", "Manual", "PriceList", "PricedPart", "PricedRepair", "price_list", "total"]

#: The shape of a price list, filled in with made-up sums.
EXAMPLE = Path(__file__).parent / "example.toml"

#: The largest sum: a record's integers stay within 2^53.
MOST_FEN = 2**53 - 1


def _fen(value: object) -> int:
    """A sum that is written as a text, `"60"` or `"60.50"`: TOML's floats are not exact."""
    if not isinstance(value, str):
        raise ValueError('a sum is written in quotes, like "60.50"')  # noqa: TRY004 - pydantic collects ValueErrors
    try:
        fen = Decimal(value) * 100
    except ArithmeticError as error:
        raise ValueError(f"{value!r} is not a sum") from error
    if not fen.is_finite() or fen != fen.to_integral_value() or not 0 <= fen <= MOST_FEN:
        raise ValueError(f"{value!r} is not a sum with at most two decimals")
    return int(fen)


Sum = Annotated[int, BeforeValidator(_fen)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PricedRepair(_Row):
    """What one repair costs on these models (shell patterns; `*` is every model), and its standard time."""

    id: str = Field(min_length=1, max_length=200)
    models: tuple[str, ...] = ("*",)
    labour: Sum
    minutes: int = Field(ge=0, le=100_000)


class PricedPart(_Row):
    """A part: its number, its kind, what it costs, whether it is the maker's, and for which repairs it is meant.

    `changes`: the identity measurements that it changes on the phone; without, those that its kind is known for.
    """

    number: str = Field(min_length=1, max_length=200)
    part: str = Field(min_length=1, max_length=200)
    name: tuple[str, str]
    price: Sum
    genuine: bool
    repairs: tuple[str, ...]
    models: tuple[str, ...] = ("*",)
    changes: tuple[str, ...] | None = None

    @property
    def words(self) -> Words:
        """Its name as the customer reads it."""
        return Words(*self.name)


class Manual(_Row):
    """A service manual: for which repairs on which models, its version, and its steps in order."""

    title: str = Field(min_length=1, max_length=200)
    version: str = Field(min_length=1, max_length=200)
    repairs: tuple[str, ...]
    models: tuple[str, ...] = ("*",)
    steps: tuple[str, ...] = Field(min_length=1)


class PriceList(_Row):
    """A published list. `sha256` is over its content, so that a plan names exactly the list it was priced by."""

    format: Literal[1]
    id: str = Field(min_length=1, max_length=200)
    version: int = Field(ge=1)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    valid_from: datetime.date
    valid_to: datetime.date | None = None
    examination: Sum | None = None
    repair: tuple[PricedRepair, ...] = ()
    part: tuple[PricedPart, ...] = ()
    manual: tuple[Manual, ...] = ()
    example: bool = False
    sha256: str = ""

    def valid_on(self, day: datetime.date) -> bool:
        """Whether the list is in force on that day, its first and last day included."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def labour(self, repair: str, model: str) -> PricedRepair | None:
        """The row of a repair that fits the model best: an exact name before the longest pattern."""
        return _best((row for row in self.repair if row.id == repair), model)

    def parts_for(self, repair: str, model: str) -> tuple[PricedPart, ...]:
        """The parts that are meant for a repair of that model."""
        return tuple(row for row in self.part if repair in row.repairs and _fit(row.models, model))

    def numbered(self, number: str) -> PricedPart | None:
        """The part with that number."""
        return next((row for row in self.part if row.number == number), None)

    def manual_for(self, repairs: Iterable[str], model: str) -> Manual | None:
        """The manual for the first of these repairs that has one for the model."""
        for repair in repairs:
            if found := _best((row for row in self.manual if repair in row.repairs), model):
                return found
        return None


_ForModels = TypeVar("_ForModels", PricedRepair, Manual)


def price_list(policy: Mapping[str, Mapping[str, Any]], *, simulated: bool) -> PriceList | None:
    """The list that is in force: the shop's own, at a simulated station else the example; None: there is none.

    Raises:
        Trouble: the shop's own list can't be used.
    """
    own = policy.get("prices")
    if own is not None:
        return _read(own, example=False)
    return _example() if simulated else None


def total(sums: Iterable[tuple[int, int]]) -> int:
    """The sum of (quantity, unit price in hundredths), exact.

    Raises:
        Trouble: it is larger than a record can hold.
    """
    fen = sum(quantity * unit for quantity, unit in sums)
    if fen > MOST_FEN:
        raise Trouble("plan.sum", _TOO_LARGE, Side.PERSON, _LOOK, EXIT_USE)
    return fen


@cache
def _example() -> PriceList:
    return _read(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")), example=True)


def _read(data: Mapping[str, Any], *, example: bool) -> PriceList:
    told = {key: value for key, value in data.items() if key not in ("example", "sha256")}
    try:
        listed = PriceList.model_validate({**told, "example": example})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "-"
        raise _unusable(where, first["msg"]) from error
    if twice := _twice([row.number for row in listed.part]):
        raise _unusable("part", f"{twice}: 2 x")
    content = listed.model_dump(mode="json", exclude={"sha256"}, exclude_none=True)
    digest = hashlib.sha256(canonical_data(content)).hexdigest()
    return listed.model_copy(update={"sha256": digest})


def _unusable(where: str, why: str) -> Trouble:
    return Trouble("prices.unusable", _UNUSABLE.fill(where=where, why=why), Side.BENCH, _MEND, EXIT_NO)


def _twice(names: list[str]) -> str:
    return next((name for name in names if names.count(name) > 1), "")


def _fit(models: tuple[str, ...], model: str) -> int:
    """How closely one of the patterns fits: 0 not at all, more for more characters, most for the name itself."""
    wanted = model.casefold()
    fits = [pattern for pattern in models if fnmatch.fnmatchcase(wanted, pattern.casefold())]
    return max((10_000 if pattern.casefold() == wanted else len(pattern) for pattern in fits), default=0)


def _best(rows: Iterable[_ForModels], model: str) -> _ForModels | None:
    ranked = sorted(((_fit(row.models, model), row) for row in rows), key=lambda pair: -pair[0])
    return ranked[0][1] if ranked and ranked[0][0] else None


_TOO_LARGE = Words("The sum is too large", "金额过大")
_LOOK = Words("Look at quantities and prices", "请检查数量和单价")
_MEND = Words(
    "Correct DATA/policy/prices.toml; its shape is in docs/repair.md",
    "请修正 DATA/policy/prices.toml，格式见 docs/repair.md",
)
_UNUSABLE = Words("The price list can't be used: {where}: {why}", "价目表无法使用：{where}：{why}")
