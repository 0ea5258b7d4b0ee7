"""The simulated phone's kernel log: what `dmesg` prints where the cable may read it, which most phones refuse."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.sim.channel import Reply
from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

__all__ = ["COMMANDS", "SECTION", "Section"]

SECTION = "kernel_log"


class Line(Data):
    """One line: seconds since the kernel started, its level and text."""

    at_s: float
    text: str
    level: int = 6


class Section(Data):
    """The persona's kernel log; `readable` only on old phones and builds for engineers (kernel.dmesg_restrict)."""

    readable: bool = False
    lines: tuple[Line, ...] = ()


#: What every phone says while it starts, the driver of another supplier's touch chip included.
_START = (
    Line(at_s=0.0, level=5, text="Linux version 5.10.177-bench (build@bench) #1 SMP PREEMPT"),
    Line(at_s=1.902114, level=3, text="goodix_ts 1-005d: probe of 1-005d failed with error -121"),
    Line(at_s=2.104401, text="input: touch_dev as /devices/platform/soc/a90000.i2c/i2c-1/1-0049/input/input2"),
    Line(at_s=3.310022, level=3, text="snd-soc-bench soc:sound: snd_soc_register_card failed (-517)"),
)


def _dmesg(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    log = state.part(Section)
    if not log.readable and uid != 0:
        return Reply(stderr="dmesg: klogctl: Operation not permitted\n", code=1)
    lines = sorted((*_START, *log.lines), key=lambda line: line.at_s)
    text = "".join(f"<{line.level}>[{line.at_s:12.6f}] {line.text}\n" for line in lines)
    return Reply(text.encode())


COMMANDS = {"dmesg": _dmesg}
