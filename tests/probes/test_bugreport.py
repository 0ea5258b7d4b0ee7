"""A whole bug report: cut into its sections, each read by its parser, safe against whatever a file may hold."""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import outputs_evidence as evidence
import phone_outputs as out
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_bench import LOADED
from report_builder import ReportText, zipped

from drivers import bugreport_file
from drivers.bugreport_file import Report, read_report
from probes.api import Parsed
from probes.bugreport import parts_of, read_facts
from probes.captured import fold_json

ROOT = Path(__file__).resolve().parents[2]
TEXT = ReportText(
    services={
        "battery": out.BATTERY.encode(),
        "dropbox": out.DROPBOX.encode(),
        "media.camera": out.CAMERA.encode(),
        "sensorservice": out.SENSORS.encode(),
        "telephony.registry": out.TELEPHONY.encode(),
    },
    sections={
        ("SYSTEM PROPERTIES", "getprop"): out.GETPROP.encode(),
        ("MEMORY INFO", "/proc/meminfo: 2023-11-14 22:23:59"): out.MEMINFO.encode(),
        ("FILESYSTEMS & FREE SPACE", "df"): out.DF.encode(),
        ("KERNEL LOG", "dmesg"): evidence.DMESG.encode(),
        ("SYSTEM LOG", "logcat -v threadtime -v printable -v uid -d *:v"): evidence.LOGCAT.encode(),
    },
)
FORMS: dict[str, Callable[[ReportText], bytes]] = {
    "android 5": ReportText.old,
    "android 9": ReportText.new,
    "android 14": lambda text: zipped(text.new(priority="CRITICAL ")),
}
KINDS = ["battery", "df", "dmesg", "dropbox", "getprop", "logcat", "media_camera", "meminfo", "sensorservice"]


def facts(data: bytes) -> Parsed:
    parsed = read_facts(read_report(data), LOADED.parsers)
    json.dumps(fold_json(parsed.facts), allow_nan=False)
    return parsed


def section_data(report: Report, kind: str) -> bytes:
    return next(part.data for part in parts_of(report, LOADED.parsers) if part.kind == kind)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_cut_into_the_very_outputs_that_went_in(form: str) -> None:
    report = read_report(FORMS[form](TEXT))
    assert report.taken == "2023-11-14 22:24:00"
    assert report.header["fingerprint"].startswith("bench/one/")
    assert report.complete
    assert report.problems == ()
    for name, data in TEXT.services.items():
        found = report.service(name)
        assert found is not None
        assert found.data.rstrip() == data.rstrip()
    for (name, command), data in TEXT.sections.items():
        section = report.section(name)
        assert section is not None
        assert (section.command, section.data.rstrip()) == (command, data.rstrip())


@pytest.mark.parametrize("form", FORMS)
def test_each_kind_says_in_a_report_what_it_says_alone(form: str) -> None:
    found = facts(FORMS[form](TEXT)).facts["kinds"]
    assert found.keys() >= set(KINDS) | {"telephony_registry"}
    report = read_report(FORMS[form](TEXT))
    for kind, said in found.items():
        alone = LOADED.parsers[kind].parse(section_data(report, kind))
        assert said["facts"] == alone.facts, kind
    assert found["battery"]["facts"] == LOADED.parsers["battery"].parse(out.BATTERY.encode()).facts


def test_one_section_is_read_by_every_parser_of_its_output() -> None:
    health = b"getStorageInfo -> StorageInfo{eol: 1, lifetimeA: 2, lifetimeB: 3, version: }\n"
    scan = b"  02:00:00:00:00:01       5180        -45   3.300         Bench     [ESS]\n"
    services = {"android.hardware.health.IHealth/default": health, "wifiscanner": scan}
    kinds = facts(ReportText({**TEXT.services, **services}, TEXT.sections).new()).facts["kinds"]
    assert kinds["partitions"]["facts"]["partitions"]
    assert kinds["storage_health"]["facts"]["hal_life_time_b"] == 3
    assert kinds["wifi_scan"]["facts"]["best_5g_dBm"] == -45
    assert "sensor_events" in kinds


