"""`assay reference`: what known-good phones of each model measure, kept to compare others with.

Measures by the engine like `assay run`; keeps, lists, strikes and hands out readings. It knows no phone itself.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drivers.api import Side
from drivers.text import Words
from station.commands.engine_side import pin_option, print_json, say, with_engine
from station.errors import EXIT_NO, EXIT_OK, EXIT_USE, Trouble
from station.i18n import _

if TYPE_CHECKING:
    from station.client import Client

__all__ = ["command"]

_WHO = _("Who does it: a person's id.")
_as = click.option("--as", "person", required=True, metavar="PERSON", help=_WHO)
_json = click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
_fixture = click.option("--fixture", metavar="NAME", help=_("The jig or place; else the station's own."))
_note = click.option("--note", default="", help=_("A note that is kept with it."))


@click.group("reference", help=_("Reference phones: what good phones of a model measure."))
def command() -> None:
    """Each command below says what it does."""


@command.command("add", help=_("Measure a phone that is known to be good, and keep what it measures."))
@click.option("--device", required=True, metavar="DEVICE", help=_("adb:SERIAL, or part of a serial or IMEI."))
@click.option("--checklist", required=True, metavar="ID", help=_("A checklist's id, or a file."))
@_as
@_fixture
@click.option("--only", multiple=True, metavar="CHECK", help=_("Only this check; may be given again."))
@click.option("--repeats", default=1, show_default=True, type=click.IntRange(1, 50), help=_("How often to measure."))
@click.option(
    "--answers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=_("Answers to the prompts, instead of asking."),
)
@click.option("--wait", "wait_s", default=20.0, show_default=True, help=_("Seconds to wait for the phone."))
@_note
@_json
def add(
    device: str,
    checklist: str,
    person: str,
    fixture: str | None,
    only: tuple[str, ...],
    repeats: int,
    answers: Path | None,
    wait_s: float,
    note: str,
    as_json: bool,
) -> int:
    """Print what was kept of each run; ends 1 when one of them gave nothing."""
    from station.commands.measuring import Measuring, measured
    from station.messages import TakeReference

    how = Measuring(device, checklist, person, only, answers, wait_s)

    async def work(client: Client) -> list[dict[str, Any]]:
        kept = []
        for _n in range(repeats):
            document = await measured(client, how)
            take = TakeReference(run=document["run"], person=person, fixture=fixture, note=note)
            kept.append({"run": document["run"]} | (await client.send(take)).data)
        return kept

    return _print_taken(with_engine(work, phones=True), as_json)


@command.command("take", help=_("Keep what a run measured that was made already; a ticket's run must be sealed."))
@click.argument("run")
@_as
@_fixture
@_note
@_json
def take(run: str, person: str, fixture: str | None, note: str, as_json: bool) -> int:
    """Print what was kept."""
    from station.messages import TakeReference

    asked = TakeReference(run=run, person=person, fixture=fixture, note=note)
    return _print_taken([{"run": run} | with_engine(lambda client: client.send(asked)).data], as_json)


def _print_taken(kept: list[dict[str, Any]], as_json: bool) -> int:
    if as_json:
        print_json({"taken": kept})
    for one in kept:
        if not as_json:
            told = _("{run}: {new} readings new, {again} again, {known} known already ({model}, phone {phone})")
            sys.stdout.write(told.format(**one, phone=one["device"]) + "\n")
        if one["left_out"]:
            say(_("left out, for they failed: {checks}").format(checks=", ".join(one["left_out"])))
    return EXIT_OK


@command.command("list", help=_("The models that there are reference phones of."))
@click.option("--log", "with_log", is_flag=True, help=_("Also who added, struck and imported what, and when."))
@_json
def list_(with_log: bool, as_json: bool) -> None:
    """Print one line a model."""
    from station.commands.tables import aligned, day
    from station.messages import ReferenceQuery

    known = with_engine(lambda client: client.send(ReferenceQuery())).data
    if as_json:
        print_json(known)
        return
    rows = [[_("model"), _("phones"), _("readings"), _("since"), _("until"), _("by")]]
    rows += [
        [
            one["model"],
            str(one["phones"]),
            str(one["readings"]),
            day(one["since_ms"]),
            day(one["until_ms"]),
            ", ".join(one["people"]),
        ]
        for one in known["models"]
    ]
    sys.stdout.write(aligned(rows))
    if with_log:
        log = [
            [day(one["at_ms"]), one["action"], one["person"], f"+{one['added']} -{one['struck']}", one["note"]]
            for one in known["changes"]
        ]
        sys.stdout.write("\n" + aligned(log))


@command.command("show", help=_("What the reference phones of a model measure: centre, spread, number, since when."))
@click.argument("model")
@_json
def show(model: str, as_json: bool) -> None:
    """Print one line a measurement."""
    from station.commands.tables import aligned, day, figure
    from station.messages import ReferenceQuery

    known = with_engine(lambda client: client.send(ReferenceQuery(model=model))).data
    if as_json:
        print_json(known)
        return
    head = [_("check"), _("measurement"), _("fixture"), _("phones"), _("readings"), _("mean"), _("sd"), _("median")]
    rows = [[*head, _("good from"), _("good to"), _("unit"), _("until"), _("by")]]
    rows += [
        [
            one["check"],
            one["measure"],
            one["fixture"] or "–",
            str(one["phones"]),
            str(one["readings"]),
            *(figure(one[name]) for name in ("mean", "sd", "median", "flag_below", "flag_above")),
            one["unit"],
            day(one["until_ms"]),
            ", ".join(one["people"]),
        ]
        for one in known["measures"]
    ]
    sys.stdout.write(f"{known['model']}\n" + aligned(rows))
    if not all(one["baseline"] for one in known["measures"]):
        say(_("A measurement with fewer than three readings is compared with nothing."))


@command.command("drop", help=_("Let readings not count any more; they are kept, with who struck them and why."))
@_as
@click.option("--reason", required=True, help=_("Why they are struck."))
@click.option("--model", default="", help=_("Of this model, as the list writes it."))
@click.option("--check", default="", metavar="CHECK", help=_("Of this check."))
@click.option("--measure", default="", metavar="NAME", help=_("Of this measurement."))
@click.option("--phone", default="", metavar="CODE", help=_("Of this phone, by its code."))
@click.option("--run", default="", help=_("Of this run."))
@click.option("--fixture", default="", metavar="NAME", help=_("Of this fixture."))
@_json
def drop(
    person: str, reason: str, model: str, check: str, measure: str, phone: str, run: str, fixture: str, as_json: bool
) -> int:
    """Print how many; ends 1 when there was none."""
    from station.messages import DropReference

    asked = DropReference(
        person=person,
        reason=reason,
        model=model,
        check=check,
        measure=measure,
        phone=phone,
        run=run,
        fixture=fixture,
    )
    done = with_engine(lambda client: client.send(asked)).data
    if as_json:
        print_json(done)
    else:
        sys.stdout.write(_("{n} readings do not count any more").format(n=done["struck"]) + "\n")
    return EXIT_OK if done["struck"] else EXIT_NO


@command.command("export", help=_("Write readings to a signed file that other stations can import."))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--as", "person", default="", metavar="PERSON", help=_("Who signs it: a person's id."))
@pin_option
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=_("Sign with head office's key in this file, instead of as a person."),
)
@click.option("--model", "models", multiple=True, help=_("Only this model; may be given again."))
def export(file: Path, person: str, pin_file: Path | None, key_file: Path | None, models: tuple[str, ...]) -> None:
    """Print the file's digest."""
    from reports.attest import assemble_envelope, sign
    from reports.record import digest_of
    from station.commands.engine_side import Signer
    from station.messages import ExportReference
    from station.settings import data_folder, load_key

    if bool(person) == (key_file is not None):
        raise click.UsageError(_("Sign as a person (--as) or with head office's key (--key)."))

    async def work(client: Client) -> bytes:
        asked = ExportReference(person=person, models=models)
        payload = base64.b64decode((await client.send(asked)).data["payload"])
        if key_file is not None:
            return assemble_envelope(payload, [sign(payload, load_key(key_file))])
        signer = Signer(client, data_folder(), person, pin_file)
        return assemble_envelope(payload, [await signer.signature(payload)])

    envelope = with_engine(work)
    try:
        with file.open("xb") as new:  # what was handed out once is not overwritten by a slip
            new.write(envelope)
    except OSError as error:
        raise Trouble(
            "reference.write",
            Words("{path} can't be written: {why}", "无法写入 {path}：{why}").fill(
                path=file, why=error.strerror or error
            ),
            Side.BENCH,
            Words("name a new file in a folder that can be written", "请在可写的目录中指定新文件"),
            EXIT_USE,
        ) from error
    sys.stdout.write(f"{digest_of(envelope)}  {file}\n")


@command.command("import", help=_("Keep the readings of a file that head office or a person of this station signed."))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_as
@_json
def import_(file: Path, person: str, as_json: bool) -> None:
    """Print how many are new, and who signed."""
    from reports.attest import MAX_ENVELOPE
    from station.messages import ImportReference

    with file.open("rb") as opened:
        envelope = opened.read(MAX_ENVELOPE + 1)
    asked = ImportReference(envelope=base64.b64encode(envelope).decode(), person=person)
    done = with_engine(lambda client: client.send(asked)).data
    if as_json:
        print_json(done)
    else:
        told = _("{new} readings new, {again} again, {known} known already; signed by {signer}")
        sys.stdout.write(told.format(**done) + "\n")
