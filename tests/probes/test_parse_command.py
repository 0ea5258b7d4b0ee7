"""`assay parse`: one JSON object a line and file, exit codes, and what it must not load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import phone_outputs as out

ROOT = Path(__file__).resolve().parents[2]


def assay(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "station.cli", "--lang", "en", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )


def test_each_file_gives_one_line_in_order(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(out.BATTERY)
    (tmp_path / "b").write_text(out.SAMSUNG_BATTERY)
    done = assay("parse", "battery", str(tmp_path / "a"), str(tmp_path / "b"), "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [set(line) for line in lines] == [{"kind", "file", "facts", "problems"}] * 2
    assert [line["file"] for line in lines] == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert lines[0]["facts"]["temperature_C"] == 28.7
    assert lines[0]["facts"]["usb"] is True


def test_a_missing_file_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(out.DF)
    done = assay("parse", "df", str(tmp_path / "none"), str(tmp_path / "a"), "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2
    assert lines[0]["facts"] == {}
    assert lines[0]["problems"][0]["what"] == "file"
    assert lines[1]["facts"]["data_use_pct"] == 80
    assert "none" in done.stderr


def test_a_file_that_the_machine_cannot_read_is_the_benchs_trouble() -> None:
    done = assay(
        "parse", "df", "/proc/self/mem", "--json"
    )  # its first page is never mapped: reading it is an I/O error
    assert done.returncode == 3
    assert json.loads(done.stdout)["problems"][0]["what"] == "file"


def test_a_capture_without_any_fact_says_why(tmp_path: Path) -> None:
    captures = {
        "empty": ("\n", "empty"),
        "service": ("Can't find service: battery\n", "no such service"),
        "refused": ("java.lang.SecurityException: Permission Denial: can't dump\n", "refused"),
        "other": (out.DF, "no known format"),
    }
    for name, (text, _) in captures.items():
        (tmp_path / name).write_text(text)
    done = assay("parse", "battery", *(str(tmp_path / name) for name in captures), "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    for line, (_, why) in zip(lines, captures.values(), strict=True):
        assert line["facts"] == {}
        assert [why in problem["why"] for problem in line["problems"]] == [True]


def test_a_folder_is_wrong_use(tmp_path: Path) -> None:
    assert assay("parse", "df", str(tmp_path), "--json").returncode == 2


def test_an_unknown_kind_is_wrong_use_and_the_message_says_how_to_list_them(tmp_path: Path) -> None:
    done = assay("parse", "[/oops]", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "--list" in done.stderr


def test_the_list_names_the_kinds() -> None:
    kinds = json.loads(assay("parse", "--list", "--json").stdout)
    assert {"battery", "getprop", "tombstone"} <= set(kinds)
    assert assay("parse", "--list").stdout.split() == kinds


def test_what_a_phone_prints_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"[ro.product.model]: [\x1b[2J\xe2\x80\xaeBench]\n")
    done = assay("parse", "getprop", str(tmp_path / "a"), "--json")
    assert "\x1b" not in done.stdout
    assert done.stdout.isascii()
    assert json.loads(done.stdout)["facts"]["model"] == "\x1b[2J\u202eBench"


def test_no_screen_and_no_hardware_library_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(out.DF)
    script = (
        "import sys; from station.cli import main\n"
        f"try: main(['parse', 'df', {str(tmp_path / 'a')!r}])\n"
        "except SystemExit: pass\n"
        "heavy = {'pydantic', 'adbutils', 'textual', 'httpx', 'sqlite_utils'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
