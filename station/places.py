"""Where this station keeps its data; on its own, since the screen needs nothing else of the settings to start."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["data_folder"]


def data_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """The data folder: `given` (`--data`), else `ASSAY_DATA`, else the platform's folder for user data."""
    chosen = os.fspath(given) if given else os.environ.get("ASSAY_DATA", "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("assay", appauthor=False)
