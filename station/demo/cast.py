"""Which phones a demo was made with, in its folder, so that opening the folder again brings the same ones.

Stands on pydantic. The file is written when everything else of the folder is there: a folder without it is no demo's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from station.settings import write_new

__all__ = ["Cast", "keep_cast", "kept_cast"]

_FILE = "demo.json"


class Cast(BaseModel):
    """The simulated phones of a demo.

    Attributes:
        seed: gave them their serials and IMEIs.
        personas: what each is.
        ports: TCP ports, which are the sockets of this bench: at the same port a phone is in the same slot.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int
    personas: Annotated[tuple[str, ...], Field(min_length=1)]
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = ()


def keep_cast(data: Path, cast: Cast) -> None:
    """Write down that `data` is now a whole demo's folder.

    Raises:
        Trouble: the folder cannot be written.
        FileExistsError: it is one already.
    """
    write_new(data / _FILE, cast.model_dump_json().encode() + b"\n")


def kept_cast(data: Path) -> Cast | None:
    """The phones of the demo that was kept in `data`; None when it is no demo's folder."""
    try:
        return Cast.model_validate_json((data / _FILE).read_bytes())
    except (OSError, ValidationError):
        return None
