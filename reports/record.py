"""The bytes of a record: canonical JSON, quantities, commitments, and in-toto statements written and read.

A statement is serialised once and kept verbatim; signatures are checked over those bytes and never over a second
serialisation. Stands on the predicate models and the standard library; knows no key, no store and no phone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from drivers.text import Words
from reports.kinds import PREDICATES
from reports.predicates import (
    Commitment,
    HeadV1,
    IntakeV1,
    KeyEventV1,
    Quantity,
    ReleaseV1,
    RunV1,
    SignoffV1,
    Statement,
)

__all__ = [
    "MAX_DEPTH",
    "MAX_INTEGER",
    "MAX_PAYLOAD",
    "PREDICATE_PREFIX",
    "STATEMENT_TYPE",
    "ReadStatement",
    "RecordError",
    "canonical",
    "commit",
    "digest_of",
    "make_statement",
    "parse_strict",
    "quantity",
    "read_statement",
]

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_PREFIX: Final = "urn:assay:"

#: RFC 8785 stands on IEEE 754 doubles: beyond this readers disagree about integers (RFC 7493, 2.2).
MAX_INTEGER: Final = 2**53 - 1
#: Nesting of a record's JSON; the deepest of ours (a limit's source in a run's checklist) is under 12.
MAX_DEPTH: Final = 32
#: The most bytes of a payload: with base64 and signatures an envelope stays under the 1 MB of an upload batch.
MAX_PAYLOAD: Final = 700_000

_SHA256 = re.compile(r"[0-9a-f]{64}")


class RecordError(Exception):
    """Something that should be a record, or should become one, is not within the rules.

    Attributes:
        words: what is wrong, in every language.
    """

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


def digest_of(data: bytes) -> str:
    """SHA-256 in lower-case hex: how records, evidence and checklists are named."""
    return hashlib.sha256(data).hexdigest()


# --- canonical JSON --------------------------------------------------------------------------------------------------


def canonical(value: object) -> bytes:
    """`value` in the record profile: sorted keys, no white space, UTF-8 in NFC, integers within 2^53, no floats.

    Texts are brought to NFC. Within the profile the bytes are those of RFC 8785; keys are kept to the Basic
    Multilingual Plane, where sorting by code points and by UTF-16 units is the same.

    Raises:
        RecordError: a float, an integer beyond 2^53, a lone surrogate, a key that is no text or occurs twice in NFC,
            nesting over `MAX_DEPTH`, or a type that JSON does not have.
    """
    return _dump(_within_profile(value, 0))


def parse_strict(data: bytes, limit: int = MAX_PAYLOAD) -> Any:
    """The value of canonical JSON.

    Raises:
        RecordError: more than `limit` bytes, a duplicate key, a float, an integer beyond 2^53, text that is not NFC or
            not UTF-8, nesting over `MAX_DEPTH`, anything before or after the value, or any other way to write the same
            value (white space, unsorted keys, needless escapes): one value has one form.
    """
    if len(data) > limit:
        raise RecordError(
            Words("longer than {limit} bytes", "超过 {limit} 字节").fill(limit=limit),
        )
    try:
        text = data.decode()
        value = _FAST.decode(text)
        _check_depth(value)
        if (again := _dump(value)) != data or _leaves_bmp(text):
            value = _DECODER.decode(text)  # says which key is there twice, or is outside
    except UnicodeDecodeError as error:
        raise RecordError(Words("is not UTF-8", "不是 UTF-8 编码")) from error
    except UnicodeEncodeError as error:
        raise _half_a_character() from error
    except ValueError as error:
        raise RecordError(Words("is not JSON: {why}", "不是 JSON：{why}").fill(why=error)) from error
    except RecursionError as error:
        raise _too_deep() from error
    # Nothing of JSON's own signs composes with what follows it, so the whole is NFC just when each text in it is.
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        raise RecordError(Words("has text that is not NFC", "含未按 NFC 规范化的文本"))
    if again != data:
        raise RecordError(
            Words("is not in canonical form (white space, key order or escapes)", "不是规范形式（空白、键顺序或转义）")
        )
    return value


def _dump(value: object) -> bytes:
    return _ENCODER.encode(value).encode()


def _within_profile(value: object, depth: int) -> Any:
    """The value with its texts in NFC; `depth` is the number of containers around it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _normal(str(value))
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise _too_big()
        return int(value)
    if isinstance(value, list | tuple | dict) and depth >= MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, list | tuple):
        return [_within_profile(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return _object(value, depth)
    raise RecordError(
        Words("has a value that records do not know: {kind}", "含记录不支持的类型：{kind}").fill(
            kind=type(value).__name__
        )
    )


def _object(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise RecordError(Words("has a key that is not a text", "含非文本的键"))
        name = _normal(str(key))
        if name in out:
            raise RecordError(Words("has a key twice: {key}", "键重复：{key}").fill(key=name))
        _check_key(name)
        out[name] = _within_profile(item, depth + 1)
    return out


def _check_key(name: str) -> None:
    if not name.isascii() and max(name) > "\uffff":
        raise RecordError(Words("has a key outside the BMP: {key}", "键超出基本多文种平面：{key}").fill(key=name))


def _normal(text: str) -> str:
    if text.isascii():
        return text
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise _half_a_character()
    return unicodedata.normalize("NFC", text)


def _leaves_bmp(text: str) -> bool:
    """Whether a character lies outside the BMP: it takes two units of UTF-16, all others one."""
    return not text.isascii() and len(text.encode("utf-16-le")) != 2 * len(text)


def _check_depth(value: object) -> None:
    """Refuse deep nesting; the parser itself refuses what it has no stack for."""
    level: list[Any] = [value] if type(value) is dict or type(value) is list else []  # the parser makes no others
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            item
            for each in level
            for item in (each.values() if type(each) is dict else each)
            if type(item) is dict or type(item) is list
        ]
    if level:
        raise _too_deep()


def _too_deep() -> RecordError:
    return RecordError(Words("is nested too deep", "嵌套过深"))


def _too_big() -> RecordError:
    return RecordError(Words("has an integer beyond 2^53", "含超出 2^53 的整数"))


def _half_a_character() -> RecordError:
    return RecordError(Words("has half a character (a lone surrogate)", "含不完整字符（孤立代理项）"))


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise RecordError(Words("has a duplicate key", "含重复的键"))
    for name in out:
        _check_key(name)
    return out


def _integer(digits: str) -> int:
    # 2^53 has 16 digits; Python reads very long ones in quadratic time
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise _too_big()
    return int(digits)


def _no_float(text: str) -> Any:
    raise RecordError(Words("has a number that is not an integer: {text}", "含非整数：{text}").fill(text=text))


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_duplicates,
    parse_int=_integer,
    parse_float=_no_float,
    parse_constant=_no_float,
)
#: Without a look at each object: what it reads is written the same way again just when no key was there twice.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
)
_FAST = json.JSONDecoder(parse_int=_integer, parse_float=_no_float, parse_constant=_no_float)


