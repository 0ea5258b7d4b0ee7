"""`assay diagnose`: causes and repairs for a ticket, a run's result, or symptoms alone, and what speaks for each."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drivers.text import Words
from station.errors import EXIT_NO, EXIT_OK, EXIT_USE, Trouble
from station.i18n import _, language, padded, words

if TYPE_CHECKING:
    from checklists.diagnosis.match import Suggestion
    from checklists.diagnosis.schema import Policy
    from checklists.schema import Check
    from station.client import Client

__all__ = ["command"]

#: Largest result of a run that is read, in bytes.
FILE_LIMIT = 16 * 1024 * 1024


@click.command("diagnose", help=_("What may be wrong, why, which check would tell, and what to try first."))
@click.argument("ticket", default="")
@click.option(
    "--run",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("The result of a run as `assay run --json` printed it; may be given again, the oldest first."),
)
@click.option("--symptom", "symptoms", multiple=True, metavar="CODE", help=_("A coded symptom; may be given again."))
@click.option("--say", default="", metavar="TEXT", help=_("The customer's words: codes are suggested, none is taken."))
@click.option("--list-symptoms", is_flag=True, help=_("Name the coded symptoms."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.pass_context
def command(
    ctx: click.Context,
    ticket: str,
    files: tuple[Path, ...],
    symptoms: tuple[str, ...],
    say: str,
    list_symptoms: bool,
    as_json: bool,
) -> None:
    """Ends 0 when a cause was found or the phone is well as far as seen, 1 when too little was seen to say."""
    from checklists.diagnosis.load import shipped_policy

    policy = shipped_policy()
    if list_symptoms:
        _print_symptoms(policy, as_json)
        return
    if not (ticket or files or symptoms or say):
        raise Trouble("diagnose.nothing", _NOTHING, _person(), _GIVE, EXIT_USE)
    _must_be_known(policy, symptoms)
    view, documents = _of_ticket(ticket) if ticket else ({}, [])
    documents += [_read(path) for path in files]
    coded = tuple(dict.fromkeys([*view.get("symptoms", ()), *symptoms]))
    document = _diagnosed(policy, ticket, coded, documents, " ".join([view.get("complaint", ""), say]))
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(document)) + "\n")
    ctx.exit(EXIT_NO if document["outcome"] == "not-enough-seen" else EXIT_OK)


# --- what is asked about ---------------------------------------------------------------------------------------------


def _of_ticket(ticket: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The ticket, and its runs from the oldest to the newest."""
    from station.commands.engine_side import with_engine
    from station.messages import RunQuery, TicketQuery

    async def fetch(client: Client) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        view = (await client.send(TicketQuery(ticket=ticket))).data
        runs = sorted(view["runs"], key=lambda run: run["started_ms"])
        return view, [(await client.send(RunQuery(run=run["run"]))).data["document"] for run in runs]

    return with_engine(fetch)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
        document = json.loads(data[:FILE_LIMIT])  # of a larger one the end is cut off, and then it is no JSON
    except (OSError, ValueError, RecursionError) as error:
        what = _UNREADABLE.fill(file=path, reason=str(error)[:200])
        raise Trouble("diagnose.file", what, _person(), _GIVE, EXIT_USE) from error
    return document if isinstance(document, dict) else {}


def _must_be_known(policy: Policy, symptoms: tuple[str, ...]) -> None:
    from checklists.problems import did_you_mean, join

    known = [one.id for one in policy.symptoms]
    for one in symptoms:
        if one not in known:
            what = join(_NO_SYMPTOM.fill(code=one), did_you_mean(one, known))
            raise Trouble("diagnose.symptom", what, _person(), _LIST_THEM, EXIT_USE)


def _person() -> Any:
    from drivers.api import Side

    return Side.PERSON


