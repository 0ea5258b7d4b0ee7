"""Each case of the golden table: what was worked out by hand is what the rules give, with the sources named."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path
from typing import Any

import pytest

from reports.calendar import day_of
from reports.warranty.days import Away
from reports.warranty.decide import Claim, decide
from reports.warranty.rules import shipped, with_policy

CASES = [
    case
    for path in sorted(Path(__file__).parent.glob("cases_*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
]


def as_day(value: object) -> object:
    """A moment as its day in China; all else as it is."""
    if isinstance(value, datetime.datetime):
        return day_of(int(value.timestamp() * 1000))
    return value


def claim_of(said: dict[str, Any]) -> Claim:
    given = {key: tuple(one) if isinstance(one, list) else as_day(one) for key, one in said.items()}
    given["stays"] = tuple(Away(**one) for one in said.get("stays", ()))
    return Claim(**({"item": "handset", "sold": None, "decided": given["brought"]} | given))


def test_there_are_at_least_eighty_cases_each_with_article_and_arithmetic() -> None:
    assert len(CASES) >= 80
    assert len({case["id"] for case in CASES}) == len(CASES)
    assert all(case["cites"] and case["why"] for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_case_of_the_table(case: dict[str, Any]) -> None:
    found = decide(claim_of(case["claim"]), with_policy(shipped(), case.get("policy", {})))
    money = next((one.refund_fen for one in found.remedies if one.kind == "return"), None)
    assert {
        "decision": found.decision,
        "reason": found.reason,
        "remedies": [one.kind for one in found.remedies],
        "end": found.period and found.period.end,
        "refund": money,
        "day": found.day,
    } == {"end": None, "refund": None, "day": None, **case["expect"]}
    cited = {source.id for line in found.lines for source in line.sources}
    assert set(case["cites"]) <= cited
