"""What is known of each maker: whole, sourced, without codes that wipe; who made a phone; and which switch it names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_bench import result

from drivers.adb_identity import SYSTEM_MARKS, read_identity
from drivers.text import Words
from probes.answers import why_nothing
from probes.vendors import (
    ANY,
    ANY_SWITCH,
    FOREIGN_SYSTEMS,
    Vendor,
    advice,
    by_usb,
    in_words_of,
    recognise,
    steps_to_debugging,
    vendor,
    vendors,
)

MAKERS = [one for one in vendors().values() if one.id != ANY]
INJECT = "java.lang.SecurityException: Injecting to another application requires INJECT_EVENTS permission"
#: What Android 12 and later print for the same.
INJECT_12 = (
    "java.lang.SecurityException: Injecting input events requires the caller (or the source of the instrumentation, if "
    "any) to have the INJECT_EVENTS permission."
)
SECURE = (
    "java.lang.SecurityException: Permission denial: writing to settings "
    "requires:android.permission.WRITE_SECURE_SETTINGS"
)
UID = "Security exception: uid 2000 does not have android.permission.WRITE_SECURE_SETTINGS."
GRANT = (
    "java.lang.SecurityException: grantRuntimePermission: Neither user 2000 nor current process has "
    "android.permission.GRANT_RUNTIME_PERMISSIONS."
)
PRIVILEGED = "java.lang.SecurityException: Requires android.permission.READ_PRIVILEGED_PHONE_STATE"


def of(name: str) -> Vendor:
    found = vendor(name)
    assert found is not None
    return found


def test_every_maker_that_repair_shops_see_is_there() -> None:
    assert set(vendors()) == {
        *("google", "honor", "huawei", "motorola", "oppo", "samsung", "sony", "vivo", "xiaomi"),
        ANY,
    }


@pytest.mark.parametrize("one", vendors().values(), ids=lambda one: one.id)
def test_everything_that_is_said_has_a_source_and_says_how_well_it_is_known(one: Vendor) -> None:
    marked: list[Any] = [one.debugging, one.safe_mode, *one.switches, *one.codes]
    for said in marked:
        assert said.seen in ("documented", "reported")
        assert len(said.source) > 10
    assert all(len(added.source) > 10 for added in one.adds)
    assert one.codes
    assert len(steps_to_debugging(one)) >= 3
    assert all(step.en and step.zh for step in (*steps_to_debugging(one), *one.safe_mode.steps))


ROOT = Path(__file__).parents[2]
READERS = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("probes", "drivers")
    for path in sorted((ROOT / folder).glob("*.py"))
)


@pytest.mark.parametrize("one", MAKERS, ids=lambda one: one.id)
def test_everything_that_a_maker_adds_is_read_by_some_probe(one: Vendor) -> None:
    for added in one.adds:
        for name in added.what.rpartition(": ")[2].split(", "):
            folder, _, leaf = name.rpartition("/")
            assert leaf in READERS, name
            assert not folder or folder.rpartition("/")[2] in READERS, name


#: Digits of codes that reset, format or wipe phones, as public lists warn of them.
WIPES = {"7780", "27673855", "2767", "7370", "2947322243", "911", "99", "9435", "73738", "7594", "362", "372733"}


def test_no_code_is_one_that_resets_or_wipes() -> None:
    for one in vendors().values():
        for code in one.codes:
            assert re.fullmatch(r"\*#(\*#)?\d+(\*?#)(\*#\*)?", code.code), code.code
            assert re.sub(r"\D", "", code.code) not in WIPES


def test_the_marks_of_every_maker_are_read_when_a_phone_is_plugged_in() -> None:
    marks = {mark for one in MAKERS for mark in one.marks}
    assert marks | set(FOREIGN_SYSTEMS) == set(SYSTEM_MARKS)


def test_no_two_makers_claim_the_same_phone() -> None:
    for what in ("brands", "marks", "usb"):
        claimed = [name for one in MAKERS for name in getattr(one, what)]
        assert len(claimed) == len(set(claimed))
    assert all(re.fullmatch("[0-9a-f]{4}", number) for one in MAKERS for number in one.usb)


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({"ro.product.manufacturer": "samsung", "ro.product.brand": "samsung"}, "samsung"),
        ({"ro.product.manufacturer": "Xiaomi", "ro.product.brand": "POCO", "ro.mi.os.version.name": "OS1.0"}, "xiaomi"),
        ({"ro.product.manufacturer": "Xiaomi", "ro.product.brand": "Redmi"}, "xiaomi"),
        ({"ro.product.manufacturer": "realme", "ro.build.version.realmeui": "V5.0"}, "oppo"),
        ({"ro.product.manufacturer": "OnePlus", "ro.build.version.oplusrom": "V14.0.0"}, "oppo"),
        ({"ro.product.manufacturer": "vivo", "ro.product.brand": "iQOO"}, "vivo"),
        ({"ro.product.manufacturer": "HUAWEI", "ro.build.version.emui": "EmotionUI_12.0.0"}, "huawei"),
        (
            {
                "ro.product.manufacturer": "HUAWEI",
                "ro.product.brand": "HONOR",
                "ro.build.version.emui": "EmotionUI_10.0.0",
                "ro.build.version.magic": "3.0",
            },
            "honor",
        ),
        # An Honor phone from before Magic UI has Huawei's menus.
        ({"ro.product.manufacturer": "HUAWEI", "ro.product.brand": "HONOR", "ro.build.version.emui": "9"}, "huawei"),
        ({"ro.product.manufacturer": "HONOR", "ro.product.brand": "HONOR"}, "honor"),
        ({"ro.product.manufacturer": "motorola"}, "motorola"),
        ({"ro.product.manufacturer": "Google", "ro.product.brand": "google"}, "google"),
        ({"ro.product.manufacturer": "Sony"}, "sony"),
        ({"ro.product.manufacturer": "Xiaomi", "ro.lineage.version": "21.0", "ro.modversion": "21.0"}, None),
        ({"ro.product.manufacturer": "Northlight"}, None),
        ({}, None),
    ],
)
def test_a_phone_is_recognised_by_its_system_before_its_case(props: dict[str, str], expected: str | None) -> None:
    said = read_identity("".join(f"[{name}]: [{value}]\n" for name, value in props.items()), ())
    found = recognise(said.manufacturer, said.brand, said.marks)
    assert (found.id if found else None) == expected


@given(st.text(), st.text(), st.lists(st.sampled_from([*SYSTEM_MARKS, "x"])))
def test_any_claim_of_a_phone_is_taken(manufacturer: str, brand: str, marks: list[str]) -> None:
    found = recognise(manufacturer, brand, marks)
    assert found is None or found.id in vendors()


@pytest.mark.parametrize(
    ("number", "names", "expected"),
    [
        ("04e8", "SAMSUNG SAMSUNG_Android", "samsung"),
        ("2717", "Xiaomi Mi 11", "xiaomi"),
        ("18d1", "Google Pixel 8", "google"),
        ("18d1", "Northlight Aurora", None),  # many makers leave Google's id in
        ("18d1", "realme RMX3630", "oppo"),
        ("12D1", "", "huawei"),
        ("0000", "", None),
        ("18d1", "Oppositel Phone", None),
    ],
)
def test_a_phone_without_debugging_is_known_by_its_usb_descriptor(
    number: str, names: str, expected: str | None
) -> None:
    found = by_usb(number, names)
    assert (found.id if found else None) == expected


@pytest.mark.parametrize(
    ("maker", "line", "en", "zh"),
    [
        ("xiaomi", INJECT, "USB debugging (Security settings)", "USB 调试（安全设置）"),
        ("redmi", INJECT_12, "USB debugging (Security settings)", "USB 调试（安全设置）"),
        ("oppo", SECURE, "Disable permission monitoring", "禁止权限监控"),
        ("oneplus", UID, "Disable system optimization", "禁用系统优化"),
        ("realme", GRANT, "Disable permission monitoring", "禁止权限监控"),
        ("vivo", INJECT, "USB simulated click", "USB 模拟点击"),
        ("samsung", INJECT, "no switch of Samsung is known", "三星没有已知的开关"),
        ("xiaomi", PRIVILEGED, "no switch of Xiaomi", "没有已知的开关"),
        ("vivo", GRANT, "no switch of vivo", "没有已知的开关"),
    ],
)
def test_a_refusal_names_the_switch_of_its_maker_and_no_other(maker: str, line: str, en: str, zh: str) -> None:
    reason = why_nothing(
        result(stderr=f"\nException occurred while executing 'put':\n{line}\n\tat android.os.Parcel\n")
    )
    told = in_words_of(of(maker), reason)
    assert en in told.en
    assert zh in told.zh
    assert "(Xiaomi)" not in told.en
    assert "（小米）" not in told.zh
    assert reason.en.split("”. ")[0] in told.en  # what the phone said stays


def test_a_refusal_inside_another_reason_names_the_switch_too() -> None:
    inner = why_nothing(result(stderr=INJECT))
    outer = Words("the camera app did not open: {why}", "相机未能打开：{why}").fill(why=inner)
    told = in_words_of(of("xiaomi"), outer)
    assert "USB debugging (Security settings)”, then run this again" in told.en
    assert told.zh.startswith("相机未能打开")


def test_a_maker_that_nobody_knows_leaves_the_advice_for_all() -> None:
    reason = why_nothing(result(stderr=SECURE))
    assert in_words_of(None, reason) == reason
    assert ANY_SWITCH.zh in reason.zh


def test_a_reason_that_is_no_refusal_stays_as_it_is() -> None:
    reason = Words("the phone does not say it", "手机未提供该信息")
    assert in_words_of(of("xiaomi"), reason) == reason
    closed = why_nothing(result(stderr="cat: /sys/class/power_supply/battery/cycle_count: Permission denied"))
    assert in_words_of(of("xiaomi"), closed) == closed


@given(st.text())
def test_whatever_a_phone_prints_some_advice_is_given(line: str) -> None:
    assert advice(of("oppo"), line).zh


def test_a_file_that_is_not_whole_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import probes.vendors as module

    path = tmp_path / "broken.toml"
    text = (Path(module.__file__).parent / "sony.toml").read_text(encoding="utf-8")
    for wrong in ('seen = "rumoured"', 'seen = "documented"\nextra = 1'):
        path.write_text(text.replace('seen = "documented"', wrong, 1), encoding="utf-8")
        with pytest.raises(ValueError, match=r"broken\.toml"):
            module._read(path)
