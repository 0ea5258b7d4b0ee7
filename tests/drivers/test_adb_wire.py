"""The smart socket's and the shell stream's bytes, whole, cut and hostile."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import adb_wire
from drivers.adb_wire import MAX_FRAME, Deadline, ServerAddress, ShellStream, Wire, parse_devices, request
from drivers.api import Garbled, LinkState


def frame(number: int, payload: bytes) -> bytes:
    return struct.pack("<BI", number, len(payload)) + payload


def joined(pieces: list[tuple[int, bytes]], number: int) -> bytes:
    return b"".join(payload for stream, payload in pieces if stream == number)


frames = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=12)


@given(frames, st.integers(0, 255), st.lists(st.integers(0, 600), max_size=8))
def test_a_shell_stream_reads_the_same_however_it_is_chopped(
    sent: list[tuple[int, bytes]], code: int, cuts: list[int]
) -> None:
    wire = b"".join(frame(*each) for each in sent) + frame(3, bytes([code]))
    stream, pieces, at = ShellStream(), [], 0
    for cut in [*sorted(cuts), len(wire)]:
        pieces += stream.feed(wire[at:cut])
        at = max(at, cut)
    for number in (1, 2):
        assert joined(pieces, number) == b"".join(payload for stream, payload in sent if stream == number)
    assert stream.exit_code == code


@given(frames, st.integers(0, 600))
def test_a_cut_shell_stream_keeps_its_beginning_and_has_no_exit_code(sent: list[tuple[int, bytes]], cut: int) -> None:
    wire = b"".join(frame(*each) for each in sent) + frame(3, b"\0")
    stream = ShellStream()
    pieces = stream.feed(wire[: min(cut, len(wire) - 1)])
    assert stream.exit_code is None
    whole = b"".join(payload for number, payload in sent if number == 1)
    assert whole.startswith(joined(pieces, 1))


@given(st.binary(max_size=400))
def test_garbage_is_either_frames_or_garbled_and_never_more_bytes_than_came(data: bytes) -> None:
    try:
        pieces = ShellStream().feed(data)
    except Garbled:
        return
    assert sum(len(payload) for _, payload in pieces) <= len(data)


@pytest.mark.parametrize(
    "head",
    [
        struct.pack("<BI", 1, MAX_FRAME + 1),
        struct.pack("<BI", 2, 0xFFFFFFFF),
        struct.pack("<BI", 3, 0),
        struct.pack("<BI", 3, 4),
        struct.pack("<BI", 0, 3),
        struct.pack("<BI", 77, 3),
    ],
)
def test_a_frame_that_no_phone_sends_is_garbled_before_it_is_waited_for(head: bytes) -> None:
    with pytest.raises(Garbled) as caught:
        ShellStream().feed(head)
    assert caught.value.what.en
    assert caught.value.what.zh


def test_what_follows_the_exit_frame_is_ignored() -> None:
    stream = ShellStream()
    assert stream.feed(frame(1, b"a") + frame(3, b"\x07") + b"\xff" * 40) == [(1, b"a")]
    assert stream.exit_code == 7
    assert stream.feed(b"\xff" * 40) == []


def test_a_request_carries_its_length_in_bytes_not_in_signs() -> None:
    assert request("host:version") == b"000chost:version"
    assert request("é") == b"0002\xc3\xa9"
    with pytest.raises(ValueError, match="65536"):
        request("x" * 65536)


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        ("tcp:5038", ServerAddress("127.0.0.1", 5038)),
        ("tcp:bench-2:5037", ServerAddress("bench-2", 5037)),
        ("tcp:[::1]:5037", ServerAddress("::1", 5037)),
        ("localfilesystem:/run/adb.sock", ServerAddress(path="/run/adb.sock")),
        ("localabstract:adb", ServerAddress(path="\0adb")),
        ("tcp:", None),
        ("tcp:abc", None),
        ("tcp:70000", None),
        ("tcp:0", None),
        ("tcp:٣", None),
        ("5037", None),
        ("", None),
    ],
)
def test_a_server_address_is_read_in_adbs_own_notation(spec: str, address: ServerAddress | None) -> None:
    assert ServerAddress.parse(spec) == address


def test_usb_phones_have_their_socket_as_port_and_network_phones_their_address() -> None:
    usb, net = parse_devices(
        "29481FDH2000AB         device usb:1-1.2 product:cheetah model:Pixel_7_Pro device:cheetah transport_id:3\n"
        "127.0.0.1:41234        device product:a model:b device:c transport_id:12\n"
    )
    assert (usb.serial, usb.port, usb.key, usb.model) == ("29481FDH2000AB", "usb:1-1.2", "3", "Pixel 7 Pro")
    assert (net.serial, net.port, net.key, net.state) == ("127.0.0.1:41234", "127.0.0.1:41234", "12", LinkState.DEVICE)
    assert usb.id == "adb:29481FDH2000AB"


@pytest.mark.parametrize(
    ("line", "serial", "state", "port"),
    [
        ("0123456789ABCDEF       unauthorized usb:3-4 transport_id:7", "0123456789ABCDEF", "unauthorized", "usb:3-4"),
        (
            "????????????           no permissions (user bench is not in the plugdev group); see "
            "[http://developer.android.com/tools/device.html] usb:1-1 transport_id:1",
            "????????????",
            "no-permissions",
            "usb:1-1",
        ),
        ("(no serial number)     device usb:1-3 transport_id:2", "(no serial number)", "device", "usb:1-3"),
        ("A                      offline transport_id:9", "A", "offline", "A"),
        ("A                      recovery usb:1-1 transport_id:9", "A", "recovery", "usb:1-1"),
        ("A                      detached usb:1-1 transport_id:9", "A", "offline", "usb:1-1"),
        ("A                      flying usb:1-1 transport_id:9", "A", "unknown", "usb:1-1"),
    ],
)
def test_every_state_word_is_read(line: str, serial: str, state: str, port: str) -> None:
    (link,) = parse_devices(line)
    assert (link.serial, link.state.value, link.port) == (serial, state, port)


def test_clones_with_one_serial_are_two_links() -> None:
    links = parse_devices(
        "0123456789ABCDEF device usb:1-1 product:x model:y device:z transport_id:1\n"
        "0123456789ABCDEF device usb:1-2 product:x model:y device:z transport_id:2\n"
    )
    assert [(link.key, link.port) for link in links] == [("1", "usb:1-1"), ("2", "usb:1-2")]


@given(st.text(max_size=300))
def test_any_text_is_read_without_raising_and_every_link_has_a_transport_id(text: str) -> None:
    for link in parse_devices(text):
        assert link.key.isdigit()


@pytest.mark.parametrize("filler", [" ", " device", " usb:1", "x ", " model:y"])
def test_a_list_full_of_nonsense_is_read_in_no_time(filler: str) -> None:
    text = (filler * 65535)[:65000]
    began = time.monotonic()
    parse_devices(text)
    parse_devices(text + " transport_id:1")
    assert time.monotonic() - began < 1.0


def test_what_floods_is_read_at_a_measured_rate_and_no_longer_than_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(adb_wire, "FREELY", 1000)
    monkeypatch.setattr(adb_wire, "BYTES_PER_S", 1000)
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = Wire(ServerAddress(port=server.getsockname()[1]), Deadline.after(60.0))
        wire.connect()
        with server.accept()[0] as phone:
            monkeypatch.setattr(time, "sleep", slept.append)
            phone.sendall(bytes(1000))
            got = len(wire.listen())
            while got < 1000:
                got += len(wire.listen())
            assert not slept
            phone.sendall(bytes(100_000))
            while got < 101_000:
                got += len(wire.listen())
        wire.close()
    assert 50.0 < max(slept) <= 60.0
