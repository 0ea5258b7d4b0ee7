"""CONTRIBUTING's steps, done as written in a copy of the tree: files made, lines added, commands run.

A block that names a file is that file; one with `into=` and `after=` is a line for a checklist; a `sh` block is run.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("drivers", "probes", "checklists", "reports", "station")
TESTS = ("conftest.py", "SKIPS.md", "checklists", "probes/probe_bench.py", "test_layers.py")

#: What `dev.py` does once the environment is there: it is ours already.
RUNS = {
    "python3 dev.py run ": [sys.executable, "-m", "station.cli"],
    "python3 dev.py test ": [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
}


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, what follows the language on the fence, and the text."""

    lang: str
    info: str
    text: str


def blocks() -> Iterator[Block]:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(found[1], found[2] or "", found[3])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project without its history, environment and caches."""
    copy = tmp_path_factory.mktemp("tree")
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=ignore)
    for name in TESTS:
        source, target = ROOT / "tests" / name, copy / "tests" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignore)
        else:
            shutil.copy(source, target)
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@dataclass
class Step:
    """What one block asks for."""

    name: str
    do: Callable[[Path], None]


def _write(block: Block) -> Callable[[Path], None]:
    def do(tree: Path) -> None:
        path = tree / block.info
        assert not path.exists(), f"{block.info} is there already: choose another example"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    return do


def _insert(block: Block) -> Callable[[Path], None]:
    where = dict(part.split("=", 1) for part in block.info.split())

    def do(tree: Path) -> None:
        path = tree / where["into"]
        head, mark, tail = path.read_text(encoding="utf-8").partition(f'id = "{where["after"]}"\n')
        assert mark, f"{where['into']} has no {where['after']}"
        path.write_text(f"{head}{mark}\n{block.text}{tail}", encoding="utf-8")

    return do


def _run(line: str) -> Callable[[Path], None]:
    def do(tree: Path) -> None:
        command = next((start for start in RUNS if line.startswith(start)), None)
        assert command, f"a line that this test can't run: {line}"
        arguments = [*RUNS[command], *shlex.split(line.removeprefix(command))]
        done = subprocess.run(arguments, cwd=tree, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "no tests ran" not in done.stdout

    return do


def steps() -> Iterator[Step]:
    for block in blocks():
        if block.lang == "sh":
            yield from (Step(line, _run(line)) for line in block.text.splitlines() if line)
        elif block.info.startswith("into="):
            yield Step(block.info, _insert(block))
        elif block.info:
            yield Step(block.info, _write(block))


def test_the_page_has_all_four_kinds_of_steps() -> None:
    names = [step.name for step in steps()]
    for wanted in ("probes/", "tests/probes/", "checklists/checks/", "into=checklists/", "checklists/shop", "drivers/"):
        assert any(name.startswith(wanted) for name in names), wanted
    assert sum(name.startswith("python3 dev.py test") for name in names) >= 3


def test_the_steps_work_as_written_in_a_copy_of_the_tree(tree: Path) -> None:
    with ThreadPoolExecutor(max_workers=3) as pool:  # a command starts when the page has come to it
        started = []
        for step in steps():
            if step.name.startswith("python3"):
                started.append(pool.submit(step.do, tree))
            else:
                step.do(tree)
        for done in started:
            done.result()
    made = [block.info for block in blocks() if block.lang == "python"]
    ruff = Path(sys.executable).parent / "ruff"
    for style in (["check"], ["format", "--check"]):
        told = subprocess.run([ruff, *style, "--no-cache", *made], cwd=tree, capture_output=True, text=True)
        assert told.returncode == 0, told.stdout + told.stderr
    _run("python3 dev.py test tests/test_layers.py -k runs_one_way")(tree)


def test_a_step_that_fails_is_seen(tree: Path) -> None:
    with pytest.raises(AssertionError, match="no checklist is called nothing"):
        _run("python3 dev.py run checklist validate nothing")(tree)
