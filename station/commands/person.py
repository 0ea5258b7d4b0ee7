"""`assay person`: who is enrolled on this station, and the events of their keys; each is a record that a lead approves.

Secrets are typed without echo. Files and the environment may give them only on a simulated station.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from drivers.api import Side
from drivers.text import Words, safe_text
from reports.roster import ROSTER_KINDS, Key, Person, Roster
from reports.vocabulary import KEY_ENDS, named
from reports.vocabulary import ROLES as ROLE_WORDS
from station.enrolment import ROLES, Ending, admit, current_key, end_key, fingerprint, qualify, set_roles
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.i18n import _, words
from station.people import PersonKeys, UnlockTry
from station.settings import Settings, data_folder, load_settings, load_station_key, write_new
from station.setup import add_person, bring_person, look, replace_key, report

if TYPE_CHECKING:
    from reports.attest import Ed25519PrivateKey
    from station.client import Client

__all__ = ["command"]

T = TypeVar("T")

#: How long a qualification holds where no day is given.
YEAR_MS = 365 * 24 * 3600 * 1000

pin_file = click.option(
    "--pin-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("Read the person's PIN from a file (simulated stations only)."),
)
lead_pin_file = click.option(
    "--lead-pin-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("Read the PIN of who approves from a file (simulated stations only)."),
)
lead_option = click.option("--lead", metavar="PERSON", help=_("Who approves; asked for their PIN."))
roles_option = click.option(
    "--role", "roles", multiple=True, type=click.Choice(ROLES), help=_("A role; give it again for more.")
)


@click.group("person", help=_("People of this station: their keys and roles."))
def command() -> None:
    """Each subcommand but `list` writes one record."""


@command.command("add", help=_("Enrol a person: makes their key, sealed under the PIN they type."))
@click.argument("person")
@click.option("--name", required=True, help=_("The name as it is printed on papers."))
@roles_option
@lead_option
@pin_file
@lead_pin_file
def add(
    person: str, name: str, roles: tuple[Any, ...], lead: str | None, pin_file: Path | None, lead_pin_file: Path | None
) -> None:
    """The first lead needs no approval here; head office sees that one when it approves the station."""
    if not roles:
        raise click.UsageError(_("Give at least one --role."))
    desk = _Desk(lead, lead_pin_file)
    secret = desk.new_secret(person, pin_file)

    async def send(client: Client) -> str:
        return await add_person(client, desk.settings, person, name, roles, secret, desk.approval)

    _say_key(desk, person, desk.send(send))


@command.command("list", help=_("Who is enrolled, with roles and the fingerprint of each key."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def list_(as_json: bool) -> None:
    """Reads the store only."""
    settings = load_settings(data_folder())
    made, roster = look(settings)
    keys = PersonKeys(settings.data)
    here = {key.key_id for key in keys.stored()}
    people = [_row(roster, person, made.clock.wall_ms, here) for person in roster.persons.values()]
    damaged = [str(path) for path in keys.damaged()]
    if as_json:
        sys.stdout.write(json.dumps({"people": people, "damaged": damaged}, ensure_ascii=False) + "\n")
        return
    for row in people:
        roles = ", ".join(words(named(ROLE_WORDS, role)) for role in row["roles"])
        sys.stdout.write(f"{row['person']}  {row['name']}  {roles or '-'}\n")
        for key in row["keys"]:
            where = _("key on this station") if key["here"] else _("no key on this station")
            state = words(named(KEY_ENDS, key["ended"])) if key["ended"] else where
            level = _("level {n}").format(n=key["level"])
            sys.stdout.write(f"    {key['fingerprint']}  {level}  {state}\n")
    if not people:
        sys.stderr.write(_("Nobody is enrolled yet: assay person add ID --name NAME --role lead") + "\n")
    for path in damaged:
        sys.stderr.write(_("{path} is not a usable key").format(path=path) + "\n")


@command.command("rotate", help=_("Give a person a new key; the old one is destroyed."))
@click.argument("person")
@lead_option
@pin_file
@lead_pin_file
def rotate(person: str, lead: str | None, pin_file: Path | None, lead_pin_file: Path | None) -> None:
    """Approved with the old key, or by a lead where its PIN is forgotten."""
    desk = _Desk(lead or person, lead_pin_file)
    secret = desk.new_secret(person, pin_file)

    async def send(client: Client) -> str:
        assert desk.approval is not None  # noqa: S101 - somebody approves here
        return await replace_key(client, desk.settings, person, secret, desk.approval)

    _say_key(desk, person, desk.send(send))


@command.command("revoke", help=_("End a person's key from now on."))
@click.argument("person")
@lead_option
@click.option("--reason", default="", help=_("Why."))
@lead_pin_file
def revoke(person: str, lead: str | None, reason: str, lead_pin_file: Path | None) -> None:
    """What was signed before stays good where a receipt of head office shows that it is older."""
    _end(person, "revoke", lead, reason, None, lead_pin_file)


@command.command("compromise", help=_("Say that somebody else may have had a person's key."))
@click.argument("person")
@lead_option
@click.option("--since", type=click.DateTime(), help=_("From when (UTC); default: now."))
@click.option("--reason", required=True, help=_("What happened."))
@lead_pin_file
def compromise(person: str, lead: str | None, since: datetime | None, reason: str, lead_pin_file: Path | None) -> None:
    """Signatures from then on count only where a receipt of head office shows that they are older."""
    _end(person, "compromise", lead, reason, since, lead_pin_file)


@command.command("retire", help=_("End a person's key in good order; what they signed stays good."))
@click.argument("person")
@lead_option
@click.option("--reason", default="", help=_("Why."))
@lead_pin_file
def retire(person: str, lead: str | None, reason: str, lead_pin_file: Path | None) -> None:
    """For people who leave."""
    _end(person, "retire", lead, reason, None, lead_pin_file)


@command.command("roles", help=_("Give a person exactly these roles from now on."))
@click.argument("person")
@roles_option
@click.option("--lead", metavar="PERSON", required=True, help=_("Who approves; asked for their PIN."))
@lead_pin_file
def roles_(person: str, roles: tuple[Any, ...], lead: str, lead_pin_file: Path | None) -> None:
    """No role at all is a person who signs nothing any more."""
    desk = _Desk(lead, lead_pin_file)

    async def send(client: Client) -> None:
        made, roster = look(desk.settings)
        await client.send(set_roles(made, roster, person, roles, desk.must_approve()).command())

    desk.send(send)
    sys.stdout.write(f"{person}: {', '.join(roles) or '-'}\n")


@command.command("qualify", help=_("Say from when to when a person is qualified for a checklist."))
@click.argument("person")
@click.option("--checklist", metavar="ID", required=True, help=_("The checklist."))
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help=_("The first day without it; default: in a year."))
@click.option("--withdraw", is_flag=True, help=_("Take the qualification away from now on."))
@click.option("--lead", metavar="PERSON", required=True, help=_("Who approves; asked for their PIN."))
@lead_pin_file
def qualify_(
    person: str, checklist: str, until: datetime | None, withdraw: bool, lead: str, lead_pin_file: Path | None
) -> None:
    """Counts where policy/people.toml says `qualification = "required"`."""
    desk = _Desk(lead, lead_pin_file)
    made, roster = look(desk.settings)
    now_ms = made.clock.wall_ms
    to_ms = round(until.timestamp() * 1000) if until else now_ms + YEAR_MS
    to_ms = now_ms if withdraw else to_ms

    async def send(client: Client) -> None:
        event = qualify(made, roster, person, checklist, now_ms, to_ms, desk.must_approve())
        admit(roster, event.envelope(load_station_key(desk.settings.data)))
        await client.send(event.command())

    desk.send(send)
    end = datetime.fromtimestamp(to_ms / 1000).astimezone().date().isoformat()
    sys.stdout.write(
        f"{person}: {checklist} " + (_("withdrawn") if withdraw else _("until {day}").format(day=end)) + "\n"
    )


@command.command("export", help=_("Write a person's key, as it is sealed under their PIN, for another station."))
@click.argument("person")
@click.option("--out", type=click.Path(path_type=Path), help=_("The file; else PERSON.person here."))
def export(person: str, out: Path | None) -> None:
    """Who copies the file can guess at the PIN: hand it over and delete it."""
    from contextlib import closing
    from sqlite3 import connect

    from station.shop_people import carry

    settings = load_settings(data_folder())
    with closing(connect(f"{settings.database.as_uri()}?mode=ro", uri=True)) as db:
        query = f"SELECT envelope FROM record WHERE kind IN ({', '.join('?' * len(ROSTER_KINDS))}) ORDER BY seq"  # noqa: S608
        events = [bytes(envelope) for (envelope,) in db.execute(query, ROSTER_KINDS)]
    path = out or Path(f"{person}.person")
    try:
        write_new(path.absolute(), carry(settings, events, person))
    except FileExistsError:
        raise click.UsageError(_("{path} exists already.").format(path=path)) from None
    sys.stdout.write(f"{path}\n")


@command.command("import", help=_("Enrol here a person of the shop, with the key that they have on another station."))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@lead_option
@pin_file
@lead_pin_file
def import_(file: Path, lead: str | None, pin_file: Path | None, lead_pin_file: Path | None) -> None:
    """The person types their PIN once, to show that the key is theirs; the same PIN opens it here."""
    from station.shop_people import open_carried

    desk = _Desk(lead, lead_pin_file)
    carried = open_carried(desk.settings, file.read_bytes())
    person = carried.person.id
    secret = desk.secret(_("PIN of {person}: ").format(person=person), pin_file, "ASSAY_PIN")

    async def send(client: Client) -> str:
        try:
            return await bring_person(client, desk.settings, carried, secret, desk.approval, desk.tries.append)
        finally:
            await report(client, desk.tries)
            desk.tries.clear()

    _say_key(desk, person, desk.send(send))


@command.command("let-in", help=_("End the lock-out of a person who typed a wrong PIN too often."))
@click.argument("person")
@click.option("--lead", metavar="PERSON", required=True, help=_("Who allows it; asked for their PIN."))
@lead_pin_file
def let_in(person: str, lead: str, lead_pin_file: Path | None) -> None:
    """A lead's key must be unlocked for it; the journal keeps it."""
    desk = _Desk(lead, lead_pin_file)
    made, roster = look(desk.settings)
    held = {key.public: key for key in roster.keys.values() if key.end is None}

    def leads(public: bytes) -> bool:
        key = held.get(public)
        return key is not None and roster.may(key.holder, "lead", made.clock.wall_ms)

    desk.keys.end_lock_out(person, desk.must_approve()[1], leads)

    async def nothing_more(client: Client) -> None:
        """The tries are reported by `send` itself."""

    desk.send(nothing_more)


