"""`assay` without a command: the terminal screen of this station, attached to its engine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["open_screen", "run_screen"]


def open_screen() -> int:
    """Show the station in the data folder; returns the exit code."""
    from station.places import data_folder

    return run_screen(data_folder())


def run_screen(
    data_dir: Path,
    lang: str | None = None,
    ascii_only: bool | None = None,
    *,
    notice: str = "",
    glimpse: Callable[[str], str] = lambda device: "",
) -> int:
    """Show the station in `data_dir` until the person leaves.

    Arguments:
        lang: `en` or `zh`; None keeps the language in use.
        notice, glimpse: see `station.ui.seams.Bench`.
        ascii_only: signs and frames in ASCII; None: where the terminal is not UTF-8, or `ASSAY_ASCII` is set.

    Returns the exit code; the engine goes on.
    """
    import sys

    # Textual reads it once, at its first import: 120 frames a second halve the wait for a repaint (measured).
    os.environ.setdefault("TEXTUAL_FPS", "120")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    # Looking for plug-ins of pydantic's reads the metadata of everything installed before the first snapshot is shown.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from station.i18n import set_language
    from station.ui.app import AssayApp
    from station.ui.station import real_bench

    if lang is not None:
        set_language(lang)
    if ascii_only is None:
        encoding = (sys.stdout.encoding or "").lower().replace("-", "")
        ascii_only = encoding != "utf8" or bool(os.environ.get("ASSAY_ASCII"))
    return AssayApp(real_bench(Path(data_dir), notice, glimpse), ascii_only).run(mouse=False) or 0
