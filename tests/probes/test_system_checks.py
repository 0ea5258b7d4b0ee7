"""Locks, apps, settings, connection, updates, data and what is left: read rightly, and never invented."""

from __future__ import annotations

import datetime
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import outputs_system as out
import phone_outputs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ports_bench import FakeShell
from probe_bench import LOADED, Readings, ScriptedBench, result, run, run_on

from drivers.api import CommandResult, Shell
from drivers.text import Words
from drivers.usb_host import hubs_between, port_speed
from probes.api import Answer, NotRun, Prompt
from probes.backup_notice import AGREED, CONSENT, REPAIR_MODES, repair_mode
from probes.blacklist import status_in_file, status_of
from probes.identity import meid_check_digit
from probes.update import age_of_patch, faulty_build
from station import writes

IMEI, OTHER = "490154203237518", "356938035643809"
REFUSED = result(stderr="java.lang.SecurityException: Permission Denial: not allowed to dump\n", exit_code=255)


@dataclass
class Says:
    """A person who answers by prompt id."""

    answers: dict[str, str]
    asked: list[str] = field(default_factory=list)

    async def ask(self, prompt: Prompt) -> Answer:
        self.asked.append(prompt.id)
        value = self.answers[prompt.id]
        assert not prompt.choices or value in {choice.value for choice in prompt.choices}
        return Answer(prompt.id, value, "tech")


async def asked(
    probe: str,
    answers: dict[str, str],
    reads: dict[str, Any] | None = None,
    ticket: dict[str, str] | None = None,
    **more: Any,
) -> Readings:
    given_ = {name: one if not isinstance(one, str) else result(one, name=name) for name, one in (reads or {}).items()}
    return await run_on(probe, ScriptedBench(given_, person=Says(answers), ticket=ticket or {}), **more)


def facts(kind: str, text: str) -> dict[str, Any]:
    return LOADED.parsers[kind].parse(text.encode()).facts


# --- locks -----------------------------------------------------------------------------------------------------------

PHONE = {"getprop": phone_outputs.GETPROP, "account": out.ACCOUNTS, "device-policy": out.POLICY, "trust": out.TRUST}


async def test_accounts_that_lock_after_a_reset_are_named_by_maker_and_never_by_owner() -> None:
    readings = await run("android.locks", PHONE | {"lock-settings": out.LOCK})
    assert readings.value("accounts") == 3
    assert readings.value("locking_accounts") == ("Google (2)", "Samsung")
    assert "example" not in str(readings.measured["locking_accounts"])
    assert (readings.value("managed"), readings.value("screen_lock")) == (True, "pin")
    assert readings.value("locked_now") is True


async def test_a_work_profile_is_no_organisation_that_owns_the_phone() -> None:
    profile = (
        "Current Device Policy Manager state:\n  Profile Owner (User 10): \n    admin=ComponentInfo{a.b/a.b.Admin}\n"
    )
    readings = await run("android.locks", PHONE | {"device-policy": profile})
    assert (readings.value("managed"), readings.value("work_profile")) == (False, True)
    assert readings.value("managers") == ("a.b/a.b.Admin",)
    for more in ("    isOrganizationOwnedDevice=true\n", "  Device Owner: \n    admin=ComponentInfo{c.d/c.d.Admin}\n"):
        readings = await run("android.locks", PHONE | {"device-policy": profile + more})
        assert readings.value("managed") is True
        assert "work_profile" not in readings.measured


async def test_a_phone_that_refuses_its_accounts_is_unread_and_not_free_of_them() -> None:
    readings = await run("android.locks", PHONE | {"account": REFUSED})
    assert "Permission Denial" in readings.unread["locking_accounts"].reason.en
    assert "accounts" not in readings.measured


