"""What the counter goes by: hints that harm nobody, texts in both languages, labels that are read for what they are."""

from __future__ import annotations

import hashlib
import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.diagnosis.load import shipped_policy
from drivers.imei import check_digit
from station.counter import hints, symptoms
from station.counter.inputs import no_passcode, telephone
from station.counter.policy import counter_policy, data_notice
from station.counter.sights import Known, differing, read_label
from station.errors import Trouble

IMEIS = st.from_regex(r"[0-9]{14}", fullmatch=True).map(lambda body: body + check_digit(body))


def test_hints_name_symptoms_of_the_diagnosis_and_none_that_is_dangerous() -> None:
    known = {one.id for one in shipped_policy().symptoms}
    every = hints.shipped_hints()
    named = {one for hint in every.hint for one in hint.symptoms}
    assert named <= known
    assert set(every.danger.symptoms) <= known
    assert not named & set(every.danger.symptoms)
    assert len({hint.id for hint in every.hint}) == len(every.hint)


def test_the_form_offers_every_code_of_the_diagnosis() -> None:
    policy = shipped_policy()
    assert [one.value for one in symptoms.symptoms()] == [one.id for one in policy.symptoms]
    assert [one.value for one in symptoms.qualifiers()] == [one.id for one in policy.qualifiers]


def test_hints_are_those_of_the_symptoms_in_their_order() -> None:
    made, says = hints.hints_for(["wifi-fails", "slow"])
    assert made.shown == ("restart", "free-storage", "wifi")
    assert len(says) == 3
    assert hints.hints_for([])[1] == ()


def test_the_digest_of_the_data_text_can_be_made_again_from_the_record_alone() -> None:
    record = data_notice({}).model_dump(mode="json")
    about = {"id": record["id"], "version": record["version"], "clauses": record["clauses"]}
    text = json.dumps(about, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == record["sha256"]


def test_a_shop_changes_single_keys_of_the_policy() -> None:
    assert counter_policy({}).confirmation == "required"
    assert counter_policy({"counter": {"photos": "none"}}).model_dump() == {
        "confirmation": "required",
        "photos": "none",
    }
    with pytest.raises(Trouble, match=r"counter\.toml: confirmaton"):
        counter_policy({"counter": {"confirmaton": "off"}})


@pytest.mark.parametrize("text", ["138 0013 8000", "+86 138-0013-8000", "(010) 6505 1234", ""])
def test_telephones_are_taken_as_people_write_them(text: str) -> None:
    assert set(telephone(text)) <= set("+0123456789")


@pytest.mark.parametrize("text", ["锁屏密码：1234", "passcode is 0000", "Pin:99887766", "unlock code 4711"])
def test_a_passcode_in_a_text_is_found(text: str) -> None:
    with pytest.raises(Trouble, match="passcode"):
        no_passcode("fine", text)


@given(st.text(max_size=80))
def test_a_label_is_read_or_refused_and_never_breaks(scanned: str) -> None:
    found = ""
    try:
        found = read_label("box", scanned, Known("ticket")).kind
    except Trouble as refused:
        found = refused.code
    assert found in ("imei", "serial", "ticket.imei")


@given(st.lists(IMEIS, min_size=3, max_size=3, unique=True), st.permutations(["device", "box", "tray"]))
def test_one_wrong_place_of_four_is_always_found_and_two_imeis_of_one_phone_agree(
    imeis: list[str], places: list[str]
) -> None:
    first, second, wrong = imeis
    ticket = Known("ticket", (first, second))
    good = [read_label(place, f"IMEI {imei}", ticket).known for place, imei in zip(places, imeis[:2] * 2, strict=False)]
    assert differing(ticket, good) is None
    for at, place in enumerate(places):
        bad = [*good[:at], Known(place, (wrong,)), *good[at + 1 :]]  # type: ignore[arg-type]
        assert differing(ticket, bad) == ("ticket", place)


def test_places_are_compared_in_kinds_that_both_have() -> None:
    ticket, box, tray = Known("ticket", serial="S1"), Known("box", ("356938035643809",)), Known("tray", serial="S1")
    for order in permutations((box, tray)):
        assert differing(ticket, order) is None
    assert differing(ticket, (box, Known("tray", ("490154203237518",)))) == ("box", "tray")


@pytest.mark.parametrize(
    ("scanned", "kind", "value"),
    [
        ("IMEI1: 35 693803 564380 9", "imei", "356938035643809"),
        ("IMEI 2 356938035643809", "imei", "356938035643809"),
        ("imei100000000000009", "imei", "100000000000009"),
        ("S/N: R5CT", "serial", "R5CT"),
        ("SN12345", "serial", "SN12345"),
        ("MEID: A10000123456FE", "meid", "A10000123456FE"),
    ],
)
def test_a_label_is_read_without_the_name_of_its_number(scanned: str, kind: str, value: str) -> None:
    sight = read_label("box", scanned, Known("ticket", meid="A10000123456FE"))
    assert (sight.kind, sight.value) == (kind, value)
