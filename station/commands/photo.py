"""`assay photo`: a picture from a webcam at the station, as a file that a step's form takes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from station.i18n import _

__all__ = ["command"]


@click.command("photo", help=_("Take a picture with a webcam of this computer; the file goes into a step's form."))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--camera", default="0", show_default=True, help=_("The camera's number or device."))
@click.option("--force", is_flag=True, help=_("Write over a file that is there."))
def command(file: Path, camera: str, force: bool) -> None:
    """Print the file's name and size."""
    from station.camera import CAMERA, shot

    if file.exists() and not force:
        raise click.UsageError(_("{file} is there already; --force writes over it").format(file=file))
    photo = shot(f"{CAMERA}{camera}")
    try:
        file.write_bytes(photo.data)
    except OSError as error:
        raise click.UsageError(_("{file} can't be written: {why}").format(file=file, why=error.strerror)) from error
    sys.stdout.write(f"{file}  {len(photo.data)}\n")
