"""Coded symptoms suggested from what customers say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.diagnosis.load import shipped_policy
from checklists.diagnosis.match import suggest, suggest_qualifiers

POLICY = shipped_policy()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("The battery does not last and the phone gets hot", ["drains-fast", "phone-hot"]),
        ("手机老是自动关机，掉电快", ["random-shutdown", "drains-fast"]),
        ("Front camera does not open", ["front-camera-fails"]),
        ("屏幕碎了，触摸失灵", ["screen-cracked", "touch-dead"]),
        ("WiFi 用不了, 蓝牙也不行", ["wifi-fails", "bluetooth-fails"]),
        ("Can’t hear the caller. It was dropped.", ["call-cannot-hear", "dropped"]),
        ("fell in water, now the screen stays black", ["got-wet", "screen-black"]),
    ],
)
def test_words_suggest_codes_in_the_order_in_which_they_are_said(text: str, codes: list[str]) -> None:
    assert [one.symptom for one in suggest(POLICY, text)] == codes


@pytest.mark.parametrize("text", ["The power button works fine", "充电正常，指纹没问题", "bluetooth is ok", "", "你好"])
def test_what_is_said_to_be_well_is_not_suggested(text: str) -> None:
    assert suggest(POLICY, text) == ()


def test_well_denied_is_not_well() -> None:
    assert [one.symptom for one in suggest(POLICY, "指纹不正常")] == ["fingerprint-fails"]
    assert [one.symptom for one in suggest(POLICY, "bluetooth is not fine but the torch works fine")] == [
        "bluetooth-fails"
    ]


def test_a_word_inside_another_word_is_not_it() -> None:
    assert suggest(POLICY, "leads, uploads and gpsx") == ()


def test_when_and_how_often_is_suggested_too() -> None:
    told = suggest_qualifiers(POLICY, "Sometimes it reboots randomly when charging, since the update")
    assert [one.symptom for one in told] == ["intermittently", "while-charging", "since-update"]


@given(st.text(max_size=300))
def test_any_text_gives_known_codes_each_once(text: str) -> None:
    codes = [one.symptom for one in suggest(POLICY, text)]
    assert len(codes) == len(set(codes))
    assert set(codes) <= {one.id for one in POLICY.symptoms}


def test_every_phrase_suggests_its_own_symptom() -> None:
    for symptom in POLICY.symptoms:
        for phrase in (*symptom.phrases.en, *symptom.phrases.zh):
            assert symptom.id in {one.symptom for one in suggest(POLICY, phrase)}, (symptom.id, phrase)
