"""Transports that another distribution brings along: found, given the truth about the bench, and isolated."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from drivers.outside import outside_transports

MODULE = """
class Simple:
    name = "simple"
    def __init__(self, simulated):
        self.simulated = simulated

class Twin(Simple):
    pass

class Posing(Simple):
    name = "adb"

def broken(simulated):
    raise OSError("no such bus")
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with good and bad drivers on the path, as pip would leave it."""
    (tmp_path / "foreign_driver.py").write_text(MODULE, encoding="utf-8")
    info = tmp_path / "foreign_driver-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-driver\nVersion: 1.0\n", encoding="utf-8")
    named = ("foreign_driver:Simple", "foreign_driver:broken", "no_such_module:x", "foreign_driver:Twin")
    lines = [f"e{n} = {name}\n" for n, name in enumerate((*named, "foreign_driver:Posing"))]
    (info / "entry_points.txt").write_text("[assay.drivers]\n" + "".join(lines), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "foreign_driver", raising=False)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("simulated", [True, False])
def test_what_loads_is_there_and_what_fails_is_told(simulated: bool) -> None:
    found = outside_transports(["adb"], simulated=simulated)
    [transport] = found.transports
    assert (transport.name, transport.simulated) == ("simple", simulated)  # type: ignore[attr-defined]
    assert found.failed == {
        "foreign_driver:broken": "OSError: no such bus",
        "no_such_module:x": "ModuleNotFoundError: No module named 'no_such_module'",
        "foreign_driver:Twin": "ValueError: the transport 'simple' is there already",
        "foreign_driver:Posing": "ValueError: the transport 'adb' is there already",
    }


def test_a_bench_without_any_has_none() -> None:
    assert outside_transports([], simulated=False).transports == ()
