"""The storage chip of a simulated phone: what it says of its health, and whether it keeps what is flushed to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from drivers.sim.channel import Reply
from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone
    from drivers.sim.state import PhoneState

__all__ = ["ACTIONS", "FILES", "SECTION", "Section"]

SECTION = "storage"
_UFS = "/sys/devices/platform/14700000.ufs"


class Section(Data):
    """The chip.

    Attributes:
        life_a, life_b: JEDEC life estimates, tenths used from 1; None where the shell may not see them.
        eol: JEDEC's pre-EOL: 1 normal, 2 warning, 3 urgent.
        errors: how many fatal errors its driver has counted.
        forgets: changes a byte of what is flushed to it.
    """

    life_a: int | None = 1
    life_b: int | None = 2
    eol: int = 1
    errors: int = 0
    forgets: bool = False


def _told(value: Callable[[Section], int | None]) -> Callable[[PhoneState], str | None]:
    def file(state: PhoneState) -> str | None:
        section = state.part(Section)
        number = value(section)
        # Old chips are eMMC with other files, which phones of that time close to the shell.
        return (
            None if number is None or section.life_a is None or state.persona.android.sdk < 26 else f"0x{number:02x}\n"
        )

    return file


def _sync(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply:
    """`sync`: all is on the chip now, for better or worse."""
    if phone.state.part(Section).forgets:
        for file in phone.sandbox.path("/data/local/tmp").glob("*/copy"):
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 0x10
            file.write_bytes(data)
    return Reply()


FILES = {
    f"{_UFS}/health_descriptor/life_time_estimation_a": _told(lambda chip: chip.life_a),
    f"{_UFS}/health_descriptor/life_time_estimation_b": _told(lambda chip: chip.life_b),
    f"{_UFS}/health_descriptor/eol_info": _told(lambda chip: chip.eol),
    f"{_UFS}/err_stats/fatal_err_count": _told(lambda chip: chip.errors),
}
ACTIONS = {"sync": _sync}
