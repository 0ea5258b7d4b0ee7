"""One stream of phones coming, changing and going, out of what every transport sees.

Smooths what a bench should not be told: a phone that vanishes and is back within the flap window (a loose cable, a hub
that resets) was not unplugged. The folding is pure (`Presence`); `Discovery` only runs the transports side by side.
Must not know any transport by name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from drivers.api import Change, DriverError, Identity, Link, LinkState, Transport

__all__ = ["FLAP_S", "Discovery", "Found", "Presence", "matching", "meet", "survey"]

#: Seconds within which the same phone in the same port counts as never unplugged. A device farm saw phones vanish for
#: fractions of a second and cured most failures by one retry; a phone that restarts is away for longer.
FLAP_S = 2.0

_AGAIN_S = 1.0
_FIRST_LIST_S = 15.0  # a server that has to be started first looks for USB phones for up to 3 s (adb 36, measured)
_log = logging.getLogger(__name__)

#: Transport, port, serial, and a number where two phones claim all of these.
_Place = tuple[str, str, str, int]


@dataclass(slots=True)
class _Seen:
    """One phone in one port.

    Attributes:
        link: the newest link.
        present: whether the newest list had it.
        shown: the link as the listener knows it; None before it was announced and after it was said to be gone.
        down_since: since when it is absent or offline.
        blamed: whether its return is a flap.
    """

    link: Link
    present: bool = True
    shown: Link | None = None
    down_since: float | None = None
    blamed: bool = True
    flaps: int = 0


class Presence:
    """Folds lists of present links into changes.

    A phone is known by its port and serial. Absent or `offline` for less than the window it keeps its place, and its
    return is one flap; for longer it is gone. A phone that was never anything but `offline` is announced as such after
    the window, because somebody has to see to it. Where another phone comes to its port, one that is absent is gone at
    once: a socket holds one. While a transport is in trouble (its server is away) an absence is no flap: that is not
    the cable's doing.
    """

    def __init__(self, flap_s: float = FLAP_S) -> None:
        self._flap_s = flap_s
        self._seen: dict[_Place, _Seen] = {}

    def update(self, transport: str, links: Iterable[Link], now: float, *, trouble: bool = False) -> list[Change]:
        """The changes that a new list of a transport's links brings at `now` (seconds of any monotonic clock)."""
        changes = self.expire(now)
        places = _places(links)
        for place in [place for place in self._seen if place[0] == transport and place not in places]:
            self._miss(place, now, trouble)
        taken = {place[:2] for place in places if place not in self._seen}
        for place in [place for place, seen in self._seen.items() if place[:2] in taken and not seen.present]:
            changes.append(self._gone(place))
        for place, link in places.items():
            changes += self._meet(place, link, now, trouble)
        return changes

    def expire(self, now: float) -> list[Change]:
        """The changes that the passing of time brings."""
        changes: list[Change] = []
        for place, seen in list(self._seen.items()):
            if seen.down_since is None or now < seen.down_since + self._flap_s:
                continue
            seen.down_since = None
            if seen.shown is None:
                seen.shown = seen.link
                changes.append(Change("appeared", seen.link))
                continue
            changes.append(self._gone(place))
        return changes

    def _gone(self, place: _Place) -> Change:
        seen = self._seen[place]
        gone = Change("gone", seen.shown or seen.link, flaps=seen.flaps)
        seen.shown, seen.flaps = None, 0
        if not seen.present:
            del self._seen[place]
        return gone

    def due(self) -> float | None:
        """When `expire` will have something to say next; None while nothing is pending."""
        return min(
            (seen.down_since + self._flap_s for seen in self._seen.values() if seen.down_since is not None),
            default=None,
        )

    def _miss(self, place: _Place, now: float, trouble: bool) -> None:
        seen = self._seen[place]
        seen.present = False
        if seen.shown is None:
            del self._seen[place]
        else:
            _down(seen, now, trouble)

    def _meet(self, place: _Place, link: Link, now: float, trouble: bool) -> list[Change]:
        seen = self._seen.get(place)
        if seen is None:
            seen = self._seen[place] = _Seen(link)
            if link.state is LinkState.OFFLINE:
                _down(seen, now, trouble)
                return []
        seen.link, seen.present = link, True
        was = seen.shown
        if link.state is LinkState.OFFLINE and (was is None or was.state is not LinkState.OFFLINE):
            if was is not None:
                _down(seen, now, trouble)
            return []
        flapped = was is not None and seen.down_since is not None and seen.blamed
        seen.down_since, seen.shown = None, link
        if was is None:
            return [Change("appeared", link)]
        seen.flaps += flapped
        return [Change("changed", link, was=was, flaps=seen.flaps)] if flapped or link != was else []


