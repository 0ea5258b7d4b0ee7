"""`tradeinmode` of a simulated phone with Android 16 or later: its status as JSON, as AOSP's DeviceDiagnostics has it.

The battery's figures are the battery's own; a phone that its owner's account locks tells its locks and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from drivers.sim.channel import Reply
from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

__all__ = ["COMMANDS", "SECTION", "Section"]

SECTION = "trade_in"


class Section(Data):
    """What the status says beside the battery's and the model's own data.

    Attributes:
        refuses: printed instead of a status.
        factory_reset_protection: locked to the owner's account.
        storage_life_left: per cent.
        battery_part, screen_parts: `original` or `replaced`, empty where the maker does not tell.
        moisture: whether the moisture sensor has seen any; None without such a sensor.
        folded, rated: of the hinge; 0 without one.
    """

    refuses: str = ""
    factory_reset_protection: bool = False
    storage_life_left: int = 97
    storage_bytes: int = 128_000_000_000
    battery_part: str = "original"
    screen_parts: tuple[str, ...] = ("original",)
    moisture: bool | None = False
    folded: int = 0
    rated: int = 0
    manufactured_s: int = 1_735_603_200
    first_use_s: int = 1_740_700_800


def _status(state: PhoneState) -> dict[str, Any]:
    data, battery, model = state.part(Section), state.persona.battery, state.persona.model
    locks = {"factory_reset_protection": data.factory_reset_protection}
    if data.factory_reset_protection:
        return {"locks": locks}
    told: dict[str, Any] = {
        "battery": {
            "cycle_count": battery.cycles or 0,
            "health": round(100 * battery.full_uah / battery.design_uah),
            "state": battery.health,
            "manufacturing_date": data.manufactured_s,
            "first_usage_date": data.first_use_s,
        },
        "storage": {
            "useful_lifetime_remaining": data.storage_life_left,
            "capacity_bytes": str(data.storage_bytes),
        },
        "launch_level": state.persona.android.sdk,
        "locks": locks,
        "product": {
            "brand": model.brand,
            "device": model.device,
            "manufacturer": model.manufacturer,
            "model": model.model,
            "name": model.product,
        },
        "imeis": list(state.identity.imeis),
        "serial": state.identity.serial,
    }
    if data.battery_part:
        told["battery"] |= {"serial": battery.serial, "part_status": data.battery_part}
    if data.screen_parts:
        told["screen"] = {"screens": [{"part_status": one} for one in data.screen_parts]}
    if data.rated:
        told["hinge"] = {"hinges": [{"num_times_folded": data.folded, "rated_lifespan": data.rated}]}
    if data.moisture is not None:
        told["sensors"] = {"moisture_intrusion": data.moisture}
    return told


def _tradeinmode(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    """`tradeinmode getstatus`; before Android 16 there is no such program."""
    if state.persona.android.sdk < 36:
        return Reply(stderr="/system/bin/sh: tradeinmode: inaccessible or not found", code=127)
    if refuses := state.part(Section).refuses:
        return Reply(stderr=refuses, code=1)
    if list(arguments[:1]) != ["getstatus"]:
        return Reply(stderr="Usage: tradeinmode getstatus [--challenge CHALLENGE] | evaluate", code=1)
    return Reply((json.dumps(_status(state), indent=2) + "\n").encode())


COMMANDS = {"tradeinmode": _tradeinmode}
