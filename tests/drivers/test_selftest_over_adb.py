"""The self-test page on a simulated phone behind the real adb server: shown, seen, and gone afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from adb_bench import AdbBench, adb_bench

from drivers.api import DriverError, SelfTestPage
from probes.api import Answer, Measurement, Prompt, PromptKind
from probes.display_pixels import display_pixels


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[AdbBench]:
    async with adb_bench(tmp_path) as bench:
        yield bench


class Technician:
    """Looks at the phone's screen and types what stands on it."""

    def __init__(self, bench: AdbBench) -> None:
        self._bench = bench

    async def ask(self, prompt: Prompt) -> Answer:
        async with asyncio.timeout(10):  # whoever looks waits until the phone's browser shows something
            while (page := self._bench.phone.page) is None:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0.005)
        digits = "".join(re.findall(r'class="digit"[^>]*>(\d)<', page))
        answers = {PromptKind.TEXT: digits if prompt.id.startswith("digits") else "1", PromptKind.VERDICT: "good"}
        return Answer(prompt.id, answers[prompt.kind], "li.wei")


class Bench:
    def __init__(self, page: SelfTestPage, person: Technician) -> None:
        self.person, self.ticket, self._page = person, {}, page

    def capability(self, kind: type) -> SelfTestPage:
        assert kind is SelfTestPage
        return self._page


async def test_a_technician_who_looks_at_the_phone_can_answer(bench: AdbBench) -> None:
    device = await bench.open()
    page = device.capability(SelfTestPage)  # type: ignore[type-abstract]
    found = [one async for one in display_pixels(Bench(page, Technician(bench)))]
    values = {one.name: one.value for one in found if isinstance(one, Measurement)}
    assert (values["defective_pixels"], values["even"]) == (1, True)
    assert bench.phone.page is None


async def test_nothing_of_the_page_is_left_on_the_phone_after_a_cancel(bench: AdbBench) -> None:
    device = await bench.open()
    page, shown = device.capability(SelfTestPage), asyncio.Event()  # type: ignore[type-abstract]

    async def work() -> None:
        async with page.show(b"<p>hello</p>", deadline_s=10):
            shown.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.wait_for(shown.wait(), 15)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert bench.phone.page is None
    assert not bench.phone.ports.names


async def test_a_cable_pulled_while_the_page_is_open_does_not_hold_up_the_end(bench: AdbBench) -> None:
    device = await bench.open()
    page = device.capability(SelfTestPage)  # type: ignore[type-abstract]
    async with asyncio.timeout(10):  # whether the way home still reached the phone is a matter of luck
        with contextlib.suppress(DriverError):  # of taking back what is not there any more
            async with page.show(b"<p>hello</p>", deadline_s=10):
                bench.phone.unplug()