def test_suspects_name_their_lines_in_the_text_of_the_whole_report() -> None:
    text = TEXT.new()
    lines = text.decode().split("\n")
    suspects = facts(text).facts["suspects"]
    assert {one["part"] for one in suspects} >= {"fuel-gauge", "storage", "nfc", "proximity"}
    for one in suspects:
        for line in one["lines"]:
            assert lines[line["line"] - 1].strip() == line["text"]


def test_durations_and_commands_of_sections_are_told() -> None:
    sections = {one["name"]: one for one in facts(TEXT.new()).facts["sections"]}
    assert sections["KERNEL LOG"]["command"] == "dmesg"
    assert (sections["battery"]["service"], sections["battery"]["seconds"]) == (True, "0.008")


def test_tombstones_and_the_kernels_last_words_in_a_zip_are_read() -> None:
    files = {
        "FS/data/tombstones/tombstone_03": out.TOMBSTONE.encode(),
        "FS/data/tombstones/tombstone_03.pb": b"\x00\x01",
        "FS/sys/fs/pstore/console-ramoops-0": b"[ 1200.000001] mmc0: cache flush error -110\n",
    }
    found = facts(zipped(TEXT.new(), files)).facts
    assert {one["section"] for one in found["files"]} == {
        "/data/tombstones/tombstone_03",
        "/sys/fs/pstore/console-ramoops-0",
    }
    [tombstone] = [one for one in found["files"] if one["kind"] == "tombstone"]
    assert tombstone["facts"]["pid"] == LOADED.parsers["tombstone"].parse(out.TOMBSTONE.encode()).facts["pid"]
    assert any(one["where"] == "/sys/fs/pstore/console-ramoops-0" for one in found["suspects"])


def test_a_report_redirected_on_windows_is_read_in_its_encoding() -> None:
    wide = TEXT.new().decode().replace("\n", "\r\n").encode("utf-16")
    assert facts(wide).facts["kinds"]["battery"]["facts"] == facts(TEXT.new()).facts["kinds"]["battery"]["facts"]


def test_a_gzipped_text_is_read_and_a_cut_one_as_far_as_it_goes() -> None:
    packed = gzip.compress(TEXT.new())
    assert read_report(packed).complete
    cut = read_report(packed[: len(packed) // 2])
    assert cut.problems
    assert not cut.complete


def test_a_text_without_its_end_says_so_and_keeps_what_is_there() -> None:
    text = TEXT.new()
    report = read_report(text[: text.index(b"DUMP OF SERVICE sensorservice")])
    assert report.service("battery")
    assert not report.complete
    assert any("no end" in why.en for _, why in report.problems)


def test_a_cut_zip_is_no_report_and_says_what_to_do() -> None:
    whole = zipped(TEXT.new())
    parsed = facts(whole[:-400])
    assert parsed.facts == {}
    assert "cut" in parsed.problems[0].why


def test_a_damaged_or_locked_zip_entry_is_a_problem_and_nothing_else() -> None:
    whole = bytearray(zipped(TEXT.new()))
    at = whole.index(b"bugreport-one-AB1A.txt") + 200
    whole[at : at + 50] = b"\xff" * 50
    assert facts(bytes(whole)).problems
    locked = bytearray(zipped(TEXT.new()))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag that says an entry is encrypted
        place = locked.find(mark)
        while place >= 0:
            struct.pack_into("<H", locked, place + offset, 1)
            place = locked.find(mark, place + 4)
    parsed = facts(bytes(locked))
    assert parsed.facts == {}
    assert parsed.problems


def test_names_in_a_zip_are_labels_and_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"FS/data/tombstones/../../../../etc/passwd": b"x", "../../evil": b"x", "FS/data/anr/../../x": b"y"}
    report = read_report(zipped(TEXT.new(), files, main="../../bugreport-x.txt"))
    assert report.files == {}
    assert report.service("battery")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "names",
    [
        ("my reports/bugreport-a.txt", "my reports/FS/data/tombstones/tombstone_01"),
        ("out\\bugreport-a.txt", "out\\FS\\data\\tombstones\\tombstone_01"),
        ("问题报告.txt", "FS/data/tombstones/tombstone_01"),
    ],
    ids=["its folder packed again", "packed with backslashes", "renamed"],
)
def test_a_report_that_somebody_packed_again_is_read_with_its_files(names: tuple[str, str]) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("readme.txt", "nothing " * 9999)
        for name, data in zip(names, (TEXT.new(), out.TOMBSTONE.encode()), strict=True):
            archive.writestr(name, data)
    report = read_report(made.getvalue())
    assert report.service("battery")
    assert list(report.files) == ["/data/tombstones/tombstone_01"]


