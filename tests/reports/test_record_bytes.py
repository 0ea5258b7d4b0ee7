"""The byte profile of records: one value, one form, and everything else refused."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from records_builder import PHONE, SALT, Shop

from reports.predicates import Quantity, SignoffV1
from reports.record import (
    MAX_DEPTH,
    MAX_INTEGER,
    RecordError,
    canonical,
    commit,
    make_statement,
    parse_strict,
    quantity,
    read_statement,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
KEYS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def normal(value: object) -> object:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, dict):
        return {unicodedata.normalize("NFC", key): normal(item) for key, item in value.items()}
    return value


def keys_stay_apart(value: object) -> bool:
    if isinstance(value, dict):
        return len({unicodedata.normalize("NFC", key) for key in value}) == len(value) and all(
            keys_stay_apart(item) for item in value.values()
        )
    return all(keys_stay_apart(item) for item in value) if isinstance(value, list) else True


@settings(deadline=None)
@given(VALUES.filter(keys_stay_apart))
def test_within_the_profile_the_bytes_are_those_of_rfc_8785(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(normal(value))  # type: ignore[arg-type]


@settings(deadline=None)
@given(VALUES.filter(keys_stay_apart))
def test_what_was_written_is_read_back(value: object) -> None:
    assert parse_strict(canonical(value)) == normal(value)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_as_canonical_json_or_refused(data: bytes) -> None:
    try:
        value = parse_strict(data)
    except RecordError:
        return
    assert canonical(value) == data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":1,"a":2}', "duplicate"),
        (b'{"a":1.0}', "not an integer"),
        (b'{"a":1e3}', "not an integer"),
        (b'{"a":NaN}', "not an integer"),
        (b'{"a":-Infinity}', "not an integer"),
        (b'{"a":9007199254740992}', "2^53"),
        (b'{"a":' + b"9" * 5000 + b"}", "2^53"),
        (b'{"a":-0}', "canonical"),
        (b'{"a": 1}', "canonical"),
        (b'{"b":1,"a":2}', "canonical"),
        (b'{"a":1}\n', "canonical"),
        (b'{"a":"\\u0041"}', "canonical"),
        (b'{"a":"\\/"}', "canonical"),
        (b'{"a":1}{"a":1}', "JSON"),
        (b'{"a":1}\x00', "JSON"),
        (b'\xef\xbb\xbf{"a":1}', "JSON"),
        ('{"a":"e\u0301"}'.encode(), "NFC"),
        ('{"e\u0301":1}'.encode(), "NFC"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":"\\ud800"}', "surrogate"),
        ('{"\U0001f600":1}'.encode(), "BMP"),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), "deep"),
        (b"[" * 100_000, "deep"),
        (b"", "JSON"),
    ],
)
def test_every_other_way_to_write_it_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(RecordError, match=why.replace("^", r"\^")):
        parse_strict(data)


def test_more_bytes_than_the_limit_are_not_even_looked_at() -> None:
    with pytest.raises(RecordError, match="longer than 10 bytes"):
        parse_strict(b" " * 11, limit=10)


def nested() -> list[object]:
    value: list[object] = []
    for _ in range(MAX_DEPTH + 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        {1: 2},
        {"a": object()},
        b"bytes",
        2**53,
        -(2**53),
        "\ud800",
        {"é": 1, "e\u0301": 2},
        {"\U0001f600": 1},
        nested(),
    ],
)
def test_what_records_do_not_know_is_refused_when_written(value: object) -> None:
    with pytest.raises(RecordError):
        canonical(value)


@settings(deadline=None)
@given(st.integers(-MAX_INTEGER, MAX_INTEGER), st.integers(-18, 18))
def test_a_quantity_is_the_decimal_exactly(digits: int, power: int) -> None:
    number = Decimal(digits).scaleb(power)
    made = quantity(number, "V")
    assert Decimal(made.v).scaleb(made.e) == number


@settings(deadline=None)
@given(st.decimals())
def test_a_decimal_that_does_not_fit_is_refused_never_rounded(number: Decimal) -> None:
    try:
        made = quantity(number, "V")
    except RecordError:
        return
    assert Decimal(made.v).scaleb(made.e) == number


@pytest.mark.parametrize(
    ("number", "made"),
    [("3.712", (3712, -3)), ("3.710", (3710, -3)), ("-5", (-5, 0)), ("1E+20", (100, 18)), ("0", (0, 0))],
)
def test_a_quantity_keeps_the_digits_that_were_measured(number: str, made: tuple[int, int]) -> None:
    assert quantity(Decimal(number), "V") == Quantity(v=made[0], e=made[1], u="V")


def test_a_commitment_tells_salt_kind_and_text_apart() -> None:
    seen = {
        commit(salt, kind, text).commitment
        for salt in (SALT, SALT[::-1])
        for kind in ("imei", "serial")
        for text in ("1", "2")
    }
    assert len(seen) == 8
    assert commit(SALT, "imei", "1") == commit(SALT, "imei", "1")
    with pytest.raises(ValueError, match="16 bytes"):
        commit(b"short", "imei", "1")


# --- statements ---


def test_a_statement_is_an_in_toto_statement_with_one_subject() -> None:
    shop = Shop()
    from reports.attest import open_envelope

    payload = open_envelope(shop.intake()).payload
    whole = json.loads(payload)
    assert whole["_type"] == "https://in-toto.io/Statement/v1"
    assert whole["predicateType"] == "urn:assay:intake/v1"
    assert whole["subject"] == [{"name": "phone", "digest": {"sha256": PHONE.commitment}}]
    read = read_statement(payload)
    assert (read.kind, read.subject) == ("intake/v1", PHONE.commitment)


def statement(**changes: object) -> bytes:
    from reports.attest import open_envelope

    whole = json.loads(open_envelope(Shop().intake()).payload)
    return canonical({**whole, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "https://example.org/intake/v1"},
        {"predicateType": 3},
        {"predicate": []},
        {"predicate": {}},
        {"subject": []},
        {"subject": [{"name": "phone", "digest": {"sha256": "A" * 64}}]},
        {"subject": [{"name": "phone", "digest": {"sha256": "0" * 64}}]},
        {"subject": [{"name": "phone", "digest": {"sha256": PHONE.commitment, "md5": ""}}]},
        {"subject": [{"name": "record", "digest": {"sha256": PHONE.commitment}}]},
        {"subject": [{"name": "phone", "digest": {"sha256": PHONE.commitment}}] * 2},
        {"more": 1},
    ],
)
def test_a_statement_that_is_not_ours_or_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RecordError):
        read_statement(statement(**changes))


def test_an_unknown_version_is_read_for_display_without_a_model() -> None:
    read = read_statement(statement(predicateType="urn:assay:intake/v2"))
    assert (read.kind, read.predicate) == ("intake/v2", None)
    assert read.raw["complaint"] == "屏幕有线"


def test_a_predicate_with_an_unknown_key_is_refused() -> None:
    whole = json.loads(statement())
    whole["predicate"]["colour"] = "blue"
    with pytest.raises(RecordError, match="colour"):
        read_statement(canonical(whole))


def test_a_sign_off_is_about_exactly_the_record_that_it_names() -> None:
    shop = Shop()
    signed = shop.signed("wang", "technician", "performed")
    predicate = SignoffV1(**signed, target="a" * 64, target_kind="run/v1", note="")
    make_statement("signoff/v1", "a" * 64, predicate)
    with pytest.raises(RecordError, match="another record"):
        make_statement("signoff/v1", "b" * 64, predicate)
    with pytest.raises(RecordError, match="is not the predicate"):
        make_statement("waiver/v1", "a" * 64, predicate)
