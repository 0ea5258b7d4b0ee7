"""Signing: shows what is signed as the bytes themselves say it, asks for the PIN, and signs with F9.

What is shown is read from the payload that will be signed, never from what was asked for, so that what one sees is what
one signs. Where a record is signed by its digest, what it came to stands below, as the engine tells it. The key is
unlocked in this process, for this signature. Leaving the page leaves no signature.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.widget import Widget
from textual.widgets import Input

from drivers.api import Side
from drivers.text import Words
from reports.vocabulary import DECISIONS, MEANINGS, ROLES, kind_words, named
from station.errors import Trouble
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, box, cells, line, wrap
from station.ui.screens.page import LANGUAGE, Page
from station.ui.widgets.drawn import Drawn
from station.ui.widgets.form import Field

if TYPE_CHECKING:
    from station.messages import Ok, PrepareRelease, PrepareSignoff
    from station.ui.seams import Signatory, Signature, Tried

__all__ = ["Sign", "read_payload"]

#: What of a statement is shown first, in this order, under these labels.
_LABELS: dict[str, Words] = {
    "kind": Words("record", "记录"),
    "ticket": Words("ticket", "工单"),
    "target": Words("signs the record", "所签记录"),
    "target_kind": Words("which is", "记录类型"),
    "decision": Words("decision", "结论"),
    "printed_name": Words("name", "姓名"),
    "role": Words("as", "岗位"),
    "meaning": Words("meaning", "签字含义"),
    "shop": Words("shop", "服务网点"),
    "station": Words("station", "检测工位"),
    "simulated": Words("simulated", "模拟"),
}


def read_payload(payload: bytes) -> dict[str, Any]:
    """What a prepared statement says: its kind and its predicate's values; raises `Trouble` when it says nothing."""
    try:
        statement = json.loads(payload)
        predicate = dict(statement["predicate"])
        kind = str(statement["predicateType"])
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable() from error
    return {"kind": "/".join(kind.rstrip("/").split("/")[-2:]), **predicate}


def _unreadable() -> Trouble:
    return Trouble(
        "ui.unreadable-statement",
        Words("what would be signed cannot be read", "待签内容无法读取"),
        Side.BENCH,
        Words("nothing was signed; tell the maker of this station", "没有签字；请联系工位维护人员"),
    )


