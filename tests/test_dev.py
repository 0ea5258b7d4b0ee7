"""`dev.py` sets everything up; what Python it makes the environment of."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def dev() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _built(monkeypatch: pytest.MonkeyPatch, arguments: str, prefix: str = "/opt/python") -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", {"CONFIG_ARGS": arguments}.get)
    monkeypatch.setattr(sys, "base_prefix", prefix)


@pytest.mark.parametrize(
    ("arguments", "prefix"), [("'--enable-optimizations'", "/opt/python"), ("'--with-dtrace'", "/usr")]
)
def test_an_optimised_python_and_the_systems_own_are_taken_as_they_are(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, arguments: str, prefix: str
) -> None:
    _built(monkeypatch, arguments, prefix)
    assert dev.interpreter() == sys.executable


def test_another_one_gives_way_to_the_systems_where_an_environment_can_be_made_of_it(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _built(monkeypatch, "'--enable-shared'")
    for name, code in (("fit", 0), ("unfit", 1)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    dev.SYSTEM = str(tmp_path / "none")
    assert dev.interpreter() == sys.executable
    dev.SYSTEM = str(tmp_path / "unfit")
    assert dev.interpreter() == sys.executable
    dev.SYSTEM = str(tmp_path / "fit")
    assert dev.interpreter() == dev.SYSTEM
    assert dev.SYSTEM in capsys.readouterr().err


def test_what_is_asked_of_the_systems_python_holds_for_this_one(dev: ModuleType) -> None:
    assert subprocess.run([sys.executable, "-c", dev.FIT], check=False).returncode == 0
