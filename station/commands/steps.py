"""Every step of a ticket's life as a command of its own: its options are the fields of its form.

`assay plan T ... --as PERSON` fills the form in, shows what must be shown, writes the record and signs it. With
`--unsigned` the record waits for `assay sign`. It knows no single step.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drivers.text import Words
from station.i18n import _, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from station.client import Client
    from station.steps.api import Field, Step

__all__ = ["command_of", "page"]

#: The most codes that an option lists in its help.
_FEW = 8


def command_of(step: Step) -> click.Command:
    """The command of one step."""
    options: list[click.Parameter] = [
        click.Argument(["ticket"], default="", required=not step.opens),
        *(_option(field) for field in step.fields),
        click.Option(
            ["--form"],
            metavar="FILE",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=_("Fields from a TOML file; options outweigh it."),
        ),
        click.Option(["--as", "person"], required=True, metavar="PERSON", help=_("Who does it: a person's id.")),
        click.Option(["--role"], default="", help=_("Sign as this role; else as what the record asks for.")),
        click.Option(
            ["--pin-file"],
            metavar="FILE",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=_("Read the PIN or passphrase from the first line of this file instead of asking."),
        ),
        click.Option(["--unsigned"], is_flag=True, help=_("Leave the signature to `assay sign`.")),
        click.Option(["--preview"], is_flag=True, help=_("Only show what it would say; write nothing.")),
        click.Option(["--json", "as_json"], is_flag=True, help=_("Print one JSON document.")),
    ]

    def run(**given: Any) -> None:
        _run(step, **given)

    return click.Command(step.id, params=options, callback=run, help=words(step.about))


def _option(field: Field) -> click.Option:
    name = f"--{field.name.replace('_', '-')}"
    help_ = words(field.label) + (f" ({words(field.help)})" if field.help else "")
    if field.kind == "tick":
        return click.Option([name, field.name], is_flag=True, default=None, help=help_)
    if len(field.choices) > _FEW:
        help_ += " – " + _("docs/steps.md lists the codes")
    elif field.choices:
        help_ += " – " + _("one of {codes}").format(codes=", ".join(choice.value for choice in field.choices))
    if field.columns:
        help_ += " – " + _("cells {names}").format(names="; ".join(column.name for column in field.columns))
    many = field.kind in ("rows", "photos", "choices")
    return click.Option([name, field.name], multiple=many, default=() if many else None, help=help_)


def _run(
    step: Step,
    ticket: str,
    form: Path | None,
    person: str,
    role: str,
    pin_file: Path | None,
    unsigned: bool,
    preview: bool,
    as_json: bool,
    **given: Any,
) -> None:
    from station.commands.engine_side import print_json, say, with_engine
    from station.messages import PreviewStep

    def tell(lines: list[list[str]]) -> None:
        for line in lines:
            say("  " + words(Words(*line)) if not as_json else line[0])

    fields = {**_from_file(form), **{name: value for name, value in given.items() if value not in (None, (), "")}}
    about: dict[str, Any] = {"step": step.id, "ticket": ticket, "person": person, "role": role, "fields": fields}

    async def take(client: Client) -> dict[str, Any]:
        if preview:
            return (await client.send(PreviewStep(**about))).data
        return await _do(client, step, about, pin_file, unsigned, tell)

    done = with_engine(take)
    if preview or (unsigned and step.signs == "after"):
        tell(done["says"])
    if as_json:
        print_json(done)
    elif not preview:
        sys.stdout.write(f"{done['ticket']}  {done.get('record', '')}\n")


async def _do(
    client: Client,
    step: Step,
    about: dict[str, Any],
    pin_file: Path | None,
    unsigned: bool,
    tell: Callable[[list[list[str]]], None],
) -> dict[str, Any]:
    """Show what will be signed, and as what; unlock the key; then do it: a wrong PIN leaves nothing behind."""
    from reports.vocabulary import MEANINGS
    from station.commands.engine_side import Signer
    from station.messages import DoStep, PrepareSignoff, PreviewStep
    from station.settings import data_folder

    signer, shown = Signer(client, data_folder(), about["person"], pin_file), None
    if step.signs == "within" or not unsigned:
        if not any("camera:" in str(value) for value in about["fields"].values()):  # no picture is taken twice
            shown = (await client.send(PreviewStep(**about))).data["says"]
        tell([*(shown or []), list(_SIGNED.fill(meaning=MEANINGS[step.meaning]))])
        await signer.unlock_first()
    done = (await client.send(DoStep(**about))).data
    if done["says"] != shown and not unsigned:  # not shown yet, or the ticket moved on meanwhile
        tell(done["says"])
    if "payload" in done:
        signed = await signer.sign_prepared(done)
        return {"ticket": done["ticket"], "says": done["says"], "record": signed["record"]}
    if "record" in done and not unsigned:
        signoff = PrepareSignoff(
            target=done["record"], person=about["person"], role=done["role"], meaning=done["meaning"]
        )
        done["signoff"] = (await signer.sign(signoff))["record"]
    return done


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise click.UsageError(_("{path} can't be read: {why}").format(path=path, why=error)) from error


_SIGNED = Words("Your signature says: {meaning}", "您的签字含义：{meaning}")
_HEAD = """# Steps

Each step of a ticket's life is a form that leaves one signed record; `assay ticket next TICKET --as PERSON` says which
can be done now. This page is written from the steps themselves (`python3 -m station.commands.steps`).

On the screen the same forms open with `n` on a ticket's page. On the command line each field is an option, and
`--form FILE` takes them from a TOML file (`rows` are then tables, `photos` lists of paths); options outweigh it.

What is signed, and what the signature says, is shown before the PIN is asked; a wrong PIN leaves nothing behind.

A `rows` option is given once a row, its cells parted by `;` in the order shown. `photos` take a path, or `camera:0`.

For every step:

| option | |
| --- | --- |
| `--as PERSON` | who does it; needed |
| `--role ROLE` | in which role, if not the first of theirs that may |
| `--form FILE` | fields from a TOML file |
| `--pin-file FILE` | the PIN or passphrase, instead of asking |
| `--unsigned` | leave the signature to `assay sign` (not where the record is the person's own statement) |
| `--preview` | show what it would say, and write nothing |
| `--json` | `{"ticket", "says", "record", "signoff"}` |
"""
"""The beginning of docs/steps.md."""


def page() -> str:
    """docs/steps.md: every step with its fields, from the steps themselves."""
    from reports.vocabulary import ROLES, named
    from station.steps import steps

    parts = [_HEAD]
    for step in steps().values():
        roles = ", ".join(named(ROLES, role).en for role in step.roles)
        parts.append(f"\n## `assay {step.id}`\n\n**{step.title.en} · {step.title.zh}.** {step.about.en}.\n")
        parts.append(f"By: {roles}. Leaves `{step.kind}`.\n\n| field | | |\n| --- | --- | --- |\n")
        parts += [_line(field) for field in step.fields]
    return "".join(parts)


def _line(field: Field) -> str:
    told = field.label.en + (f" ({field.help.en})" if field.help else "")
    kind = field.kind + (", needed" if field.required else "") + (", erasable" if field.personal else "")
    if field.choices:
        told += ": " + ", ".join(f"`{choice.value}`" for choice in field.choices)
    if field.columns:
        told += ": " + "; ".join(f"`{column.name}`" for column in field.columns)
    return f"| `--{field.name.replace('_', '-')}` | {kind} | {told.replace('|', '/')} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
