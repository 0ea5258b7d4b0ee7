"""`assay verify` on a real ledger, a bundle and single records."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from records_builder import HeadOffice, build_ledger, open_ledger

from reports.verify import export_bundle
from station.cli import main
from station.i18n import set_language

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, HeadOffice]:
    folder = tmp_path_factory.mktemp("station")
    office = HeadOffice()
    build_ledger(folder / "assay.db", office)
    (folder / "head-office.pub").write_text(office.public.hex() + "\n")
    return folder, office


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Assay = Callable[..., Done]


@pytest.fixture
def assay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Assay]:
    """Runs the command as the program would, in this process."""

    def run(folder: Path, *arguments: str, lang: str = "en") -> Done:
        monkeypatch.setenv("ASSAY_DATA", str(folder))
        monkeypatch.setenv("ASSAY_LANG", lang)
        with pytest.raises(SystemExit) as ended:
            main(["verify", *arguments])
        written = capsys.readouterr()
        return Done(int(ended.value.code or 0), written.out, written.err)

    yield run
    set_language("en")


def test_a_ledger_with_a_root_is_good_and_says_which_root(station: tuple[Path, HeadOffice], assay: Assay) -> None:
    folder, _ = station
    done = assay(folder, "--ledger", "--root", str(folder / "head-office.pub"), "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert (answer["ok"], answer["problems"], answer["records"]) == (True, [], 13)
    assert answer["signatures"] == 28
    assert answer["root"]["source"].endswith("head-office.pub")


def test_without_a_root_the_origin_is_unproven_and_the_exit_code_says_no(
    station: tuple[Path, HeadOffice], assay: Assay
) -> None:
    folder, _ = station
    done = assay(folder, "--ledger")
    assert done.returncode == 1
    assert "self-consistent, origin unproven" in done.stdout
    content = assay(folder, "--ledger", "--self", "--json")
    assert content.returncode == 0
    assert json.loads(content.stdout)["ok"] is True


def test_the_pinned_key_of_the_station_is_the_root_when_none_is_named(
    station: tuple[Path, HeadOffice], tmp_path: Path, assay: Assay
) -> None:
    folder, office = station
    (tmp_path / "assay.db").write_bytes((folder / "assay.db").read_bytes())
    (tmp_path / "station.toml").write_text(
        f'station = "bench-1"\nname = "Bench"\nshop = "shop-1"\nsimulated = true\n'
        f'head_office_key = "{office.public.hex()}"\n'
    )
    done = assay(tmp_path, "--ledger")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pinned at enrolment" in done.stdout


def test_a_ticket_and_its_bundle_show_the_release(
    station: tuple[Path, HeadOffice], tmp_path: Path, assay: Assay
) -> None:
    folder, _ = station
    root = ("--root", str(folder / "head-office.pub"))
    db = open_ledger(folder / "assay.db")
    bundle = tmp_path / "T-0001.json"
    bundle.write_bytes(export_bundle(db, "T-0001"))
    db.close()
    for named in (("--ticket", "T-0001"), (str(bundle),)):
        done = assay(folder, *named, *root, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["files"][0]["release"] == {"decision": "released", "reasons": []}


def test_a_changed_record_is_named(station: tuple[Path, HeadOffice], tmp_path: Path, assay: Assay) -> None:
    folder, office = station
    broken = tmp_path / "broken.db"
    broken.write_bytes((folder / "assay.db").read_bytes())
    db = sqlite3.connect(broken)
    db.execute("DROP TRIGGER record_no_update")
    db.execute("UPDATE record SET ticket = 'T-0002' WHERE seq = 7")
    db.commit()
    db.close()
    root = tmp_path / "root"
    root.write_text(office.public.hex())
    done = assay(folder, str(broken), "--root", str(root), "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert (answer["problems"][0]["what"], answer["problems"][0]["seq"]) == ("link", 7)
    assert "record 7" in assay(folder, str(broken), "--root", str(root)).stdout
    assert "链接内容与记录不符" in assay(folder, str(broken), "--root", str(root), lang="zh").stdout


def test_wrong_use_is_told_apart_from_a_bad_ledger(
    station: tuple[Path, HeadOffice], tmp_path: Path, assay: Assay
) -> None:
    folder, _ = station
    assert assay(folder).returncode == 2
    assert assay(folder, "--ticket", "T-9999").returncode == 2
    assert assay(tmp_path, "--ledger").returncode == 3
    (tmp_path / "root").write_text("01" + "00" * 31)
    refused = assay(folder, "--ledger", "--root", str(tmp_path / "root"))
    assert refused.returncode == 2
    assert "no usable public key" in refused.stderr


def test_it_loads_no_screen_and_no_hardware_library(station: tuple[Path, HeadOffice]) -> None:
    folder, _ = station
    script = (
        "import sys; sys.argv[0] = 'assay'\n"
        "from station.cli import main\n"
        "try: main(['verify', '--ledger', '--self'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'textual', 'adbutils', 'starlette', 'httpx', 'uvicorn'} & set(sys.modules)))"
    )
    environment = {**os.environ, "ASSAY_DATA": str(folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