@pytest.mark.parametrize(
    ("lines", "name", "value"),
    [
        ("[knox.kg.state]: [Locked]", "finance_lock", "Locked"),
        ("[gsm.sim.state]: [NETWORK_LOCKED]", "carrier_locked", True),
        ("[sys.oem_unlock_allowed]: [1]", "oem_unlock_allowed", True),
        ("[ro.frp.pst]: [/dev/block/by-name/frp]", "reset_protection", True),
    ],
)
async def test_what_properties_show_of_locks(lines: str, name: str, value: object) -> None:
    assert (await run("android.locks", {"getprop": lines + "\n"})).value(name) == value


async def test_an_accepted_sim_proves_no_freedom_from_a_carrier() -> None:
    readings = await run("android.locks", {"getprop": "[gsm.sim.state]: [LOADED,ABSENT]\n"})
    assert "carrier_locked" in readings.unread


def test_policy_counts_administrators_of_all_users_and_an_owner_by_either_sign() -> None:
    assert facts("device_policy", out.POLICY)["active_admins"] == 2
    assert facts("device_policy", out.POLICY_FREE) == {"device_owner": False, "active_admins": 0, "password_owner": -1}
    assert facts("device_policy", "    org.example/.Admin:\n") == {}


# --- connection ------------------------------------------------------------------------------------------------------

UDC = "/sys/class/udc/a.dwc3/current_speed: {now}\n/sys/class/udc/a.dwc3/maximum_speed: {best}\nsearched\n"


@pytest.mark.parametrize(
    ("now", "best", "as_offered"),
    [
        ("high-speed", "super-speed", False),
        ("super-speed", "super-speed-plus", True),
        ("high-speed", "high-speed", True),
        ("full-speed", "high-speed", False),
    ],
)
async def test_a_link_is_held_against_what_the_phone_could(now: str, best: str, as_offered: bool) -> None:
    readings = await run("android.connection", {"udc": UDC.format(now=now, best=best)})
    assert readings.value("speed_as_offered") is as_offered
    assert "flaps" in readings.unread, "what nobody counted is not zero"


async def test_what_the_bench_knows_of_the_way_is_measured() -> None:
    told = {"link-transport": "adb", "link-port": "usb:1-1.2", "link-flaps": "2", "link-speed": "480", "link-hubs": "1"}
    given_ = {"udc": result(UDC.format(now="UNKNOWN", best="super-speed"), name="udc")}
    readings = await run_on("android.connection", ScriptedBench(given_, ticket=told))
    assert (readings.value("flaps"), readings.value("hubs")) == (2, 1)
    assert (readings.value("link_speed"), readings.value("speed_as_offered")) == (480, False)


@pytest.mark.parametrize(
    ("told", "best", "order"),
    [
        ({"link-flaps": "2", "link-hubs": "1"}, "high-speed", ("cable", "socket", "hub", "port of the phone")),
        ({"link-flaps": "0", "link-hubs": "1"}, "super-speed", ("cable", "hub", "socket", "port of the phone")),
        ({"link-flaps": "0", "link-hubs": "0"}, "super-speed", ("cable", "socket", "port of the phone")),
        ({"link-flaps": "0", "link-hubs": "1"}, "high-speed", None),  # nothing is wrong, nothing is blamed
    ],
)
async def test_the_cable_is_blamed_before_the_phone_and_nothing_where_all_is_well(
    told: dict[str, str], best: str, order: tuple[str, ...] | None
) -> None:
    given_ = {"udc": result(UDC.format(now="high-speed", best=best), name="udc")}
    readings = await run_on("android.connection", ScriptedBench(given_, ticket={"link-transport": "adb", **told}))
    found = readings.measured.get("change_first")
    assert (found.value if found else None) == order


def test_the_hosts_own_word_for_a_port(tmp_path: Path) -> None:
    (tmp_path / "1-1.2").mkdir()
    (tmp_path / "1-1.2" / "speed").write_text("480\n", encoding="ascii")
    assert port_speed("usb:1-1.2", tmp_path) == Decimal(480)
    assert port_speed("usb:1-1.3", tmp_path) is None
    assert port_speed("usb:../../etc", tmp_path) is None
    assert (hubs_between("usb:1-1.2"), hubs_between("usb:3-1"), hubs_between("127.0.0.1:5555")) == (1, 0, None)


