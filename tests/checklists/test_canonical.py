"""A checklist as data in a record: one byte form, a stable digest, and a way back."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from building import SOURCE, check, limit
from hypothesis import given, settings
from hypothesis import strategies as st

from checklists.canonical import canonical_checklist, checklist_sha256, dump, from_dump
from checklists.problems import ChecklistErrors
from checklists.schema import Check, Checklist
from checklists.verdict import Stage
from drivers.text import safe_text

D = Decimal
NUMBERS = st.builds(lambda v, e: Decimal(v).scaleb(e), st.integers(-(2**53) + 1, 2**53 - 1), st.integers(-18, 0))
TEXTS = st.text(max_size=20).map(lambda text: safe_text(text, limit=100)).filter(lambda text: safe_text(text) == text)
KEYS = st.text("abcdev_", min_size=1, max_size=5)


def _unreserved(table: dict[str, Any]) -> bool:
    return set(table) != {"v", "e"}


PLAIN = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3).filter(lambda d: set(d) != {"v", "e"})
    ),
    max_leaves=8,
)


def made(checks: list[Check]) -> Checklist:
    bare = Checklist(
        id="t",
        version=1,
        title={"en": "a", "zh": "测试"},  # type: ignore[arg-type]
        platform="android",
        stages=(Stage.INTAKE,),
        checks=tuple(checks),
        sha256="",
    )
    return bare.model_copy(update={"sha256": checklist_sha256(dump(bare))})


CHECKLISTS = st.lists(
    st.builds(
        lambda given_settings, low, one_of, deadline: check(
            settings=given_settings,
            deadline_s=deadline,
            limits=[{"measure": "a", "unit": "1", "min": low, "one_of": one_of, "source": SOURCE}],
        ),
        st.dictionaries(KEYS, PLAIN, max_size=3).filter(_unreserved),
        NUMBERS,
        st.none() | st.lists(NUMBERS | TEXTS | st.booleans(), max_size=3),
        st.integers(1, 7200),
    ),
    min_size=1,
    max_size=3,
).map(made)


@settings(max_examples=60)
@given(CHECKLISTS)
def test_a_checklist_comes_back_from_its_record_as_it_was(checklist: Checklist) -> None:
    through_json = json.loads(json.dumps(dump(checklist)))
    back = from_dump(through_json)
    assert back == checklist
    assert canonical_checklist(back) == canonical_checklist(checklist)


@settings(max_examples=60)
@given(CHECKLISTS)
def test_the_bytes_are_those_of_rfc_8785(checklist: Checklist) -> None:
    assert canonical_checklist(checklist) == rfc8785.dumps(dump(checklist))


def test_the_same_number_written_differently_gives_the_same_digest() -> None:
    plain, padded = (
        made([check(limits=[limit(min=number).model_dump()])]) for number in (Decimal(80), Decimal("80.00"))
    )
    assert plain.sha256 == padded.sha256


def test_the_digest_of_a_known_checklist_is_known() -> None:
    """Breaks when the byte form changes, and with it every digest in every record made so far."""
    checklist = made([check(limits=[limit(min=D("80.5"), warn_min=100).model_dump()])])
    assert checklist.sha256 == KNOWN
    assert dump(checklist)["checks"][0]["limits"][0]["min"] == {"v": 805, "e": -1}


def test_any_change_changes_the_digest() -> None:
    checklist = made([check(), check("beta", required=False)])
    changed = [
        made([check()]),
        made([check("beta", required=False), check()]),
        made([check(), check("beta", required=True)]),
        checklist.model_copy(update={"version": 2}),
    ]
    assert len({checklist_sha256(dump(one)) for one in [checklist, *changed]}) == 5


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.update(format=2),
        lambda data: data.pop("format"),
        lambda data: data.update(extra=1),
        lambda data: data.pop("checks"),
        lambda data: data["checks"][0].update(settings={"x": 0.5}),
        lambda data: data["checks"][0].update(settings={"x": float("nan")}),
        lambda data: data["checks"][0].update(settings={"x": 2**53}),
        lambda data: data["checks"][0].update(settings={"x": None}),
        lambda data: data["checks"][0].update(deadline_s={"v": 1, "e": 99}),
        lambda data: data["checks"][0].update(deadline_s="30"),
        lambda data: data["checks"][0]["title"].pop("zh"),
    ],
)
def test_data_that_is_no_checklist_is_refused(spoil: Any) -> None:
    data = dump(made([check()]))
    spoil(data)
    with pytest.raises(ChecklistErrors):
        from_dump(data)


KNOWN = "3aeb11b5d7374a9a8ba5e41476a5b347cf335a51dc630973bf7bb9e31d101ea7"