def _down(seen: _Seen, now: float, trouble: bool) -> None:
    if seen.down_since is None:
        seen.down_since, seen.blamed = now, not trouble


def _places(links: Iterable[Link]) -> dict[_Place, Link]:
    """Each link at its place; clones without a port of their own are told apart by the order in which they came."""
    places: dict[_Place, Link] = {}
    for link in sorted(links, key=lambda link: (len(link.key), link.key)):
        number = 0
        while (place := (link.transport, link.port, link.serial, number)) in places:
            number += 1
        places[place] = link
    return places


class Discovery:
    """All transports of a bench as one stream of changes."""

    def __init__(self, transports: Sequence[Transport], flap_s: float = FLAP_S) -> None:
        self._transports, self._flap_s = transports, flap_s

    async def changes(self) -> AsyncIterator[Change]:
        """What appears, changes and goes, from now on; what is there already appears first. Ends only by closing it."""
        presence = Presence(self._flap_s)
        loop = asyncio.get_running_loop()
        lists: asyncio.Queue[tuple[str, tuple[Link, ...], bool]] = asyncio.Queue()
        watches = [asyncio.create_task(_watch(each, lists), name=f"watch-{each.name}") for each in self._transports]
        try:
            while True:
                due = presence.due()
                try:
                    async with asyncio.timeout_at(due):
                        name, links, trouble = await lists.get()
                    changes = presence.update(name, links, loop.time(), trouble=trouble)
                except TimeoutError:
                    changes = presence.expire(loop.time())
                for change in changes:
                    yield change
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)


async def _watch(transport: Transport, lists: asyncio.Queue[tuple[str, tuple[Link, ...], bool]]) -> None:
    """Pass on what one transport sees; a driver that breaks is in trouble alone and is tried again."""
    while True:
        try:
            async with contextlib.aclosing(transport.watch()) as watch:  # type: ignore[type-var]
                async for links in watch:
                    lists.put_nowait((transport.name, links, transport.trouble is not None))
        except Exception:
            _log.exception("the transport %s broke", transport.name)
        lists.put_nowait((transport.name, (), True))
        await asyncio.sleep(_AGAIN_S)


@dataclass(frozen=True, slots=True)
class Found:
    """One phone as a survey met it: who it says it is, or what kept it from saying so."""

    link: Link
    identity: Identity | None = None
    trouble: DriverError | None = None


async def survey(transports: Sequence[Transport], *, quiet_s: float = 0.5, identify_s: float = 5.0) -> list[Found]:
    """Every phone that is plugged in now, in the transports' order, each asked who it is.

    Args:
        transports: whom to ask.
        quiet_s: a transport's list is taken for complete when it has not changed for so long.
        identify_s: seconds that each phone gets; they are asked side by side.
    """
    lists = await asyncio.gather(*(_settled(transport, quiet_s) for transport in transports))
    pairs = [(transport, link) for transport, links in zip(transports, lists, strict=True) for link in links]
    return list(await asyncio.gather(*(meet(transport, link, identify_s) for transport, link in pairs)))


async def _settled(transport: Transport, quiet_s: float) -> tuple[Link, ...]:
    """The links of a transport once they stay as they are."""
    links: tuple[Link, ...] = ()
    patience = _FIRST_LIST_S
    watch = transport.watch().__aiter__()
    try:
        while True:
            async with asyncio.timeout(patience):
                links = await watch.__anext__()
            patience = quiet_s
    except (TimeoutError, StopAsyncIteration):
        return links
    finally:
        if isinstance(watch, AsyncGenerator):
            await watch.aclose()


async def meet(transport: Transport, link: Link, identify_s: float) -> Found:
    """Who is at a link, asked once within `identify_s` seconds, or what keeps it from telling."""
    try:
        device = await transport.open(link)
        try:
            return Found(link, identity=await device.identify(deadline_s=identify_s))
        finally:
            await device.close()
    except DriverError as error:
        return Found(link, trouble=error)


def matching(wanted: str, found: Sequence[Found]) -> list[Found]:
    """The phones that `wanted` may mean: `adb:SERIAL` (the transport's serial or the phone's own), or any part of a
    serial or IMEI. Whole names come before parts; more than one answer means that somebody has to choose."""
    text = wanted.strip().casefold()
    if not text:
        return []
    whole = [
        each
        for each in found
        if text in _names(each) or text in {f"{each.link.transport}:{name}" for name in _names(each)}
    ]
    return whole or [each for each in found if any(text in name for name in _names(each))]


def _names(found: Found) -> set[str]:
    """What a phone is called by: serials and IMEIs, in small letters."""
    own = (found.identity.serial, *found.identity.imeis) if found.identity else ()
    return {name.casefold() for name in (found.link.serial, *own) if name}