# --- settings --------------------------------------------------------------------------------------------------------


async def test_settings_that_explain_a_complaint_are_named() -> None:
    reads = {"settings-global": out.SETTINGS, "settings-system": "screen_brightness=3\nfont_scale=1.8\n"}
    readings = await run("android.settings", reads | {"settings-secure": "touch_exploration_enabled=1\n"})
    named = ("aeroplane mode", "do not disturb", "screen reader", "dark screen", "large text")
    assert readings.value("look_like_faults") == named
    assert (readings.value("power_save"), readings.value("stays_awake")) == (False, False)
    assert readings.value("brightness") == 1


@pytest.mark.parametrize(("line", "on"), [("true", True), ("false", False), ("", None)])
async def test_permission_monitoring_of_oppos_system_is_told_before_it_refuses_anything(
    line: str, on: bool | None
) -> None:
    told = f"[persist.sys.permission.enable]: [{line}]\n[ro.build.version.sdk]: [34]\n"
    answers = {f"settings-{space}": "a=1\n" for space in ("global", "system", "secure")}
    readings = await run("android.settings", answers | {"getprop": told})
    found = readings.measured.get("permission_monitoring")
    assert (found.value if found else None) is on


async def test_a_dark_screen_that_follows_the_light_is_no_finding() -> None:
    reads = {"settings-global": out.SETTINGS, "settings-secure": "a=1\n"}
    system = "screen_brightness=3\nscreen_brightness_mode=1\n"
    readings = await run("android.settings", reads | {"settings-system": system})
    assert "dark screen" not in readings.value("look_like_faults")
    assert "brightness" not in readings.measured


USAGE = result(stderr="Invalid command: list\nusage:  settings [--user NUM] get namespace key\n", exit_code=1)
ANDROID_5 = "[ro.build.version.sdk]: [22]\n"


async def settings(rows: dict[str, str], **reads: Any) -> Readings:
    """The check on a phone whose provider answers with these rows, by namespace."""

    def says(script: str) -> CommandResult:
        space = next((space for space in rows if f"settings/{space}" in script), None)
        return result(rows[space]) if space else result(stderr="Error while accessing provider:settings\n", exit_code=1)

    given = {name.replace("_", "-"): one if not isinstance(one, str) else result(one) for name, one in reads.items()}
    return await run_on("android.settings", ScriptedBench(given, capabilities={Shell: FakeShell(says)}))


async def test_before_android_7_the_settings_come_from_their_provider() -> None:
    rows = dict.fromkeys(("global", "system", "secure"), out.SETTINGS_ROWS)
    readings = await settings(rows, settings_global=USAGE, settings_system=USAGE, settings_secure=USAGE)
    assert readings.value("airplane_mode") is True
    assert readings.measured["airplane_mode"].value is True
    assert "content query" in readings.measured["look_like_faults"].source
    assert readings.value("do_not_disturb") is False, "no value is no setting"


async def test_an_old_phone_without_either_way_says_why_in_its_own_words() -> None:
    readings = await settings(
        {}, settings_global=USAGE, settings_system=USAGE, settings_secure=USAGE, getprop=ANDROID_5
    )
    reason = readings.unread["look_like_faults"].reason
    assert "before Android 7" in reason.en
    assert "安卓 7 之前" in reason.zh


async def test_a_new_phone_that_refuses_both_ways_names_both_refusals() -> None:
    readings = await settings({}, settings_global=REFUSED, settings_system="a=1\n", settings_secure="a=1\n")
    reason = readings.unread["airplane_mode"].reason.en
    assert "the phone refused" in reason
    assert "content query" in reason


async def test_a_phone_that_lists_only_some_settings_is_not_called_clean() -> None:
    readings = await settings({}, settings_global=out.SETTINGS, settings_system="a=1\n")
    assert "look_like_faults" in readings.unread
    assert readings.value("airplane_mode") is True


