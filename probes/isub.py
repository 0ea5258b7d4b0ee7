"""Which SIM sits in which slot as what: a card in the tray or a profile on the eSIM, and which one carries data.

One parser for the dump of the subscription service (Android 9 to 16). The phone itself picks the words that count:
numbers and card ids never leave it.
"""

from __future__ import annotations

import re

from drivers.api import Command
from probes.api import Parsed, parser
from probes.captured import stripped_lines

__all__ = ["READ_SUBSCRIPTIONS", "isub"]

READ_SUBSCRIPTIONS = Command(
    "subscriptions",
    "dumpsys isub | "
    "grep -oE 'Active subscriptions:|ActiveSubInfoList:|All Subscription Info List:|AllSubInfoList:|[{ ]id=[0-9]+|"
    "simSlotIndex=-?[0-9]+|isEmbedded=[a-z0-9]+|(defaultDataSubId|activeDataSubId)=-?[0-9]+|Permission.*'",
    timeout_s=10.0,
    limit=256 * 1024,
)

_BEGIN = ("Active subscriptions:", "ActiveSubInfoList:")
_END = ("All Subscription Info List:", "AllSubInfoList:")
_WORD = re.compile(r"(?:^|[ {\[])(id|simSlotIndex|isEmbedded)=(-?[0-9]{1,9}|true|false)\b", re.ASCII)
_DATA = re.compile(r"\b(?:activeDataSubId|defaultDataSubId)=([0-9]{1,9})\b", re.ASCII)


@parser("isub")
def isub(data: bytes) -> Parsed:
    """`dumpsys isub`: for each slot in use its subscription's id and whether it is embedded; which one carries data."""
    parsed = Parsed()
    facts = parsed.facts
    active = False
    subscription: dict[str, str] = {}

    def keep() -> None:
        slot = subscription.get("simSlotIndex", "")
        if slot.isdigit() and int(slot) < 8 and subscription.get("isEmbedded"):
            facts.setdefault(f"slot{slot}_embedded", subscription["isEmbedded"] in ("1", "true"))
            if subscription.get("id", "").isdigit():
                facts.setdefault(f"slot{slot}_sub", int(subscription["id"]))

    for line in stripped_lines(data):
        if found := _DATA.search(line):
            facts.setdefault("data_sub", int(found[1]))
        if line.startswith(_BEGIN):
            active = True
        elif line.startswith(_END):
            active = False
        elif active:
            for name, value in _WORD.findall(line):
                if name == "id":
                    keep()
                    subscription = {}
                subscription[name] = value
                if name == "isEmbedded":
                    keep()
                    subscription = {}
    return parsed
