"""Aeroplane mode: the first reason why a radio is silent, asked for by every check of a radio.

One read that they share. It knows no check and no limit.
"""

from __future__ import annotations

from drivers.api import Command, CommandResult
from drivers.text import Words
from probes.api import Bench

__all__ = ["AIRPLANE_ON", "READ_AIRPLANE", "airplane_mode", "svc_unable"]

#: android.provider.Settings.Global.AIRPLANE_MODE_ON.
READ_AIRPLANE = Command("airplane", "settings get global airplane_mode_on", timeout_s=10.0, limit=4096)
AIRPLANE_ON = Words("aeroplane mode is on; turn it off and run this again", "飞行模式已打开；请关闭后重测")


def airplane_mode(bench: Bench) -> bool:
    """Whether the phone says that aeroplane mode is on; a phone that does not say is taken for one where it is off."""
    answer = bench.answer(READ_AIRPLANE.name)
    return answer.failure is None and answer.text.strip() == "1"


#: What `svc` prints for a radio that it can't switch; it ends without an error all the same (AOSP Svc).
_SVC_HELP = b"Available commands:"


def svc_unable(told: CommandResult) -> bool:
    """Whether this Android's `svc` does not know the radio: NFC came with Android 7, Bluetooth with 9."""
    return _SVC_HELP in told.stdout + told.stderr