# --- apps ------------------------------------------------------------------------------------------------------------


async def test_apps_that_crash_again_and_again_come_from_files_draw_over_others_or_hold_much_are_named() -> None:
    reads = {"apps": out.APPS, "dropbox": out.BOX, "overlay": out.OVERLAYS, "app-sizes": out.SIZES}
    readings = await run("android.apps", reads | {"device-policy": out.POLICY})
    assert readings.value("added_apps") == 3
    assert readings.value("crash_looping") == ("org.example.game (3)",)
    assert readings.value("from_files") == ("org.example.float", "org.example.file")
    assert readings.value("over_others") == ("org.example.float", "com.android.systemui")
    assert readings.value("storage_hogs") == ("org.example.film 7.8 GB",)
    assert len(readings.value("administrators")) == 2


async def test_a_package_list_that_did_not_come_is_not_an_empty_one() -> None:
    readings = await run("android.apps", {"apps": result(stderr="cmd: Can't find service: package\n", exit_code=20)})
    assert {"added_apps", "from_files", "crash_looping", "over_others", "administrators"} <= readings.unread.keys()


async def test_an_app_that_took_a_fifth_of_what_the_battery_gave_is_named() -> None:
    stats = (
        "  Time on battery: 9h 0m 0s 0ms (90.0%) realtime, 1h 0m 0s 0ms (10.0%) uptime\n"
        "  Discharge: 1000 mAh\n"
        "    UID u0a112: 410.5 fg: 400\n    UID u0a87: 150 bg: 120\n    UID 1000: 800\n"
    )
    answers = {"batterystats": stats, "package-uids": "package:org.example.game uid:10112\n"}
    readings = await run("android.apps", answers)
    assert readings.value("battery_draining") == ("org.example.game (u0a112): 410.5 mAh",)
    short = {"batterystats": stats.replace("9h 0m", "0h 9m")}
    assert "too short" in (await run("android.apps", short)).unread["battery_draining"].reason.en


async def test_partitions_and_cards_are_named_once_each_in_both_forms_of_df() -> None:
    for text, first, last in (
        (out.DF_CARD, "/: 0.7 of 2.4 GiB free", "/storage/1A2B-3C4D: 0.5 of 0.5 GiB free"),
        (out.DF_TOOLBOX, "/system: 0.3 of 1.5 GiB free", "/mnt/media_rw/1A2B-3C4D: 6.4 of 7.4 GiB free"),
    ):
        found = (await run("android.storage-space", {"df": text})).value("partitions")
        assert (found[0], found[-1], len(found)) == (first, last, 3)
    unsure = out.DF_CARD.replace("1K-blocks", "512-blocks")
    assert "partitions" in (await run("android.storage-space", {"df": unsure})).unread


async def test_apps_that_hand_out_root_and_a_kernel_that_enforces_nothing_are_told() -> None:
    listed = "package:com.topjohnwu.magisk  installer=null\npackage:org.example.notes  installer=null\nlisted\n"
    readings = await run("android.os-integrity", {"getprop": "[a]: [b]\n", "apps": listed, "selinux": "Permissive\n"})
    assert readings.value("root_apps") == ("Magisk (com.topjohnwu.magisk)",)
    assert readings.value("selinux") == "permissive"
    refused = await run("android.os-integrity", {"getprop": "[a]: [b]\n", "selinux": "sh: getenforce: not found\n"})
    assert {"root_apps", "selinux"} <= refused.unread.keys()


async def test_a_service_that_locks_from_afar_is_named_and_its_absence_is_never_called_clean() -> None:
    admin = "    com.google.android.gms/.mdm.receivers.MdmDeviceAdminReceiver:\n"
    policy = f"Current Device Policy Manager state:\n  Enabled Device Admins (User 0, provisioningState: 3):\n{admin}"
    readings = await run("android.locks", {"device-policy": policy})
    assert readings.value("find_my") == ("Google Find Hub",)
    without = await run("android.locks", {"device-policy": policy.replace(admin, "")})
    assert "server" in without.unread["find_my"].reason.en


