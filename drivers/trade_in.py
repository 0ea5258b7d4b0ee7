"""The answer of `tradeinmode getstatus`: the one command that a reset phone with Android 16 or later answers by adb.

In trade-in mode adbd refuses every other service and every other shell command, so a phone is identified from this
answer alone. It is JSON from a phone, so hostile: nothing here raises on it. Stands on the standard library and
`drivers.api`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from drivers.api import Identity
from drivers.imei import imei_ok

__all__ = ["GET_STATUS", "STATUS_LIMIT", "object_in", "read_trade_in_identity"]

#: source.android.com/docs/core/perf/trade-in-mode. adbd takes letters, digits, `_`, `-` and blanks only.
GET_STATUS = "tradeinmode getstatus"
#: Bytes; a status with an attestation certificate is some 10 kB.
STATUS_LIMIT = 256 * 1024


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def object_in(text: str) -> dict[str, Any] | None:
    """The first JSON object in `text`, whatever stands around it; None when there is none, or it is cut or broken."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        found, _ = json.JSONDecoder(parse_constant=_no_number).raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(table: object, key: str) -> str:
    value = table.get(key) if isinstance(table, Mapping) else None
    return value if isinstance(value, str) else ""


def read_trade_in_identity(text: str) -> Identity | None:
    """Who a phone in trade-in mode says it is; None when the answer is no status.

    A phone that its owner's account still locks tells its lock state and nothing else: then all texts are empty.
    """
    status = object_in(text)
    if status is None or not {"locks", "serial", "product"} & status.keys():
        return None
    said = status.get("imeis")
    imeis = [one for one in said if isinstance(one, str) and imei_ok(one)] if isinstance(said, list) else []
    product = status.get("product")
    return Identity(
        serial=_text(status, "serial"),
        imeis=tuple(dict.fromkeys(imeis)),
        manufacturer=_text(product, "manufacturer"),
        model=_text(product, "model"),
    )
