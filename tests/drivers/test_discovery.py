"""What the bench is told of phones that come, flap, hang and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.api import Change, Device, DriverError, Identity, Link, LinkState, ServerDown, Side
from drivers.discovery import Discovery, Found, Presence, matching, survey
from drivers.text import Words

PHONE = Link("adb", "1", "SERIAL1", "usb:1-1", LinkState.DEVICE)


def named(changes: Sequence[Change]) -> list[str]:
    return [change.kind for change in changes]


def test_a_phone_appears_once_and_is_gone_only_after_the_window() -> None:
    presence = Presence(flap_s=2.0)
    assert named(presence.update("adb", [PHONE], 0.0)) == ["appeared"]
    assert presence.update("adb", [PHONE], 1.0) == []
    assert presence.update("adb", [], 2.0) == []
    assert presence.due() == 4.0
    assert presence.expire(3.9) == []
    assert presence.expire(4.0) == [Change("gone", PHONE)]
    assert presence.due() is None
    assert named(presence.update("adb", [PHONE], 5.0)) == ["appeared"]


def test_a_flap_is_no_unplug_and_is_counted() -> None:
    presence = Presence(flap_s=2.0)
    presence.update("adb", [PHONE], 0.0)
    presence.update("adb", [], 1.0)
    again = replace(PHONE, key="2")
    assert presence.update("adb", [again], 1.5) == [Change("changed", again, was=PHONE, flaps=1)]
    presence.update("adb", [], 3.0)
    third = replace(PHONE, key="3")
    assert presence.update("adb", [third], 3.1) == [Change("changed", third, was=again, flaps=2)]
    assert presence.due() is None


def test_offline_counts_as_away_because_network_phones_stay_listed() -> None:
    presence, offline = Presence(flap_s=2.0), replace(PHONE, state=LinkState.OFFLINE)
    presence.update("adb", [PHONE], 0.0)
    assert presence.update("adb", [offline], 1.0) == []
    assert presence.update("adb", [PHONE], 1.3) == [Change("changed", PHONE, was=PHONE, flaps=1)]
    assert presence.update("adb", [offline], 5.0) == []
    assert presence.expire(7.0) == [Change("gone", PHONE, flaps=1)]
    assert presence.update("adb", [offline], 8.0) == []
    assert presence.due() is None
    assert presence.update("adb", [PHONE], 60.0) == [Change("appeared", PHONE)]


def test_a_phone_that_was_never_anything_but_offline_is_shown_as_it_is() -> None:
    presence, offline = Presence(flap_s=2.0), replace(PHONE, state=LinkState.OFFLINE)
    assert presence.update("adb", [offline], 0.0) == []
    assert presence.expire(2.0) == [Change("appeared", offline)]
    assert presence.update("adb", [offline], 9.0) == []
    assert presence.update("adb", [PHONE], 10.0) == [Change("changed", PHONE, was=offline, flaps=0)]


def test_a_state_change_is_told_at_once_and_is_no_flap() -> None:
    presence, asking = Presence(), replace(PHONE, state=LinkState.UNAUTHORIZED)
    assert presence.update("adb", [asking], 0.0) == [Change("appeared", asking)]
    assert presence.update("adb", [PHONE], 0.1) == [Change("changed", PHONE, was=asking)]


def test_another_phone_in_the_same_port_is_another_phone() -> None:
    presence, other = Presence(flap_s=2.0), replace(PHONE, key="2", serial="SERIAL2")
    presence.update("adb", [PHONE], 0.0)
    assert presence.update("adb", [], 0.2) == []
    assert presence.update("adb", [other], 0.5) == [Change("gone", PHONE), Change("appeared", other)]
    assert presence.due() is None


def test_two_clones_in_two_ports_come_and_go_each_on_its_own() -> None:
    presence, clone = Presence(flap_s=2.0), replace(PHONE, key="2", port="usb:1-2")
    assert named(presence.update("adb", [PHONE, clone], 0.0)) == ["appeared", "appeared"]
    presence.update("adb", [PHONE], 1.0)
    assert presence.expire(3.0) == [Change("gone", clone)]


def test_clones_that_cannot_be_told_apart_are_still_two() -> None:
    presence = Presence()
    changes = presence.update("adb", [PHONE, replace(PHONE, key="2")], 0.0)
    assert sorted(change.link.key for change in changes) == ["1", "2"]


def test_a_dead_server_is_no_flap_of_any_cable() -> None:
    presence = Presence(flap_s=2.0)
    presence.update("adb", [PHONE], 0.0)
    presence.update("adb", [], 1.0, trouble=True)
    again = replace(PHONE, key="7")
    assert presence.update("adb", [again], 1.5) == [Change("changed", again, was=PHONE, flaps=0)]


def test_one_transports_list_says_nothing_about_anothers_phones() -> None:
    presence = Presence()
    presence.update("adb", [PHONE], 0.0)
    presence.update("usbmux", [], 1.0)
    assert presence.due() is None


steps = st.lists(
    st.tuples(
        st.floats(0.01, 3.0),
        st.lists(
            st.builds(
                Link,
                transport=st.just("adb"),
                key=st.sampled_from("123"),
                serial=st.sampled_from("AB"),
                port=st.sampled_from(["usb:1", "usb:2"]),
                state=st.sampled_from([LinkState.DEVICE, LinkState.OFFLINE, LinkState.UNAUTHORIZED]),
            ),
            max_size=3,
        ),
        st.booleans(),
    ),
    max_size=12,
)


@given(steps)
def test_whatever_comes_each_place_alternates_between_appeared_and_gone(
    moves: list[tuple[float, list[Link], bool]],
) -> None:
    presence, now, alive = Presence(flap_s=1.0), 0.0, dict[tuple[str, str], int]()
    changes: list[Change] = []
    for pause, links, trouble in moves:
        now += pause
        changes += presence.update("adb", links, now, trouble=trouble)
    changes += presence.update("adb", [], now + 1) + presence.expire(now + 2) + presence.expire(now + 10)
    for change in changes:
        place = (change.link.port, change.link.serial)
        alive[place] = alive.get(place, 0) + {"appeared": 1, "gone": -1, "changed": 0}[change.kind]
        assert alive[place] >= 0
        assert change.kind != "changed" or alive[place] > 0
    assert set(alive.values()) <= {0}
    assert presence.due() is None


class ScriptedTransport:
    """A transport whose lists a test hands out."""

    def __init__(self, name: str) -> None:
        self.name, self.trouble = name, None
        self.lists: asyncio.Queue[tuple[Link, ...] | Exception] = asyncio.Queue()
        self.devices: dict[str, Identity | DriverError] = {}

    async def watch(self) -> AsyncIterator[tuple[Link, ...]]:
        while True:
            links = await self.lists.get()
            if isinstance(links, Exception):
                raise links
            yield links

    async def open(self, link: Link) -> Device:
        found = self.devices[link.key]
        if isinstance(found, DriverError):
            raise found
        return _Named(link, found)

    async def close(self) -> None: ...


class _Named:
    def __init__(self, link: Link, identity: Identity) -> None:
        self.link, self._identity, self.closed = link, identity, False

    async def identify(self, *, deadline_s: float) -> Identity:
        return self._identity

    def capability(self, kind: type) -> object:
        raise AssertionError("a survey asks for the identity only")

    async def close(self) -> None:
        self.closed = True


async def test_discovery_merges_transports_and_lets_time_pass() -> None:
    adb, usb = ScriptedTransport("adb"), ScriptedTransport("usb")
    bare = Link("usb", "9", "", "usb:1-9", LinkState.BOOTLOADER)
    changes = Discovery([adb, usb], flap_s=0.05).changes().__aiter__()
    adb.lists.put_nowait((PHONE,))
    assert (await anext(changes)).link == PHONE
    usb.lists.put_nowait((bare,))
    assert (await anext(changes)).link == bare
    adb.lists.put_nowait(())
    assert await asyncio.wait_for(anext(changes), 5) == Change("gone", PHONE)
    await changes.aclose()  # type: ignore[attr-defined]


async def test_a_driver_that_breaks_takes_its_own_phones_only(caplog: pytest.LogCaptureFixture) -> None:
    adb, usb = ScriptedTransport("adb"), ScriptedTransport("usb")
    other = replace(PHONE, transport="usb", port="usb:2")
    changes = Discovery([adb, usb], flap_s=0.05).changes().__aiter__()
    adb.lists.put_nowait((PHONE,))
    assert (await anext(changes)).kind == "appeared"
    adb.lists.put_nowait(RuntimeError("a bug"))
    assert await asyncio.wait_for(anext(changes), 5) == Change("gone", PHONE)
    usb.lists.put_nowait((other,))
    assert (await anext(changes)).link == other
    assert "a bug" in caplog.text
    await changes.aclose()  # type: ignore[attr-defined]


async def test_a_survey_tells_who_is_there_and_what_keeps_the_others_silent() -> None:
    adb = ScriptedTransport("adb")
    mute = replace(PHONE, key="2", port="usb:1-2")
    trouble = ServerDown("x", Words("a", "b"), Side.BENCH, Words("c", "d"))
    adb.devices = {"1": Identity(serial="S1", imeis=("490154203237518",)), "2": trouble}
    adb.lists.put_nowait(())
    adb.lists.put_nowait((PHONE, mute))
    first, second = await survey([adb], quiet_s=0.05)
    assert first == Found(PHONE, identity=Identity(serial="S1", imeis=("490154203237518",)))
    assert second == Found(mute, trouble=trouble)


ONE = Found(PHONE, Identity(serial="39111FDJH002HY", imeis=("359208110000018", "359208110000026")))
TWO = Found(replace(PHONE, key="2", serial="127.0.0.1:5555"), Identity(serial="SERIAL12"))
MUTE = Found(replace(PHONE, key="3", serial="SERIAL12", port="usb:1-3"))


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("adb:SERIAL1", [ONE]),
        ("adb:39111FDJH002HY", [ONE]),
        ("SERIAL1", [ONE]),
        ("serial1", [ONE]),
        ("2HY", [ONE]),
        ("359208110000026", [ONE]),
        ("0000018", [ONE]),
        ("127.0.0.1:5555", [TWO]),
        ("adb:127.0.0.1:5555", [TWO]),
        ("SERIAL12", [TWO, MUTE]),
        ("SERIAL", [ONE, TWO, MUTE]),
        ("usbmux:SERIAL1", []),
        ("nobody", []),
        ("", []),
        ("  ", []),
    ],
)
def test_a_device_is_named_by_serial_or_any_part_of_serial_or_imei(wanted: str, meant: list[Found]) -> None:
    assert matching(wanted, [ONE, TWO, MUTE]) == meant
