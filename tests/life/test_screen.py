"""The good way and a refused one by keys alone: a real screen, an engine in its own process, simulated phones."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot
from textual.widgets import Input

from drivers.text import Words
from station.client import Client
from station.i18n import set_language
from station.ui.app import AssayApp
from station.ui.seams import Bench, ChecklistChoice
from station.ui.station import StationSigner
from tests.life.branches import fit_battery, taken_in
from tests.life.shop import PIN, Shop, Walk

#: What is filled into a form, by field: a text, a choice, a tick, several of a list, or several lines.
Form = dict[str, str | bool | tuple[str, ...]]

FACES = ("front", "back", "left", "right", "top", "bottom")


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
        """The form of a step."""
        if ticket:
            await self.open(ticket)
            await self.press("n")
        else:
            await self.home()
            await self.press("t", "f7")
        await self.see("What to do next", title)
        for _ in range(40):
            if any(f"▸ {title}  " in row for row in self.text.splitlines()):
                break
            await self.press("down")
        await self.press("enter")

    # --- filling in ---

    async def fill(self, form: Form) -> None:
        for name, value in form.items():
            if isinstance(value, tuple) and not await self._ticked(name, value):
                for n, one in enumerate(value):
                    await self._go(f"{name}-{n}")
                    await self._type(one)
            elif not isinstance(value, tuple):
                await self._put(name, value)

    async def _put(self, name: str, value: str | bool) -> None:
        await self._go(name)
        row = self.app.focused
        if isinstance(row, Input):
            await self._type(str(value))
            return
        for _ in range(100):
            if getattr(row, "value", None) == value:
                return
            await self.press("space")
        raise AssertionError(f"{name} has no {value}:\n{self.text}")

    async def _ticked(self, name: str, wanted: tuple[str, ...]) -> bool:
        """Tick what is wanted of a list; False when the field is no list."""
        if not self.app.screen.query(f"#{name}"):
            return False
        await self._go(name)
        row = self.app.focused
        for _ in range(100):
            if set(getattr(row, "value", ())) == set(wanted):
                return True
            before = set(getattr(row, "value", ()))
            await self.press("space")
            if not set(getattr(row, "value", ())) - before <= set(wanted):
                await self.press("space")
            await self.press("down")
        raise AssertionError(f"{name} has not {wanted}:\n{self.text}")

    async def _type(self, text: str) -> None:
        field = self.app.focused
        assert isinstance(field, Input)
        if field.value:
            await self.press("end", "ctrl+u")
        field.insert_text_at_cursor(text)
        await self.settle()

    async def _go(self, name: str) -> None:
        """Tab on to the field; a folded group is opened on the way."""
        for _ in range(200):
            focused = self.app.focused
            if focused is not None and focused.id == name:
                return
            if type(focused).__name__ == "Section" and not getattr(focused, "open", True):
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

    async def do(self, ticket: str, title: str, form: Form, *says: str, state: str = "") -> None:
        """A step: its form, what it would say, its signature, and the state of the ticket after it."""
        await self.step(ticket, title)
        await self.fill(form)
        if says:
            await self.press("f8")
            await self.see(*says)
        await self.press("f9")
        await self.sign()
        if state:
            await self.see("What to do next")
            await self.press("escape")
            await self.stands(ticket, state)

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
    """One phone in its slot, and the screen."""

    screen: Screen
    walk: Walk
    ticket: str = ""

    async def register(self) -> None:
        await self.screen.home()
        await self.screen.become("Front")
        form: Form = {
            "channel": "walk-in",
            "owner_name": "王芳",
            "owner_phone": "138 0013 8000",
            "model": "Aurora 8",
            "imei": self.walk.names["imei"],
            "complaint": "empty by noon",
        }
        await self.screen.do("", "registration", form)
        await self.screen.home()
        found = await asyncio.to_thread(self.walk.shop.assay, "ticket", "list", "--json")
        self.ticket = self.walk.ticket = str(found.document["tickets"][0]["ticket"])

    async def slot(self) -> None:
        """The page of the phone's slot."""
        tail = f"…{self.walk.phone.state.identity.serial[-4:]}"
        await self.screen.home()
        await self.screen.see(tail)
        rows = self.screen.text.splitlines()
        at = next(n for n, row in enumerate(rows) if tail in row)
        number = re.findall(r"┌─ (\d+)", rows[at - 1][: rows[at].index(tail)])[-1]
        await self.screen.press(*number, "enter")
        await self.screen.see("IMEI", self.walk.names["imei"])

    async def take_in(self) -> None:
        """The intake of a registered phone, from its slot: everything known is there already."""
        await self.slot()
        await self.screen.press("n")
        await self.screen.see("What is brought in", self.ticket, "empty by noon")
        await self.screen.fill({"accessories": "charger", "data_notice": True, "test_consent": True})
        await self.screen.press("f9")
        await self.screen.sign()
        await self.screen.stands(self.ticket, "received")

    async def look_and_confirm(self) -> None:
        form: Form = {
            "faces": FACES,
            "liquid": "dry",
            "screws": "untouched",
            "powers_on": "yes",
            "lock": "owner-unlocks",
            "device": self.walk.names["imei"],
        }
        await self.act("appearance", form, "front: no marks", state="received")
        confirmed: Form = {"decision": "confirmed", "backup": "made", "by": "owner", "way": "typed", "name": "王芳"}
        await self.act("customer's confirmation", confirmed, state="received")

    async def act(self, title: str, form: Form, *says: str, state: str) -> None:
        await self.screen.do(self.ticket, title, form, *says, state=state)

    async def run(self, stage: str, state: str, verdict: str = "✔ PASS") -> None:
        """A whole run at a stage, sealed and signed."""
        await self.slot()
        await self.screen.press("k")
        await self.screen.see("Checklist and stage", "A short look")
        for _ in range(8):
            if any("▸" in row and stage in row for row in self.screen.text.splitlines()):
                break
            await self.screen.press("down")
        await self.screen.press("f9")
        await self.screen.see(f"┌─ {verdict}")
        await self.screen.press("f9")
        await self.screen.sign()
        await self.screen.stands(self.ticket, state)


