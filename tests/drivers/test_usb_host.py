"""Phones on USB ports that adb does not see: found by their descriptors, and nothing else taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.usb_host import Plugged, port_names, without_debugging

MTP, PTP, ADB, STORAGE, SERIAL = (
    ("ff", "ff", "00"),
    ("06", "01", "01"),
    ("ff", "42", "01"),
    ("08", "06", "50"),
    ("0a", "00", "00"),
)


def plug(
    devices: Path, name: str, vendor: str, product: str, *interfaces: tuple[str, str, str], maker: str = "Maker"
) -> None:
    """A device as sysfs shows it."""
    folder = devices / name
    folder.mkdir(parents=True)
    for file, text in (("idVendor", vendor), ("manufacturer", maker), ("product", product)):
        (folder / file).write_text(text + "\n", encoding="utf-8")
    for number, kinds in enumerate(interfaces):
        interface = folder / f"{name}:1.{number}"
        interface.mkdir()
        for file, text in zip(("Class", "SubClass", "Protocol"), kinds, strict=True):
            (interface / f"bInterface{file}").write_text(text + "\n", encoding="utf-8")


def test_a_phone_that_only_shares_files_is_found_with_its_names(tmp_path: Path) -> None:
    plug(tmp_path, "1-2", "2717", "Mi 11", MTP, maker="Xiaomi")
    assert without_debugging({"2717"}, tmp_path) == [Plugged("usb:1-2", "2717", "Xiaomi Mi 11")]
    assert port_names("usb:1-2", tmp_path) == Plugged("usb:1-2", "2717", "Xiaomi Mi 11")


@pytest.mark.parametrize(
    ("vendor", "interfaces"),
    [
        ("2717", (MTP, ADB)),  # adb sees it
        ("2717", (STORAGE,)),  # a stick of the same maker
        ("1d6b", (MTP,)),  # no maker of phones
        ("2717", ()),
        ("nonsense", (MTP,)),
    ],
)
def test_what_is_no_phone_without_debugging_is_left_out(
    tmp_path: Path, vendor: str, interfaces: tuple[tuple[str, str, str], ...]
) -> None:
    plug(tmp_path, "1-2", vendor, "x", *interfaces)
    assert without_debugging({"2717"}, tmp_path) == []


def test_hubs_and_hosts_are_no_phones(tmp_path: Path) -> None:
    plug(tmp_path, "usb1", "2717", "Host", MTP)
    plug(tmp_path, "1-1.4.2", "04e8", "Galaxy", PTP)
    assert [one.port for one in without_debugging({"2717", "04e8"}, tmp_path)] == ["usb:1-1.4.2"]


def test_names_of_a_device_can_steer_no_terminal(tmp_path: Path) -> None:
    plug(tmp_path, "1-2", "2717", "\x1b]0;x\x07phone", MTP)
    [found] = without_debugging({"2717"}, tmp_path)
    assert "\x1b" not in found.name
    assert "\x07" not in found.name


def test_where_there_is_no_sysfs_nothing_is_said(tmp_path: Path) -> None:
    assert without_debugging({"2717"}, tmp_path / "none") == []
    assert port_names("usb:1-2", tmp_path / "none") is None
    assert port_names("127.0.0.1:5555", tmp_path) is None
