"""Every fault that can be ordered strikes as ordered, and a phone without faults is well again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sim_host import Host, unframed, until

from drivers.sim import wire
from drivers.sim.bench import Fault, FaultKind, SimulatedBench, SimulatedPhone


@pytest.fixture
async def phone() -> AsyncIterator[SimulatedPhone]:
    async with SimulatedBench(["healthy"]) as sim:
        sim.phones[0].work_ms = 0
        yield sim.phones[0]


@pytest.fixture
async def host(phone: SimulatedPhone) -> AsyncIterator[Host]:
    host = await Host.connect(phone)
    yield host
    host.close()


async def passes(seconds: float, host: Host, service: str) -> bool:
    """Whether the service says everything within `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await host.read_all(service)
    except TimeoutError:
        return False
    return True


async def test_a_hanging_service_never_even_says_okay(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.HANG, service="^shell")
    assert not await passes(0.3, host, "shell,v2,raw:id")
    assert phone.opens[-1].service == "shell,v2,raw:id"


async def test_a_fault_strikes_only_what_it_names(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.HANG, service="getprop")
    assert await passes(5, host, "shell,v2,raw:id")


async def test_a_fault_with_a_count_strikes_so_often_and_no_more(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.NO_EXIT, service="shell", times=2)
    assert [(await host.shell("true")).code for _ in range(4)] == [None, None, 0, 0]


async def test_a_phone_is_well_again_when_the_fault_is_taken_away(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.EXIT_CODE, exit_code=99)
    assert (await host.shell("true")).code == 99
    phone.fault = None
    assert (await host.shell("true")).code == 0


async def test_a_service_that_hangs_in_the_middle_keeps_what_it_has_said(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.HANG, service="shell", after_bytes=9)
    await host.open("shell,v2,raw:echo 0123456789")
    packet = await host.packet()
    assert (packet.command, len(packet.payload)) == (wire.WRTE, 9)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await host.packet()


async def test_a_cut_ends_the_stream_without_an_exit_packet(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.CUT, service="shell", after_bytes=5 + 4)
    ran = await host.shell("echo 0123456789")
    assert (ran.stdout, ran.code, ran.rest) == (b"", None, b"\x01\x0b\0\0\x000123")


async def test_a_cut_may_pretend_to_be_the_whole_answer(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.CUT, command="^dumpsys battery", after_bytes=30)
    ran = await host.shell("dumpsys battery; echo next")
    assert ran.stdout == b"Current Battery Service state:next\n"
    assert ran.code == 0


async def test_a_cut_with_an_exit_code_closes_the_stump_properly(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.CUT, service="shell", after_bytes=0, exit_code=0)
    ran = await host.shell("echo 0123456789")
    assert (ran.stdout, ran.code) == (b"", 0)


async def test_a_dribble_comes_a_byte_at_a_time(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.DRIBBLE, service="shell", seconds=0.02)
    started = asyncio.get_running_loop().time()
    assert (await host.shell("echo 0123456789")).stdout == b"0123456789\n"
    assert asyncio.get_running_loop().time() - started >= 0.02 * 20


async def test_a_command_may_dribble_on_its_own(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.DRIBBLE, command="getprop", seconds=0.01)
    assert (await host.shell("getprop ro.build.version.sdk; id -u >/dev/null")).text == "34\n"


async def test_garbage_takes_the_place_of_the_framing(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.GARBAGE, service="shell")
    data = await host.read_all("shell,v2,raw:echo 0123456789")
    assert len(data) == 5 + 11 + 5 + 1
    assert unframed(data).stdout != b"0123456789\n"


async def test_a_command_may_answer_garbage_of_the_right_length(host: Host, phone: SimulatedPhone) -> None:
    whole = await host.shell("dumpsys battery")
    phone.fault = Fault(FaultKind.GARBAGE, command="dumpsys", after_bytes=40)
    spoilt = await host.shell("dumpsys battery")
    assert spoilt.stdout[:40] == whole.stdout[:40]
    assert len(spoilt.stdout) == len(whole.stdout)
    assert spoilt.stdout != whole.stdout


async def test_a_flood_pours_as_much_as_was_ordered_in_frames(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.FLOOD, service="shell", size=3_000_000)
    ran = await host.shell("getprop")
    assert (len(ran.stdout), ran.code) == (3_000_000, 0)


async def test_one_command_of_a_script_may_flood(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.FLOOD, command="dumpsys wifi", size=3_000_000)
    ran = await host.shell("dumpsys wifi; echo end")
    assert len(ran.stdout) == 3_000_000 + 4
    assert ran.stdout.endswith(b"end\n")


async def test_a_flood_stops_when_the_host_hangs_up(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.FLOOD, command="dumpsys wifi", size=100 * 1024 * 1024)
    remote = await host.open("shell,v2,raw:dumpsys wifi")
    assert remote is not None
    assert (await host.packet()).command == wire.WRTE
    host.send(wire.CLSE, host.local_id, remote)
    channels = phone.sandbox.channels
    await until(lambda: not list(channels.iterdir()))


async def test_a_delay_comes_before_the_answer(host: Host, phone: SimulatedPhone) -> None:
    for fault in (
        Fault(FaultKind.DELAY, service="shell", seconds=0.3),
        Fault(FaultKind.DELAY, command="id", seconds=0.3),
    ):
        phone.fault = fault
        started = asyncio.get_running_loop().time()
        assert (await host.shell("id")).code == 0
        assert asyncio.get_running_loop().time() - started >= 0.3


async def test_a_flap_drops_the_connection_and_the_phone_is_back_in_time(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.FLAP, command="dumpsys battery", seconds=0.2, times=1)
    with pytest.raises(EOFError):
        await host.shell("echo before; dumpsys battery")
    assert phone.connected_hosts == 0
    again = None
    async with asyncio.timeout(10):
        while again is None:
            try:
                again = await Host.connect(phone)
            except OSError:
                await asyncio.sleep(0.02)
    assert (await again.shell("dumpsys battery")).text.startswith("Current Battery Service state:")
    again.close()


async def test_a_phone_listens_where_it_is_wanted_unless_somebody_else_does() -> None:
    async with SimulatedBench(["healthy", "healthy"], seed=4) as sim:
        first, taken = sim.phones[0].port, sim.phones[1].port
        sim.phones[0].unplug()
        async with SimulatedBench(["healthy", "healthy", "healthy"], seed=4, ports=[first, taken]) as again:
            assert again.phones[0].port == first
            assert len({taken, *(phone.port for phone in again.phones)}) == 4


async def test_plugging_a_phone_twice_at_once_plugs_it_once(phone: SimulatedPhone) -> None:
    address = phone.address
    phone.unplug()
    await asyncio.gather(phone.plug(), phone.plug())
    assert phone.address == address
    phone.unplug()
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection(*address.split(":"))


async def test_a_flap_may_come_in_the_middle_of_an_answer(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.FLAP, service="shell", after_bytes=100, seconds=0.1)
    with pytest.raises(EOFError):
        await host.shell("getprop")


async def test_files_can_be_cut_and_hang_like_everything_else(host: Host, phone: SimulatedPhone) -> None:
    phone.fault = Fault(FaultKind.CUT, service="^sync:", after_bytes=6)
    remote = await host.open("sync:")
    assert remote is not None
    name = b"/sdcard"
    host.send(wire.WRTE, host.local_id, remote, b"STA2" + len(name).to_bytes(4, "little") + name)
    packets = [await host.packet() for _ in range(3)]
    assert [packet.command for packet in packets] == [wire.OKAY, wire.WRTE, wire.CLSE]
    assert len(packets[1].payload) == 6


async def test_unknown_services_are_refused_and_the_connection_lives_on(host: Host) -> None:
    for service in ("jdwp", "track-jdwp", "localabstract:x", "shellx:id", "tcpip:5555", "", "exec,v2:id"):
        assert await host.open(service) is None, service
    assert (await host.shell("true")).code == 0


async def test_a_broken_packet_ends_the_connection_and_only_that(host: Host, phone: SimulatedPhone) -> None:
    host.send_raw(b"GET / HTTP/1.1\r\nHost: phone\r\n\r\n")
    with pytest.raises(EOFError):
        await host.packet()
    again = await Host.connect(phone)
    assert (await again.shell("true")).code == 0
    again.close()


async def test_an_old_phone_demands_checksums_and_sends_them() -> None:
    async with SimulatedBench(["android5"]) as sim:
        host = await Host.connect(sim.phones[0])
        assert host.checksum
        assert (await host.read_all("shell:echo hi")) == b"hi\r\n"
        host.checksum = False
        with pytest.raises(EOFError):
            await host.read_all("shell:echo hi")


async def test_a_new_phone_speaks_with_checksums_to_an_old_host(phone: SimulatedPhone) -> None:
    host = await Host.connect(phone, version=wire.VERSION_CHECKSUM)
    assert host.checksum
    assert (await host.shell("echo hi")).text == "hi\n"
    host.close()


async def test_payloads_stay_under_what_an_old_phone_can_hold() -> None:
    async with SimulatedBench(["android5"]) as sim:
        host = await Host.connect(sim.phones[0])
        remote = await host.open("exec:getprop")
        sizes = []
        while (packet := await host.packet()).command != wire.CLSE:
            if packet.command == wire.WRTE:
                sizes.append(len(packet.payload))
                host.send(wire.OKAY, host.local_id, remote or 0)
        assert max(sizes) <= 4096
        host.close()
