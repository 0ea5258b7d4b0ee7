"""Which lines point to a part, which are noise, and that each pattern of the policy is shown to fit."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import outputs_evidence as evidence
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_bench import LOADED, run
from test_phone_probes import CRASHES

from probes.crash_evidence import (
    STRENGTHS,
    Evidence,
    LogLine,
    Suspect,
    evidence_of,
    load_policy,
    policy,
    suspect_part,
)
from probes.dropbox import SEPARATOR, dropped_since
from probes.kernel_log import dmesg, kernel_lines
from probes.logcat import entries, log_evidence

#: One line for each rule, as a phone prints it; kernel lines without their stamp.
SAMPLES = {
    "touch-bus": "goodix_ts 1-005d: I2C transfer failed, ret:-121",
    "touch-reset-by-itself": "NVT-ts: nvt_esd_check: touch ESD recovery start",
    "panel-dead": "[drm:sde_connector] *ERROR* esd check failed report PANEL_DEAD conn_id: 27",
    "panel-link": "[drm:dsi_ctrl_isr] dsi_ctrl: cmd dma timeout",
    "panel-not-there": "mdss_dsi: panel not connected, skip on",
    "pmic-bus": "tps65023 0-0048: Read from reg 0x6 failed",
    "rail-over-current": "qpnp-regulator: LDO9 over-current protection triggered",
    "gauge-does-not-report": "power_supply battery: driver failed to report `status' property: -121",
    "gauge-bus": "bq27xxx-battery 2-0055: i2c read for 0x0a failed",
    "charger-bus": "bq25890-charger 3-006a: read reg 0x0b failed",
    "port-moisture": "smblib_moisture: moisture detected in the Type-C port",
    "camera-bus": "CAM-CCI: cam_cci_read: cci timeout for master 0",
    "camera-focus-bus": "CAM-ACTUATOR: actuator init failed -5",
    "ufs-link": "ufshcd-qcom 1d84000.ufshc: link startup failed 1",
    "emmc-errors": "mmc0: Timeout waiting for hardware interrupt.",
    "block-io-error": "blk_update_request: I/O error, dev sda, sector 12345",
    "file-system-damage": "EXT4-fs error (device dm-5): ext4_lookup:1606: inode #12",
    "memory-errors": "EDAC DEVICE0: 1 UE reported at 0x80000000, UE on bank 2",
    "external-abort": "Internal error: synchronous external abort: 96000210 [#1] PREEMPT SMP",
    "i2c-bus-stuck": "i2c_geni a90000.i2c: i2c transfer timed out, sda low",
    "modem-crash": "subsys-restart: Resetting the SoC - modem crashed.",
    "wifi-crash": "icnss: wlan firmware crash, fatal error",
    "bluetooth-silent": "Bluetooth: hci0: command 0x0c03 tx timeout",
    "sensor-core-crash": "Fatal error on slpi!",
    "sensor-bus": "lsm6dso 4-006a: i2c read error",
    "audio-core-crash": "Fatal error on adsp!",
    "codec-bus": "wcd938x_codec: slimbus write failed -110",
    "speaker-amplifier": "tas2562 5-004c: over current fault detected",
    "nfc-bus": "nq-nci 6-0028: i2c write failed -6",
    "fingerprint-bus": "goodix_fp: spi transfer of sensor id: chip fail",
    "too-hot": "thermal thermal_zone3: critical temperature reached (115 C), shutting down",
    "gpu-hang": "kgsl kgsl-3d0: |adreno_hang_int_callback| GPU hang detected",
    "proximity-not-there": "Sensors: couldn't find 'Bench proximity sensor' input device",
    "laser-focus": "mm-camera: gyro_port_init:1 Failure initializing laser sensor. Error: 4",
    "camera-error-from-hal": "Camera2-Device: Camera 0: Error condition 1 reported by HAL, requestId 3",
    "sensors-hal-error": "SensorService: sensors HAL died, restarting",
    "wifi-chip-reset": "WifiDiagnostics: firmware alert, chip fault 4",
    "bluetooth-chip-silent": "bt_hci: command opcode 0x1001 timed out",
    "nfc-chip-silent": "NxpTml: i2c write error -1",
    "fingerprint-sensor-error": "fingerprintd: sensor not responding",
    "vibrator-error": "vibrator: failed to open /sys/class/leds/vibrator",
    "storage-errors-of-apps": "SQLiteLog: (10) disk I/O error",
}
HARMLESS = {
    "probe-deferred": "bench-sound soc:sound: snd_soc_register_card failed (-517)",
    "probe-no-such-device": "goodix_ts 1-005d: probe of 1-005d failed with error -121",
    "chip-id-of-another-supplier": "msm_sensor_match: 12 match id failed rc -19",
    "probe-time-nack": "i2c_qup 78b7000.i2c: i2c error status: -107",
    "nfc-controller-looked-for": "nq-nci 6-0028: nfcc_hw_check: - i2c_master_send Error",
    "optional-regulator": "wcd-bench codec: Error: regulator not found:cdc-vdd-spkdrv",
    "optional-resource": "of_graph_get_next_endpoint(): no port node found in /soc/cti@1",
    "audio-routes": "msm-pcm-routing: ASoC: Failed to add route A -> B -> C",
    "no-sensor-core-to-load": "sensors-ssc soc:x: slpi_load_fw: SLPI image loading failed",
    "thermal-zone-not-ready": "thermal thermal_zone0: failed to read out thermal zone (-19)",
    "adc-not-ready": "PMI: bench_check_ov: Couldn't get current voltage, rc=-61",
    "property-not-supported": "power_supply battery: driver failed to report `constant_charge_voltage' property: -22",
    "default-instead": "CAM-OIS: bench_ois_soc_init: get change_cci failed rc:-22, default 0",
    "part-not-attached": "power_supply dock_battery: driver failed to report `status' property",
    "console-buffer-empty": "ram_console: uncorrectable error in header",
    "memory-card": "mmc1: error -110 whilst initialising SD card",
    "guard-by-its-name": "qpnp-regulator: LDO9 over-current protection enabled",
    "counted-none": "ufshcd-qcom 1d84000.ufshc: uic_error_count: 0",
    "no-moisture": "smblib: moisture not detected in the port",
}
KERNEL = {rule.id for rule in (*policy().rules, *policy().harmless) if rule.kernel}


def log_of(rule: str, text: str, times: int, at_s: int) -> list[Suspect]:
    """The suspects of a log that says this so many times."""
    return _evidence(rule, text, times, at_s).suspects


def _evidence(rule: str, text: str, times: int, at_s: int) -> Evidence:
    if rule in KERNEL:
        lines = "".join(f"<3>[{at_s + n:5d}.000001] {text}\n" for n in range(times))
        return evidence_of(kernel_lines(lines.encode()))
    tag, _, said = text.partition(": ")
    lines = "".join(f"11-14 21:00:{n:02d}.000  1000   700   711 E {tag}: {said}\n" for n in range(times))
    return log_evidence(entries(lines.encode()))


def test_every_rule_has_a_line_that_shows_it_and_every_line_a_rule() -> None:
    assert SAMPLES.keys() == {rule.id for rule in policy().rules}
    assert HARMLESS.keys() == {rule.id for rule in policy().harmless}


@pytest.mark.parametrize("rule", SAMPLES)
def test_each_rule_blames_its_part_with_the_lines(rule: str) -> None:
    declared = next(one for one in policy().rules if one.id == rule)
    [suspect] = log_of(rule, SAMPLES[rule], declared.at_least, 600)
    assert (suspect.part, suspect.rule, suspect.strength) == (declared.part, rule, declared.strength)
    assert suspect.count == declared.at_least
    assert [number for number, _ in suspect.lines] == list(range(1, declared.at_least + 1))
    assert all(SAMPLES[rule].partition(": ")[2] in text for _, text in suspect.lines)


@pytest.mark.parametrize("rule", [rule.id for rule in policy().rules if rule.at_least > 1])
def test_fewer_lines_than_a_rule_takes_blame_nobody(rule: str) -> None:
    declared = next(one for one in policy().rules if one.id == rule)
    assert log_of(rule, SAMPLES[rule], declared.at_least - 1, 600) == []


@pytest.mark.parametrize("rule", sorted(SAMPLES.keys() & KERNEL))
def test_while_the_phone_starts_a_rule_is_noise_or_a_hint_unless_it_says_otherwise(rule: str) -> None:
    declared = next(one for one in policy().rules if one.id == rule)
    suspects = log_of(rule, SAMPLES[rule], declared.at_least, 5)
    assert {one.strength for one in suspects} <= ({declared.strength} if declared.at_start else {"hint"})


@pytest.mark.parametrize("rule", HARMLESS)
def test_each_kind_of_noise_is_counted_and_blames_nobody(rule: str) -> None:
    found = _evidence(rule, HARMLESS[rule], 9, 5)
    assert found.suspects == []
    assert found.harmless == {rule: 9}


@pytest.mark.parametrize(
    "text",
    [
        "lcd: panel esd_recovery init done",
        "mdss_dsi: esd recovery disabled",
        "icnss: Fatal error recovery enabled",
        "wlan_hdd_state: fw down indication: 0",
        "fts_ts: fts_read_chip: i2c error count = 0",
        "max77705-charger: OVP threshold 13.5",
        "usb: moisture detection enabled",
        "typec: water detect irq requested",
        "max77705_usbc: water detect 0",
        "swrm: bus clash interrupt enabled",
        "aw882xx_smartpa 2-0034: over current protect enabled",
        "kgsl kgsl-3d0: gpu fault tolerance enabled",
        "modem: fatal error on modem is ignored in ramdump mode",
        "EDAC: sdei_probe CE 0 UE 0",
        "arm64: SError Interrupt handling enabled",
        "ldo12 ocp 0",
        "thermal thermal_zone1: critical temperature reached handler registered",
        "Bluetooth: hci0: hardware error handler registered",
    ],
)
def test_a_guard_that_is_named_and_a_count_of_none_are_no_fault(text: str) -> None:
    evidence = _evidence("panel-dead", text, 9, 600)
    assert evidence.suspects == []
    assert set(evidence.harmless) & {"guard-by-its-name", "counted-none", "no-moisture"}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (
            "camera-error-from-hal",
            "Camera2-Device: Camera 0: Error condition 0 reported by HAL, requestId 3",
        ),  # evicted
        ("nfc-chip-silent", "NfcService: no response from tag"),
        ("bluetooth-chip-silent", "bt_stack: no hardware error"),
    ],
)
def test_what_a_service_says_of_something_else_is_no_fault_of_its_part(rule: str, text: str) -> None:
    assert log_of(rule, text, 9, 600) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("panel-dead", "lcd: esd check failed, recovery enabled"),
        ("rail-over-current", "qpnp-regulator: OCP on LDO9, regulator disabled"),
        ("port-moisture", "usb: moisture detected, otg disabled"),
        ("port-moisture", "usbc: water detected, charging is not allowed"),
        ("port-moisture", "usb: ground moved, liquid detected"),
        ("touch-bus", "fts_ts: i2c read failed, error count = 0"),
        ("touch-bus", "[E][ts_kit]: i2c transfer fail, ret -121"),
        ("touch-bus", "[touchpanel] touch_i2c_read_block: I2C read over retry limit, error"),
        ("memory-errors", "EDAC MC0: 1 CE on bank 2, UE count 0"),
        ("too-hot", "soc_thermal: critical temperature reached, shutting down"),
    ],
)
def test_a_fault_beside_such_words_is_still_one(rule: str, text: str) -> None:
    assert [one.rule for one in log_of(rule, text, 9, 600)] == [rule]


@pytest.mark.parametrize("rule", sorted(SAMPLES))
def test_ordinary_words_about_a_part_are_no_evidence(rule: str) -> None:
    calm = SAMPLES[rule].split()[0].rstrip(":") + ": probed successfully, ready, 0 retries"
    assert log_of(rule, calm, 9, 600) == []


@pytest.mark.parametrize(
    "stamp",
    [
        "[Mon Jan  6 09:05:{n:02d} 2025] ",
        "kern  :err   : [  600.{n:06d}] ",
        "<3>[  600.{n:06d}][ T812] ",
        "<3>[  600.{n:06d}s][pid:75,cpu2,irq/87-gauge]",
        "[  600.{n:06d}s][2024:05:06 07:08:09][pid:75,cpu2,irq/87-gauge,in irq]",
        "<3>[  600.{n:06d}] I[2:  irq/87-gauge:   75] ",
    ],
)
def test_a_stamp_of_any_kind_leaves_the_text_behind_it(stamp: str) -> None:
    log = "".join(f"{stamp.format(n=n)}{SAMPLES['gauge-bus']}\n" for n in range(9))
    lines = list(kernel_lines(log.encode()))
    assert {line.text for line in lines} == {SAMPLES["gauge-bus"]}
    assert {line.seconds is None for line in lines} == {"Mon" in stamp}
    assert [one.part for one in evidence_of(lines).suspects] == ["fuel-gauge"]


def test_a_touch_controller_that_reports_its_guard_as_off_was_not_reset() -> None:
    assert (
        log_of("touch-reset-by-itself", "mtk-tpd: fts_esd_protection_timeout: g_start_esd_protection = 0", 9, 600) == []
    )


def test_the_kernels_buffer_of_logcat_is_a_kernel_log_and_that_of_apps_is_none() -> None:
    def log(thread: int) -> bytes:
        line = SAMPLES["gauge-bus"].replace(": ", "     : ", 1)
        return "".join(f"08-15 07:47:{n:02d}.434  root   200   {thread} E {line}\n" for n in range(9)).encode()

    parsed = dmesg(log(200))
    assert parsed.facts["lines"] == 9
    assert [one["part"] for one in parsed.facts["suspects"]] == ["fuel-gauge"]
    assert dmesg(log(201)).facts == {}


def test_a_touch_screen_of_which_no_driver_came_up_is_blamed() -> None:
    [suspect] = evidence_of(kernel_lines(evidence.DMESG_DEAD_TOUCH.encode())).suspects
    assert (suspect.part, suspect.rule, suspect.count) == ("touch", "touch-never-came-up", 2)


def test_a_touch_screen_that_came_up_after_others_failed_is_not() -> None:
    text = (
        evidence.DMESG_DEAD_TOUCH + "[    3.000000] input: bench_touch as /devices/platform/i2c/1-0038/input/input2\n"
    )
    assert evidence_of(kernel_lines(text.encode())).suspects == []


def test_a_log_without_the_start_of_the_phone_does_not_say_that_nothing_came_up() -> None:
    text = "\n".join(evidence.DMESG_DEAD_TOUCH.splitlines()[1:])
    assert evidence_of(kernel_lines(text.encode())).suspects == []


def test_a_dump_that_somebody_asked_for_is_no_crash() -> None:
    head = "pid: 900, tid: 900, name: gnss@2.1-servic  >>> /vendor/bin/hw/android.hardware.gnss@2.1-service <<<"
    asked = "signal 35 (<debuggerd signal>), code -1 (SI_QUEUE from pid 1000, uid 1000), fault addr 0x3e8"
    crashed = "signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0"

    def log(signal: str) -> dict[str, Any]:
        lines = (f"11-14 21:00:00.000  900  900 F DEBUG   : {text}\n" for text in (head, signal))
        return LOADED.parsers["logcat"].parse("".join(lines).encode()).facts

    assert (log(asked)["crashes"], log(asked)["suspects"]) == ([], [])
    assert [one["part"] for one in log(crashed)["suspects"]] == ["gnss"]
    assert len(log(crashed)["crashes"]) == 1
    tombstone = LOADED.parsers["tombstone"].parse(f"{head}\n{asked}\n".encode()).facts
    assert tombstone["signal"] == 35
    assert "suspects" not in tombstone


def test_a_crash_in_a_parts_library_is_a_hint_and_an_app_is_nobodys() -> None:
    tombstone = (
        "pid: 1, tid: 1, name: main  >>> {} <<<\nsignal 11 (SIGSEGV), code 1 (SEGV_MAPERR)\nbacktrace:\n"
        "      #00 pc 0000000000012345  /system/lib64/libc.so (abort+1)\n"
        "      #01 pc 0000000000012345  /vendor/lib64/hw/fingerprint.bench.so (f+1)\n"
    )
    facts = LOADED.parsers["tombstone"].parse(tombstone.format("system_server").encode()).facts
    [suspect] = facts["suspects"]
    assert (suspect["part"], suspect["strength"]) == ("fingerprint", "hint")
    assert [line["line"] for line in suspect["lines"]] == [1, 2, 5]
    plain = tombstone.format("com.bench.app").replace("/vendor/lib64/hw/fingerprint.bench.so", "/data/app/lib/x.so")
    assert "suspects" not in LOADED.parsers["tombstone"].parse(plain.encode()).facts


def test_only_texts_of_the_drop_box_from_then_on_count() -> None:
    data = evidence.DROPBOX_PRINTED.encode()
    assert {one.part for one in dropped_since(data)} == {"nfc", "storage"}
    assert {one.part for one in dropped_since(data, "2023-11-14 20:30:00")} == {"storage"}
    entries_ = LOADED.parsers["dropbox"].parse(data).facts["entries"]
    assert [one["tag"] for one in entries_] == ["SYSTEM_TOMBSTONE", "SYSTEM_LAST_KMSG"]


@pytest.mark.parametrize(
    "wrong",
    [
        'part = "gearbox"',
        'strength = "sure"',
        "pattern = '('",
        'log = "radio"',
        'id = "noise"',
    ],
)
def test_a_policy_with_a_mistake_is_refused(wrong: str) -> None:
    key = wrong.split()[0]
    lines = [
        'id = "rule"', 'log = "kernel"', 'part = "touch"', 'strength = "hint"', 'words = ["x"]', "pattern = 'x'",
        'reason = { en = "x", zh = "x" }', 'source = "x"',
    ]  # fmt: skip
    rule = "\n".join(wrong if line.split()[0] == key else line for line in lines)
    noise = '[[harmless]]\nid = "noise"\nlog = "kernel"\nwords = []\npattern = \'x\'\nreason = { en = "x", zh = "x" }\nsource = "x"\n'  # noqa: E501
    head = '[start]\nuntil_s = 30\n[parts]\ntouch = { en = "touch", zh = "触控" }\n'
    with pytest.raises(ValueError, match=r"not listed|no such strength|rule: |ids twice"):
        load_policy(f"{head}{noise}[[rule]]\n{rule}\n")
    assert load_policy(f"{head}{noise}[[rule]]\n" + "\n".join(lines) + "\n").rules


def test_every_text_of_the_policy_is_there_in_both_languages_with_a_source() -> None:
    for rule in (*policy().rules, *policy().harmless):
        assert rule.reason.en.strip()
        assert rule.reason.zh.strip()
        assert rule.source.strip()
        assert all(word == word.lower() for word in rule.words)
    assert all(rule.strength in STRENGTHS for rule in policy().rules)
    assert suspect_part("/vendor/bin/hw/android.hardware.gnss@2.1-service") == "gnss"
    assert suspect_part("/vendor/bin/hw/android.hardware.biometrics.face@1.0-service") == "face"
    assert suspect_part("/vendor/bin/hw/android.hardware.biometrics.fingerprint@2.3-service") == "fingerprint"


# --- the probe -------------------------------------------------------------------------------------------------------


async def test_logs_of_the_window_point_to_parts_with_evidence() -> None:
    tombstones, kernel = evidence.DROPBOX_PRINTED.split(f"{SEPARATOR}\n2023-11-14 21:00:00 ")
    kernel = f"Drop box contents: 3 entries\n\n{SEPARATOR}\n2023-11-14 21:00:00 {kernel}"
    logs = {"error-log": evidence.LOGCAT, "kernel-log": evidence.DMESG}
    logs |= {"dropped-tombstones": tombstones, "dropped-kernel": kernel}
    readings = await run("android.crashes", CRASHES | logs | {"uptime": "4000.0 9000.0\n"})
    assert set(readings.value("suspects")) >= {
        "proximity: proximity-not-there",
        "fuel-gauge: gauge-bus",
        "storage: emmc-errors",
        "camera: /vendor/bin/hw/android.hardware.camera.provider@2.7-service",
        "nfc: /vendor/bin/hw/android.hardware.nfc@1.2-service",
    }
    assert readings.value("part_errors") == 3
    assert b'"line"' in readings.evidence["suspects.json"].data
    assert readings.value("since_start") == 1  # the watchdog; the crash was before it started, 67 minutes ago


async def test_a_service_that_died_before_the_last_restart_is_counted_by_the_drop_box() -> None:
    def entry(time: str, signal: str) -> str:
        head = "pid: 9, tid: 9, name: x  >>> /vendor/bin/hw/android.hardware.gnss@2.1-service <<<"
        return f"{SEPARATOR}\n2023-11-14 {time} SYSTEM_TOMBSTONE (text, 9 bytes)\n{head}\n{signal}\n\n"

    dead, asked = "signal 11 (SIGSEGV), code 1 (SEGV_MAPERR)", "signal 35 (<debuggerd signal>), code -1 (SI_QUEUE)"
    texts = [entry("20:10:00", dead), entry("20:11:00", dead), entry("20:12:00", asked)]
    kept = "Drop box contents: 3 entries\n" + "".join(texts)
    answers = CRASHES | {"crash-log": "--------- beginning of crash\n", "dropped-tombstones": kept}
    readings = await run("android.crashes", answers)
    assert readings.value("hal_deaths") == 2
    assert "logcat -b crash -d -v threadtime: 0" in readings.measured["hal_deaths"].source


def test_the_drop_box_is_asked_for_one_tag_at_a_time_because_an_entry_has_to_fit_every_word() -> None:
    reads = LOADED.probes["android.crashes"].reads
    asked = [one.script.partition("dumpsys dropbox --print ")[2] for one in reads if "--print" in one.script]
    assert asked == ["SYSTEM_TOMBSTONE", "SYSTEM_LAST_KMSG"]


async def test_the_kernel_s_last_words_before_a_restart_point_to_a_part_though_its_log_is_closed() -> None:
    kept = "2023-11-14 21:50:00 SYSTEM_LAST_KMSG (compressed text, 900 bytes)\n[ 1200.0] mmc0: cache flush error -110\n"
    logs = {"error-log": "--------- beginning of main\n", "kernel-log": "dmesg: klogctl: Permission denied\n"}
    box = f"Drop box contents: 1 entries\n\n{SEPARATOR}\n{kept}"
    readings = await run("android.crashes", CRASHES | logs | {"crash-log": "", "dropped-kernel": box})
    assert "storage: emmc-errors" in readings.value("suspects")


async def test_a_refused_kernel_log_and_an_old_error_log_leave_no_suspect() -> None:
    refused = "dmesg: klogctl: Operation not permitted\n"
    old = evidence.LOGCAT.replace("11-14", "11-02")
    readings = await run("android.crashes", CRASHES | {"crash-log": "", "error-log": old, "kernel-log": refused})
    assert "suspects" not in readings.measured
    assert readings.value("part_errors") == 0
    assert "dmesg" not in readings.measured["part_errors"].source


async def test_without_any_log_parts_with_errors_are_unread() -> None:
    readings = await run("android.crashes", CRASHES | {"error-log": "", "kernel-log": ""})
    assert "part_errors" in readings.unread


async def test_crashes_since_the_start_and_since_the_repair_are_counted_apart() -> None:
    from probe_bench import ScriptedBench, result, run_on

    answers = {name: result(text, name=name) for name, text in (CRASHES | {"uptime": "90000.0 1.0\n"}).items()}
    readings = await run_on("android.crashes", ScriptedBench(answers, ticket={"repaired_s": "1700000000"}))
    assert readings.value("since_start") == 2  # a tombstone and a watchdog; the other tombstone is from before
    assert readings.value("since_repair") == 0
    assert "since_repair" not in (await run("android.crashes", CRASHES)).measured


@pytest.mark.parametrize("nonsense", ["nan nan\n", "1e400 1\n", "-5 1\n", "99999999999999 1\n"])
async def test_a_time_since_the_start_that_is_none_is_unread(nonsense: str) -> None:
    readings = await run("android.crashes", CRASHES | {"uptime": nonsense})
    assert "since_start" in readings.unread


# --- outputs of real phones ------------------------------------------------------------------------------------------

#: File -> the parts that it points to, strongest strength each; what the capture's own notes say of it.
CAPTURED = {
    "dmesg/asus-tf201-a3.2.txt": {"fuel-gauge": "hint"},
    "dmesg/htc-nexusone-i2c-110.txt": {"pmic": "hint"},
    "dmesg/smartron-t5911-boot.txt": {},
    "dmesg/smartron-t5911-camera-idcheck.txt": {},
    "dmesg/sunmi-t2slite-touch-nfc-pa-probe.txt": {},
    "logcat/lg-los-a10-camera-proximity-fault.txt": {"proximity": "hardware", "camera-focus": "hint"},
    "logcat/micromax-yogurt-a13-fingerprint-hal-crash.txt": {"fingerprint": "driver"},
    "tombstone/google-pixel-cheetah-a16-bluetooth-hal.txt": {"bluetooth": "driver"},
    "tombstone/google-pixel-sailfish-a8.1-tombstone_03.txt": {},
}


@pytest.mark.parametrize("name", CAPTURED)
def test_real_logs_point_to_the_part_that_was_at_fault_and_to_no_other(shared: Path, name: str) -> None:
    data = (shared / "captures" / name).read_bytes()
    facts = LOADED.parsers[name.split("/")[0]].parse(data).facts
    suspects = facts.get("suspects", [])
    strongest: dict[str, str] = {}
    for one in suspects:
        strongest.setdefault(one["part"], one["strength"])
    assert strongest == CAPTURED[name]
    lines = [line.strip() for line in data.decode("utf-8", "replace").replace("\r", "").split("\n")]
    for one in suspects:
        assert all(lines[line["line"] - 1][:250] == line["text"][:250] for line in one["lines"])


WORDS = sorted({word for rule in (*policy().rules, *policy().harmless) for word in rule.words})
PIECES = st.lists(
    st.one_of(st.sampled_from(WORDS), st.sampled_from([*SAMPLES.values()]), st.text(max_size=12), st.just("İ")),
    max_size=4,
).map(" ".join)


@given(st.lists(st.tuples(PIECES, st.booleans(), st.sampled_from([None, Decimal(2), Decimal(900)])), max_size=30))
def test_a_line_is_told_by_the_first_rule_that_fits_it_wherever_it_stands(told: list[Any]) -> None:
    lines = [
        LogLine(number, text.replace("\n", " "), text, kernel, seconds)
        for number, (text, kernel, seconds) in enumerate(told, 1)
    ]
    noise: dict[str, int] = {}
    counts: dict[str, int] = {}
    for line in lines:
        starting = line.seconds is not None and line.seconds < policy().start_s
        for rule in (*policy().harmless, *policy().rules):
            wanted = rule.kernel is line.kernel and (starting or not rule.only_at_start)
            if wanted and rule.fits(line.text[:1024].lower(), line.text[:1024]):
                of = counts if rule.part else noise
                of[rule.id] = of.get(rule.id, 0) + 1
                break
    found = evidence_of(lines)
    assert found.harmless == noise
    rules = {rule.id: rule for rule in policy().rules}
    told_of = {one.rule: one.count for one in found.suspects if one.rule in rules}
    assert told_of == {name: count for name, count in counts.items() if count >= rules[name].at_least}