def test_a_report_inside_a_zip_of_logs_is_read_and_a_third_zip_is_not_opened() -> None:
    def around(data: bytes, name: str = "logs/bugreport-one-2025.zip") -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("logs/common.log", "x")
            archive.writestr(name, data)
        return made.getvalue()

    assert read_report(around(zipped(TEXT.new()))).service("battery")
    deeper = read_report(around(around(zipped(TEXT.new()))))
    assert not deeper.sections
    assert "no report text" in deeper.problems[0][1].en


def test_a_zip_inside_a_zip_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bugreport_file, "_MAX_INNER", 100)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("bugreport-a.zip", zipped(TEXT.new()))
    report = read_report(made.getvalue())
    assert not report.sections
    assert "larger" in report.problems[0][1].en


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_damage_in_any_way_of_packing_is_a_problem(method: int) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr("bugreport-a.txt", TEXT.new())
    whole = bytearray(made.getvalue())
    at = whole.index(b"bugreport-a.txt") + len(b"bugreport-a.txt") + 9
    whole[at : at + 50] = b"\xff" * 50
    assert "damaged" in read_report(bytes(whole)).problems[0][1].en


def test_a_main_entry_that_names_nothing_falls_back_to_the_reports_own_text() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("main_entry.txt", "/etc/passwd")
        archive.writestr("dumpstate_board.txt", "board")
        archive.writestr("bugreport-one.txt", TEXT.new())
    assert read_report(made.getvalue()).service("battery")


def test_a_zip_bomb_is_read_up_to_the_limit_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 24 * 1024 * 1024
    monkeypatch.setattr(bugreport_file, "MAX_TEXT", limit)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("bugreport-bomb.txt", "w") as main:
            main.write(TEXT.head() + b"------ SYSTEM LOG (logcat) ------\n")
            for _ in range(64):
                main.write(b"\0" * 1024 * 1024)
        archive.writestr("main_entry.txt", "bugreport-bomb.txt")
    data = made.getvalue()
    assert len(data) < 1024 * 1024
    monkeypatch.setattr(bugreport_file, "MAX_SECTION", 1024 * 1024)
    tracemalloc.start()
    report = read_report(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert any("larger" in why.en for _, why in report.problems)
    assert sum(len(section.data) for section in report.sections) <= 1024 * 1024 + 100
    assert peak < 24 * 1024 * 1024


def test_what_is_kept_is_bounded_over_all_sections_and_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bugreport_file, "MAX_KEPT", 300_000)
    monkeypatch.setattr(bugreport_file, "MAX_FILES", 3)
    big = ReportText(services={f"s{n}": b"x" * 79 + b"\n" + b"y\n" * 40_000 for n in range(9)})
    files = {f"FS/data/anr/anr_{n}": b"z" * 10_000 for n in range(9)}
    report = read_report(zipped(big.new(), files))
    kept = sum(len(section.data) for section in report.sections) + sum(map(len, report.files.values()))
    assert kept < 300_000 + 1000
    assert len(report.files) <= 3
    assert report.problems


def test_of_a_log_that_is_too_long_the_newest_lines_are_kept_with_their_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bugreport_file, "MAX_SECTION", 1000)
    lines = b"".join(b"line %04d\n" % number for number in range(500))
    text = ReportText(sections={("SYSTEM LOG", "logcat"): lines, ("CPU INFO", "top"): lines}).new()
    report = read_report(text)
    log, top = report.section("SYSTEM LOG"), report.section("CPU INFO")
    assert log is not None
    assert top is not None
    assert log.data.endswith(b"line 0499\n")
    assert top.data.startswith(b"line 0000\n")
    assert text.split(b"\n")[log.line - 1] == log.data.split(b"\n")[0]
    assert log.cut == top.cut == len(lines) - 1000


