"""`assay ledger`: how far the ledger has come, its signed heads, and its derived tables made anew."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_NO, EXIT_OK, Trouble
from station.i18n import _, words
from station.settings import Settings, data_folder, load_settings

__all__ = ["command"]


@click.group("ledger", help=_("The ledger: show, heads, rebuild."))
def command() -> None:
    """The records of this station in their order."""


# --- show ---


@command.command("show", help=_("How far the ledger has come."))
@click.option(
    "--against",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("A bundle, receipt, head or record from elsewhere: is all that it speaks of still here?"),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def show(ctx: click.Context, against: tuple[Path, ...], as_json: bool) -> None:
    """Ends 1 when a link is broken, or something that a file speaks of is not here."""
    settings = load_settings(data_folder())
    told = _state(settings) | {"missing": [each for path in against for each in _against(settings, path)]}
    if as_json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(told)) + "\n")
    ctx.exit(EXIT_NO if told["missing"] or told["broken"] else EXIT_OK)


def _state(settings: Settings) -> dict[str, Any]:
    from reports.ledger import frontier_of, head_size, last_link, last_receipt
    from reports.links import verify_links
    from station.setup import look

    look(settings)
    with closing(sqlite3.connect(f"{settings.database.as_uri()}?mode=ro", uri=True)) as raw:
        from sqlite_utils import Database

        db = Database(raw)
        last = last_link(db)
        ((waiting,),) = db.execute("SELECT count(*) FROM outbox WHERE state = 'waiting'")
        ((suspect,),) = db.execute("SELECT count(*) FROM record WHERE clock = 'suspect'")
        return {
            "station": settings.station,
            "shop": settings.shop,
            "simulated": settings.simulated,
            "records": last.seq if last else 0,
            "chain": last.chain if last else "",
            "last_ms": last.clock.wall_ms if last else 0,
            "clock": last.clock.state if last else "",
            "suspect_clocks": suspect,
            "root": frontier_of(db).root,
            "head": head_size(db),
            "receipt": last_receipt(db) or "",
            "waiting": waiting,
            "broken": verify_links(settings.database).broken,
        }


def _against(settings: Settings, path: Path) -> list[dict[str, Any]]:
    """What the file speaks of and the ledger lacks; a file that is itself wrong proves nothing and says so."""
    from reports.ledger import roster_of
    from reports.record import RecordError
    from reports.verify import hold_against, verify_envelope, verify_file

    root = bytes.fromhex(settings.head_office_key) or None
    data = path.read_bytes()
    with closing(sqlite3.connect(f"{settings.database.as_uri()}?mode=ro", uri=True)) as raw:
        from sqlite_utils import Database

        roster = roster_of(Database(raw))
    envelope = data.startswith(b'{"payload":')
    report = verify_envelope(data, root, roster) if envelope else verify_file(path, root)
    try:
        found = [] if report.problems else hold_against(settings.database, data)
    except RecordError as error:
        raise _unreadable(path, error.words) from error
    if report.problems:
        raise _unreadable(path, report.problems[0].why)
    return [{"file": str(path), "what": one.what, "seq": one.seq, "why": list(one.why)} for one in found]


def _lines(told: dict[str, Any]) -> list[str]:
    states = {
        "anchored": _("anchored: head office's time agrees"),
        "free-running": _("free-running"),
        "suspect": _("suspect: it went back, drifted, or head office contradicts it"),
    }
    lines = [
        _("{n} records, the newest of {when}").format(n=told["records"], when=_when(told["last_ms"])),
        _("chain {chain}").format(chain=told["chain"]),
        _("root {root}").format(root=told["root"]),
        _("signed head over {n}; after it {m} records").format(n=told["head"], m=told["records"] - told["head"]),
        _("clock: {state}; records with a suspect clock: {n}").format(
            state=states.get(told["clock"], "-"), n=told["suspect_clocks"]
        ),
        _("newest receipt {digest}; {n} records wait for head office").format(
            digest=told["receipt"][:16] or "-", n=told["waiting"]
        ),
    ]
    if told["broken"]:
        lines.append(
            "  ! " + _("record {n} is not linked as it must be: `assay verify --ledger`").format(n=told["broken"])
        )
    return lines + [f"  ! {one['file']}: {words(Words(*one['why']))}" for one in told["missing"]]


# --- heads ---


@command.command("heads", help=_("The signed heads, newest first."))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help=_("At most so many."))
@click.option(
    "--export", "export", type=click.Path(path_type=Path), help=_("Write the newest head's envelope to FILE.")
)
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def heads(limit: int, export: Path | None, as_json: bool) -> None:
    """A head kept elsewhere shows at any later time whether the records up to it are still there."""
    settings = load_settings(data_folder())
    found = _heads(settings, limit)
    if export is not None:
        if not found:
            raise Trouble("ledger.no-head", _NO_HEAD, Side.BENCH, _SEAL, EXIT_NO)
        with export.open("xb") as file:
            file.write(found[0].pop("envelope"))
    rows = [{key: value for key, value in row.items() if key != "envelope"} for row in found]
    if as_json:
        sys.stdout.write(json.dumps({"heads": rows}) + "\n")
        return
    for row in rows:
        sys.stdout.write(f"{row['size']:>9}  {row['root']}  {_when(row['sealed_ms'])}  {row['digest'][:16]}\n")


def _heads(settings: Settings, limit: int) -> list[dict[str, Any]]:
    from reports.attest import open_record
    from station.setup import look

    look(settings)
    with closing(sqlite3.connect(f"{settings.database.as_uri()}?mode=ro", uri=True)) as raw:
        rows = raw.execute(
            "SELECT size, root, digest, envelope FROM head ORDER BY size DESC LIMIT ?", (limit,)
        ).fetchall()
    return [
        {
            "size": size,
            "root": root,
            "digest": digest,
            "sealed_ms": open_record(bytes(envelope)).statement.raw["clock"]["wall_ms"],
            "envelope": bytes(envelope),
        }
        for size, root, digest, envelope in rows
    ]


# --- rebuild ---


@command.command("rebuild", help=_("Make every derived table anew from the envelopes, and compare."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def rebuild(ctx: click.Context, as_json: bool) -> None:
    """Ends 1 when anything was otherwise than it should be; no engine may run meanwhile."""
    from filelock import FileLock, Timeout

    settings = load_settings(data_folder())
    try:
        with FileLock(settings.data / "engine.lock", timeout=0, mode=0o600):
            done = _rebuilt(settings)
    except Timeout:
        raise Trouble("engine.running", _RUNNING, Side.BENCH, _STOP, EXIT_NO) from None
    differences = [
        {"table": one.table, "row": one.row, "why": list(one.why), "mended": one.mended} for one in done.differences
    ]
    if as_json:
        sys.stdout.write(json.dumps({"rows": dict(done.rows), "differences": differences}, ensure_ascii=False) + "\n")
    else:
        for table, count in done.rows.items():
            sys.stdout.write(_("{table}: {n} rows").format(table=table, n=count) + "\n")
        for one in done.differences:
            mended = _("mended") if one.mended else _("left as it is: this is evidence, see `assay verify --ledger`")
            sys.stdout.write(f"  ! {one.table} {one.row}: {words(one.why)} ({mended})\n")
    ctx.exit(EXIT_NO if differences else EXIT_OK)


def _rebuilt(settings: Settings) -> Any:
    import asyncio

    from reports.ledger import LEDGER, check_schema
    from station import tickets
    from station.bench import SLOTS
    from station.journal import JOURNAL
    from station.outbox import OUTBOX
    from station.rebuilding import rebuild as rebuild_tables
    from station.store import Store
    from station.vault import VAULT

    async def work() -> Any:
        store = Store(settings.database)
        try:
            await store.migrate([LEDGER, OUTBOX, VAULT, JOURNAL, tickets.TICKETS, SLOTS])
            done = await store.write(rebuild_tables)
            await store.write(check_schema)
        finally:
            store.close()
        return done

    return asyncio.run(work())


def _unreadable(path: Path, why: Words) -> Trouble:
    return Trouble("ledger.no-proof", _NO_PROOF.fill(path=path, why=why), Side.PERSON, _OTHER_FILE, EXIT_NO)


def _when(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms / 1000)) if ms else "-"


_NO_PROOF = Words("{path} proves nothing against this ledger: {why}", "{path} 不能作为对照依据：{why}")
_OTHER_FILE = Words(
    "Use a bundle, receipt, head or record that verifies", "请使用可通过校验的工单包、回执、校验点或记录"
)
_NO_HEAD = Words("This ledger has no signed head yet", "该台账尚无已签署的校验点")
_SEAL = Words("The engine signs one when it ends; `assay backup` does too", "引擎结束时会签署；`assay backup` 也会签署")
_RUNNING = Words("An engine works on this data folder", "该数据目录有引擎正在运行")
_STOP = Words("End it first: assay engine --stop", "请先停止：assay engine --stop")
