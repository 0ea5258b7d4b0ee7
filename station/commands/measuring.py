"""One dry run of chosen checks for `assay reference` and `assay study`: attended like `assay run`, without a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from station.client import Client

__all__ = ["Measuring", "measured"]


@dataclass(frozen=True, slots=True)
class Measuring:
    """What is measured, on which phone, by whom; `answers` is a file of answers, None asks at the terminal."""

    device: str
    checklist: str
    person: str
    only: tuple[str, ...]
    answers: Path | None
    wait_s: float

    @property
    def named(self) -> str:
        """The checklist as the engine finds it, which has another working folder."""
        return str(Path(self.checklist).absolute()) if self.checklist.endswith(".toml") else self.checklist


async def measured(client: Client, how: Measuring) -> dict[str, Any]:
    """The document of one run, from its start to its end.

    Raises:
        Trouble: there is no such phone, or the run can't be started.
    """
    from station.commands.answers import FromFile, FromTerminal
    from station.commands.run import Attended, first_stage
    from station.messages import FindDevice, StartRun

    checklist = how.named
    slot = (await client.send(FindDevice(device=how.device, wait_s=how.wait_s))).data["slot"]
    start = StartRun(
        slot=slot, ticket="", checklist=checklist, stage=first_stage(checklist), person=how.person, only=how.only
    )
    source = FromFile.read(how.answers) if how.answers else FromTerminal()
    return await Attended(client, source, start).to_the_end()
