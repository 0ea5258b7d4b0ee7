"""Handing a message for the customer to the shop's own way of sending: a folder of text files, or a webhook.

A message goes with an idempotency key, so that one that is tried again after a crash or a lost answer is the same one.
It knows no ticket, no template and no record.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_BENCH, Trouble
from station.settings import private_folder
from station.steps.api import Outgoing

__all__ = ["Adapter", "Folder", "Webhook", "adapter", "adapter_name", "forget"]

#: Seconds for a webhook to answer; a person waits for it.
WEBHOOK_S = 10.0


class Adapter(Protocol):
    """A way to send."""

    async def send(self, message: Outgoing) -> None:
        """Hand over one message; back only when it was taken.

        Raises:
            Trouble: it was not, or nobody knows; trying again with the same key is safe.
        """


@dataclass(frozen=True, slots=True)
class Folder:
    """Writes each message as `DATA/notices/TICKET/KEY.txt`, for a person or another program to send."""

    root: Path

    async def send(self, message: Outgoing) -> None:
        """See `Adapter`; the same key is the same file."""
        try:
            await asyncio.to_thread(self._write, message)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Trouble("notice.not-sent", _FOLDER.fill(why=why), Side.BENCH, _AGAIN, EXIT_BENCH) from error

    def _write(self, message: Outgoing) -> None:
        folder = self.root / message.ticket
        private_folder(self.root)
        private_folder(folder)
        path = folder / f"{message.key}.txt"
        draft = path.with_suffix(".part")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{message.to}\n{message.text}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        with contextlib.suppress(OSError):  # not every system lets a folder be synced
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts each message as JSON, with its key as `Idempotency-Key`; any 2xx answer takes it."""

    url: str

    async def send(self, message: Outgoing) -> None:
        """See `Adapter`."""
        import httpx

        body = {name: getattr(message, name) for name in ("key", "ticket", "stage", "language", "to", "text")}
        try:
            async with httpx.AsyncClient(timeout=WEBHOOK_S, follow_redirects=False) as http:
                answer = await http.post(self.url, json=body, headers={"Idempotency-Key": message.key})
        except httpx.HTTPError as error:
            raise _refused(type(error).__name__) from error
        if not answer.is_success:
            raise _refused(f"HTTP {answer.status_code}")


def adapter_name(policy: Mapping[str, Any]) -> str:
    """`folder`, or `webhook` where the shop's policy `notices` says so."""
    return "webhook" if policy.get("adapter") == "webhook" else "folder"


def adapter(data: Path, policy: Mapping[str, Any]) -> Adapter:
    """The adapter that the shop's policy `notices` names: `adapter` = `folder` (as shipped) or `webhook` with `url`.

    Raises:
        Trouble: the policy names another, or an address that is none.
    """
    wanted = policy.get("adapter", "folder")
    if wanted == "folder":
        return Folder(data / "notices")
    url = str(policy.get("url", ""))
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if wanted != "webhook" or not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise Trouble("notice.adapter", _BAD_ADAPTER.fill(name=wanted, url=url), Side.BENCH, _MEND, EXIT_BENCH)
    return Webhook(url)


def forget(data: Path, ticket: str) -> None:
    """Take away what lies in the folder for a ticket whose data was erased."""
    shutil.rmtree(data / "notices" / ticket, ignore_errors=True)


def _refused(why: str) -> Trouble:
    return Trouble("notice.not-sent", _WEBHOOK.fill(why=why), Side.BENCH, _AGAIN, EXIT_BENCH)


_FOLDER = Words("The notice can't be written: {why}", "通知无法写入：{why}")
_WEBHOOK = Words("The notice was not taken by the shop's webhook: {why}", "店内通知接口未接收通知：{why}")
_AGAIN = Words(
    "Nothing was recorded; try again, it is sent once however often it is tried", "未作记录；请重试，重复尝试只发送一次"
)
_BAD_ADAPTER = Words(
    "The policy `notices` names the adapter {name} with the address {url}",
    "政策 `notices` 所列的发送方式为 {name}，地址为 {url}",
)
_MEND = Words(
    "Use `folder`, or `webhook` with an https address (http only on this computer)",
    "请使用 `folder`，或 `webhook` 加 https 地址（仅本机可用 http）",
)
