"""A checklist as the plain data that records carry, its one byte form, and the way back.

The byte form is the records' profile: JSON with sorted keys and no white space, whole numbers within 2^53, decimals as
`{"v": digits, "e": power of ten}` in their shortest form. Keys that are not set are left out, so that a key invented
later leaves old digests alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel, ValidationError

from checklists.problems import ChecklistErrors, Document, explain
from checklists.schema import Checklist
from checklists.toml import plain_problems
from drivers.text import Words

__all__ = ["canonical_checklist", "canonical_data", "checklist_sha256", "dump", "dump_model", "from_dump", "revived"]


def dump(checklist: Checklist) -> dict[str, Any]:
    """The checklist as JSON-able data, as `RunV1.checklist` carries it; its digest is not part of it."""
    return {"format": 1, **dump_model(checklist.model_copy(update={"sha256": None}))}


def dump_model(model: BaseModel) -> dict[str, Any]:
    """One model of `checklists.schema` (a limit, a check) as JSON-able data."""
    plain = _plain(model.model_dump(exclude_none=True))
    assert isinstance(plain, dict)  # noqa: S101 - narrows the type
    return plain


def canonical_checklist(checklist: Checklist) -> bytes:
    """The one byte form of a checklist."""
    return canonical_data(dump(checklist))


def checklist_sha256(dumped: Mapping[str, Any]) -> str:
    """The digest of dumped data: what `Checklist.sha256` must be."""
    return hashlib.sha256(canonical_data(dumped)).hexdigest()


def from_dump(dumped: Mapping[str, Any]) -> Checklist:
    """The checklist that `dump` made the data from; the digest is calculated anew.

    Raises:
        ChecklistErrors: the data is not a checklist.
    """
    document, content = Document("", dumped), revived(dumped)
    problems = [document.problem(path, what) for path, what in plain_problems(content)]
    if dumped.get("format") != 1:
        problems.append(document.problem(("format",), _OTHER_FORMAT))
    if problems:
        raise ChecklistErrors(problems)
    del content["format"]
    try:
        return Checklist.model_validate({**content, "sha256": checklist_sha256(dumped)})
    except ValidationError as error:
        found = [explain(one, Checklist) for one in error.errors()]
        raise ChecklistErrors(document.problem(path, what) for path, what in found) from error


def canonical_data(dumped: Mapping[str, Any]) -> bytes:
    """The one byte form of dumped data."""
    return json.dumps(dumped, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _plain(value: object) -> object:
    """Data of models as JSON-able data."""
    if isinstance(value, Decimal):
        return _scaled(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _scaled(number: Decimal) -> dict[str, int]:
    """A decimal in its shortest form: 0.80 is 8 x 10^-1, 100 is 100 x 10^0."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("a record holds finite numbers only")  # noqa: TRY004
    whole = int("".join(map(str, digits)))
    while whole and whole % 10 == 0 and exponent < 0:
        whole, exponent = whole // 10, exponent + 1
    if exponent > 0 or not whole:
        whole, exponent = whole * 10 ** max(exponent, 0), 0
    return {"v": -whole if sign else whole, "e": exponent}


_OTHER_FORMAT = Words("this program reads format 1 only", "本程序只支持格式 1")


def revived(value: Any) -> Any:
    """Dumped data with its decimals back; anything else stays for the models to judge. Nesting is the caller's care."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        if set(value) == {"v", "e"} and all(type(part) is int for part in value.values()) and abs(value["e"]) <= 18:
            return Decimal(value["v"]).scaleb(value["e"])
        return {key: revived(item) for key, item in value.items()}
    return [revived(item) for item in value] if isinstance(value, (list, tuple)) else value
