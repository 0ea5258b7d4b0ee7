"""`assay backup`: one file with everything of this station, read back after it was written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from station.errors import EXIT_NO
from station.i18n import _, words
from station.settings import data_folder, load_settings

if TYPE_CHECKING:
    from station.backup import BackupReport

__all__ = ["command", "passphrase_of", "show"]


@click.command("backup", help=_("Copy everything of this station into one file, and verify it."))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--keys", is_flag=True, help=_("With the private keys, sealed under a passphrase that is asked for."))
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("Read that passphrase from the first line of a file instead of asking."),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def command(ctx: click.Context, file: Path, keys: bool, passphrase_file: Path | None, as_json: bool) -> None:
    """Ends 1 when the ledger that was copied is wrong; the copy is kept all the same."""
    from station.backup import back_up

    if passphrase_file and not keys:
        raise click.UsageError(_("A passphrase is for --keys."))
    passphrase = passphrase_of(passphrase_file, twice=True) if keys else None
    report = back_up(load_settings(data_folder()), file.absolute(), passphrase)
    show(file, report, as_json)
    ctx.exit(EXIT_NO if report.problems else 0)


def passphrase_of(file: Path | None, *, twice: bool = False) -> str:
    """The passphrase, from a file's first line or asked for."""
    if file is not None:
        return file.read_text(encoding="utf-8").split("\n")[0].rstrip("\r")
    asked: str = click.prompt(_("Passphrase"), hide_input=True, confirmation_prompt=twice, err=True)
    return asked


def show(file: Path, report: BackupReport, as_json: bool) -> None:
    """Print what is in a backup."""
    if as_json:
        problems = [{"what": one.what, "seq": one.seq, "why": list(one.why)} for one in report.problems]
        told = {
            "file": str(file),
            "sha256": report.sha256,
            "records": report.records,
            "head": {"size": report.size, "root": report.root},
            "keys": report.keys,
            "files": list(report.files),
            "made_ms": report.made_ms,
            "problems": problems,
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    lines = [
        _("{file}: {n} records, verified up to the head {root}").format(
            file=file, n=report.records, root=report.root[:16]
        ),
        f"SHA-256 {report.sha256}",
        _("with private keys, sealed") if report.keys else _("without private keys"),
        _("It holds customers' data in clear: keep it locked away, and destroy it when their data must go."),
        *(f"  ! {words(one.why)}" for one in report.problems),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
