"""What the store refused because the disk failed does not turn up after a crash, and what it took does."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.faults import Faults, How, no_compiler

pytestmark = pytest.mark.skipif(bool(no_compiler()), reason=no_compiler() or "-")


class Child:
    """A store in a process of its own, with faults in it."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.store_process", str(folder / "data" / "assay.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **faults.env},
        )
        assert self.said() == "ready"

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def write(self, text: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()
        return self.said()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def child(folder: Path, faults: Faults) -> Iterator[Child]:
    made = Child(folder, faults)
    try:
        yield made
    finally:
        made.kill()


def rows(folder: Path) -> list[str]:
    """What a kill at this moment would leave behind: the files as they are, opened by nobody before."""
    left = folder / "left"
    left.mkdir()
    for path in (folder / "data").glob("assay.db*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, left)
    try:
        with contextlib.closing(sqlite3.connect(left / "assay.db")) as db:
            return [text.strip() for (text,) in db.execute("SELECT text FROM row ORDER BY id")]
    finally:
        shutil.rmtree(left)


@pytest.mark.parametrize("how", [How.EIO, How.ENOSPC, How.TORN, How.SHORT])
def test_what_was_refused_would_not_be_there_after_a_kill_and_the_store_goes_on(tmp_path: Path, how: How) -> None:
    (tmp_path / "data").mkdir()
    faults, told = Faults(tmp_path / "faults", tmp_path / "data"), ["first"]
    with child(tmp_path, faults) as store:
        before = faults.calls
        assert store.write("first") == "ok"
        calls = faults.calls - before
        assert calls > 5  # several pages, each with its head, and the fsync
        for n in range(1, calls + 1):
            faults.arm(how, n)
            said = store.write(f"call {n}")
            faults.disarm()
            assert said in ("ok", "store.io", "store.full")
            told += [f"call {n}"] if said == "ok" else []
            assert rows(tmp_path) == told, f"call {n}: {said}"
            assert store.write(f"after {n}") == "ok"
            told.append(f"after {n}")
            assert rows(tmp_path) == told
    assert any(f"call {n}" not in told for n in range(1, calls + 1))  # some of them were refused
