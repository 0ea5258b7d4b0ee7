"""`assay restore`: put a backup into an empty data folder, after verifying all of it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from station.commands.backup import passphrase_of, show
from station.i18n import _
from station.settings import data_folder

__all__ = ["command"]


@click.command("restore", help=_("Put a backup into an empty data folder, after verifying all of it."))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--keys", is_flag=True, help=_("Put back the private keys too; their passphrase is asked for."))
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("Read that passphrase from the first line of a file instead of asking."),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def command(file: Path, keys: bool, passphrase_file: Path | None, as_json: bool) -> None:
    """Overwrites nothing."""
    from station.backup import restore

    if passphrase_file and not keys:
        raise click.UsageError(_("A passphrase is for --keys."))
    report = restore(file, data_folder(), passphrase_of(passphrase_file) if keys else None)
    show(file, report, as_json)
    if not keys:
        sys.stderr.write(
            _("No keys were put back: history can be read and verified here, nothing can be signed.") + "\n"
        )
    sys.stderr.write(
        _("What was recorded after this backup is missing here. Never let two copies of a station work on.") + "\n"
    )
