"""What the commands that speak to the engine share: attaching, printing one JSON document, unlocking a person's key.

Answers go to stdout, everything else to stderr. Keys are unlocked in this process, for one signature at a time.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from station.i18n import _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from station.client import Client
    from station.messages import Command
    from station.people import UnlockTry

__all__ = ["Signer", "pin_option", "print_json", "say", "with_engine"]

T = TypeVar("T")

#: How a PIN is given to a command that signs.
pin_option = click.option(
    "--pin-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("Read the PIN or passphrase from the first line of this file instead of asking."),
)


def with_engine(work: Callable[[Client], Awaitable[T]], *, phones: bool = False) -> T:
    """Run `work` with a client of this station's engine, hosting the engine for as long as that takes if none runs.

    Args:
        phones: whether the work needs phones; without, a hosted engine starts no adb server.

    Raises:
        Trouble: the station is not enrolled, or the engine can't be reached or started.
    """
    from station.client import attach_or_host
    from station.settings import data_folder

    async def attached() -> T:
        client = await attach_or_host(data_folder(), transports=None if phones else ())
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(attached())


def print_json(document: object) -> None:
    """The one JSON document of a command, on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def say(text: str) -> None:
    """A line for the person, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


class Signer:
    """Signs prepared records as one person; the PIN is asked once and the key is unlocked for each signature."""

    def __init__(self, client: Client, data: Path, person: str, pin_file: Path | None) -> None:
        self._client, self._data, self._person = client, data, person
        self._pin_file = pin_file
        self._pin: str | None = None
        self._key: Ed25519PrivateKey | None = None

    async def unlock_first(self) -> None:
        """Unlock the key for the one signature that comes next, so that a wrong PIN leaves nothing half done.

        Raises:
            Trouble: a wrong PIN.
        """
        self._key = await self._unlocked()

    async def sign(self, prepare: Command) -> dict[str, Any]:
        """Prepare a record, sign it, store it; back comes what the engine says of it.

        Raises:
            Trouble: a wrong PIN, a person who may not sign this, or a record that can't be.
        """
        prepared = (await self._client.send(prepare)).data
        return await self.sign_prepared(prepared)

    async def sign_prepared(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """Sign what the engine has prepared, and store it.

        Raises:
            Trouble: a wrong PIN, or the record is refused.
        """
        from reports.attest import sign
        from station.messages import CommitRecord

        payload = base64.b64decode(prepared["payload"])
        key_id, signature = sign(payload, await self._unlocked())
        encoded = base64.b64encode(signature).decode()
        commit = CommitRecord(payload=prepared["payload"], key_id=key_id, signature=encoded)
        return (await self._client.send(commit)).data

    async def signature(self, payload: bytes) -> tuple[str, bytes]:
        """The person's key id and signature over bytes that go into no ledger.

        Raises:
            Trouble: a wrong PIN.
        """
        from reports.attest import sign

        return sign(payload, await self._unlocked())

    async def _unlocked(self) -> Ed25519PrivateKey:
        from station.messages import ReportUnlock
        from station.people import PersonKeys

        key, self._key = self._key, None
        if key is not None:
            return key
        if self._pin is None:
            self._pin = await asyncio.to_thread(self._ask)
        tries: list[UnlockTry] = []
        keys = PersonKeys(self._data, tries.append)
        try:
            return await asyncio.to_thread(keys.unlock, self._person, self._pin)
        finally:
            for one in tries:
                told = {name: getattr(one, name) for name in ("person", "key_id", "failures", "at_ms")}
                await self._client.send(ReportUnlock(**told, outcome=one.outcome.value))

    def _ask(self) -> str:
        if self._pin_file is not None:
            return self._pin_file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        asked: str = click.prompt(
            _("PIN or passphrase of {person}").format(person=self._person), hide_input=True, err=True
        )
        return asked
