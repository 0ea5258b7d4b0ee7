"""The same lines as on the command line, done with keys: one driver that walks any branch on the real screen.

It goes where a person goes: the list of steps on a ticket's page, the page of a phone's slot, the page of the release.
What it reads of a form (which field holds what) comes from the steps themselves; it knows no single step.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from drivers.text import Words
from station.client import Client
from station.i18n import set_language
from station.steps import steps
from station.steps.api import Field
from station.ui.app import AssayApp
from station.ui.seams import Bench, ChecklistChoice
from station.ui.station import StationSigner
from station.ui.widgets.form import Pick, Section, Tick, Toggles
from station.ui.widgets.table import Heading
from tests.life.shop import PIN, Hand, Line, Shop, Walk

#: Commands that have no page: the stock is kept at the counter of the parts keeper, not at a bench.
NO_PAGE = frozenset({"stock"})
#: What frames a text on the screen.
_FRAMES = re.compile("[\u2500-\u257f]+")


class NotOffered(Exception):
    """The form has no such choice: what the command line refuses can not even be chosen on the screen."""


@dataclass
class Screen:
    """Presses keys, and waits for what must come of them."""

    app: AssayApp
    pilot: Pilot[int]
    person: str = ""

    @property
    def text(self) -> str:
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    async def settle(self) -> None:
        if self.app._exception is not None:  # the screen died: no key does anything any more
            raise self.app._exception
        for _ in range(2000):
            busy = [worker for worker in self.app.workers if not worker.is_finished and worker.group != "attach"]
            if not busy and not getattr(self.app.screen, "busy", False):
                break
            await asyncio.sleep(0.005)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def see(self, *texts: str) -> None:
        for _ in range(700):
            await self.settle()
            if all(text in self.text for text in texts):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{texts} never came:\n{self.text}")

    # --- going about ---

    async def home(self) -> None:
        """To the overview, from wherever."""
        while "Overview" not in self.text.splitlines()[0]:
            await self.press("escape")

    async def become(self, name: str) -> None:
        """Say who works here now."""
        if name != self.person:
            await self.home()
            await self.press("f3")
            await self._choose(name)
            self.person = name

    async def _choose(self, name: str) -> None:
        await self.see("Who works here", name)
        await self.press(*["up"] * 9)
        for _ in range(9):
            if any("▸" in row and name in row for row in self.text.splitlines()):
                break
            await self.press("down")
        await self.press("enter")

    async def open(self, ticket: str) -> None:
        """The page of a ticket, where it is not open already."""
        if f"│ Ticket {ticket}" in self.text.splitlines()[0]:
            return
        await self.home()
        await self.press("t")
        await self._type(ticket)
        await self.see(f"▸ {ticket}")
        await self.press("enter")
        await self.see("Signed records")

    async def step(self, ticket: str, title: str) -> None:
        """The list of steps, the cursor on that one."""
        if ticket:
            await self.open(ticket)
            await self.press("n")
        else:
            await self.home()
            await self.press("t", "f7")
        await self.see("What to do next", title)
        for _ in range(40):
            if any(f"▸ {title}  " in row for row in self.text.splitlines()):
                return
            await self.press("down")
        raise AssertionError(f"there is no step {title}:\n{self.text}")

    @property
    def read(self) -> str:
        """What is on the screen, its frames and its lines' ends taken away."""
        return " ".join(_FRAMES.sub(" ", self.text).split())

    async def read_both(self) -> str:
        """The same, in both languages."""
        here = self.read
        await self.press("f2")
        both = f"{here} {self.read}"
        await self.press("f2")
        return both

    async def come_to(self, *pages: str) -> str:
        """Wait for one of these texts, or for a refusal (`✘`) at the foot of the page."""
        for _ in range(1500):
            await self.settle()
            for page in pages:
                if page in self.text:
                    return page
            if self.refused:
                return "✘"
            await asyncio.sleep(0.02)
        raise AssertionError(f"none of {pages} ever came:\n{self.text}")

    @property
    def refused(self) -> bool:
        """Whether the page tells of something that was refused."""
        return any(row.startswith(" ✘ ") for row in self.text.splitlines())

    # --- filling in ---

    async def put(self, name: str, value: str) -> None:
        """A text, or a choice, into the field of that name."""
        await self.go(name)
        row = self.app.focused
        if isinstance(row, Input):
            await self._type(value)
        elif isinstance(row, Pick):
            await self._pick(row, value)
        else:
            assert isinstance(row, Tick), name
            if row.value is not True:
                await self.press("space")

    async def _pick(self, row: Pick, value: str) -> None:
        """Turn to it; in a long list letters find it."""
        if row.value != value and row.get_content_height(None, None, 80) > 1:
            await self.press(*value[:16])
        for _ in range(100):
            if row.value == value:
                return
            await self.press("space")
        raise NotOffered(f"{row.id} offers no {value}")

    async def tick(self, name: str, wanted: Sequence[str]) -> None:
        """These of a list, and no others."""
        await self.go(name)
        row = self.app.focused
        assert isinstance(row, Toggles), name
        for _ in range(200):
            if set(row.value) == set(wanted):
                return
            before = set(row.value)
            await self.press("space")
            if not (set(row.value) - before) <= set(wanted) or (before - set(row.value)) & set(wanted):
                await self.press("space")
            await self.press("down")
        raise NotOffered(f"{name} offers not {wanted}")

    async def fill_row(self, name: str, cells: dict[str, str]) -> None:
        """A row of a table: one that is there is ticked or opened on its line, else it is begun."""
        lines = self.app.screen.query(f"#{name}")
        if lines and isinstance(line := lines.first(), Heading) and line.display:
            await self.go(name)
            await self.press("right")
        for column, cell in cells.items():
            await self.put(f"{name}-{column}", cell)

    async def _type(self, text: str) -> None:
        field = self.app.focused
        assert isinstance(field, Input)
        if field.value:
            await self.press("end", "ctrl+u")
        field.insert_text_at_cursor(text)
        await self.settle()

    async def go(self, name: str) -> None:
        """Tab on to the field; a folded group is opened on the way."""
        for _ in range(200):
            focused = self.app.focused
            if focused is not None and focused.id == name:
                return
            if isinstance(focused, Section) and not focused.open:
                await self.press("space")
            await self.press("tab")
        raise AssertionError(f"there is no field {name}:\n{self.text}")

    async def sign(self) -> None:
        await self.see("What you sign", "SHA-256")
        await self._type(PIN)
        await self.press("f9")
        for _ in range(700):
            await self.settle()
            if "What you sign" not in self.text:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"it was not signed:\n{self.text}")

    async def stands(self, ticket: str, state: str) -> None:
        await self.open(ticket)
        await self.see(f"state         {state}")


