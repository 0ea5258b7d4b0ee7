"""The shop's policy for the counter and the data text, as shipped unless a file in `DATA/policy` says otherwise."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from checklists.canonical import canonical_data
from checklists.schema import Model, Text
from drivers.api import Side
from drivers.text import Words
from reports.predicates import TextV1
from reports.steps.confirmation import NoticeV1
from station.errors import EXIT_NO, Trouble

__all__ = ["CounterPolicy", "counter_policy", "data_notice", "shipped"]

#: The shop's policy files by name, as `station.steps.api.Case.policy` has them.
Policies = Mapping[str, Mapping[str, Any]]
_Read = TypeVar("_Read", bound=Model)


class CounterPolicy(Model):
    """What the counter demands, see `policy.toml`."""

    confirmation: Literal["required", "off"]
    photos: Literal["all", "marked", "none"]


class _Notice(Model):
    """A data text, see `notice.toml`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    version: Annotated[int, Field(ge=1)]
    clause: tuple[Text, ...] = Field(min_length=1, max_length=40)


@cache
def shipped(name: str) -> Mapping[str, Any]:
    """A data file that comes with Assay."""
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))


def counter_policy(policies: Policies) -> CounterPolicy:
    """The policy.

    Raises:
        Trouble: the shop's file says something that can't be.
    """
    return _read(CounterPolicy, "counter", {**shipped("policy"), **policies.get("counter", {})})


def data_notice(policies: Policies) -> NoticeV1:
    """The data text and its digest: SHA-256 over id, version and clauses in the canonical form of checklists.

    Raises:
        Trouble: the shop's file is not such a text.
    """
    notice = _read(_Notice, "data-notice", policies.get("data-notice") or shipped("notice"))
    text = {"id": notice.id, "version": notice.version, "clauses": [clause.model_dump() for clause in notice.clause]}
    clauses = tuple(TextV1(en=clause.en, zh=clause.zh) for clause in notice.clause)
    digest = hashlib.sha256(canonical_data(text)).hexdigest()
    return NoticeV1(id=notice.id, version=notice.version, sha256=digest, clauses=clauses)


def _read(model: type[_Read], name: str, data: Mapping[str, Any]) -> _Read:
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = _WRONG.fill(path=f"policy/{name}.toml", where=where, why=first["msg"])
        raise Trouble("policy.wrong", what, Side.BENCH, _MEND, EXIT_NO) from error


_WRONG = Words("{path}: {where}: {why}", "{path}：{where}：{why}")
_MEND = Words("Correct the file in the data folder, or take it away", "请修正数据目录中的该文件，或将其移除")
