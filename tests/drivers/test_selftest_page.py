"""A page in the phone's browser: served under a secret path, fetched by the phone, and taken away whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import pytest

from drivers.api import CommandResult, DeviceGone, DriverError, NoAnswer, Refused, SelfTestPage, Side
from drivers.selftest.page import PageOverReverse
from drivers.text import Words

HTML = "<!doctype html><p>你好</p>".encode()
GONE = DeviceGone("gone", Words("gone", "断开"), Side.CABLE, Words("plug", "插"))


@dataclass
class Phone:
    """A phone with a browser behind a reversed port: a shell that knows `am` and `input`, and a real HTTP client."""

    browser: bool = True
    answer: bytes = b"Starting: Intent\n"
    failure: DriverError | None = None
    log: list[str] = field(default_factory=list)
    ports: dict[int, int] = field(default_factory=dict)
    pages: list[httpx.Response] = field(default_factory=list)
    method: str = "GET"

    async def run(self, script: str, *, deadline_s: float, limit: int = 0) -> CommandResult:
        self.log.append(script)
        if self.browser and "am start" in script and not self.failure:
            await self.fetch(script.rsplit(" ", 1)[1], self.method)
        return CommandResult("run", script, self.answer, b"", 0, 0.0, 0.0, self.failure)

    async def batch(self, commands: object, *, deadline_s: float) -> list[CommandResult]:
        raise AssertionError

    async def fetch(self, url: str, method: str = "GET") -> httpx.Response:
        parts = urlsplit(url)
        assert parts.hostname == "localhost"
        bench = f"http://127.0.0.1:{self.ports[parts.port or 0]}{parts.path}"
        async with httpx.AsyncClient(trust_env=False) as client:
            response = await client.request(method, bench)
        self.pages.append(response)
        return response

    @asynccontextmanager
    async def reverse(self, phone_port: int, bench_port: int, *, deadline_s: float) -> AsyncIterator[None]:
        self.ports[phone_port] = bench_port
        try:
            yield
        finally:
            del self.ports[phone_port]

    @property
    def url(self) -> str:
        return next(line.rsplit(" ", 1)[1] for line in self.log if "am start" in line)

    @property
    def tidy(self) -> bool:
        return self.log[-1] == "input keyevent KEYCODE_HOME" and not self.ports


async def refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_the_phone_gets_the_page_and_is_sent_home_at_the_end() -> None:
    phone = Phone()
    shown = PageOverReverse(phone, phone)
    assert isinstance(shown, SelfTestPage)
    async with shown.show(HTML, deadline_s=10):
        assert phone.pages[0].content == HTML
        assert phone.pages[0].headers["content-type"] == "text/html; charset=utf-8"
        [bench_port] = phone.ports.values()
        assert not phone.tidy
    assert phone.tidy
    assert await refused(bench_port)


async def test_nothing_is_served_but_under_the_secret_path() -> None:
    phone = Phone()
    async with PageOverReverse(phone, phone).show(HTML, deadline_s=10):
        root = phone.url.rsplit("/", 1)[0]
        for path in ("", "/", "/index.html", "/favicon.ico", "/../" + phone.url.rsplit("/", 1)[1][:-1]):
            assert (await phone.fetch(root + path)).status_code == 404
        assert len(phone.url.rsplit("/", 1)[1]) >= 22
    other = Phone()
    async with PageOverReverse(other, other).show(HTML, deadline_s=10):
        assert other.url.rsplit("/", 1)[1] != phone.url.rsplit("/", 1)[1]


async def test_the_page_may_load_and_send_nothing() -> None:
    phone = Phone()
    async with PageOverReverse(phone, phone).show(HTML, deadline_s=10):
        policy = phone.pages[0].headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy


async def test_a_phone_that_fetches_nothing_is_told_after_the_deadline_and_sent_home() -> None:
    phone = Phone(browser=False)
    with pytest.raises(NoAnswer) as raised:
        async with PageOverReverse(phone, phone).show(HTML, deadline_s=0.3):
            pytest.fail("nothing was shown")
    assert (raised.value.code, raised.value.side) == ("selftest.not-fetched", Side.PHONE)
    assert phone.tidy


async def test_asking_for_the_headers_alone_is_not_seeing_the_page() -> None:
    phone = Phone(method="HEAD")
    with pytest.raises(NoAnswer):
        async with PageOverReverse(phone, phone).show(HTML, deadline_s=0.5):
            pytest.fail("nothing was shown")
    assert phone.pages[0].status_code == 200


@pytest.mark.parametrize(
    "answer",
    [
        b"Starting: Intent\nError: Activity not started, unable to resolve Intent\n",
        b"Error type 3\n",
        b"Exception occurred while executing 'start':\njava.lang.SecurityException\n",
    ],
)
async def test_a_phone_without_a_browser_says_so(answer: bytes) -> None:
    phone = Phone(browser=False, answer=answer)
    with pytest.raises(Refused) as raised:
        async with PageOverReverse(phone, phone).show(HTML, deadline_s=5):
            pytest.fail("nothing was shown")
    assert "browser" in raised.value.what.en
    assert phone.tidy


async def test_a_lost_phone_is_the_link_s_trouble() -> None:
    phone = Phone(failure=GONE)
    with pytest.raises(DeviceGone):
        async with PageOverReverse(phone, phone).show(HTML, deadline_s=5):
            pytest.fail("nothing was shown")
    assert phone.ports == {}


async def test_the_page_is_taken_away_when_the_work_is_cancelled() -> None:
    phone, shown = Phone(), asyncio.Event()

    async def work() -> None:
        async with PageOverReverse(phone, phone).show(HTML, deadline_s=10):
            shown.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await shown.wait()
    [bench_port] = phone.ports.values()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert phone.tidy
    assert await refused(bench_port)


async def test_the_page_is_taken_away_when_the_work_fails() -> None:
    phone = Phone()
    with pytest.raises(KeyError):
        async with PageOverReverse(phone, phone).show(HTML, deadline_s=10):
            raise KeyError
    assert phone.tidy


async def test_two_phones_are_shown_two_pages_at_once() -> None:
    phones = [Phone(), Phone()]

    async def work(phone: Phone, html: bytes) -> bytes:
        async with PageOverReverse(phone, phone).show(html, deadline_s=10):
            await asyncio.sleep(0)
            return phone.pages[0].content

    assert await asyncio.gather(*(work(phone, b"%d" % n) for n, phone in enumerate(phones))) == [b"0", b"1"]