# --- parts -----------------------------------------------------------------------------------------------------------


class _Desk:
    """One enrolment at the desk: the station, who approves, and what came of their PIN."""

    def __init__(self, approver: str | None, pin_file: Path | None) -> None:
        self.settings: Settings = load_settings(data_folder())
        self.tries: list[UnlockTry] = []
        self.keys = PersonKeys(self.settings.data, self.tries.append)
        self.approval: tuple[str, Ed25519PrivateKey] | None = None
        if approver is not None:
            secret = self.secret(_("PIN of {person}: ").format(person=approver), pin_file, "ASSAY_LEAD_PIN")
            try:
                self.approval = (approver, self.keys.unlock(approver, secret))
            except Trouble:
                self.send(_nothing)
                raise

    def must_approve(self) -> tuple[str, Ed25519PrivateKey]:
        assert self.approval is not None  # noqa: S101 - the command demanded an approver
        return self.approval

    def new_secret(self, person: str, pin_file: Path | None) -> str:
        prompt = _("New PIN or passphrase of {person} (8 characters or more): ").format(person=person)
        return self.secret(prompt, pin_file, "ASSAY_PIN", twice=True)

    def secret(self, prompt: str, pin_file: Path | None, variable: str, *, twice: bool = False) -> str:
        """What is typed; or, on a simulated station, what a file or the environment gives.

        Raises:
            Trouble: `person.pin-file` on a real station.
        """
        given = os.environ.get(variable)
        if pin_file is None and given is None:
            again = _("The same again: ") if twice else False
            return str(click.prompt(prompt, hide_input=True, confirmation_prompt=again, prompt_suffix="", err=True))
        if not self.settings.simulated:
            raise Trouble(
                "person.pin-file",
                Words("a PIN is typed by its person on a real station", "真实工位的 PIN 须由本人输入"),
                Side.PERSON,
                Words("leave out --pin-file, and unset {name}", "请勿使用 --pin-file，并取消环境变量 {name}").fill(
                    name=variable
                ),
                EXIT_USE,
            )
        return pin_file.read_text(encoding="utf-8").splitlines()[0] if pin_file else str(given)

    def send(self, work: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        """Do the work with this station's engine, after telling it of every PIN that was tried."""
        from station.client import attach_or_host

        async def session() -> T:
            client = await attach_or_host(self.settings.data, transports=())
            try:
                await report(client, self.tries)
                self.tries.clear()
                return await work(client)
            finally:
                await client.close()

        return asyncio.run(session())


async def _nothing(client: Client) -> None:
    """Only the tries are reported."""


def _end(
    person: str, how: Ending, lead: str | None, reason: str, since: datetime | None, lead_pin_file: Path | None
) -> None:
    desk = _Desk(lead or person, lead_pin_file)
    made, roster = look(desk.settings)
    at_ms = round(since.replace(tzinfo=UTC).timestamp() * 1000) if since else made.clock.wall_ms
    key = _key_to_end(roster, person, how)
    if at_ms > made.clock.wall_ms:
        raise Trouble(
            "person.future",
            Words("a key cannot end in the future", "密钥不能在将来失效"),
            Side.PERSON,
            Words("give a time that has passed, or none for now", "请填写已过去的时间，或不填表示现在"),
            EXIT_NO,
        )

    async def send(client: Client) -> None:
        event = end_key(made, roster, how, key, desk.must_approve(), at_ms, safe_text(reason, 2000))
        await client.send(event.command())

    desk.send(send)
    desk.keys.destroy(key.id)
    sys.stdout.write(f"{person}: {fingerprint(key.public)}\n")


def _key_to_end(roster: Roster, person: str, how: Ending) -> Key:
    """The current key; for a compromise also the newest that was rotated or retired."""
    if how == "compromise" and person in roster.persons and roster.current_key(person) is None:
        ended = [key for key in roster.keys.values() if key.holder == person]
        return max(ended, key=lambda key: key.since_ms)
    return current_key(roster, person)


def _row(roster: Roster, person: Person, now_ms: int, here: set[str]) -> dict[str, Any]:
    return {
        "person": person.id,
        "name": person.printed_name,
        "roles": [role for role in ROLES if person.may(role, now_ms)],
        "keys": [
            {
                "key_id": key.id,
                "fingerprint": fingerprint(key.public),
                "level": key.level,
                "here": key.id in here,
                "ended": key.end.how if key.end else None,
            }
            for key in roster.keys.values()
            if key.holder == person.id
        ],
    }


def _say_key(desk: _Desk, person: str, key: str) -> None:
    _made, roster = look(desk.settings)
    sys.stdout.write(f"{person}: {fingerprint(roster.keys[key].public)}\n")
    sys.stderr.write(_("Compare this fingerprint when somebody asks for it.") + "\n")
