"""`assay verify`: whether records, a ticket bundle or the whole ledger are as they were signed, offline.

Prints which head-office key it used. Without one the records can only agree with each other, and that is what it says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_OK, EXIT_USE, Trouble
from station.i18n import _, language, words

__all__ = ["command"]

_UNPROVEN = Words("self-consistent, origin unproven", "自洽，但来源未经证实")


@dataclass(frozen=True, slots=True)
class _Root:
    """The head-office key in use: raw bytes and where it came from; no bytes when there is none."""

    public: bytes | None
    source: str


@click.command("verify", help=_("Verify records, a ticket bundle or the whole ledger, offline."))
@click.argument("files", nargs=-1, metavar="FILE...", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--ledger", is_flag=True, help=_("Verify this station's whole ledger."))
@click.option("--ticket", metavar="T", help=_("Verify the records of one ticket of this station."))
@click.option(
    "--root",
    "root_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("Head office's public key (hex or PEM); default: the one pinned when the station was enrolled."),
)
@click.option("--self", "self_only", is_flag=True, help=_("Be content when the records agree with each other."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    ledger: bool,
    ticket: str | None,
    root_file: Path | None,
    self_only: bool,
    as_json: bool,
) -> None:
    """Verify what was named; exit code 1 when anything is wrong or nothing proves where it comes from."""
    if not files and not ledger and ticket is None:
        raise click.UsageError(_("Name a FILE, --ledger or --ticket T."))
    root = _root(root_file)
    answers = [_answer(name, report, self_only) for name, report in _reports(files, ledger, ticket, root)]
    if as_json:
        sys.stdout.write(json.dumps(_together(answers, root), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(answers, root)))
    ctx.exit(EXIT_OK if all(answer["ok"] for answer in answers) else EXIT_NO)


# --- what is verified ------------------------------------------------------------------------------------------------


def _reports(files: tuple[Path, ...], ledger: bool, ticket: str | None, root: _Root) -> Iterator[tuple[str, Any]]:
    from reports.verify import verify_file, verify_ledger

    if ledger:
        path = _database()
        yield str(path), verify_ledger(path, root.public)
    if ticket is not None:
        yield ticket, _ticket(ticket, root)
    for path in files:
        try:
            yield str(path), verify_file(path, root.public, roster=_own_roster())
        except OSError as error:
            raise _unreadable(path, error) from error


def _ticket(ticket: str, root: _Root) -> Any:
    from reports.record import RecordError
    from reports.verify import export_bundle, verify_bundle

    try:
        bundle = _with_database(_database(), lambda db: export_bundle(db, ticket))
    except RecordError as error:
        raise Trouble(
            "verify.ticket",
            error.words,
            Side.PERSON,
            Words(
                "check the number, or name another data folder with --data", "请核对单号，或用 --data 指定其他数据目录"
            ),
            EXIT_USE,
        ) from error
    return verify_bundle(bundle, root.public)


def _own_roster() -> Any:
    """The people of this station, when it has any: a single record cannot be checked without them."""
    from reports.ledger import roster_of
    from station.settings import DATABASE_FILE, data_folder

    path = data_folder() / DATABASE_FILE
    return _with_database(path, roster_of) if path.exists() else None


def _with_database(path: Path, read: Any) -> Any:
    import sqlite3

    from sqlite_utils import Database

    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return read(Database(connection))
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error
    finally:
        connection.close()


def _database() -> Path:
    from station.settings import DATABASE_FILE, data_folder

    path = data_folder() / DATABASE_FILE
    if not path.exists():
        raise Trouble(
            "verify.no-ledger",
            Words("there is no ledger here: {path} does not exist", "此处没有台账：{path} 不存在").fill(path=path),
            Side.BENCH,
            Words("name the right data folder with --data", "请用 --data 指定正确的数据目录"),
        )
    return path


def _unreadable(path: Path, error: Exception) -> Trouble:
    return Trouble(
        "verify.unreadable",
        Words("{path} cannot be read: {why}", "{path} 无法读取：{why}").fill(path=path, why=error),
        Side.BENCH,
        Words("check the file and its permissions", "请检查该文件及其权限"),
        EXIT_BENCH,
    )


# --- the head-office key ---------------------------------------------------------------------------------------------


def _root(path: Path | None) -> _Root:
    """The key of `--root`, else the one pinned at enrolment, else none."""
    from station.settings import SETTINGS_FILE, data_folder, load_settings

    if path is not None:
        return _Root(_read_key(path), str(path))
    data = data_folder()
    pinned = load_settings(data).head_office_key if (data / SETTINGS_FILE).exists() else ""
    return _Root(bytes.fromhex(pinned), "pinned") if pinned else _Root(None, "")


def _read_key(path: Path) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    from reports.attest import check_public_key
    from reports.record import RecordError

    try:
        data = path.read_bytes()
        if b"-----BEGIN" in data:
            key = load_pem_public_key(data)
            public = key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else b""
        else:
            public = bytes.fromhex(data.decode().strip())
        check_public_key(public)
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, RecordError) as error:
        raise Trouble(
            "verify.root",
            Words("{path} holds no usable public key", "{path} 中没有可用的公钥").fill(path=path),
            Side.PERSON,
            Words(
                "give a file with head office's Ed25519 public key, as 64 hex digits or PEM",
                "请提供总部 Ed25519 公钥文件（64 位十六进制或 PEM）",
            ),
            EXIT_USE,
        ) from error
    return public


# --- the answer ------------------------------------------------------------------------------------------------------


def _answer(name: str, report: Any, self_only: bool) -> dict[str, Any]:
    """One report in the stable shape; `why` in the language in use."""
    problems = [
        {"record": one.record, "seq": one.seq, "what": one.what, "why": words(one.why)} for one in report.problems
    ]
    if report.ok and report.origin == "unproven" and not self_only:
        problems.append({"record": "", "seq": None, "what": "origin", "why": words(_UNPROVEN)})
    answer: dict[str, Any] = {
        "of": name,
        "ok": not problems,
        "records": report.records,
        "signatures": report.signatures,
        "problems": problems,
        "origin": report.origin,
    }
    if report.release is not None:
        answer["release"] = {
            "decision": report.release.decision,
            "reasons": [words(reason) for reason in report.release.reasons],
        }
    return answer


def _together(answers: list[dict[str, Any]], root: _Root) -> dict[str, Any]:
    from reports.attest import key_id

    document: dict[str, Any] = {
        "ok": all(answer["ok"] for answer in answers),
        "records": sum(answer["records"] for answer in answers),
        "signatures": sum(answer["signatures"] for answer in answers),
        "problems": [problem for answer in answers for problem in answer["problems"]],
        "root": {"key_id": key_id(root.public), "source": root.source} if root.public else None,
        "language": language(),
    }
    return {**document, "files": answers}


def _lines(answers: list[dict[str, Any]], root: _Root) -> Iterator[str]:
    from reports.attest import key_id
    from reports.vocabulary import DECISIONS, named

    if root.public is None:
        yield _("no head-office key: nothing outside the records themselves is known")
    elif root.source == "pinned":
        yield _("head-office key {key}, pinned at enrolment").format(key=key_id(root.public))
    else:
        yield _("head-office key {key}, from {file}").format(key=key_id(root.public), file=root.source)
    for answer in answers:
        yield _("{of}: {records} records, {signatures} good signatures").format(**answer)
        for problem in answer["problems"]:
            place = "" if problem["seq"] is None else _("record {seq}").format(seq=problem["seq"])
            name = " ".join(filter(None, (problem["what"], place, problem["record"][:16])))
            yield f"  ✗ {name}: {problem['why']}"
        if "release" in answer:
            decision = words(named(DECISIONS, answer["release"]["decision"]))
            yield _("  release: {decision}").format(decision=decision)
        if answer["ok"]:
            proven = answer["origin"] == "proven"
            yield _("  ✓ good, and head office has seen it") if proven else "  ✓ " + words(_UNPROVEN)
