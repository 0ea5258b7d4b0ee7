"""Runs `assay` in this process: a start of Python for every command would be most of a test's time."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from station import cli
from station.people import Cost


def _quick_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a guess costs is tested elsewhere; here it would only take time."""
    import station.setup

    quick = Cost(memory_kib=64, iterations=1, lanes=1)
    for function in (station.setup.add_person, station.setup.replace_key):
        monkeypatch.setattr(function, "__defaults__", (*(function.__defaults__ or ())[:-1], quick))


def run_assay(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *args: str, pin: str = "", lead_pin: str = ""
) -> tuple[int, str, str]:
    """The command line over one data folder; secrets by environment, as a simulated station allows."""
    out, err = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        _quick_guesses(patch)
        patch.setenv("ASSAY_DATA", str(folder))
        for name, value in (("ASSAY_PIN", pin), ("ASSAY_LEAD_PIN", lead_pin)):
            if value:
                patch.setenv(name, value)
            else:
                patch.delenv(name, raising=False)
        try:
            cli.main(["--lang", "en", *args])
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, out.getvalue(), err.getvalue()