@given(st.lists(st.tuples(st.from_regex(r"[a-z]{1,8}\.[a-z]{1,8}", fullmatch=True), st.integers(0, 2**40)), max_size=8))
def test_sizes_are_of_code_data_and_cache_together(apps: list[tuple[str, int]]) -> None:
    names = "[" + ",".join(f'"{name}"' for name, _ in apps) + "]"
    sizes = "[" + ",".join(str(size) for _, size in apps) + "]"
    text = f"Package Names: {names}\nApp Sizes: {sizes}\nApp Data Sizes: {sizes}\nCache Sizes: {sizes}\n"
    assert facts("app_sizes", text).get("held", {}) == {name: size * 3 for name, size in apps}


# --- updates ---------------------------------------------------------------------------------------------------------

TODAY = datetime.date(2024, 3, 1)


@pytest.mark.parametrize("text", ["2024-13-01", "soon", "", "2025-01-01"])
def test_a_patch_level_that_is_no_date_of_the_past_has_no_age(text: str) -> None:
    assert isinstance(age_of_patch(text, TODAY), Words)


def test_a_patch_level_and_a_faulty_build_are_found() -> None:
    assert age_of_patch("2024-02-05", TODAY) == 25
    known = {"AP1A.1": "no sound", "maker/phone/": "touch freezes", "": "never"}
    assert faulty_build("AP1A.1", "x", known) == "no sound"
    assert faulty_build("AP1A.2", "maker/phone/x:14/AP1A.2", known) == "touch freezes"
    assert faulty_build("AP1A.2", "other/phone", known) is None


PATCHED = "[ro.build.version.security_patch]: [2023-10-05]\n[ro.build.id]: [A1]\n"


async def patched(recorded: str) -> Readings:
    given = {"getprop": result(PATCHED)}
    ticket = {"recorded": recorded} if recorded else {}
    return await run_on("android.update", ScriptedBench(given, ticket=ticket))


async def test_the_age_of_patches_in_a_report_counts_to_the_day_it_was_taken() -> None:
    readings = await patched("2023-11-14 22:24:00")
    assert readings.value("patch_age") == 40
    assert "2023-11-14" in readings.measured["patch_age"].source
    assert (await patched("")).value("patch_age") > 40
    assert "bench's date" in (await patched("")).measured["patch_age"].source


async def test_a_report_without_a_date_has_no_age_of_patches() -> None:
    reason = (await patched("no date")).unread["patch_age"].reason
    assert "when it was taken" in reason.en
    assert reason.zh


async def test_a_model_that_the_shops_list_does_not_have_is_not_called_newest() -> None:
    readings = await run("android.update", {"getprop": phone_outputs.GETPROP})
    assert "newest" in readings.unread
    with pytest.raises(NotRun):
        await run("android.update", {"getprop": "[ro.hardware]: [x]\n"})


# --- IMEI status -----------------------------------------------------------------------------------------------------


def test_a_list_in_a_file_may_hold_remarks() -> None:
    text = f"# stolen\n{IMEI}, reported 2024\n\n"
    assert (status_in_file(text, IMEI), status_in_file(text, OTHER)) == ("listed", "clean")
    assert status_in_file(f"# {OTHER}\n", OTHER) == "clean"


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"status": "CLEAN"}', b'{"status": null}', b"<html>", b"[" * 9000])
def test_an_answer_that_is_not_understood_is_never_clean(answer: bytes) -> None:
    with pytest.raises(NotRun):
        status_of(answer)


async def imei_status(service: str, **ticket: str) -> Readings:
    return await run_on("bench.blacklist", ScriptedBench({}, ticket=ticket), service=service)


