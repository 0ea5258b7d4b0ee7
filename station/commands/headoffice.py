"""`assay headoffice`: the receiving side on this machine: made, served, stations approved, rows read.

Plain HTTP is for the loopback; anywhere else a proxy with TLS stands in front.
"""

from __future__ import annotations

import asyncio
import getpass
import ipaddress
import json
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import click

from drivers.api import Side
from drivers.text import Words
from reports.headoffice.store import HeadOfficeError, HeadOfficeStore, Station, create_head_office
from reports.vocabulary import DECISIONS, kind_words, named
from station.enrolment import fingerprint
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_USE, Trouble
from station.i18n import _, words
from station.settings import create_key, data_folder, load_key, read_private, write_new

__all__ = ["command"]

db_option = click.option(
    "--db",
    "database",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help=_("The database; default: headoffice/headoffice.db in the data folder."),
)


@click.group("headoffice", help=_("The receiving side: head office on this machine."))
def command() -> None:
    """Works on the database file; `serve` may be running."""


@command.command("init", help=_("Make a new head office: database, signing key, read token."))
@db_option
@click.option("--id", "head_office", default="head-office", metavar="ID", help=_("How receipts name it."))
@click.option("--simulated", is_flag=True, help=_("For demo stations only, for ever."))
def init(database: Path | None, head_office: str, simulated: bool) -> None:
    """The key and the token lie beside the database, for its owner alone."""
    path = _path(database)
    with _said():
        create_head_office(path, head_office, simulated=simulated)
    key = create_key(_key_file(path))
    write_new(_token_file(path), f"{secrets.token_urlsafe(24)}\n".encode())
    public = key.public_key().public_bytes_raw()
    sys.stdout.write(f"{public.hex()}\n")
    sys.stderr.write(_("Fingerprint to compare when a station is enrolled:") + f"\n    {fingerprint(public)}\n")


@command.command("serve", help=_("Receive records until stopped."))
@db_option
@click.option("--host", default="127.0.0.1", show_default=True, help=_("Address to listen at."))
@click.option("--port", default=8470, show_default=True, type=click.IntRange(0, 65535), help=_("Port to listen at."))
@click.option(
    "--key",
    "key_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("The signing key's file."),
)
@click.option("--behind-tls", is_flag=True, help=_("A proxy with TLS stands in front: allow any --host."))
def serve(database: Path | None, host: str, port: int, key_file: Path | None, behind_tls: bool) -> None:
    """Says its address on stdout when it is ready."""
    if not behind_tls and not _is_loopback(host):
        raise Trouble(
            "headoffice.plain",
            Words("plain HTTP is served on the loopback only", "明文 HTTP 仅限本机回环地址"),
            Side.PERSON,
            Words("put a proxy with TLS in front, then add --behind-tls", "请在前面配置 TLS 代理，再加 --behind-tls"),
            EXIT_USE,
        )
    path = _path(database)
    with _said():
        asyncio.run(_serve(path, host, port, key_file or _key_file(path)))


@command.command("allow", help=_("Let releases stand on runs of these checklists; the shipped ones are allowed."))
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@db_option
@click.option("--by", default=getpass.getuser, help=_("Who decides; default: this user."))
def allow_files(files: tuple[Path, ...], database: Path | None, by: str) -> None:
    """A checklist of one's own; its exact content is allowed, not its name."""
    from checklists.load import ChecklistErrors, load_checklist
    from reports.headoffice.shipped import allow

    try:
        found = [load_checklist(path) for path in files]
    except ChecklistErrors as error:
        raise Trouble(
            "headoffice.checklist",
            Words("the checklist has problems", "检测清单有问题"),
            Side.PERSON,
            Words("see them with: assay checklist validate FILE", "请查看：assay checklist validate FILE"),
            EXIT_USE,
        ) from error
    with _said():
        allow(_path(database), found, by)
    for one in found:
        sys.stdout.write(f"{one.sha256}  {one.id} {one.version}\n")


