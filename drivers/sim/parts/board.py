"""The main board of a simulated phone: what its parts tell of themselves, and how often it started of late."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import Field

from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.state import PhoneState

__all__ = ["FILES", "SECTION", "Section"]

SECTION = "board"


class Section(Data):
    """What the makers' files say; empty where there is no such file.

    Attributes:
        cell_id: the screen's serial.
        panel: the screen's panel.
        rear_module, front_module: ids of the camera modules.
        fingerprint: the fingerprint sensor.
        rails: what the kernel says of the first power rails, by name; empty: the folder is closed, as on most phones.
    """

    cell_id: str = ""
    panel: str = ""
    rear_module: str = ""
    front_module: str = ""
    fingerprint: str = ""
    rails: dict[str, str] = Field(default_factory=dict)


def _file(value: Callable[[Section], str]) -> Callable[[PhoneState], str | None]:
    def file(state: PhoneState) -> str | None:
        text = value(state.part(Section))
        return f"{text}\n" if text else None

    return file


#: No more rails than this are told of.
_MOST_RAILS = 4
_RAIL_FILES = {"name": 0, "status": 1}


def _rail(number: int, at: int) -> Callable[[PhoneState], str | None]:
    def file(state: PhoneState) -> str | None:
        rails = list(state.part(Section).rails.items())
        return f"{rails[number][at]}\n" if number < len(rails) else None

    return file


FILES = {
    f"/sys/class/regulator/regulator.{number}/{leaf}": _rail(number, at)
    for number in range(_MOST_RAILS)
    for leaf, at in _RAIL_FILES.items()
} | {
    "/sys/class/lcd/panel/cell_id": _file(lambda board: board.cell_id),
    "/sys/class/lcd/panel/lcd_type": _file(lambda board: board.panel),
    "/sys/class/camera/rear/rear_moduleid": _file(lambda board: board.rear_module),
    "/sys/class/camera/front/front_moduleid": _file(lambda board: board.front_module),
    "/sys/class/fingerprint/fingerprint/name": _file(lambda board: board.fingerprint),
}
