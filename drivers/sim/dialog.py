"""The dialog "Allow USB debugging?": which hosts the phone trusts, and the tap that makes it trust another.

Stands on `adbkey`. It knows no connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from drivers.sim.adbkey import HostKey

__all__ = ["Dialog"]


class Dialog:
    """The trusted keys and the question on the screen."""

    def __init__(self, trusted: Sequence[HostKey]) -> None:
        self._trusted = list(trusted)
        self._asked: HostKey | None = None
        self._tapped: asyncio.Future[bool] | None = None
        self.shown = asyncio.Event()
        """Set while the dialog is on the screen."""

    @property
    def key(self) -> HostKey | None:
        """The key that is asked about."""
        return self._asked

    @property
    def knows_keys(self) -> bool:
        """Whether any host is trusted by its key."""
        return bool(self._trusted)

    def trusts(self, token: bytes, signature: bytes) -> bool:
        """Whether a trusted key has signed the token."""
        return any(key.signed(token, signature) for key in self._trusted)

    async def ask(self, key: HostKey) -> bool:
        """Show the question until somebody taps; a later question takes the place of an earlier one."""
        self._asked, self._tapped = key, asyncio.get_running_loop().create_future()
        tapped = self._tapped
        self.shown.set()
        try:
            return await tapped
        finally:
            if self._tapped is tapped:
                self._asked, self._tapped = None, None
                self.shown.clear()

    def allow(self, *, always: bool) -> None:
        """Tap "allow", with or without "always from this computer"; RuntimeError without a dialog."""
        tapped, key = self._open()
        if always:
            self._trusted.append(key)
        tapped.set_result(True)

    def refuse(self) -> None:
        """Tap "cancel"; RuntimeError without a dialog."""
        self._open()[0].set_result(False)

    def _open(self) -> tuple[asyncio.Future[bool], HostKey]:
        if self._tapped is None or self._asked is None or self._tapped.done():
            raise RuntimeError("no dialog is on the screen")
        return self._tapped, self._asked
