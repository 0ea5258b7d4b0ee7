"""`assay checklist`: checklists as data. Lists and shows them, says all that is wrong with one, starts a new one.

Stands on `checklists` and the probes of this bench; it needs no phone, no store and no engine.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from checklists.canonical import dump
from checklists.describe import describe_limit
from checklists.load import ChecklistErrors, Problem, load_checklist, load_checks, locate, shipped_checklists
from checklists.load import validate_file as problems_of
from checklists.ordering import order
from checklists.schema import PLATFORMS, Check, Checklist, Platform
from checklists.verdict import Stage
from drivers.api import Side
from drivers.text import Words
from probes.api import discover
from reports.vocabulary import STAGES, named
from station.errors import EXIT_BENCH, EXIT_NO, EXIT_OK, EXIT_USE, Trouble
from station.i18n import _, language, words

__all__ = ["command"]


@click.group("checklist", help=_("Checklists as data."))
def command() -> None:
    """Checklists as data."""


def _json_option(function: Any) -> Any:
    return click.option("--json", "as_json", is_flag=True, help=_("One JSON document on stdout."))(function)


def _print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")


# --- list and show ---------------------------------------------------------------------------------------------------


@command.command("list", help=_("The checklists that come with Assay."))
@_json_option
def list_(as_json: bool) -> None:
    """One line for each checklist."""
    found = [load_checklist(name) for name in shipped_checklists()]
    if as_json:
        _print_json({"checklists": [_summary(one) for one in found]})
        return
    width = max(len(one.id) for one in found)
    for one in found:
        stages = _(", ").join(words(named(STAGES, stage.value)) for stage in one.stages)
        count = _("{count} checks").format(count=len(one.checks))
        sys.stdout.write(f"{one.id:<{width}}  {words(one.title.words)}  ({stages}; {count})\n")


def _summary(one: Checklist) -> dict[str, Any]:
    return {
        "id": one.id,
        "version": one.version,
        "title": {"en": one.title.en, "zh": one.title.zh},
        "platform": one.platform,
        "stages": [stage.value for stage in one.stages],
        "checks": [check.id for check in one.checks],
        "sha256": one.sha256,
    }


@command.command("show", help=_("A checklist with all its checks, limits and their sources, as it would be recorded."))
@click.argument("checklist", metavar="ID|FILE")
@_json_option
@click.pass_context
def show(ctx: click.Context, checklist: str, as_json: bool) -> None:
    """The resolved checklist."""
    try:
        one = load_checklist(_path(checklist), discover())
    except ChecklistErrors as errors:
        _tell(errors.problems)
        ctx.exit(EXIT_NO)
    if as_json:
        _print_json({**dump(one), "sha256": one.sha256})
        return
    sys.stdout.write(f"{one.id} {one.version}  {words(one.title.words)}\nSHA-256 {one.sha256}\n")
    for check in one.checks:
        sys.stdout.write("\n" + "\n".join(_check_lines(check, one.platform)) + "\n")


def _check_lines(check: Check, platform: Platform) -> list[str]:
    marks = [
        _("soft") if check.layer.value == "soft" else _("hard"),
        _("required") if check.required else _("not required"),
        *([_("asks a person")] if check.person else []),
        *([_("writes to the phone")] if check.writes else []),
    ]
    lines = [
        f"{check.id}  {words(check.title.words)}  [{_(', ').join(marks)}]",
        f"    {check.probe.get(platform, '–')}",
    ]
    if check.settings:
        lines.append("    " + ", ".join(f"{name} = {_setting(value)}" for name, value in check.settings.items()))
    for limit in check.limits:
        lines.append(f"    {limit.measure}: {words(describe_limit(limit))}")
        lines.append(f"        {words(limit.source.text.words)} ({limit.source.ref})")
    return lines


def _setting(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


# --- validate --------------------------------------------------------------------------------------------------------


@command.command(
    "validate", help=_("Everything that is wrong with checklists or check files; without FILE, with ours.")
)
@click.argument("files", nargs=-1, metavar="FILE...")
@_json_option
@click.pass_context
def validate(ctx: click.Context, files: tuple[str, ...], as_json: bool) -> None:
    """All problems of each file, with file, line, key and what was meant. Exit code 1 when there is one."""
    loaded = discover()
    paths = [_path(file) for file in files] or [locate(name) for name in shipped_checklists()]
    found = {path: problems_of(path, loaded) for path in paths}
    if as_json:
        _print_json(_validation(found))
    else:
        for path, problems in found.items():
            _tell(problems)
            if not problems:
                sys.stdout.write(_("{file}: good").format(file=path) + "\n")
    for module, why in loaded.failed.items():
        sys.stderr.write(_("{module} did not load: {why}").format(module=module, why=why) + "\n")
    ctx.exit(EXIT_NO if any(found.values()) else EXIT_OK)


def _validation(found: dict[Path, list[Problem]]) -> dict[str, Any]:
    files = [
        {
            "file": str(path),
            "ok": not problems,
            "problems": [
                {"file": one.file, "line": one.line, "key": one.key, "what": one.what.to(language())}
                for one in problems
            ],
        }
        for path, problems in found.items()
    ]
    return {"ok": not any(found.values()), "files": files}


def _tell(problems: Sequence[Problem]) -> None:
    for problem in problems:
        sys.stderr.write(problem.text(language()) + "\n")


def _path(text: str) -> Path:
    """A file, or the file of a checklist of ours; anything else is wrong use."""
    path = Path(text)
    if path.exists() or text.endswith(".toml"):
        if not path.is_file():
            raise click.UsageError(_("There is no file {file}.").format(file=text))
        return path
    try:
        return locate(text)
    except ChecklistErrors as errors:
        raise click.UsageError("; ".join(problem.text(language()) for problem in errors.problems)) from errors


# --- new -------------------------------------------------------------------------------------------------------------


@command.command("new", help=_("Start a checklist of your own: all checks, or those named, in the right order."))
@click.argument("id_", metavar="ID")
@click.option(
    "--platform", type=click.Choice(PLATFORMS), default="android", show_default=True, help=_("For which phones.")
)
@click.option(
    "--stage",
    "stages",
    type=click.Choice([s.value for s in Stage]),
    multiple=True,
    default=["diagnosis"],
    help=_("When it is run; again for more."),
)
@click.option("--check", "names", multiple=True, metavar="CHECK", help=_("A check to take; again for more."))
@click.option("--title-en", default="", help=_("Title in English; the id if left out."))
@click.option("--title-zh", default="", help=_("Title in Chinese; the id if left out."))
@click.option(
    "--out", metavar="PATH", type=click.Path(path_type=Path), help=_("Where to write it; ID.toml if left out.")
)
def new(
    id_: str,
    platform: str,
    stages: tuple[str, ...],
    names: tuple[str, ...],
    title_en: str,
    title_zh: str,
    out: Path | None,
) -> None:
    """Write a checklist that validates; it never overwrites a file."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id_):
        raise click.UsageError(_("An id has lower-case letters, digits and single hyphens: {id}").format(id=id_))
    checks = _chosen(platform, names)
    text = _template(id_, platform, stages, (title_en or id_, title_zh or id_), checks)
    path = out or Path(f"{id_}.toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise click.UsageError(_("{file} is there already.").format(file=path)) from error
    except OSError as error:
        what = Words("{file} can't be written: {why}", "无法写入 {file}：{why}").fill(file=path, why=error.strerror)
        choose = Words("Choose another place with --out", "请用 --out 指定其他位置")
        raise Trouble("checklist.write", what, Side.BENCH, choose, EXIT_BENCH) from error
    problems = problems_of(path, discover())
    _tell(problems)
    if problems:
        what = Words("{file} is not good yet", "{file} 尚有问题").fill(file=path)
        mend = Words("Correct it, then `assay checklist validate`", "请修改后用 `assay checklist validate` 检查")
        raise Trouble("checklist.new", what, Side.PERSON, mend, EXIT_USE)
    sys.stdout.write(f"{path}\n")


def _chosen(platform: str, names: tuple[str, ...]) -> list[Check]:
    known = {name: check for name, check in load_checks().items() if platform in check.probe}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.UsageError(
            _("There is no check {check} for {platform}; there are: {known}").format(
                check=", ".join(unknown), platform=platform, known=", ".join(known)
            )
        )
    checks = order([known[name] for name in dict.fromkeys(names)] if names else known.values())
    if not checks:
        raise click.UsageError(_("There are no checks for {platform} yet.").format(platform=platform))
    return checks


def _template(id_: str, platform: str, stages: Sequence[str], titles: tuple[str, str], checks: Sequence[Check]) -> str:
    quoted = [json.dumps(title, ensure_ascii=False) for title in titles]
    head = (
        f"format = 1\nid = {json.dumps(id_)}\nversion = 1\n"
        f"title = {{ en = {quoted[0]}, zh = {quoted[1]} }}\n"
        f"platform = {json.dumps(platform)}\nstages = {json.dumps(list(stages))}\n"
    )
    return head + "".join(f"\n[[check]]\nid = {json.dumps(check.id)}\n" for check in checks)