# --- values ----------------------------------------------------------------------------------------------------------


def quantity(number: Decimal, unit: str) -> Quantity:
    """A measured number in a UCUM unit as it goes into a record: exactly, with its trailing zeros where they fit.

    Raises:
        RecordError: not finite, or not exact with an integer under 2^53 and a power of ten within +/- 18.
    """
    fits = _scaled(number) or (_scaled(number.normalize()) if number.is_finite() else None)
    if fits:
        return Quantity(v=fits[0], e=fits[1], u=unit)
    raise RecordError(
        Words("{number} {unit} does not fit a record exactly", "{number} {unit} 无法精确写入记录").fill(
            number=str(number)[:60], unit=unit
        )
    )


def _scaled(number: Decimal) -> tuple[int, int] | None:
    """The integer and the power of ten that a decimal is written with, where a record can hold them."""
    sign, digits, power = number.as_tuple()
    if power == 0 and len(digits) <= 15:  # as most are: under 2^53 in any case
        return int(number), 0
    if not isinstance(power, int) or len(digits) > 40 or power > 40:
        return None
    value, exponent = int("".join(map(str, digits))), int(power)
    if exponent > 18:
        value, exponent = value * 10 ** (exponent - 18), 18
    if value == 0:
        exponent = max(-18, exponent)
    if value > MAX_INTEGER or exponent < -18:
        return None
    return (-value if sign else value), exponent


def commit(salt: bytes, kind: str, text: str) -> Commitment:
    """The commitment to an identity: HMAC-SHA-256 under the ticket's salt over its kind and its text.

    Args:
        salt: at least 16 random bytes, one for each ticket; erasing it makes the commitment meaningless.
        kind: what the identity is (`imei`, `serial`, ...), so that equal texts of two kinds differ.

    Raises:
        ValueError: the salt is too short.
    """
    if len(salt) < 16:
        raise ValueError("a commitment's salt has at least 16 bytes")
    message = canonical(["assay-commitment/v1", kind, text])
    return Commitment(commitment=hmac.new(salt, message, hashlib.sha256).hexdigest())


# --- statements ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadStatement:
    """A statement as read.

    Attributes:
        kind: e.g. `run/v1`; also of kinds that this version does not know.
        subject: the digest that the statement is about (see `make_statement`).
        predicate: the model, None when the kind or its version is unknown: such a record is shown and never counts.
        raw: the predicate as it stands in the bytes.
    """

    kind: str
    subject: str
    predicate: Statement | None
    raw: dict[str, Any]


