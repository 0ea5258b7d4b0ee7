"""A phone beside the reference phones of its model: what warns, what never changes, and that a record is enough."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.judge import judge_check, judge_measurement
from checklists.reference.robust import Spread
from checklists.reference.table import KEY, ReferenceTable, Row, read_table
from checklists.schema import Check, Limit
from checklists.verdict import Verdict
from probes.api import Measurement
from reports.record import canonical, parse_strict

SOURCE = {"ref": "test", "text": {"en": "test", "zh": "测试"}}
ROW: dict[str, Any] = {
    "check": "battery",
    "measure": "level",
    "unit": "%",
    "centre": Decimal("80.5"),
    "readings": 12,
    "units": 8,
    "since_ms": 1,
    "until_ms": 2,
    "people": ("tech",),
}
SPREAD = Spread(Decimal(80), Decimal(2), Decimal(5), "both", 8)


def limit(**more: Any) -> Limit:
    return Limit.model_validate({"measure": "level", "unit": "%", "source": SOURCE} | more)


def check(*limits: Limit) -> Check:
    return Check.model_validate(
        {
            "id": "battery",
            "title": {"en": "battery", "zh": "电池"},
            "layer": "soft",
            "probe": {"android": "x"},
            "limits": limits,
        }
    )


def judged(rule: Limit | None, value: int, spread: Spread | None = SPREAD) -> Any:
    return judge_measurement(rule, Measurement("level", Decimal(value)), "%", {}, spread)


@pytest.mark.parametrize(
    ("value", "verdict"), [(80, "pass"), (70, "pass"), (90, "pass"), (69, "warn"), (91, "warn"), (40, "fail")]
)
def test_an_outlier_warns_inside_the_limit_and_a_fail_stays_a_fail(value: int, verdict: str) -> None:
    found = judged(limit(min=50), value)
    assert found.verdict == verdict
    if verdict == "warn":
        assert "8 reference phones" in found.reason.en
        assert "8 台标准样机" in found.reason.zh


def test_a_warning_of_the_limit_keeps_its_own_reason() -> None:
    alone, beside = judged(limit(min=50, warn_min=75), 60, None), judged(limit(min=50, warn_min=75), 60)
    assert beside == alone
    assert beside.verdict is Verdict.WARN


def test_what_could_not_be_judged_is_not_judged_by_the_outlier_either() -> None:
    found = judged(limit(min=1, relative_to="reference", mode="ratio"), 10)
    assert found.verdict is Verdict.NONE


@given(
    st.integers(-200, 200),
    st.sampled_from([None, {"min": 50}, {"max": 20, "severity": "warn"}, {"equals": 7}]),
    st.data(),
)
def test_nothing_but_pass_and_info_ever_changes_and_only_to_a_warning(
    value: int, rule: dict[str, Any] | None, data: st.DataObject
) -> None:
    side = data.draw(st.sampled_from(["low", "high", "both"]))
    spread = Spread(Decimal(data.draw(st.integers(-100, 100))), Decimal("0.5"), Decimal(4), side, 6)
    alone, beside = (judged(rule and limit(**rule), value, one) for one in (None, spread))
    assert beside.verdict is alone.verdict or (
        alone.verdict in (Verdict.PASS, Verdict.INFO) and beside.verdict is Verdict.WARN
    )
    assert beside.baseline == alone.baseline


def test_a_value_without_a_limit_makes_its_check_warn_and_never_hides_a_fail_or_a_gap() -> None:
    odd = judged(None, 40)
    assert odd.verdict is Verdict.WARN
    assert judge_check(check(), [odd], []).verdict is Verdict.WARN
    other = limit(measure="other", min=50)

    def beside(value: int | None) -> Verdict:
        told = [] if value is None else [judge_measurement(other, Measurement("other", Decimal(value)), "%", {})]
        return judge_check(check(other), [odd, *told], []).verdict

    assert (beside(60), beside(40), beside(None)) == (Verdict.WARN, Verdict.FAIL, Verdict.NONE)


@given(
    st.decimals(-(10**9), 10**9, places=4),
    st.one_of(st.none(), st.decimals("0.0001", 1000, places=4)),
    st.sampled_from(["low", "high", "both"]),
)
def test_a_table_comes_back_from_the_bytes_of_a_record_as_it_was(
    middle: Decimal, sigma: Decimal | None, side: str
) -> None:
    flags = {} if sigma is None else {"sigma": sigma, "k": Decimal("5.3"), "side": side}
    table = ReferenceTable("maker/phone", "jig-1", (Row(**ROW | {"centre": middle} | flags),))
    bench = parse_strict(canonical({"well": True, KEY: table.dump()}))
    again = read_table(bench)
    assert (again.model, again.fixture) == ("maker/phone", "jig-1")
    row = again.row("battery", "level")
    assert row == table.rows[0]
    assert again.spread("battery", "level", "%") == table.rows[0].spread
    assert again.spread("battery", "level", "V") is None


def test_a_run_without_a_table_is_compared_with_nothing() -> None:
    assert read_table({"well": True, "lines": []}).rows == ()


def _dumped(**changes: Any) -> dict[str, Any]:
    table = ReferenceTable("m", "", (Row(**ROW, sigma=Decimal(1), k=Decimal(5), side="low"),)).dump()
    table["rows"][0].update(changes)
    return table


@pytest.mark.parametrize(
    "told",
    [
        7,
        "text",
        [],
        {},
        {"model": "m", "fixture": "", "rows": [7]},
        _dumped(sigma={"v": 0, "e": 0}),
        _dumped(sigma=None),
        _dumped(side="up"),
        _dumped(unit="text"),
        _dumped(centre="80"),
        _dumped(more=1),
        {**_dumped(), "rows": _dumped()["rows"] * 2},
    ],
)
def test_what_is_no_table_is_refused_and_never_half_read(told: Any) -> None:
    with pytest.raises(ValueError, match="reference table"):
        read_table({KEY: told})


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(json_like)
def test_nothing_that_a_record_may_hold_there_raises_anything_else(told: Any) -> None:
    with contextlib.suppress(ValueError):
        assert read_table({KEY: told}).dump()["rows"] == (told["rows"] if told else [])
