"""The main board of a simulated phone: what its parts tell of themselves, and how often it started of late."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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
    """

    cell_id: str = ""
    panel: str = ""
    rear_module: str = ""
    front_module: str = ""
    fingerprint: str = ""


def _file(value: Callable[[Section], str]) -> Callable[[PhoneState], str | None]:
    def file(state: PhoneState) -> str | None:
        text = value(state.part(Section))
        return f"{text}\n" if text else None

    return file


FILES = {
    "/sys/class/lcd/panel/cell_id": _file(lambda board: board.cell_id),
    "/sys/class/lcd/panel/lcd_type": _file(lambda board: board.panel),
    "/sys/class/camera/rear/rear_moduleid": _file(lambda board: board.rear_module),
    "/sys/class/camera/front/front_moduleid": _file(lambda board: board.front_module),
    "/sys/class/fingerprint/fingerprint/name": _file(lambda board: board.fingerprint),
}
