"""The lines that the radios' checks have the phone run: what they say and undo in a real shell, new phones and old."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sim_host import Host

from drivers.sim.bench import SimulatedBench
from drivers.sim.persona import Persona, load_persona
from probes.api import discover
from probes.bluetooth import bluetooth_manager
from probes.connectivity import READ_NETWORKS, connectivity
from probes.fetch import fetch_script, fetched
from probes.isub import READ_SUBSCRIPTIONS, isub
from probes.location import location
from probes.nfc import nfc
from probes.wifi import scan_rows, wifi_status
from probes.wifi_join import forget_script, saved

READS = {
    read.name: read.script
    for probe in ("android.wifi", "android.bluetooth", "android.other-radios")
    for read in discover().probes[probe].reads
}
Ask = Callable[[str], Awaitable[bytes]]


@asynccontextmanager
async def phone(name: str = "healthy", **parts: Any) -> AsyncIterator[Ask]:
    """A phone that runs a line and gives what it printed."""
    known = load_persona(name)
    persona = Persona.model_validate(dict(known) | parts)
    async with SimulatedBench([persona]) as sim:
        sim.phones[0].work_ms = 0
        host = await Host.connect(sim.phones[0])
        kind = "exec:" if persona.android.sdk < 24 else "shell,v2,raw:"

        async def ask(script: str) -> bytes:
            if kind == "exec:":
                return await host.read_all(kind + script)
            return (await host.shell(script)).stdout

        yield ask
        host.close()


@pytest.mark.parametrize("sdk", [30, 33, 34])  # a row, a row for each security, all of them in one
async def test_forgetting_takes_that_network_alone(sdk: int) -> None:
    saved_before = ("Bench.Test", "Bench.Test guest", "BenchxTest")
    android = load_persona("healthy").android.model_copy(update={"sdk": sdk})
    async with phone(android=android, air={"saved": saved_before}) as ask:
        await ask("cmd wifi connect-network 'Bench.Test 2' wpa2 secret")
        assert saved(await ask("cmd wifi list-networks"), "Bench.Test 2")
        for _ in range(2):  # safe to run twice
            await ask(forget_script("Bench.Test 2"))
            listing = await ask("cmd wifi list-networks")
            assert not saved(listing, "Bench.Test 2")
            assert all(saved(listing, name) for name in saved_before)
        await ask(forget_script("Bench.Test"))
        listing = await ask("cmd wifi list-networks")
        assert [saved(listing, name) for name in saved_before] == [False, True, True]


@pytest.mark.parametrize("name", ["it's [a] $bench", "a\\b^c*"])
async def test_any_name_of_a_network_is_quoted(name: str) -> None:
    async with phone(air={"saved": (name, "other")}) as ask:
        await ask(forget_script(name))
        listing = await ask("cmd wifi list-networks")
        assert not saved(listing, name)
        assert saved(listing, "other")


async def test_a_joined_network_is_the_link_until_it_is_forgotten() -> None:
    point = {"bssid": "02:00:5e:10:20:40", "frequency_mhz": 5180, "rssi_dbm": -48, "ssid": "BenchTest"}
    async with phone(air={"access_points": (point,)}) as ask:
        await ask("cmd wifi connect-network BenchTest open")
        assert wifi_status(await ask("cmd wifi status")).facts["ssid"] == "BenchTest"
        await ask(forget_script("BenchTest"))
        assert wifi_status(await ask("cmd wifi status")).facts["ssid"] == "BenchNet"


async def test_a_page_comes_with_its_size_and_time() -> None:
    script = fetch_script("http://192.0.2.1/page?n=1")
    assert script is not None
    async with phone() as ask:
        assert fetched(await ask(script)).ok
        await ask("svc wifi disable; svc data disable")
        assert not fetched(await ask(script)).ok


async def test_without_wifi_the_mobile_network_is_the_default() -> None:
    async with phone() as ask:
        assert connectivity(await ask(READ_NETWORKS.script)).facts["default"] == "wifi"
        await ask("svc wifi disable")
        facts = connectivity(await ask(READ_NETWORKS.script)).facts
        assert (facts["default"], facts["cellular_validated"], facts["cellular_sub"]) == ("cellular", True, 1)
        assert (await ask("settings get global wifi_on")).strip() == b"0"


async def test_no_number_of_a_subscriber_leaves_the_phone() -> None:
    async with phone(mobile={"embedded": (0,)}) as ask:
        printed = await ask(READ_SUBSCRIPTIONS.script)
        assert isub(printed).facts == {"data_sub": 1, "slot0_embedded": True, "slot0_sub": 1}
        assert b"iccId" not in printed
        assert b"displayName" not in printed


async def test_no_name_of_a_paired_device_leaves_the_phone() -> None:
    async with phone() as ask:
        assert b"earphones" in await ask("dumpsys bluetooth_manager")
        assert b"earphones" not in await ask(READS["bluetooth"])


@pytest.mark.parametrize("sdk", [28, 34])
async def test_bluetooth_and_nfc_follow_their_switches(sdk: int) -> None:
    android = load_persona("healthy").android.model_copy(update={"sdk": sdk})
    async with phone(android=android, bluetooth={"start_s": 0.0}) as ask:
        for verb, state, mode in (("disable", "OFF", "off"), ("enable", "ON", "on")):
            await ask(f"svc bluetooth {verb}; svc nfc {verb}")
            assert bluetooth_manager(await ask(READS["bluetooth"])).facts["state"] == state
            assert nfc(await ask("dumpsys nfc")).facts["state"] == mode


async def test_an_old_android_answers_with_its_help_what_it_can_not_switch() -> None:
    async with phone("android5") as ask:
        assert b"Available commands:" in await ask("svc nfc enable 2>&1; echo ended $?")
        assert b"ended 0" in await ask("svc bluetooth enable 2>&1; echo ended $?")


@pytest.mark.parametrize("sdk", [21, 26, 29, 34, 36])
async def test_each_android_prints_what_its_parsers_read(sdk: int) -> None:
    android = load_persona("healthy").android.model_copy(update={"sdk": sdk})
    async with phone(android=android) as ask:
        assert bluetooth_manager(await ask(READS["bluetooth"])).facts["address_present"] is True
        assert ("top4_cn0_mean_dBHz" in location(await ask("dumpsys location")).facts) is (sdk >= 26)
        heard = scan_rows(await ask(READS["wifi-scan"]))
        assert bool(heard) is (sdk >= 26)
        assert all(row.age_s is not None for row in heard)