@contextmanager
def web_service(answer: bytes) -> Iterator[tuple[str, list[str]]]:
    """A web service on loopback; gives its address and what it was asked."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/imei/{{imei}}", paths
        finally:
            server.shutdown()


async def test_a_web_service_is_asked_for_every_imei_of_the_ticket() -> None:
    with web_service(b'{"status": "listed"}') as (service, paths):
        readings = await imei_status(service, imei=IMEI, imei2=OTHER)
    assert paths == [f"/imei/{IMEI}", f"/imei/{OTHER}"]
    assert readings.value("blacklist_status") == "listed"
    assert readings.value("listed_numbers") == ("…7518", "…3809")


async def test_a_number_that_the_service_does_not_know_is_not_clean() -> None:
    with web_service(b'{"status": "unknown"}') as (service, _):
        readings = await imei_status(service, imei=IMEI)
    assert "blacklist_status" in readings.unread


@pytest.mark.parametrize(
    "service", ["", "http://imei.example/{imei}", "file:/no/such/list", "http://127.0.0.1:1/{imei}"]
)
async def test_without_a_service_that_answers_it_is_not_run_and_the_number_is_not_told(service: str) -> None:
    with pytest.raises(NotRun) as ended:
        await imei_status(service, imei=IMEI)
    assert IMEI not in ended.value.reason.en


async def test_a_phone_without_a_valid_imei_is_not_asked_for() -> None:
    with pytest.raises(NotRun):
        await imei_status("file:/dev/null", imei="490154203237510")


# --- labels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meid", "digit"),
    [("AF0123450ABCDE", "C"), ("49015420323751", "8")],
)
def test_a_meid_has_a_check_digit_and_one_of_decimal_digits_follows_the_rule_of_imeis(meid: str, digit: str) -> None:
    assert meid_check_digit(meid) == digit


@given(
    st.text("0123456789ABCDEF", min_size=14, max_size=14), st.integers(0, 13), st.text("0123456789ABCDEF", max_size=1)
)
def test_one_wrong_sign_of_a_meid_changes_its_check_digit(meid: str, at: int, sign: str) -> None:
    changed = meid[:at] + sign + meid[at + 1 :]
    if sign and changed != meid and meid.isdigit() == changed.isdigit():
        assert meid_check_digit(changed) != meid_check_digit(meid)


@pytest.mark.parametrize(
    ("dialled", "box", "agree"),
    [
        ("IMEI: 49-015420-323751-8", IMEI, True),
        (IMEI, OTHER, False),
        ("4901542032375101", IMEI, True),  # IMEISV
    ],
)
async def test_phone_box_and_ticket_must_name_one_phone(dialled: str, box: str, agree: bool) -> None:
    said = {"dialled": dialled, "box": box, "tray": "0"}
    readings = await asked("person.identity-labels", said, ticket={"imei": IMEI})
    assert readings.value("labels_agree") is agree
    assert readings.value("places_read") == 2
    assert "tray" in readings.unread


async def test_what_is_no_number_is_not_compared_and_nothing_at_all_is_not_run() -> None:
    readings = await asked("person.identity-labels", {"dialled": "no idea", "box": IMEI, "tray": "0"})
    assert "dialled" in readings.unread
    assert "labels_agree" in readings.unread
    with pytest.raises(NotRun):
        await asked("person.identity-labels", dict.fromkeys(("dialled", "box", "tray"), "0"))


# --- the customer's data ---------------------------------------------------------------------------------------------

EMPTY = {
    "account": out.ACCOUNTS_NONE,
    "apps": "listed\n",
    "user-files": "counted 0\n",
    "setup": "user_setup_complete=1\n",
}
USED = {"account": out.ACCOUNTS, "apps": out.APPS, "user-files": "counted 9\n", "setup": "user_setup_complete=1\n"}


@pytest.mark.parametrize(
    ("agreed", "phone", "as_agreed"),
    [("erased", EMPTY, True), ("erased", USED, False), ("kept", USED, True), ("kept", EMPTY, False)],
)
async def test_data_is_held_against_what_was_agreed(agreed: str, phone: dict[str, str], as_agreed: bool) -> None:
    assert (await asked("android.data-state", {"agreed": agreed}, phone)).value("as_agreed") is as_agreed


async def test_an_agreement_on_the_ticket_is_not_asked_for() -> None:
    readings = await asked("android.data-state", {}, EMPTY, {"data-agreed": "erased"})
    assert (readings.value("agreed"), readings.value("as_agreed")) == ("erased", True)


@pytest.mark.parametrize("hidden", ["account", "apps", "user-files"])
async def test_a_trace_that_could_not_be_looked_for_keeps_a_phone_from_being_called_erased(hidden: str) -> None:
    readings = await asked("android.data-state", {"agreed": "erased"}, EMPTY | {hidden: REFUSED})
    assert "as_agreed" in readings.unread


async def test_one_trace_is_enough_to_say_that_it_is_not_erased() -> None:
    phone = EMPTY | {"apps": REFUSED, "user-files": "counted 1\n"}
    assert (await asked("android.data-state", {"agreed": "erased"}, phone)).value("as_agreed") is False


async def test_apps_that_come_back_with_every_reset_prove_neither_use_nor_erasure() -> None:
    maker = "package:com.maker.shopping  installer=null\npackage:com.maker.news\n"
    phone = EMPTY | {"apps": f"{maker}listed\n"}
    readings = await asked("android.data-state", {"agreed": "erased"}, phone)
    assert "2 apps" in readings.unread["as_agreed"].reason.en
    readings = await asked("android.data-state", {"agreed": "erased"}, phone, allowed_apps=2)
    assert readings.value("as_agreed") is True
    used = EMPTY | {"apps": f"{maker}package:a.b  installer=com.android.vending\nlisted\n"}
    readings = await asked("android.data-state", {"agreed": "erased"}, used, allowed_apps=2)
    assert readings.value("as_agreed") is False
    assert "as_agreed" in (await asked("android.data-state", {"agreed": "kept"}, phone)).unread


async def test_a_model_with_files_of_its_own_may_have_so_many() -> None:
    phone = EMPTY | {"user-files": "counted 3\n"}
    assert (await asked("android.data-state", {"agreed": "erased"}, phone, allowed_files=3)).value("as_agreed") is True


# --- before and after ------------------------------------------------------------------------------------------------


async def test_what_is_not_undone_and_what_lies_on_the_phone_is_named() -> None:
    reads = {"bench-files": "/data/local/tmp/assay-usb.bin\nsearched\n", "stays-awake": "7\n"}
    ticket = {"changes-left": "T-r1/wifi/1/1-wifi\nT-r1/x/1/1-y"}
    readings = await asked("android.leave-clean", {"as-it-should-be": "good", "debugging": "revoked"}, reads, ticket)
    assert (readings.value("changes_left"), len(readings.value("which_changes"))) == (2, 2)
    assert readings.value("bench_files") == ("/data/local/tmp/assay-usb.bin",)
    assert readings.value("stays_awake") is True


async def test_a_bench_that_keeps_no_list_says_nothing_of_changes_and_a_cut_search_nothing_of_files() -> None:
    readings = await asked(
        "android.leave-clean",
        {"as-it-should-be": "good", "debugging": "wanted"},
        {"bench-files": "/data/local/tmp/assay"},
    )
    assert {"changes_left", "bench_files", "stays_awake"} <= readings.unread.keys()


async def test_an_empty_list_of_changes_is_none_left() -> None:
    reads = {"bench-files": "searched\n", "stays-awake": "null\n"}
    readings = await asked(
        "android.leave-clean", {"as-it-should-be": "good", "debugging": "revoked"}, reads, {"changes-left": ""}
    )
    assert (readings.value("changes_left"), readings.value("bench_files"), readings.value("stays_awake")) == (
        0,
        (),
        False,
    )


NOTICE = {"data-notice": "backed-up", CONSENT: "refuse", "reset-consent": "no"}


async def test_the_customers_words_are_taken_down_and_a_repair_mode_is_offered_where_there_is_one() -> None:
    readings = await asked("person.backup-notice", NOTICE, {"getprop": phone_outputs.GETPROP})
    assert (readings.value("data_notice"), readings.value("test_consent")) == ("backed-up", False)
    samsung = "[ro.product.manufacturer]: [samsung]\n[ro.build.version.sdk]: [34]\n"
    readings = await asked("person.backup-notice", NOTICE | {"repair-mode": "declined"}, {"getprop": samsung})
    assert readings.value("repair_mode") == "declined"


def test_repair_modes_are_known_by_maker_and_version() -> None:
    assert repair_mode("Google", 34) is not None
    assert repair_mode("Google", 33) is None
    assert repair_mode("Nobody", 40) is None
    assert all(name.zh for _, name in REPAIR_MODES.values())


def test_consent_is_the_runs_own_question() -> None:
    assert (CONSENT, AGREED) == (writes.CONSENT, writes.AGREED)


# --- integrity -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("[ro.secureboot.lockstate]: [unlocked]", "bootloader_locked", False),
        ("[ro.boot.realme.lockstate]: [1]", "bootloader_locked", True),
        ("[vendor.boot.verifiedbootstate]: [orange]", "verified_boot", "orange"),
        ("[ro.is_ever_orange]: [1]", "ever_unlocked", True),
        ("[ro.vendor.warranty_bit]: [1]", "warranty_bit_tripped", True),
    ],
)
async def test_makers_own_properties_stand_in_where_androids_are_missing(line: str, name: str, value: object) -> None:
    assert (await run("android.os-integrity", {"getprop": line + "\n"})).value(name) == value


async def test_androids_own_property_counts_before_the_makers() -> None:
    text = "[ro.boot.flash.locked]: [0]\n[ro.secureboot.lockstate]: [locked]\n[ro.boot.verifiedbootstate]: [orange]\n"
    readings = await run("android.os-integrity", {"getprop": text + "[vendor.boot.verifiedbootstate]: [green]\n"})
    assert (readings.value("bootloader_locked"), readings.value("verified_boot")) == (False, "orange")


LEAVING = {"as-it-should-be": "good", "debugging": "revoked"}
CLEAN = {"bench-files": "searched\n", "stays-awake": "null\n"}


async def test_a_phone_that_stays_on_the_bench_keeps_its_debugging_and_is_looked_at_all_the_same() -> None:
    readings = await asked("android.leave-clean", {"as-it-should-be": "bad"}, CLEAN, leaves=False)
    assert readings.value("as_it_should_be") is False
    assert "debugging" not in readings.measured


@pytest.mark.parametrize(
    ("told", "on"),
    [("user=0\nimage=\n", False), ("user=77\nimage=\n", True), ("user=0\nimage=1\n", True), ("user=\n", None)],
)
async def test_a_phone_in_repair_mode_does_not_show_the_customers_own_data(told: str, on: bool | None) -> None:
    readings = await asked("android.leave-clean", LEAVING, CLEAN | {"repair-mode": told})
    if on is None:
        assert "in_repair_mode" in readings.unread
    else:
        assert readings.value("in_repair_mode") is on


async def test_a_network_of_the_bench_that_is_still_saved_is_named() -> None:
    phone = CLEAN | {"saved-networks": out.SAVED_NETWORKS}
    readings = await asked("android.leave-clean", LEAVING, phone, networks=("Bench Net", "Other"))
    assert readings.value("bench_networks") == ("Bench Net",)
    longest = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"  # fills its column: one blank is left before its securities
    full = await asked("android.leave-clean", LEAVING, phone, networks=(longest,))
    assert full.value("bench_networks") == (longest,)
    assert "bench_networks" not in (await asked("android.leave-clean", LEAVING, phone)).measured


async def test_an_unreadable_list_of_networks_is_not_an_empty_one() -> None:
    phone = CLEAN | {"saved-networks": "Unknown command: list-networks\n"}
    readings = await asked("android.leave-clean", LEAVING, phone, networks=("Bench Net",))
    assert "bench_networks" in readings.unread