async def test_a_phone_goes_from_the_counter_to_a_closed_ticket_by_keys_alone(shop: Shop) -> None:
    with shop.walk("worn-battery") as walk:
        async with screen_of(shop) as screen:
            desk = Desk(screen, walk)
            await screen.see("Overview")
            await desk.register()
            await screen.stands(desk.ticket, "registered")
            await screen.home()
            await screen.see("registered: take it in")
            await desk.take_in()
            await desk.look_and_confirm()
            await screen.become("Tech")
            await desk.run("intake", "diagnosing", "✘ FAIL")
            await desk.act(
                "diagnosis", {"decision": "cause-found", "cause": "battery-worn", "why": "measured"}, state="diagnosing"
            )
            plan: Form = {"repairs": ("replace-battery; BAT-EX-1",), "promised": "2099-01-01 10:00"}
            await desk.act("repair plan", plan, "CNY 189.00", state="waiting for the customer")
            yes: Form = {
                "decision": "agreed",
                "way": "in-person",
                "confirmed": ("water-seal", "warranty"),
                "witness": "chen",
            }
            await desk.act("plan consent", yes, "agrees", state="in repair")
            await asyncio.to_thread(
                shop.assay, "stock", "add", "BAT-EX-1", "--part", "battery", "--batch", "LOT-9", "--as", "store"
            )
            await screen.become("Store")
            await desk.act("parts order", {}, state="in repair")
            await screen.become("Tech")
            part: Form = {"batch": "LOT-9", "genuine": "maker", "proof": "label", "old_part": "customer"}
            await desk.act("part use", part, state="in repair")
            fit_battery(walk.phone)
            repair: Form = {
                "steps": tuple(f"{n}; yes" for n in range(1, 7)),
                "esd": "1.0",
                "screws_out": "8",
                "screws_in": "8",
                "sealed": ("tape",),
            }
            await desk.act("repair", repair, state="self-check due")
            await desk.run("self-check", "cross-check due")
            await screen.become("Qc")
            await desk.run("cross-check", "cross-check due")
            await screen.press("q")
            await screen.see("Check and compare")
            await screen.press("f9")
            await screen.sign()
            await screen.stands(desk.ticket, "ready")
            await screen.become("Front")
            handed: Form = {
                "imei": walk.names["imei"],
                "collector": "owner",
                "name": "王芳",
                "way": "paper",
                "reference": "SLIP-7",
                "shown": True,
                "accessories": True,
                "old_parts": "handed-over",
                "pay_way": "cash",
            }
            await desk.act("delivery", handed, "189.00", state="delivered")
            call: Form = {"channel": "phone", "reached": True, "fault": "gone", "score": "5"}
            await desk.act("follow-up", call, state="delivered")
            await desk.act("closing", {"how": "completed"}, state="closed")


async def test_a_customer_who_refuses_gets_the_phone_back_unrepaired_by_keys_alone(shop: Shop) -> None:
    with shop.walk("worn-battery") as walk:
        await asyncio.to_thread(walk.go, taken_in(code=1))
        async with screen_of(shop) as screen:
            desk = Desk(screen, walk, walk.ticket)
            await screen.see("Overview")
            await screen.become("Tech")
            await desk.act(
                "diagnosis", {"decision": "cause-found", "cause": "battery-worn", "why": "measured"}, state="diagnosing"
            )
            plan: Form = {"repairs": ("replace-battery; BAT-EX-1",), "promised": "2099-01-01 10:00"}
            await desk.act("repair plan", plan, state="waiting for the customer")
            no: Form = {"decision": "return-unrepaired", "way": "in-person", "witness": "chen"}
            await desk.act("plan consent", no, "goes back unrepaired", state="ready")
            await screen.open(desk.ticket)
            await screen.press("n")
            await screen.see("The customer has not agreed to the newest plan")
            await screen.become("Front")
            handed: Form = {
                "imei": walk.names["imei"],
                "collector": "owner",
                "name": "王芳",
                "way": "paper",
                "reference": "SLIP-8",
                "shown": True,
                "accessories": True,
                "old_parts": "none",
                "paid": "0",
                "pay_way": "none",
            }
            await desk.act("delivery", handed, "returned unrepaired", state="returned unrepaired")
