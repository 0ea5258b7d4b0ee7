"""Shows one page in the phone's own browser: served on loopback here, reached over a reversed port there.

Stands on `Shell` and `Reverse` of any device; the web server is loaded only when a page is shown. The page is served
under a path that cannot be guessed and under no other. It knows nothing of what the page is for.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from drivers.api import CommandResult, NoAnswer, Refused, Reverse, Shell, Side
from drivers.text import Words

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["PageOverReverse"]

#: Nothing from outside is loaded, run or sent: the page is whole in itself.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
#: The dynamic ports of IANA (RFC 6335, 6): the least likely to be taken on a phone.
_PHONE_PORTS = range(49152, 65536)
_TIDY_S = 5.0  # for taking back one thing at the end

_NO_BROWSER = Words("the phone did not open a browser: {answer}", "手机未能打开浏览器：{answer}")
_ENABLE_BROWSER = Words("Enable a browser on the phone, then test again", "请在手机上启用浏览器后重测")
_NOT_FETCHED = Words("the phone did not load the page within {seconds} s", "手机在 {seconds} 秒内未加载页面")
_UNLOCK = Words(
    "Unlock the phone, close first-start screens of its browser, then test again",
    "请解锁手机，关闭浏览器的首次使用提示后重测",
)


class PageOverReverse:
    """`SelfTestPage` for every device that has a shell and can reverse a port (Android over adb)."""

    def __init__(self, shell: Shell, reverse: Reverse) -> None:
        self._shell, self._reverse = shell, reverse

    @contextlib.asynccontextmanager
    async def show(self, html: bytes, *, deadline_s: float) -> AsyncIterator[None]:
        """Open the page and keep it for the block; then send the browser home and close the way.

        Args:
            html: the page, whole in itself.
            deadline_s: seconds from now until the phone must have fetched it.

        Raises:
            NoAnswer: the phone did not fetch the page in time.
            Refused: the phone has nothing that opens a page, or does not reverse ports.
            DriverError: the link broke.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + deadline_s
        token, fetched = secrets.token_urlsafe(18), asyncio.Event()
        phone_port = secrets.choice(_PHONE_PORTS)
        async with (
            _served(_app(token, html, fetched)) as bench_port,
            self._reverse.reverse(phone_port, bench_port, deadline_s=deadline_s),
        ):
            try:
                url = f"http://localhost:{phone_port}/{token}"
                await self._open(url, deadline_s=max(0.1, ends - loop.time()))
                try:
                    await asyncio.wait_for(fetched.wait(), ends - loop.time())
                except TimeoutError:
                    what = _NOT_FETCHED.fill(seconds=f"{deadline_s:g}")
                    raise NoAnswer("selftest.not-fetched", what, Side.PHONE, _UNLOCK) from None
                yield
            finally:  # also when cancelled: the phone must not stay on our page
                await self._shell.run("input keyevent KEYCODE_HOME", deadline_s=_TIDY_S)

    async def _open(self, url: str, *, deadline_s: float) -> None:
        """Wake the screen and ask for the page. `am` says "Error" on its output and ends 0 all the same."""
        script = f"input keyevent KEYCODE_WAKEUP; am start -a android.intent.action.VIEW -d {url}"
        answer = await self._shell.run(script, deadline_s=deadline_s)
        if answer.failure is not None:
            raise answer.failure
        complaint = _complaint(answer)
        if complaint:
            what = _NO_BROWSER.fill(answer=complaint)
            raise Refused("selftest.no-browser", what, Side.PHONE, _ENABLE_BROWSER)


def _complaint(answer: CommandResult) -> str:
    lines = (answer.text + "\n" + answer.stderr.decode("utf-8", "replace")).splitlines()
    said = next((line.strip() for line in lines if line.lstrip().startswith(("Error", "Exception"))), "")
    return said or (f"exit {answer.exit_code}" if answer.exit_code else "")


def _app(token: str, html: bytes, fetched: asyncio.Event) -> Starlette:
    """One page under one path, which is not to be found without the token; everything else is 404."""
    from starlette.applications import Starlette
    from starlette.background import BackgroundTask
    from starlette.responses import Response
    from starlette.routing import Route

    async def sent() -> None:
        fetched.set()

    async def page(request: Request) -> Response:
        task = BackgroundTask(sent) if request.method == "GET" else None
        return Response(html, media_type="text/html; charset=utf-8", headers=_HEADERS, background=task)

    return Starlette(routes=[Route(f"/{token}", page)])


@contextlib.asynccontextmanager
async def _served(app: Starlette) -> AsyncIterator[int]:
    """Serve on a free loopback port of the bench for the block; gives the port."""
    import uvicorn

    class Server(uvicorn.Server):
        """Leaves the process's signals alone: they belong to the engine."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # from here on a phone that is early waits instead of being refused
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=1,
        )
        server = Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            server.force_exit = True
            await asyncio.wait({serving}, timeout=_TIDY_S)
            serving.cancel()
