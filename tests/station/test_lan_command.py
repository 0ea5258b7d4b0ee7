"""`assay bundle send`, `fetch`, `assay station lan` and `peers` as a person uses them, beside an engine's process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reports.verify import verify_ledger
from tests.station.command_line import run_assay

PHRASE = "for the way"
Run = Callable[..., tuple[int, str, str]]
#: An engine that would end after a moment with nothing to do: but others count on one that listens.
ENGINE = """
import asyncio, sys
from pathlib import Path
from station.engine import Engine
from station.settings import load_settings

async def main():
    engine = Engine(load_settings(Path(sys.argv[1])), (), linger_s=0.3, uploads=False)
    await engine.start()
    try:
        await engine.serve()
    finally:
        await engine.close()

asyncio.run(main())
"""


@pytest.fixture
def assay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(station: str, *args: str, code: int = 0) -> tuple[int, str, str]:
        ended, out, err = run_assay(tmp_path / station, monkeypatch, *args, pin="a lead's secret")
        assert ended == code, (args, out, err)
        return ended, out, err

    (tmp_path / "phrase").write_text(PHRASE + "\n", encoding="utf-8")
    phrase = ("--passphrase-file", str(tmp_path / "phrase"))
    for station in ("one", "two"):
        run(station, "station", "enrol", "--id", station, "--shop", "s-1", "--simulated")
        run(station, "person", "add", f"lead-{station}", "--name", station.title(), "--role", "lead")
    run("one", "station", "invite", "--out", str(tmp_path / "inv"), *phrase)
    run("two", "station", "join", str(tmp_path / "inv"), *phrase)
    return run


@contextmanager
def engine(assay: Run, folder: Path, station: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The engine of a station as a process, and where it listens."""
    process = subprocess.Popen([sys.executable, "-c", ENGINE, str(folder / station)])
    try:
        until, at = time.monotonic() + 30, ""
        while not at:
            assert process.poll() is None
            assert time.monotonic() < until
            if (folder / station / "engine.sock").exists():
                at = json.loads(assay(station, "station", "peers", "--json")[1])["listening"]
        yield process, at
    finally:
        process.kill()
        process.wait()


def test_two_stations_are_set_up_and_exchange_a_ticket(assay: Run, tmp_path: Path) -> None:
    assert "does not listen" in assay("two", "station", "lan")[1]
    assert "listens on 127.0.0.1:0" in assay("two", "station", "lan", "--listen", "127.0.0.1:0")[1]
    assay("one", "intake", "T-1", "--imei", "356938035643809", "--model", "One", "--as", "lead-one")
    assert "No address of station two" in assay("one", "bundle", "send", "T-1", "--to", "two", code=2)[2]
    with engine(assay, tmp_path, "two") as (process, at):
        assert f"two  {at}" in assay("one", "station", "lan", "--peer", f"two={at}")[1]
        assert f"two  {at}  answers" in assay("one", "station", "peers")[1]
        assert "T-1 to two: 1 new records there" in assay("one", "bundle", "send", "T-1", "--to", "two")[1]
        told = json.loads(assay("one", "bundle", "fetch", "T-1", "--from", "two", "--json")[1])
        assert (told["sender"], told["apart"]) == ("two", 0)
        assert "no record of ticket T-9" in assay("one", "bundle", "fetch", "T-9", "--from", "two", code=1)[2]

        assay("two", "station", "lan", "--refuse", "one")
        assert "refuses station one" in assay("one", "station", "peers", code=1)[1]
        assert "refuses station one" in assay("one", "bundle", "send", "T-1", "--to", "two", code=1)[2]
        assay("two", "station", "lan", "--accept", "one")
        assert process.poll() is None
        process.kill()
        process.wait()
        assert "does not answer" in assay("one", "bundle", "send", "T-1", "--to", "two", code=3)[2]
    for station in ("one", "two"):
        assert verify_ledger(tmp_path / station / "assay.db").problems == ()


def test_what_is_no_address_or_no_station_is_wrong_use_and_the_rest_is_in_a_backup(assay: Run, tmp_path: Path) -> None:
    wrong = ("--peer", "two"), ("--peer", "two=a b"), ("--listen", "x:99999"), ("--peer", "t wo=h"), ("--refuse", "/")
    for args in wrong:
        assay("one", "station", "lan", *args, code=2)
        assert not (tmp_path / "one" / "lan.toml").exists()
    assay("one", "station", "lan", "--peer", "two=10.0.0.2", "--refuse", "old")
    assay("one", "backup", str(tmp_path / "b.zip"))
    assay("three", "restore", str(tmp_path / "b.zip"))
    assert (tmp_path / "three" / "lan.toml").read_bytes() == (tmp_path / "one" / "lan.toml").read_bytes()