@command.command("approve", help=_("Let a station send; without an id, show who waits."))
@click.argument("station", required=False)
@db_option
@click.option("--refuse", is_flag=True, help=_("Refuse it instead."))
@click.option("--fingerprint", "compared", metavar="HEX", help=_("The fingerprint that the station's people told."))
@click.option("--by", default=getpass.getuser, help=_("Who decides; default: this user."))
def approve(station: str | None, database: Path | None, refuse: bool, compared: str | None, by: str) -> None:
    """The fingerprint is compared by a person, or given."""
    with _opened(database) as store:
        if station is None:
            with store.transaction():
                _show_stations(store.stations())
            return
        with store.transaction():
            known = store.station(station)
        if known is None:
            raise HeadOfficeError(
                "station-unknown", 404, Words("no station {id} has asked", "没有工位 {id} 的申请").fill(id=station)
            )
        if not refuse:
            _compare(known, compared)
        state: Literal["approved", "refused"] = "refused" if refuse else "approved"
        with store.transaction():
            store.decide(station, state, by, time.time_ns() // 1_000_000)
    sys.stdout.write(f"{station}: {_state(state)}\n")


@command.command("stats", help=_("How much there is of everything."))
@db_option
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def stats(database: Path | None, as_json: bool) -> None:
    """Stations by state, records by kind, releases by decision, what was set aside."""
    with _opened(database) as store, store.transaction():
        counts, unjudged = store.counts(), store.unjudged()
    if as_json:
        sys.stdout.write(json.dumps({**counts, "waiting": unjudged}, ensure_ascii=False) + "\n")
        return
    labels = {
        "stations": _("stations"),
        "records": _("records"),
        "releases": _("releases"),
        "unjudged": _("releases not judged yet"),
        "refused": _("refused records"),
        "quarantined": _("records that contradict each other"),
    }
    for name, value in counts.items():
        told = ", ".join(f"{_counted(name, key)} {n}" for key, n in value.items()) if isinstance(value, dict) else value
        sys.stdout.write(f"{labels[name]}: {told or 0}\n")
    for row in unjudged:
        sys.stdout.write(f"  {row['station']}  {row['ticket']}  {words(Words(**row['why']))}\n")


@command.command("export", help=_("Rows of what is stored, one JSON object a line."))
@db_option
@click.option("--envelopes", is_flag=True, help=_("With the signed envelopes."))
def export(database: Path | None, envelopes: bool) -> None:
    """By station and place in its ledger."""
    with _opened(database) as store:
        for row in _rows(store):
            if envelopes:
                with store.transaction():
                    row["envelope"] = (store.envelope(row["station"], row["seq"]) or b"").decode()
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


def _counted(what: str, key: str) -> str:
    if what == "stations":
        return _state(key)
    return words(named(DECISIONS, key) if what == "releases" else kind_words(key))


# --- parts -----------------------------------------------------------------------------------------------------------


def _path(database: Path | None) -> Path:
    return database or data_folder() / "headoffice" / "headoffice.db"


def _key_file(database: Path) -> Path:
    return database.with_suffix(".key")


def _token_file(database: Path) -> Path:
    return database.with_suffix(".token")


@contextmanager
def _opened(database: Path | None) -> Iterator[HeadOfficeStore]:
    with _said():
        store = HeadOfficeStore(_path(database))
        try:
            yield store
        finally:
            store.close()


@contextmanager
def _said() -> Iterator[None]:
    """A refusal of head office as the trouble of whoever typed the command."""
    try:
        yield
    except HeadOfficeError as error:
        known = error.code in ("station-unknown", "exists")
        raise Trouble(
            f"headoffice.{error.code}",
            error.words,
            Side.PERSON if known else Side.HEAD_OFFICE,
            Words("see who asked: assay headoffice approve", "查看申请：assay headoffice approve")
            if error.code == "station-unknown"
            else Words(
                "make one: assay headoffice init, or name another with --db",
                "请运行 assay headoffice init 新建，或用 --db 指定其他数据库",
            ),
            EXIT_USE if known else EXIT_BENCH,
        ) from error


async def _serve(path: Path, host: str, port: int, key_file: Path) -> None:
    from reports.headoffice.serve import running
    from reports.headoffice.shipped import allow_shipped

    try:
        key = load_key(key_file)
    except FileNotFoundError:
        raise Trouble(
            "headoffice.key",
            Words("there is no key in {path}", "{path} 中没有密钥").fill(path=key_file),
            Side.HEAD_OFFICE,
            Words(
                "make one with assay headoffice init, or name it with --key",
                "请运行 assay headoffice init，或用 --key 指定",
            ),
        ) from None
    token = read_private(_token_file(path)).decode().strip() if _token_file(path).exists() else None
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    allow_shipped(path)
    try:
        async with running(path, key, host, port, token) as url:
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            await stop.wait()
    except OSError as error:
        raise Trouble(
            "headoffice.port",
            Words("{host}:{port} cannot be served: {why}", "无法监听 {host}:{port}：{why}").fill(
                host=host, port=port, why=error.strerror or error
            ),
            Side.HEAD_OFFICE,
            Words("stop the other program, or choose another --port", "请停止占用的程序，或更换 --port"),
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _show_stations(stations: list[Station]) -> None:
    for one in stations:
        world = " " + _("simulated") if one.simulated else ""
        sys.stdout.write(f"{one.station}  {one.shop}  {one.name}  {_state(one.state)}{world}\n")
        sys.stdout.write(f"    {fingerprint(one.public)}\n")
    if not stations:
        sys.stderr.write(_("No station has asked yet.") + "\n")


def _state(state: str) -> str:
    return {"pending": _("waits for approval"), "approved": _("approved"), "refused": _("refused")}[state]


def _compare(station: Station, compared: str | None) -> None:
    shown = fingerprint(station.public)
    if compared is None:
        sys.stderr.write(f"{station.station}  {station.shop}  {station.name}\n    {shown}\n")
        click.confirm(_("Did the station's people tell you the same?"), abort=True, err=True)
    elif compared.replace(" ", "").lower() != shown.replace(" ", ""):
        raise Trouble(
            "headoffice.fingerprint",
            Words("the fingerprint is another one: {shown}", "指纹不一致：{shown}").fill(shown=shown),
            Side.PERSON,
            Words("call the shop: somebody else may have asked in its name", "请致电网点：可能有人冒名申请"),
            EXIT_NO,
        )


def _rows(store: HeadOfficeStore) -> Iterator[dict[str, Any]]:
    after = ("", 0)
    while True:
        with store.transaction():
            rows = store.rows(after)
        if not rows:
            return
        yield from rows
        after = (rows[-1]["station"], rows[-1]["seq"])