class Sign(Page):
    """One signature over one prepared record; ends with the new record's digest."""

    CSS_PATH = "sign.tcss"
    ACTS = (
        Act("f9", "sign", "F9", N_("sign"), lambda s: s.ready()),
        Act("f3", "person", "F3", N_("somebody else signs"), lambda s: not s.busy),
        Act("escape", "back", "Esc", N_("leave unsigned: nothing counts"), lambda s: not s.signing),
        LANGUAGE,
    )

    def __init__(
        self,
        target: str,
        ticket: str,
        role: str,
        meaning: str,
        prepared: Ok | None = None,
        about: Sequence[Words] = (),
        or_as: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.about = about
        self._prepared = prepared
        self.target, self.ticket, self.role, self.meaning = target, ticket, role, meaning
        self.or_as = or_as  # roles that may sign it as well
        self.payload = b""
        self.says: Mapping[str, Any] = {}
        self.signing = False

    def where(self) -> str:
        """The name of the place."""
        return _("Sign") + (f" · {self.ticket}" if self.ticket else "")

    def body(self) -> Iterable[Widget]:
        """What is signed, then the PIN."""
        yield Drawn(self.drawing, id="body")
        yield Field("pin", lambda: "PIN", password=True, most=128)

    def on_mount(self) -> None:
        """Prepare for whoever is signed on."""
        self.query_one("#pin", Input).focus()
        self._prepare()

    def ready(self) -> bool:
        """Whether F9 would sign: prepared, a PIN typed, nothing under way."""
        return bool(self.payload) and not self.signing and bool(self._pin())

    def _pin(self) -> str:
        return self.query_one("#row-pin", Field).value if self.there else ""

    # --- preparing ---

    def command(self, person: Signatory) -> PrepareSignoff | PrepareRelease:
        """What has the engine make the statement."""
        from station.messages import PrepareRelease, PrepareSignoff

        if not self.target:
            return PrepareRelease(ticket=self.ticket, person=person.person)
        role = next((one for one in (self.role, *self.or_as) if one in person.roles), self.role)
        return PrepareSignoff(target=self.target, person=person.person, role=role, meaning=self.meaning)

    def _prepare(self) -> None:
        self.payload, self.says = b"", {}
        person, prepared, self._prepared = self.bench_app.person, self._prepared, None
        if prepared is not None:
            self._take(prepared)
            self.redraw()
            return
        if person is None:
            self.me()
            return

        async def prepare() -> None:
            prepared = await self.order(self.command(person))
            if prepared is not None:
                self._take(prepared)
            self.redraw()

        self.run_worker(prepare(), group="prepare", exclusive=True)

    def _take(self, prepared: Ok) -> None:
        try:
            payload = base64.b64decode(str(prepared.data.get("payload", "")), validate=True)
            self.says = read_payload(payload)
            self.payload = payload
        except binascii.Error:
            self.tell(_unreadable())
        except Trouble as trouble:
            self.tell(trouble)

    def on_screen_resume(self) -> None:
        """Somebody may just have said who they are."""
        person = self.bench_app.person
        if self.there and person is not None and self.says.get("person") != person.person and not self.busy:
            self._prepare()

    # --- drawing ---

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """What the bytes say, and their digest."""
        rows: list[Line] = [line()]
        if not self.payload:
            rows.append(line((" " + _("asking the engine what would be signed …"), "dim")))
        else:
            rows += [*self._statement(width - 4), line(), *self._digest(width - 4)]
        rows += [line(), line((" " + _("nothing counts unsigned; Enter does not sign, F9 does"), "dim")), line()]
        if self.signing:
            rows.append(line((" " + _("unlocking the key …"), "dim")))
        return [*box(_("What you sign"), rows, width), *self._about(width, height - len(rows) - 2)]

    def _about(self, width: int, height: int) -> list[Line]:
        """What the record came to, as far as there is room for it."""
        rows = [row for said in self.about for row in wrap(words(said), width - 4, most=3)]
        if not rows or height < 3:
            return []
        if len(rows) > height - 2:
            rows = [*rows[: height - 3], line((_("… the record has the rest"), "dim"))]
        return box(_("What the record says, as the station tells it"), rows, width)

    def _statement(self, width: int) -> list[Line]:
        rows: list[Line] = []
        for key, label in _LABELS.items():
            value = self.says.get(key)
            if value in (None, "", False):
                continue
            rows += self._row(words(label), self._shown(key, value), width, strong=key in {"printed_name", "meaning"})
        return rows

    def _shown(self, key: str, value: object) -> str:
        text = str(value)
        if key in {"kind", "target_kind"}:
            return words(kind_words(text))
        if key == "decision":
            return words(named(DECISIONS, text))
        if key == "role":
            return words(named(ROLES, text))
        if key == "meaning":
            return words(named(MEANINGS, text))
        if key == "simulated":
            return _("yes: simulated station, simulated phone")
        return text

    def _row(self, label: str, text: str, width: int, strong: bool = False) -> list[Line]:
        parts = wrap(text, width - 22, "strong" if strong else "text", most=2)
        return [[*line((" " + cells(label if n == 0 else "", 20) + " ", "dim")), *part] for n, part in enumerate(parts)]

    def _digest(self, width: int) -> list[Line]:
        digest = hashlib.sha256(self.payload).hexdigest()
        grouped = " ".join(digest[n : n + 8] for n in range(0, 64, 8))
        return self._row("SHA-256", grouped, width)

    def on_input_changed(self) -> None:
        """F9 works as soon as there is a PIN."""
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter signs nothing."""
        event.stop()

    # --- signing ---

    def action_person(self) -> None:
        """Somebody else signs."""
        from station.ui.screens.person import WhoAmI

        self.app.push_screen(WhoAmI())

    def action_sign(self) -> None:
        """Unlock the key, sign, and have the engine store it."""
        person = self.bench_app.person
        if person is not None and self.ready():
            self.signing = True
            self.run_worker(self._sign(person, self._pin(), self.payload), group="sign")

    async def _unlock(self, person: Signatory, pin: str, payload: bytes) -> Signature:
        """The signature; every try to unlock the key is told to the engine, the wrong ones above all."""
        from station.messages import ReportUnlock

        tries: list[Tried] = []
        try:
            return await asyncio.to_thread(self.bench_app.stand.signer.sign, person.person, pin, payload, tries.append)
        finally:
            for one in tries:
                await self.bench_app.send(ReportUnlock(**one._asdict()))

    async def _commit(self, signature: Signature, payload: bytes) -> Ok | None:
        from station.messages import CommitRecord

        encoded = base64.b64encode(payload).decode()
        return await self.order(CommitRecord(payload=encoded, key_id=signature.key_id, signature=signature.base64))

    async def _sign(self, person: Signatory, pin: str, payload: bytes) -> None:
        self.query_one("#pin", Input).value = ""
        self.redraw()
        try:
            stored = await self._commit(await self._unlock(person, pin, payload), payload)
        except Trouble as trouble:
            self.tell(trouble)
            return
        finally:
            self.signing = False
            self.redraw()
        if stored is not None:
            self.dismiss(str(stored.data.get("digest") or stored.data.get("record") or "stored"))