def test_a_rule_inside_a_dump_stays_in_it() -> None:
    inside = b"one\n" + b"-" * 79 + b"\ntwo\n"
    report = read_report(ReportText(services={"a": inside, "b": b"x\n"}).old())
    found = report.service("a")
    assert found is not None
    assert found.data.rstrip() == inside.rstrip()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_is_read_without_an_exception(data: st.DataObject) -> None:
    good = data.draw(st.sampled_from([TEXT.new(), TEXT.old(), zipped(TEXT.new(), {"FS/data/anr/a": b"x" * 99})]))
    at = data.draw(st.integers(0, len(good)))
    gone = data.draw(st.integers(0, 200))
    put = data.draw(st.one_of(st.binary(max_size=30), st.sampled_from([b"PK\x05\x06", b"\n------ ", b"\xff\xfe"])))
    read_report(good[:at] + put + good[at + gone :])


def test_the_command_reads_a_report_and_prints_one_object(tmp_path: Path) -> None:
    path = tmp_path / "report.zip"
    path.write_bytes(zipped(TEXT.new()))
    done = subprocess.run(
        [sys.executable, "-m", "station.cli", "parse", "bugreport", str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["facts"]["kinds"]["battery"]["facts"]["level"] == 54
    assert document["facts"]["taken"] == "2023-11-14 22:24:00"


# --- out of real outputs ---------------------------------------------------------------------------------------------

SERVICES = {
    "audio": "audio", "audio_flinger": "media.audio_flinger", "battery": "battery",
    "batteryproperties": "batteryproperties", "bluetooth_manager": "bluetooth_manager",
    "device_policy": "device_policy", "diskstats": "diskstats", "display": "display", "fingerprint": "fingerprint",
    "hardware_properties": "hardware_properties", "input": "input", "location": "location",
    "media_camera": "media.camera", "nfc": "nfc", "sensorservice": "sensorservice", "surfaceflinger": "SurfaceFlinger",
    "telephony_registry": "telephony.registry", "thermalservice": "thermalservice", "usb": "usb",
    "vibrator": "vibrator", "wifi": "wifi",
}  # fmt: skip
SECTIONS = {
    "getprop": ("SYSTEM PROPERTIES", "getprop"),
    "df": ("FILESYSTEMS & FREE SPACE", "df"),
    "meminfo": ("MEMORY INFO", "/proc/meminfo"),
    "dmesg": ("KERNEL LOG", "dmesg"),
    "logcat": ("SYSTEM LOG", "logcat"),
}


def captured(shared: Path, kind: str) -> list[bytes]:
    folder = shared / "captures" / kind
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path.read_bytes() for path in files]


def framed_already(data: bytes) -> bool:
    """Whether a capture brought the frame of its own report along, or stands in another encoding."""
    return b"DUMP OF SERVICE" in data or b"was the duration of" in data or b"\n------ " in b"\n" + data


def test_reports_out_of_real_outputs_say_what_each_output_says_alone(shared: Path) -> None:
    kinds = [kind for kind in (*SERVICES, *SECTIONS) if kind in LOADED.parsers]
    outputs = {kind: [one for one in captured(shared, kind) if not framed_already(one)] for kind in kinds}
    checked = 0
    for number in range(max(map(len, outputs.values()))):
        mine = {kind: found[number % len(found)] for kind, found in outputs.items() if found}
        mine = {kind: data if data.endswith(b"\n") else data + b"\n" for kind, data in mine.items()}
        text = ReportText(
            services={SERVICES[kind]: data for kind, data in mine.items() if kind in SERVICES},
            sections={SECTIONS[kind]: data for kind, data in mine.items() if kind in SECTIONS},
        )
        for form in (text.old(), zipped(text.new())):
            found = read_facts(read_report(form), LOADED.parsers).facts["kinds"]
            for kind, data in mine.items():
                assert found[kind]["facts"] == LOADED.parsers[kind].parse(data).facts, kind
                checked += 1
    assert checked > 40
