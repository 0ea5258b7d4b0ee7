"""`assay station`: make this data folder a station, tie it to a head office, and show what it is."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click

from drivers.api import Side
from drivers.text import Words
from reports.attest import key_id, public_raw
from station.enrolment import fingerprint
from station.errors import EXIT_NO, Trouble
from station.i18n import _, words
from station.settings import Settings, data_folder, load_settings, load_station_key
from station.setup import look, set_up_station

__all__ = ["command"]


phrase_option = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("Read the passphrase from the first line of a file instead of asking."),
)


@click.group("station", help=_("This station: enrolment, key, head office, the shop's other stations."))
def command() -> None:
    """What was fixed at enrolment is only shown."""


@command.command("enrol", help=_("Make this data folder a station, and ask head office to approve it."))
@click.option("--id", "station", metavar="ID", help=_("The station's id, unique within head office."))
@click.option("--name", help=_("The station's printed name."))
@click.option("--shop", metavar="ID", help=_("The shop's id."))
@click.option("--simulated", is_flag=True, help=_("A demo station: all its records say so, for ever."))
@click.option("--head-office", "url", metavar="URL", help=_("Head office's address."))
@click.option("--head-office-key", "pinned", metavar="HEX", help=_("Head office's public key, as told by head office."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def enrol(
    station: str | None,
    name: str | None,
    shop: str | None,
    simulated: bool,
    url: str | None,
    pinned: str | None,
    as_json: bool,
) -> None:
    """Repeating it asks head office again; id, shop and simulated stay as they were."""
    settings = _settings(station, name, shop, simulated)
    enrolment = asyncio.run(set_up_station(settings))
    state = "alone"
    if url or settings.head_office:
        settings = _with_head_office(settings, url or settings.head_office, pinned)
        asyncio.run(set_up_station(settings))
        state = asyncio.run(_ask(settings, enrolment))
    _show(settings, as_json, head_office_state=state)
    if asyncio.run(_engine_runs(settings)):
        sys.stderr.write(_("An engine runs with the old settings: assay engine --stop, then start it again.") + "\n")
    if state == "refused":
        sys.exit(EXIT_NO)


@command.command("show", help=_("What this station is."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def show(as_json: bool) -> None:
    """Reads only."""
    _show(load_settings(data_folder()), as_json)


@command.command("invite", help=_("Write the file by which another station of the shop joins this one."))
@click.option("--out", type=click.Path(path_type=Path), default=Path("shop.invitation"), help=_("The file."))
@phrase_option
def invite_(out: Path, passphrase_file: Path | None) -> None:
    """Makes the shop's key where there is none yet; the passphrase is typed on both stations."""
    from station.commands.backup import passphrase_of
    from station.settings import write_new
    from station.shop_key import invite

    settings = load_settings(data_folder())
    data = invite(settings, passphrase_of(passphrase_file, twice=True))
    try:
        write_new(out.absolute(), data)
    except FileExistsError:
        raise click.UsageError(_("{path} exists already.").format(path=out)) from None
    sys.stdout.write(f"{out}\n")
    sys.stderr.write(_("Carry it to the other station (assay station join), and delete it afterwards.") + "\n")


@command.command("join", help=_("Take the shop's key from another station's file, to exchange tickets with it."))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@phrase_option
def join_(file: Path, passphrase_file: Path | None) -> None:
    """Joining again changes nothing."""
    from station.commands.backup import passphrase_of
    from station.shop_key import join

    settings = load_settings(data_folder())
    join(settings, file.read_bytes(), passphrase_of(passphrase_file))
    sys.stdout.write(
        _("{station} shares the key of {shop}.").format(station=settings.station, shop=settings.shop) + "\n"
    )