def _diagnosed(
    policy: Policy, ticket: str, symptoms: tuple[str, ...], documents: list[dict[str, Any]], said: str
) -> dict[str, Any]:
    from checklists.diagnosis.diagnose import diagnose
    from checklists.diagnosis.match import suggest
    from checklists.load import load_checks
    from checklists.safety.policy import forbidden, hazards, shipped_safety
    from station.diagnosis import as_document, evidence_of, findings_of, observed_in

    checks = load_checks()
    evidence = evidence_of(documents, checks)
    safety = shipped_safety()
    dangers = hazards(safety, observed_in(documents, checks, symptoms))
    platform = next(
        (str(one["device"].get("platform")) for one in documents if isinstance(one.get("device"), dict)), ""
    )
    allowed = [check for check in _to_run(platform or "android") if forbidden(safety, check.id, dangers) is None]
    answer = diagnose(policy, symptoms, evidence, allowed)
    return {
        "ticket": ticket or None,
        "symptoms": list(symptoms),
        "suggested": [_suggested(one, policy) for one in suggest(policy, said) if one.symptom not in symptoms],
        **as_document(answer, policy, findings_of(policy, evidence), dangers),
    }


def _to_run(platform: str) -> list[Check]:
    """Every check that the shipped checklists for a diagnosis have on this platform."""
    from checklists.load import shipped
    from checklists.verdict import Stage

    mine = [one for one in shipped() if one.platform == platform and Stage.DIAGNOSIS in one.stages]
    return list({check.id: check for checklist in mine for check in checklist.checks}.values())


def _suggested(one: Suggestion, policy: Policy) -> dict[str, Any]:
    name = next(symptom.name.words for symptom in policy.symptoms if symptom.id == one.symptom)
    return {"symptom": one.symptom, "name": list(name), "phrase": one.phrase}


# --- printing --------------------------------------------------------------------------------------------------------


def _print_symptoms(policy: Policy, as_json: bool) -> None:
    if as_json:
        rows = [
            {"symptom": one.id, "group": one.group, "name": list(one.name.words), "iris": one.iris}
            for one in policy.symptoms
        ]
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        return
    for one in policy.symptoms:
        sys.stdout.write(f"{padded(one.id, 24)} {words(one.name.words)}\n")


def _lines(document: dict[str, Any]) -> list[str]:
    from checklists.diagnosis.diagnose import Outcome

    outcome = Outcome(document["outcome"])
    lines = [f"! {_said(one['name'])}: {_said(one['do'])}" for one in document["hazards"]]
    lines += [f"{words(outcome.words)}: {_said(document['words'])}"]
    for one in document["ranking"]:
        lines.append(f"  {one['probability']:>5.0%}  {_said(one['name'])}")
        lines += [f"         + {_said(each['words'])} ({_said(each['strength'])})" for each in one["for"][:5]]
        lines += [f"         - {_said(each['words'])} ({_said(each['strength'])})" for each in one["against"][:3]]
    lines.append(_("  {share} nothing wrong").format(share=f"{document['sound']:>5.0%} "))
    if document["separator"]:
        lines.append(_said(document["separator"]["words"]))
    if document["next_checks"]:
        lines.append(_("next: {checks}").format(checks=", ".join(one["check"] for one in document["next_checks"][:8])))
    if document["plan"]:
        lines.append(_("plan:"))
        lines += [f"  {at}. {_step(step)}" for at, step in enumerate(document["plan"], 1)]
    if document["unexplained"]:
        lines.append(_("not explained: {checks}").format(checks=", ".join(document["unexplained"])))
    if document["unknown"]:
        lines.append(_("not known to the policy: {names}").format(names=", ".join(document["unknown"])))
    if document["suggested"]:
        codes = ", ".join(f"{one['symptom']} ({_said(one['name'])})" for one in document["suggested"])
        lines.append(_("the customer's words suggest: {codes}").format(codes=codes))
    return lines


def _step(step: dict[str, Any]) -> str:
    risks = "; ".join(_said(risk) for risk in step["risks"])
    return f"{_said(step['name'])}  {step['chance']:.0%}" + (f"  [{risks}]" if risks else "")


def _said(both: list[str]) -> str:
    return both[1] if language() == "zh" else both[0]


_NOTHING = Words("there is nothing to diagnose", "没有可诊断的内容")
_GIVE = Words(
    "Name a ticket, a result with --run FILE, or symptoms with --symptom CODE",
    "请给出工单号、--run FILE 结果文件，或 --symptom CODE 故障现象",
)
_UNREADABLE = Words("{file} can't be read: {reason}", "无法读取 {file}：{reason}")
_NO_SYMPTOM = Words("no symptom has the code {code}", "没有代码为 {code} 的故障现象")
_LIST_THEM = Words("See them with `assay diagnose --list-symptoms`", "用 `assay diagnose --list-symptoms` 查看")
