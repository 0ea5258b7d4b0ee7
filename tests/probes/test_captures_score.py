"""The parsers on outputs of real phones, where the shared folder with them is there."""

from __future__ import annotations

import importlib.util
import io
import json
import shlex
import subprocess
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from station import cli


def judge(shared: Path) -> ModuleType:
    """The script that judges, as a module."""
    spec = importlib.util.spec_from_file_location("captures_score", shared / "captures" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def here(command: str, **_: Any) -> subprocess.CompletedProcess[str]:
    """What the script starts as a process, run in this one: 35 starts of Python would take most of a minute."""
    program, *arguments = shlex.split(command)
    assert program == "assay"
    out = io.StringIO()
    with redirect_stdout(out), suppress(SystemExit):
        cli.main(arguments)
    return subprocess.CompletedProcess(command, 0, out.getvalue(), "")


def test_nothing_is_wrong_and_98_percent_of_stated_facts_are_right_in_every_kind_of_real_outputs(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = judge(shared)
    monkeypatch.setattr(script.subprocess, "run", here)
    monkeypatch.setattr(sys, "argv", ["score.py", "--json"])
    out = io.StringIO()
    with redirect_stdout(out), suppress(SystemExit):
        script.main()
    score = json.loads(out.getvalue())
    assert score["kinds"].keys() == script.core(shared / "captures").keys()
    for kind, one in {**score["kinds"], "all": score["total"]}.items():
        assert one["wrong"] == 0, kind
        assert one["answered"] == one["files"], kind
        assert one["stated_right"] >= 0.98 * one["stated"], kind
