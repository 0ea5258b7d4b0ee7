"""`assay vendors` and its page say the same as the data; `assay devices` says it where it is needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.api import Link, LinkState
from drivers.discovery import Found
from drivers.usb_host import Plugged
from probes.vendors import vendors
from station.commands import devices
from station.commands.vendors import page
from tests.station.command_line import run_assay

ROOT = Path(__file__).parents[2]


def test_the_page_of_the_documents_is_made_from_the_data() -> None:
    said = "python3 dev.py run vendors --page > docs/vendors.md"
    assert (ROOT / "docs" / "vendors.md").read_text(encoding="utf-8") == page(), said


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_maker_is_printed_with_its_steps_and_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    code, out, _ = run_assay(tmp_path, monkeypatch, "vendors", "--lang", lang)
    assert code == 0
    for one in vendors().values():
        assert one.name.to(lang) in out
        assert all(switch.name.to(lang) in out for switch in one.switches)
        assert all(each.code in out for each in one.codes)


def test_one_maker_is_found_by_its_brand_and_printed_as_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = run_assay(tmp_path, monkeypatch, "vendors", "OnePlus", "--json")
    [one] = json.loads(out)["vendors"]
    assert (code, one["id"]) == (0, "oppo")
    assert one["switches"][0]["name"][1].startswith("禁止权限监控")
    assert all(each["source"] and each["seen"] for each in one["codes"])


def test_a_maker_that_nobody_knows_is_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run_assay(tmp_path, monkeypatch, "vendors", "Northlight")
    assert (code, out) == (2, "")
    assert "samsung" in err


def row(state: LinkState, model: str = "", port: str = "usb:1-2") -> dict[str, object]:
    return devices._row(Found(Link("adb", "1", "S1", port, state, model)))


def test_a_phone_that_does_not_trust_the_bench_gets_its_makers_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.usb_host.port_names", lambda port: Plugged(port, "12d1", "HUAWEI P30"))
    said = row(LinkState.UNAUTHORIZED)
    assert said["maker"] == "Huawei"
    assert any("charge only" in step for step in said["steps"])  # type: ignore[attr-defined]
    monkeypatch.setattr("drivers.usb_host.port_names", lambda port: None)
    said = row(LinkState.UNAUTHORIZED)
    assert said["maker"] is None
    assert said["steps"]
    assert row(LinkState.UNAUTHORIZED, "Pixel_8")["maker"] == "Google Pixel"


def test_a_phone_that_is_ready_gets_no_steps() -> None:
    assert row(LinkState.DEVICE)["steps"] == []


def test_a_phone_without_debugging_is_named_with_the_steps_that_turn_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [Plugged("usb:1-3", "04e8", "SAMSUNG Galaxy S24"), Plugged("usb:1-4", "18d1", "Northlight Aurora")]
    monkeypatch.setattr("drivers.usb_host.without_debugging", lambda makers: seen)
    samsung, other = devices._silent()
    assert (samsung["port"], samsung["maker"]) == ("usb:1-3", "Samsung")
    assert "Software information" in samsung["steps"][0]
    assert other["maker"] == "any Android phone"