@command.command("lan", help=_("The shop's network: where this station listens, and where the others are."))
@click.option("--listen", metavar="HOST:PORT", help=_("Take calls of the shop's other stations here."))
@click.option("--no-listen", is_flag=True, help=_("Take no calls any more."))
@click.option("--peer", "peers", multiple=True, metavar="STATION=HOST:PORT", help=_("Where another station is."))
@click.option("--forget", multiple=True, metavar="STATION", help=_("Forget a station's address."))
@click.option("--refuse", multiple=True, metavar="STATION", help=_("Exchange nothing with a station any more."))
@click.option("--accept", multiple=True, metavar="STATION", help=_("Exchange with a refused station again."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def lan(
    listen: str | None,
    no_listen: bool,
    peers: tuple[str, ...],
    forget: tuple[str, ...],
    refuse: tuple[str, ...],
    accept: tuple[str, ...],
    as_json: bool,
) -> None:
    """Without options it only shows; a new address to listen on counts when the engine is started the next time."""
    from pydantic import ValidationError

    from station.lan_settings import LanSettings, load_lan, save_lan

    data = load_settings(data_folder()).data
    before = load_lan(data)
    named = dict(_named(one) for one in peers)
    values = {
        "listen": None if no_listen else listen or before.listen,
        "peers": {name: at for name, at in {**before.peers, **named}.items() if name not in forget},
        "refused": tuple(one for one in dict.fromkeys((*before.refused, *refuse)) if one not in accept),
    }
    try:
        known = LanSettings.model_validate(values)
    except ValidationError as error:
        raise click.UsageError(_("An address is HOST:PORT, a station is named by its id.")) from error
    if known != before:
        save_lan(data, known)
    if known.listen != before.listen and asyncio.run(_engine_runs(load_settings(data_folder()))):
        sys.stderr.write(_("An engine runs with the old settings: assay engine --stop, then start it again.") + "\n")
    if as_json:
        sys.stdout.write(json.dumps(known.model_dump(mode="json"), ensure_ascii=False) + "\n")
        return
    sys.stdout.write(_("listens on {at}").format(at=known.listen) if known.listen else _("does not listen"))
    sys.stdout.write("\n" + "".join(f"{name}  {at}\n" for name, at in sorted(known.peers.items())))
    sys.stdout.write("".join(_("{station}: refused").format(station=one) + "\n" for one in known.refused))


def _named(text: str) -> tuple[str, str]:
    name, equals, address = text.partition("=")
    if not equals:
        raise click.UsageError(_("Say STATION=HOST:PORT."))
    return name, address


@command.command("peers", help=_("Call the shop's other stations, and say who answers."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def peers_(as_json: bool) -> None:
    """Exit code 1 when one does not answer as it should."""
    from station.client import Client
    from station.commands.engine_side import with_engine
    from station.messages import PeersQuery

    async def ask(client: Client) -> dict[str, Any]:
        return (await client.send(PeersQuery())).data

    told = with_engine(ask)
    if as_json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(
            _("listens on {at}").format(at=told["listening"]) if told["listening"] else _("does not listen")
        )
        sys.stdout.write("\n" + (words(Words(*told["trouble"])) + "\n" if told["trouble"] else ""))
        for row in told["peers"]:
            said = words(Words(*row["what"])) if row["what"] else _("answers")
            sys.stdout.write(f"{row['station']}  {row['address']}  {said}\n")
    if any(row["what"] for row in told["peers"]):
        sys.exit(EXIT_NO)


@command.command("rotate", help=_("Give the station a new key; what the old one signed stays good."))
def rotate() -> None:
    """No engine may run on the data folder meanwhile."""
    from station.head_office import tell_new_key
    from station.setup import replaced_keys, rotate_station_key

    settings = load_settings(data_folder())
    public = asyncio.run(rotate_station_key(settings))
    sys.stdout.write(f"{fingerprint(public)}\n")
    if not settings.head_office:
        return
    try:
        asyncio.run(tell_new_key(settings, replaced_keys(settings)))
    except Trouble as trouble:
        sys.stderr.write(words(trouble.what) + "\n")
        sys.stderr.write(_("The key is replaced here; head office is told with the next records.") + "\n")
    else:
        sys.stderr.write(_("Head office knows the new key.") + "\n")


def _settings(station: str | None, name: str | None, shop: str | None, simulated: bool) -> Settings:
    """The settings there are, with a new name; or those of a station that is to be."""
    data = data_folder()
    try:
        known = load_settings(data)
    except Trouble as trouble:
        if trouble.code != "station.not-enrolled":
            raise
        known = None
    values: dict[str, Any] = known.model_dump() if known else {"data": data, "simulated": simulated}
    given = {"station": station, "shop": shop, "name": name or (None if known else station)}
    values.update({key: value for key, value in given.items() if value})
    if simulated:
        values["simulated"] = True
    missing = [option for key, option in (("station", "--id"), ("shop", "--shop")) if key not in values]
    if missing:
        raise click.UsageError(_("A new station needs {options}.").format(options=", ".join(missing)))
    return _checked(values)


def _checked(values: dict[str, Any]) -> Settings:
    from pydantic import ValidationError

    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise click.UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _with_head_office(settings: Settings, url: str, pinned: str | None) -> Settings:
    """The settings with the head office's address and its key, compared by a person unless it was given."""
    from station.head_office import head_office_key

    settings = _checked({**settings.model_dump(), "head_office": url})
    told = asyncio.run(head_office_key(settings.head_office))
    if told.simulated != settings.simulated:
        raise Trouble(
            "station.other-world",
            Words("a demo station and a real head office never meet", "演示工位与真实总部互不相通")
            if settings.simulated
            else Words("a real station and a simulated head office never meet", "真实工位与模拟总部互不相通"),
            Side.PERSON,
            Words("check the address", "请核对地址"),
            EXIT_NO,
        )
    public = bytes.fromhex(told.public)
    known = (pinned or settings.head_office_key).lower()
    if known and known not in (told.public, key_id(public)):
        raise Trouble(
            "station.head-office-key",
            Words("head office shows another key than the one that was given", "总部公钥与给定的不一致"),
            Side.HEAD_OFFICE,
            Words("do not go on; call head office and compare the fingerprint", "请停止操作，致电总部核对指纹"),
            EXIT_NO,
        )
    if not known and not settings.simulated:
        sys.stderr.write(_("Head office {name} shows this key:").format(name=told.head_office) + "\n")
        sys.stderr.write(f"    {fingerprint(public)}\n")
        click.confirm(_("Did head office tell you the same by phone or on paper?"), abort=True, err=True)
    return settings.model_copy(update={"head_office_key": told.public})


async def _ask(settings: Settings, enrolment: bytes) -> str:
    from station.head_office import request_enrolment, tell_new_key
    from station.setup import replaced_keys

    state = await request_enrolment(settings.head_office, enrolment)
    return await tell_new_key(settings, replaced_keys(settings)) or state


async def _engine_runs(settings: Settings) -> bool:
    from station.client import Client

    try:
        client = await Client.connect(settings.data)
    except Trouble as trouble:
        return trouble.code != "engine.not-running"
    await client.close()
    return True


def _show(settings: Settings, as_json: bool, **more: str) -> None:
    public = public_raw(load_station_key(settings.data))
    _made, roster = look(settings)
    head_office = settings.head_office_key
    facts: dict[str, Any] = {
        "station": settings.station,
        "name": settings.name,
        "shop": settings.shop,
        "simulated": settings.simulated,
        "key_id": key_id(public),
        "fingerprint": fingerprint(public),
        "head_office": settings.head_office,
        "head_office_fingerprint": fingerprint(bytes.fromhex(head_office)) if head_office else "",
        "people": len(roster.persons),
        "data": str(settings.data),
        **more,
    }
    if as_json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
        return
    labels = {
        "station": _("station"),
        "name": _("name"),
        "shop": _("shop"),
        "simulated": _("simulated"),
        "fingerprint": _("key"),
        "head_office": _("head office"),
        "head_office_fingerprint": _("its key"),
        "head_office_state": _("state there"),
        "people": _("people"),
        "data": _("data folder"),
    }
    states = {
        "pending": _("waits for approval: tell head office the key above"),
        "approved": _("approved"),
        "refused": _("refused"),
        "alone": _("no head office"),
    }
    yes_no = {True: _("yes"), False: _("no")}
    for key, label in labels.items():
        if key in facts:
            value = facts[key]
            text = yes_no[value] if isinstance(value, bool) else states.get(value, str(value)) if key in more else value
            sys.stdout.write(f"{label}: {text}\n")
