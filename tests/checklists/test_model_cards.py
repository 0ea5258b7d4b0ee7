"""Model cards: strict files, and what a phone is compared with by them; a model without a card never passes by it."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from building import check, limit
from hypothesis import given
from hypothesis import strategies as st

from checklists.judge import judge_check, judge_measurement
from checklists.load import load_checks
from checklists.models.card import Card, baselines, card_for, load_cards, model_key, shipped_cards
from checklists.problems import ChecklistErrors
from checklists.schema import Limit
from checklists.verdict import Verdict
from probes.api import Measurement, Value

MAKER = {"manufacturer": "Northlight", "models": ["Aurora 8", "AUR-8"], "name": "Aurora 8"}
SOURCE = {"ref": "made up", "text": {"en": "made up", "zh": "虚构"}}
FULL: dict[str, Any] = {
    "battery_mAh": 4575,
    "memory_GiB": [8, 12],
    "storage_GB": [128, 256],
    "resolution": ["1080x2400"],
    "fastest_Hz": 120,
    "sensors": ["accelerometer", "gyroscope", "magnetometer", "light", "proximity", "pressure"],
    "cameras": 4,
    "fingers": 10,
    "usb_Mbps": 5000,
    "screws": 2,
}


def card(**values: Any) -> Card:
    return Card.model_validate({**MAKER, "source": SOURCE, **values})


def against(demand: Limit, value: Value, values: dict[str, Value]) -> Verdict:
    return judge_measurement(demand, Measurement(demand.measure, value), demand.unit, {"model": values}).verdict


def shipped_limits() -> list[tuple[str, Limit]]:
    """Every limit of a shipped check that stands on the model card."""
    checks = load_checks()
    return [(one.id, each) for one in checks.values() for each in one.limits if each.relative_to == "model"]


LIMITS = shipped_limits()


def test_checks_of_the_catalogue_stand_on_model_cards() -> None:
    assert {name for name, _ in LIMITS} >= {
        "display-facts",
        "battery-health",
        "memory",
        "identity",
        "sensors",
        "cameras",
        "touch",
        "connection",
        "usb-port",
        "screws-seals",
    }


@pytest.mark.parametrize(("name", "demand"), LIMITS, ids=[f"{name}:{each.measure}" for name, each in LIMITS])
def test_each_of_their_limits_finds_its_value_on_a_full_card_and_judges_by_it(name: str, demand: Limit) -> None:
    values = baselines(card(**FULL))
    right = values[demand.baseline_name]
    if isinstance(right, tuple):
        right = Decimal(right[0]) if demand.unit not in ("text", "list") else right[0]
    wrong: Value = not right if isinstance(right, bool) else "720x1600" if isinstance(right, str) else right / 2
    outside = Verdict.WARN if demand.severity == "warn" else Verdict.FAIL
    assert against(demand, right, values) is Verdict.PASS
    assert against(demand, wrong, values) is outside
    assert against(demand, right, {}) is Verdict.NONE
    assert demand.optional, "a model without a card is no reason to leave the rest of the check undone"


def test_what_a_card_leaves_out_is_compared_with_nothing() -> None:
    assert baselines(card()) == {}


def test_any_of_the_sizes_that_it_is_sold_with_is_right() -> None:
    demand = limit(measure="memory_sold", unit="GiBy", relative_to="model", equals_baseline=True, optional=True)
    values = baselines(card(memory_GiB=[8, Decimal("12.0")]))
    assert [against(demand, Decimal(size), values) for size in ("8.00", "12", "6")] == [
        Verdict.PASS,
        Verdict.PASS,
        Verdict.FAIL,
    ]
    judged = judge_measurement(demand, Measurement("memory_sold", Decimal(6)), "GiBy", {"model": values})
    assert judged.reason is not None
    assert judged.reason.en == "is 6 GiB, the model card says 8, 12"
    assert judged.baseline == ("8", "12")


def test_a_check_that_is_for_comparing_does_not_pass_without_a_card() -> None:
    level = limit()
    demand = limit(measure="state", unit="text", relative_to="model", equals_baseline=True, optional=True)
    told = demand.model_copy(update={"uncompared": "info"})
    judged = judge_measurement(level.model_copy(update={"min": Decimal(1)}), Measurement("level", Decimal(5)), "%", {})
    assert judged.limit is not None

    def verdict(demand: Limit, *more: Any) -> Verdict:
        one = judge_measurement(demand, Measurement("state", "a"), "text", {})
        return judge_check(check(limits=[judged.limit, demand]), [judged, one, *more], []).verdict

    assert verdict(demand) is Verdict.PASS
    assert verdict(told) is Verdict.INFO


@pytest.mark.parametrize(("value", "verdict"), [(Decimal(5), Verdict.WARN), (Decimal(0), Verdict.FAIL)])
def test_what_is_wrong_without_any_card_stays_wrong(value: Decimal, verdict: Verdict) -> None:
    level = limit(min=Decimal(1), warn_min=Decimal(10))
    demand = limit(
        measure="state", unit="text", relative_to="model", equals_baseline=True, optional=True, uncompared="info"
    )
    judged = [
        judge_measurement(level, Measurement("level", value), "%", {}),
        judge_measurement(demand, Measurement("state", "a"), "text", {}),
    ]
    assert judge_check(check(limits=[level, demand]), judged, []).verdict is verdict


def test_a_phone_finds_the_card_of_its_model_however_its_maker_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "aurora.toml"
    path.write_text(
        'manufacturer = "Northlight"\nmodels = ["Aurora 8", "AUR-8"]\nname = "Aurora 8"\nscrews = 2\n'
        '[source]\nref = "made up"\ntext = { en = "made up", zh = "虚构" }\n',
        encoding="utf-8",
    )
    own = load_cards([path])
    for maker, model in (("NORTHLIGHT", "aurora  8"), ("Northlight", "Northlight Aurora 8"), ("northlight", "AUR-8")):
        found = card_for(maker, model, own)
        assert found is not None
        assert found.screws == 2
    assert card_for("Northlight", "Aurora 80", own) is None


def test_the_shops_own_card_counts_before_the_one_that_comes_along() -> None:
    shipped = card_for("Google", "Pixel 8", {})
    assert shipped is not None
    assert shipped.battery_mAh == 4575
    mine = shipped.model_copy(update={"screws": 2})
    assert card_for("Google", "Pixel 8", {model_key("Google", "Pixel 8"): mine}) is mine


def test_every_card_that_comes_along_names_its_source_in_both_languages() -> None:
    assert shipped_cards()
    for one in shipped_cards().values():
        assert one.source.ref.startswith("https://")
        assert one.source.text.en
        assert one.source.text.zh


@pytest.mark.parametrize(
    "wrong",
    [
        {"battery_mAh": "4575"},
        {"battery_mAh": -1},
        {"resolution": ["1080 x 2400"]},
        {"sensors": ["smell"]},
        {"screws": -1},
        {"batery_mAh": 4575},
        {"models": []},
        {"source": {"ref": "x", "text": {"en": "x"}}},
    ],
    ids=str,
)
def test_a_card_that_says_something_else_is_refused_with_its_place(wrong: dict[str, Any], tmp_path: Path) -> None:
    import json

    lines = {**MAKER, "source": SOURCE, **wrong}
    tables = {key: value for key, value in lines.items() if isinstance(value, dict)}
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items() if key not in tables)
    for key, table in tables.items():
        text += f"[{key}]\nref = {json.dumps(table['ref'])}\n"
        text += "".join(f"text.{lang} = {json.dumps(said)}\n" for lang, said in table["text"].items())
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    tomllib.loads(text)
    with pytest.raises(ChecklistErrors) as caught:
        load_cards([path])
    assert next(iter(wrong)) in str(caught.value)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_models_name_is_compared_whatever_a_phone_says(maker: str, model: str) -> None:
    assert (
        model_key(maker, model) == model_key(maker.upper(), f" {model} ")
        or maker.upper().casefold() != maker.casefold()
    )
