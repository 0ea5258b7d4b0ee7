"""A simulated phone lives: it charges, warms up, has its keys pressed, its parts replaced; a seed lives one life."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_host import Host

from drivers.adb_identity import DEVICE_ID, DEVICE_ID_1, DEVICE_ID_2, binder_text
from drivers.sim.battery import BatteryModel
from drivers.sim.bench import SimulatedBench, SteppedClock
from drivers.sim.identity import make_identity
from drivers.sim.persona import Battery, Persona, load_persona, persona_names
from drivers.sim.state import PhoneState

HEALTHY = Battery(design_uah=4_500_000, full_uah=4_400_000, level=50)


def state(name: str = "healthy", seed: str = "1") -> PhoneState:
    return PhoneState(load_persona(name), seed=seed, clock=SteppedClock())


@given(
    seed=st.integers(),
    level=st.integers(0, 100),
    plugged=st.sampled_from(["", "usb", "ac"]),
    moments=st.lists(st.floats(0, 20_000), min_size=1, max_size=5),
)
@settings(max_examples=40, deadline=None)
def test_the_same_seed_gives_the_same_readings_at_the_same_second(
    seed: int, level: int, plugged: str, moments: list[float]
) -> None:
    data = HEALTHY.model_copy(update={"level": level, "plugged": plugged})
    one, other = BatteryModel(data, str(seed)), BatteryModel(data, str(seed))
    moments.sort()
    first = [one.read(moment) for moment in moments]
    assert other.read(moments[-1]) == first[-1]  # however often it was asked in between
    for reading in first:
        assert 0 <= reading.level <= 100
        assert 3_000_000 < reading.voltage_uv < 4_700_000
        assert 0 <= reading.charge_uah <= data.full_uah
        assert 150 < reading.temperature_dc < 600


def test_a_plugged_phone_charges_to_full_and_stays_there() -> None:
    battery = BatteryModel(HEALTHY, "s")
    levels = [battery.read(hour * 3600.0).level for hour in range(0, 40, 2)]
    assert levels == sorted(levels)
    assert levels[0] == 50
    assert levels[-1] == 100
    assert battery.read(40 * 3600.0).status == 5
    assert battery.read(40 * 3600.0).current_ua == 0


def test_an_unplugged_phone_drains_and_says_that_it_discharges() -> None:
    battery = BatteryModel(HEALTHY.model_copy(update={"plugged": ""}), "s")
    start, later = battery.read(0), battery.read(3600)
    assert later.level < start.level
    assert start.current_ua < 0
    assert start.status == 3
    assert later.voltage_uv < start.voltage_uv


def test_a_phone_in_use_warms_up_from_the_temperature_of_the_room() -> None:
    battery = BatteryModel(HEALTHY.model_copy(update={"plugged": "ac", "level": 20}), "s")
    cold = battery.read(0).temperature_dc
    assert battery.read(1800).temperature_dc > cold + 20


def test_a_worn_battery_sags_more_under_the_same_current() -> None:
    def sag(resistance: int) -> int:
        data = HEALTHY.model_copy(update={"plugged": "", "resistance_mohm": resistance})
        return BatteryModel(data, "s").read(0).voltage_uv

    assert sag(90) - sag(310) == pytest.approx(280_000 * 0.22, rel=0.15)


async def test_a_pulled_cable_makes_the_battery_drain_and_a_plugged_one_charge_again() -> None:
    clock = SteppedClock()
    async with SimulatedBench(["healthy"], clock=clock) as sim:
        phone = sim.phones[0]
        assert phone.state.reading().status == 2
        phone.unplug()
        clock.step(3600)
        assert phone.state.reading().status == 3
        drained = phone.state.reading().level
        await phone.plug()
        clock.step(3600)
        assert phone.state.reading().level > drained


async def test_a_new_battery_is_whole_in_everything_that_the_phone_prints() -> None:
    async with SimulatedBench(["worn-battery"]) as sim:
        phone = sim.phones[0]
        phone.work_ms = 0
        host = await Host.connect(phone)
        before = (await host.shell("dumpsys battery; dumpsys android.hardware.health.IHealth/default")).text
        phone.state.fit_battery(level=90)
        after = (await host.shell("dumpsys battery; dumpsys android.hardware.health.IHealth/default")).text
        host.close()
    assert "mSavedBatteryAsoc: [71]" in before
    assert "Full charge: 2836000\n" in before
    assert "cycle count: 1143\n" in before
    assert "mSavedBatteryAsoc: [100]" in after
    assert "Full charge: 4000000\n" in after
    assert "cycle count: 0\n" in after
    assert "  level: 90\n" in after


async def test_a_replaced_part_changes_what_the_phone_prints() -> None:
    async with SimulatedBench(["dead-proximity"]) as sim:
        phone = sim.phones[0]
        phone.work_ms = 0
        host = await Host.connect(phone)
        listed = "dumpsys sensorservice | grep -c 'android.sensor.proximity(8)'"
        assert (await host.shell(listed)).text == "0\n"
        phone.state.change(sensors=load_persona("healthy").sensors)
        assert (await host.shell(listed)).text == "1\n"
        host.close()


def test_a_change_of_something_that_a_phone_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="wings"):
        state().change(wings=2)


def test_identities_follow_the_seed() -> None:
    model = load_persona("healthy").model
    assert make_identity(model, 2, "a") == make_identity(model, 2, "a")
    assert make_identity(model, 2, "a") != make_identity(model, 2, "b")
    assert [len(imei) for imei in make_identity(model, 2, "a").imeis] == [15, 15]


@pytest.mark.parametrize("name", persona_names())
async def test_every_persona_answers_everything_that_a_checklist_asks(name: str) -> None:
    async with SimulatedBench([_open(load_persona(name))]) as sim:
        phone = sim.phones[0]
        phone.work_ms = 0
        host = await Host.connect(phone)
        old = phone.persona.android.sdk < 24
        shell = "exec:" if old else "shell,v2,raw:"
        for script, expected in (
            ("getprop ro.serialno", phone.serial),
            ("dumpsys battery", "level: "),
            ("dumpsys batterystats", "Statistics since last charge"),
            ("dumpsys sensorservice", "Sensor List:"),
            ("dumpsys media.camera", "Number of camera devices: "),
            ("dumpsys wifi", "Wi-Fi is enabled"),
            ("dumpsys telephony.registry", "mServiceState="),
            ("dumpsys diskstats", "Data-Free: "),
            ("dumpsys account", "Accounts: "),
            ("dumpsys device_policy", "Enabled Device Admins"),
            ("dumpsys dropbox", "Drop box contents: "),
            ("dumpsys meminfo", "Total RAM: "),
            ("df", "/data"),
            ("cat /proc/meminfo", "MemTotal:"),
            ("logcat -d -b crash", "--------- beginning of crash"),
            ("service call iphonesubinfo 1 s16 com.android.shell", "Result: Parcel("),
            ("getevent -lp", "KEY_POWER"),
            ("settings put system a b; settings get system a", "b"),
            ("id", "uid=2000(shell)"),
            ("date +%s", str(int(phone.state.date().timestamp()))[:6]),
        ):
            answer = await host.read_all(shell + script)
            assert expected in answer.decode("utf-8", "replace"), (script, answer[:300])
        host.close()


def _open(persona: Persona) -> Persona:
    return persona.model_copy(update={"adb": persona.adb.model_copy(update={"authorisation": "trusted"})})


async def test_the_imei_parcel_spells_the_imei_in_utf_16() -> None:
    async with SimulatedBench(["healthy"], seed=8) as sim:
        phone = sim.phones[0]
        host = await Host.connect(phone)
        for slot, call in enumerate(("1 s16 com.android.shell", "4 i32 1 s16 com.android.shell")):
            text = (await host.shell(f"service call iphonesubinfo {call}")).text
            words = [word for row in text.splitlines() for word in row.partition("'")[0].split() if len(word) == 8]
            raw = b"".join(int(word, 16).to_bytes(4, "little") for word in words)
            assert raw[8:38].decode("utf-16-le") == phone.state.identity.imeis[slot]
        assert "Permission denied" in (await host.shell("cmd phone get-imei")).stderr.decode()
        host.close()


@pytest.mark.parametrize("sdk", [28, 29, 30, 36])
async def test_each_imei_is_asked_for_by_the_number_that_the_call_has_on_that_android(sdk: int) -> None:
    healthy = load_persona("healthy")
    sims = (healthy.sims[0].model_copy(update={"state": "ABSENT"}), healthy.sims[0])  # calls go out by the second slot
    android = healthy.android.model_copy(update={"sdk": sdk})
    persona = _open(healthy.model_copy(update={"android": android, "sims": sims}))
    async with SimulatedBench([persona], seed=8) as sim:
        host = await Host.connect(sim.phones[0])
        told = [binder_text((await host.shell(script)).text) for script in (DEVICE_ID_1, DEVICE_ID_2, DEVICE_ID)]
        first, second = sim.phones[0].state.identity.imeis
        assert [one.text for one in told if one] == [first, second, second]
        host.close()


async def test_a_dead_key_is_silent_a_bouncing_one_chatters_and_a_held_one_is_marked() -> None:
    persona = load_persona("healthy").model_copy(
        update={"dead_keys": ("KEY_POWER",), "bounce_keys": ("KEY_VOLUMEUP",), "stuck_keys": ("KEY_VOLUMEDOWN",)}
    )
    async with SimulatedBench([persona]) as sim:
        phone = sim.phones[0]
        queue = phone.state.listen()
        phone.press("power", hold_s=0.01)
        phone.press("volume-up", hold_s=0.1)
        await asyncio.sleep(0.3)
        events = [queue.get_nowait() for _ in range(queue.qsize())]
        assert {event.name for event in events} == {"KEY_VOLUMEUP"}
        assert [event.value for event in events] == [1, 0, 1, 0, 1, 0]
        host = await Host.connect(phone)
        assert "KEY_VOLUMEDOWN*" in (await host.shell("getevent -lp")).text
        host.close()
        with pytest.raises(KeyError):
            phone.press("camera")


def test_a_persona_that_is_misspelt_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(FileNotFoundError, match="worn-battery"):
        load_persona("worn_battery")