#: What the one subject of each kind is called; every other record is about the phone of its ticket.
_SUBJECT_NAMES = {
    "signoff/v1": "record",
    "key-event/v1": "key",
    "qualification/v1": "key",
    "head/v1": "head",
    "receipt/v1": "station",
    "bundle/v1": "bundle",
}


def make_statement(kind: str, subject: Commitment | str, predicate: Statement) -> bytes:
    """The bytes of a statement, to be signed and kept verbatim.

    Args:
        kind: a key of `PREDICATES`, e.g. `run/v1`.
        subject: what the record is about, as a commitment or a SHA-256 in hex: the phone's commitment for the records
            of a ticket, the target's digest for `signoff/v1`, the key id for `key-event/v1`, the root for `head/v1`,
            and `digest_of(station id)` for `receipt/v1`.

    Raises:
        RecordError: the predicate is not of that kind, the subject contradicts it, or it is too large.
    """
    model = PREDICATES.get(kind)
    if model is None or type(predicate) is not model:
        raise RecordError(
            Words("{model} is not the predicate of {kind}", "{model} 不是 {kind} 的内容").fill(
                model=type(predicate).__name__, kind=kind
            )
        )
    digest = subject.commitment if isinstance(subject, Commitment) else subject
    payload = canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": _SUBJECT_NAMES.get(kind, "phone"), "digest": {"sha256": digest}}],
            "predicateType": PREDICATE_PREFIX + kind,
            "predicate": predicate.model_dump(mode="json"),
        }
    )
    read_statement(payload)  # what could not be read back must never be signed
    return payload


def read_statement(payload: bytes) -> ReadStatement:
    """The statement in the bytes of a payload.

    Raises:
        RecordError: outside the record profile, not an in-toto Statement v1 with one subject, a predicate that is not
            as its model says, or a subject that contradicts the predicate.
    """
    whole = parse_strict(payload)
    if not isinstance(whole, dict) or set(whole) != {"_type", "subject", "predicateType", "predicate"}:
        raise RecordError(Words("is not a statement", "不是声明"))
    kind, raw = whole["predicateType"], whole["predicate"]
    if whole["_type"] != STATEMENT_TYPE or not isinstance(kind, str) or not kind.startswith(PREDICATE_PREFIX):
        raise RecordError(Words("is not one of our statements", "不是本系统的声明"))
    kind = kind.removeprefix(PREDICATE_PREFIX)
    if not isinstance(raw, dict):
        raise RecordError(Words("has no predicate", "没有内容"))
    subject = _subject(kind, whole["subject"])
    model = PREDICATES.get(kind)
    if model is None:
        return ReadStatement(kind, subject, None, raw)
    try:
        predicate = model.model_validate_json(_predicate_in(payload, whole))
    except ValidationError as error:
        first = error.errors()[0]
        raise RecordError(
            Words("is not a valid {kind}: {where}: {why}", "不是有效的 {kind}：{where}：{why}").fill(
                kind=kind, where=".".join(map(str, first["loc"])), why=first["msg"]
            )
        ) from error
    demanded = _demanded_subject(predicate)
    if demanded is not None and demanded != subject:
        raise RecordError(
            Words("is about another {name} than it says", "主体与内容不符（{name}）").fill(
                name=_SUBJECT_NAMES.get(kind, "phone")
            )
        )
    return ReadStatement(kind, subject, predicate, raw)


def _predicate_in(payload: bytes, whole: dict[str, Any]) -> bytes:
    """The bytes of the predicate within those of its statement, which are canonical: what is around it is known."""
    rest = {"predicateType": whole["predicateType"], "subject": whole["subject"]}
    return payload[len(_FRONT) : len(payload) - len(_dump(rest))]


_FRONT: Final = f'{{"_type":"{STATEMENT_TYPE}","predicate":'.encode()


def _subject(kind: str, subjects: object) -> str:
    name = _SUBJECT_NAMES.get(kind, "phone")
    if isinstance(subjects, list) and len(subjects) == 1:
        match subjects[0]:
            case {"name": str(called), "digest": {"sha256": str(digest), **others}, **more} if not others and not more:
                known = kind in PREDICATES
                if _SHA256.fullmatch(digest) and (called == name or not known):
                    return digest
    raise RecordError(Words("has no valid subject", "没有有效的主体"))


def _demanded_subject(predicate: Statement) -> str | None:
    """What the predicate itself says the subject is; None where only the ticket's other records can tell."""
    match predicate:
        case RunV1():
            return predicate.device.phone.commitment
        case IntakeV1() | ReleaseV1():
            return predicate.phone.commitment
        case SignoffV1():
            return predicate.target
        case KeyEventV1():
            return predicate.key.id
        case HeadV1():
            return predicate.root
        case _:
            return None
