"""The distribution is exactly the five packages, with their data; nothing else is installed and nothing is missing."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"drivers", "probes", "checklists", "reports", "station"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=ROOT, capture_output=True, text=True, check=True)
    return zipfile.ZipFile(out / done.stdout.strip().splitlines()[-1])


def test_the_wheel_holds_the_five_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/", 1)[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_the_wheel_carries_checklists_catalogues_styles_and_personas(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    for start, end in (
        ("checklists/checks/", ".toml"),
        ("checklists/", "android-intake.toml"),
        ("drivers/sim/personas/", ".toml"),
        ("station/locale/zh_CN/LC_MESSAGES/", "assay.mo"),
        ("station/ui/", ".tcss"),
    ):
        assert any(name.startswith(start) and name.endswith(end) for name in names), f"{start}*{end}"


def test_no_file_of_the_wheel_is_left_out_of_the_source_tree(wheel: zipfile.ZipFile) -> None:
    tracked = set(subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split("\n"))
    if len(tracked) < 10:
        pytest.fail("the tree is not a git checkout; run the tests in a clone")
    stray = [n for n in wheel.namelist() if ".dist-info/" not in n and n not in tracked]
    assert stray == []


def test_locks_name_no_registry_and_hash_everything() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        assert "://" not in text, lock.name
        pins = [line for line in text.splitlines() if "==" in line]
        assert pins, lock.name
        assert all(line.rstrip().endswith("\\") for line in pins), f"{lock.name}: a pin without a hash"


def test_runtime_dependencies_are_all_in_the_lock() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lock = (ROOT / "requirements.lock").read_text()
    for requirement in wanted:
        name = requirement.split(">")[0].strip()
        assert f"\n{name}==" in "\n" + lock, name


def test_the_version_command_loads_neither_click_nor_pydantic_nor_any_hardware_library() -> None:
    code = (
        "import sys; from station.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: pass\n"
        "heavy = {'click', 'pydantic', 'textual', 'adbutils', 'sqlite_utils', 'cryptography'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("assay ")
