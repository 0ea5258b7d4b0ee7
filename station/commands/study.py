"""`assay study`: how well checks repeat, on the same phones, by several persons.

Measures by the engine like `assay run`; plans, readings and figures are the engine's. It knows no phone itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from station.commands.engine_side import print_json, say, with_engine
from station.errors import EXIT_NO, EXIT_OK
from station.i18n import _, language

if TYPE_CHECKING:
    from station.client import Client

__all__ = ["command"]

_as = click.option("--as", "person", required=True, metavar="PERSON", help=_("Who does it: a person's id."))
_json = click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))


@click.group("study", help=_("Repeatability studies: the same phones, several persons, several times each."))
def command() -> None:
    """Each command below says what it does."""


@command.command("new", help=_("Plan a study. STUDY is its name: small letters, digits, dashes."))
@click.argument("study")
@click.option("--checklist", required=True, metavar="ID", help=_("A checklist's id, or a file."))
@click.option(
    "--check", "checks", multiple=True, required=True, metavar="CHECK", help=_("A check; may be given again.")
)
@click.option("--person", "people", multiple=True, required=True, help=_("Who measures; may be given again."))
@click.option("--phones", default=1, show_default=True, type=click.IntRange(1, 50), help=_("On how many phones."))
@click.option(
    "--repeats", default=3, show_default=True, type=click.IntRange(2, 50), help=_("How often each person each phone.")
)
@click.option("--note", default="", help=_("A note that is kept with it."))
@_as
@_json
def new(
    study: str,
    checklist: str,
    checks: tuple[str, ...],
    people: tuple[str, ...],
    phones: int,
    repeats: int,
    note: str,
    person: str,
    as_json: bool,
) -> None:
    """Print the plan."""
    from station.messages import NewStudy

    if checklist.endswith(".toml"):
        checklist = str(Path(checklist).absolute())
    asked = NewStudy(
        study=study,
        checklist=checklist,
        checks=_checks_of(checklist, checks),
        people=people,
        units=phones,
        repeats=repeats,
        note=note,
        person=person,
    )
    plan = with_engine(lambda client: client.send(asked)).data
    if as_json:
        print_json(plan)
    else:
        sys.stdout.write(_plan_line(plan) + "\n")


def _checks_of(checklist: str, checks: tuple[str, ...]) -> tuple[str, ...]:
    """The checks, all of which the checklist has."""
    from checklists.load import load_checklist
    from checklists.problems import ChecklistErrors

    try:
        known = {check.id for check in load_checklist(checklist).checks}
    except ChecklistErrors as errors:
        raise click.UsageError(str(errors)) from errors
    if unknown := [check for check in checks if check not in known]:
        raise click.UsageError(_("{checklist} has no check {check}.").format(checklist=checklist, check=unknown[0]))
    return checks


@command.command("run", help=_("Measure for a study: once for each repeat, or take runs that were made already."))
@click.argument("study")
@click.option("--device", default="", metavar="DEVICE", help=_("adb:SERIAL, or part of a serial or IMEI."))
@click.option("--from", "runs", multiple=True, metavar="RUN", help=_("A finished run; may be given again."))
@_as
@click.option("--phone", default="", metavar="NAME", help=_("What the phone is called in the study; else by a code."))
@click.option("--repeats", default=1, show_default=True, type=click.IntRange(1, 50), help=_("How often, one by one."))
@click.option(
    "--answers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=_("Answers to the prompts, instead of asking."),
)
@click.option("--wait", "wait_s", default=20.0, show_default=True, help=_("Seconds to wait for the phone."))
@_json
def run(
    study: str,
    device: str,
    runs: tuple[str, ...],
    person: str,
    phone: str,
    repeats: int,
    answers: Path | None,
    wait_s: float,
    as_json: bool,
) -> None:
    """Print which runs are in the study now."""
    from station.commands.measuring import Measuring, measured
    from station.messages import AddToStudy, StudyQuery

    if bool(device) == bool(runs):
        raise click.UsageError(_("Name a phone with --device, or finished runs with --from."))

    async def add(client: Client, made: str) -> dict[str, Any]:
        return {"run": made} | (await client.send(AddToStudy(study=study, run=made, unit=phone, person=person))).data

    async def work(client: Client) -> list[dict[str, Any]]:
        plan = (await client.send(StudyQuery(study=study))).data["plan"]
        if runs:
            return [await add(client, made) for made in runs]
        how = Measuring(device, plan["checklist"], person, tuple(plan["checks"]), answers, wait_s)
        return [await add(client, (await measured(client, how))["run"]) for _n in range(repeats)]

    added = with_engine(work, phones=bool(device))
    if as_json:
        print_json({"study": study, "runs": added})
        return
    for one in added:
        told = _("{run}: phone {unit}") if one["added"] else _("{run}: phone {unit}, known already")
        sys.stdout.write(told.format(**one) + "\n")


@command.command("show", help=_("A study's figures; without a name every study."))
@click.argument("study", default="")
@_json
def show(study: str, as_json: bool) -> int:
    """Print the figures; ends 1 while readings are missing."""
    from station.messages import StudyQuery

    known = with_engine(lambda client: client.send(StudyQuery(study=study))).data
    if as_json:
        print_json(known)
    elif study:
        _print_study(known)
    else:
        sys.stdout.write("".join(f"{_plan_line(one)}  ({one['runs']})\n" for one in known["studies"]))
    return EXIT_OK if not study or _is_complete(known) else EXIT_NO


def _is_complete(known: dict[str, Any]) -> bool:
    figures = [one for check in known["checks"] for one in check["measures"]]
    return all(one["why"] is None for one in figures) and all(
        check["verdicts"]["within"] is not None for check in known["checks"]
    )


def _plan_line(plan: dict[str, Any]) -> str:
    return _("{id}  {checks}: {people}, {units} phones, {repeats} times each").format(
        **plan | {"checks": ", ".join(plan["checks"]), "people": ", ".join(plan["people"])}
    )


def _print_study(known: dict[str, Any]) -> None:
    from station.commands.tables import aligned

    sys.stdout.write(f"{_plan_line(known['plan'])}\n")
    if len({one["checklist_sha256"] for one in known["runs"]}) > 1:
        say(_("The checklist was changed between the runs: look whether they may be compared."))
    for check in known["checks"]:
        sys.stdout.write(f"\n{check['check']}\n")
        if check["measures"]:
            head = [_("measurement"), _("repeatability"), _("reproducibility"), _("together"), _("phones")]
            rows = [[*head, _("unit"), _("of the limit"), _("of all")]]
            sys.stdout.write(aligned([*rows, *map(_figures, check["measures"])]))
        sys.stdout.write("".join(f"{line}\n" for line in _notes(check)))


def _figures(one: dict[str, Any]) -> list[str]:
    from station.commands.tables import figure

    names = ("repeatability_sd", "reproducibility_sd", "combined_sd", "unit_sd")
    shares = (figure(one[name], " %" if one[name] is not None else "") for name in _SHARES)
    return [one["measure"], *(figure(one[name]) for name in names), one["unit"], *shares]


_SHARES = ("of_limit_percent", "of_total_percent")


def _notes(check: dict[str, Any]) -> Iterator[str]:
    from station.commands.tables import figure

    at = 1 if language() == "zh" else 0
    for reason in dict.fromkeys(one["why"][at] for one in check["measures"] if one["why"]):
        yield f"! {reason}"
    said = check["verdicts"]
    if said["counts"]:
        yield _("verdicts: {counts}").format(counts="  ".join(f"{_word(v)} {n}" for v, n in said["counts"].items()))
    if said["within"] is not None:
        within = "  ".join(f"{who} {figure(100 * share, ' %')}" for who, share in said["within"].items())
        yield _("agree with themselves: {within}").format(within=within)
        between, kappa = figure(100 * said["between"], " %"), figure(said["fleiss"])
        yield _("all agree: {between}   kappa (Fleiss) {kappa}").format(between=between, kappa=kappa)
        for pair in said["cohen"]:
            yield f"  {' / '.join(pair['people'])}: kappa (Cohen) {figure(pair['kappa'])}"
    if said["why"]:
        yield f"! {said['why'][at]}"


def _word(verdict: str) -> str:
    from checklists.verdict import Verdict
    from station.i18n import words

    return words(Verdict(verdict).words)