@asynccontextmanager
async def screen_of(shop: Shop) -> AsyncIterator[Screen]:
    stages = ("intake", "diagnosis", "self-check", "cross-check")
    life = ChecklistChoice(str(shop.folder / "checklists" / "life.toml"), Words("A short look", "快速检测"), stages)
    set_language("en")
    bench = Bench(lambda: Client.connect(shop.data), StationSigner(shop.data), lambda: [life])
    async with AssayApp(bench).run_test(size=(160, 45)) as pilot:
        yield Screen(pilot.app, pilot)  # type: ignore[arg-type]


@dataclass
class Desk:
    """One phone in its slot, one ticket, and the screen that the lines of a branch are done on."""

    screen: Screen
    walk: Walk
    seen: list[str] = field(default_factory=list)

    async def go(self, lines: Sequence[Line | Hand]) -> None:
        for line in lines:
            if isinstance(line, Hand):
                line.act(self.walk.phone)
            elif line.words.split()[0] in NO_PAGE or self._has_no_way(line):
                await asyncio.to_thread(self.walk.type, line)
            else:
                await self._do(line)

    @staticmethod
    def _has_no_way(line: Line) -> bool:
        """A run on another phone than the ticket's: the screen starts runs from the slot of the ticket's own phone."""
        return line.words.startswith("run --device {other_device}")

    async def _do(self, line: Line) -> None:
        words = shlex.split(line.words.format(ticket=self.walk.ticket, **self.walk.names))
        self.seen = []
        await self.screen.become(line.by.title())
        special = {"intake": self._intake, "run": self._run, "sign": self._sign, "release": self._release}
        try:
            done = await (special[words[0]](words[1:]) if words[0] in special else self._step(line, words))
        except NotOffered:
            if line.code == 0:
                raise
            await self._stands(line)
            return
        about = f"{line.by}: {line.words}\n{self.seen}\n{self.screen.text}"
        assert done == (line.code == 0) or words[0] == "run", about
        shown = "".join(" ".join(self.seen).split())
        for part in line.says:
            assert "".join(part.format(ticket=self.walk.ticket).split()) in shown, about
        if done and words[0] not in special:
            await self._remember(words[0])
        if line.learn:
            known = f'"record": "{self.walk.names.get(words[0], "")}"'
            found = re.search(line.learn, " ".join([*self.seen, known]))
            assert found, about
            self.walk.names["learnt"] = found.group(1)
        await self._stands(line)

    async def _stands(self, line: Line) -> None:
        if line.state:
            if self.screen.text.splitlines()[0].find("What to do next") >= 0:
                await self.screen.press("escape")
            await self.screen.stands(self.walk.ticket, line.state)

    async def _remember(self, command: str) -> None:
        """The digest of the record that was just made, for lines that name it."""
        if not self.walk.ticket:
            found = await asyncio.to_thread(self.walk.shop.assay, "ticket", "list", "--json")
            self.walk.ticket = str(found.document["tickets"][0]["ticket"])
        kind = steps()[command].kind
        records = (await asyncio.to_thread(lambda: self.walk.shown))["records"]
        made = [str(one["digest"]) for one in records if one["record"] == kind]
        self.walk.names[command.replace("-", "_")] = made[-1] if made else ""

    # --- steps ---

    async def _step(self, line: Line, words: Sequence[str]) -> bool:
        step = steps()[words[0]]
        ticket, form = read_options(step.fields, words[1:])
        await self.screen.step(ticket, step.title.en)
        self.seen.append(self.screen.read)
        if "Enter fill in" not in self.screen.text.splitlines()[-1]:
            return False
        await self.screen.press("enter")
        for one in step.fields:
            if one.name in form:
                await self._fill(one, form[one.name])
        if line.says and line.code == 0:
            await self.screen.press("f8")
            await self.screen.settle()
            self.seen.append(await self.screen.read_both())
        await self.screen.press("f9")
        return await self._written()

    async def _fill(self, one: Field, value: Any) -> None:
        if one.kind == "choices":
            await self.screen.tick(one.name, value)
        elif one.kind == "photos":
            for n, path in enumerate(value):
                await self.screen.put(f"{one.name}-{n}", path)
        elif one.kind == "rows":
            for n, cells in enumerate(value):
                await self.screen.fill_row(f"{one.name}-{n}", cells)
        else:
            await self.screen.put(one.name, value)

    async def _written(self) -> bool:
        """What came of F9: a page that asks for the PIN, or a refusal on the form."""
        came = await self.screen.come_to("SHA-256")
        self.seen.append(await self.screen.read_both())
        if came == "✘":
            return False
        await self.screen.sign()
        return True

    # --- pages of their own ---

    async def _slot(self, device: str) -> None:
        """The page of a phone's slot."""
        phone = self.walk.phone if device == self.walk.names["device"] else self.walk.shop.spare
        tail = f"…{phone.state.identity.serial[-4:]}"
        await self.screen.home()
        for key in ["right_square_bracket", "left_square_bracket"] * 10:  # of many slots there are pages
            if tail in self.screen.text:
                break
            await self.screen.press(key)
        await self.screen.see(tail)
        rows = self.screen.text.splitlines()
        at = next(n for n, row in enumerate(rows) if tail in row)
        number = re.findall(r"┌─ (\d+)", rows[at - 1][: rows[at].index(tail)])[-1]
        await self.screen.press(*number, "enter")
        await self.screen.see("IMEI", phone.state.identity.imeis[0])

    async def _intake(self, words: Sequence[str]) -> bool:
        """The intake page, of the slot where a phone is named; its signature is another line."""
        ticket, form = read_plain(words, {"data-notice", "test-consent"})
        device = form.pop("device", "")
        if device:
            await self._slot(device)
        else:
            await self.screen.home()
        await self.screen.press("n")
        await self.screen.see("What is brought in")
        for name, value in {**({"ticket": ticket} if ticket else {}), **form}.items():
            self.screen.app.screen.query_one("#ticket").focus()
            await self.screen.put(name.replace("-", "_"), value)
        if "still needed" in self.screen.text:
            await self.screen.put("complaint", "empty by noon")
        await self.screen.press("f9")
        came = await self.screen.come_to("SHA-256")
        self.seen.append(await self.screen.read_both())
        return came != "✘"

    async def _run(self, words: Sequence[str]) -> bool:
        """A whole run from the slot's page; it is sealed by F9 and signed by another line."""
        _ticket, form = read_plain(words, set())
        await self._slot(form["device"])
        await self.screen.press("k")
        await self.screen.see("Checklist and stage", "A short look")
        for _ in range(8):
            if any("▸" in row and form["stage"] in row for row in self.screen.text.splitlines()):
                break
            await self.screen.press("down")
        await self.screen.press("f9")
        came = await self.screen.come_to("┌─ ✔ PASS", "┌─ ✘ FAIL")
        self.seen.append(await self.screen.read_both())
        if came == "✘":
            return False
        await self.screen.press("f9")
        await self.screen.see("SHA-256")
        return came == "┌─ ✔ PASS"

    async def _sign(self, words: Sequence[str]) -> bool:
        """The signature that is asked for, or that of the run which still waits for one."""
        if "What you sign" not in self.screen.text:
            await self.screen.open(self.walk.ticket)
            await self.screen.press("f9")
        await self.screen.sign()
        return True

    async def _release(self, words: Sequence[str]) -> bool:
        await self.screen.open(self.walk.ticket)
        await self.screen.press("q")
        await self.screen.see("Check and compare")
        await self.screen.press("f9")
        came = await self.screen.come_to("SHA-256", "release refused")
        self.seen.append(await self.screen.read_both())
        if came != "SHA-256":
            return False
        await self.screen.sign()
        return True


def read_plain(words: Sequence[str], flags: set[str]) -> tuple[str, dict[str, str]]:
    """What stands alone, and the options; a flag holds `yes`."""
    alone, form, rest = "", {}, list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            alone = word
        else:
            name = word.removeprefix("--")
            form[name] = "yes" if name in flags else rest.pop(0)
    return alone, form


def read_options(fields: Sequence[Field], words: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The ticket, and what the command's options fill in: several of a kind as lists, cells of rows by column."""
    known = {one.name.replace("_", "-"): one for one in fields}
    ticket, form, rest = "", dict[str, Any](), list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            ticket = word
            continue
        one = known[word.removeprefix("--")]
        value: Any = "yes" if one.kind == "tick" else rest.pop(0)
        if one.kind == "rows":
            cells = zip((column.name for column in one.columns), value.split(";"), strict=False)
            form.setdefault(one.name, []).append({name: cell.strip() for name, cell in cells if cell.strip()})
        elif one.kind in ("choices", "photos"):
            form.setdefault(one.name, []).append(value)
        else:
            form[one.name] = value
    return ticket, form
