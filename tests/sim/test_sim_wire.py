"""Packets of the adb protocol survive any cutting of the stream, and nothing broken passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sim import wire

_PACKETS = st.builds(
    wire.Packet,
    st.sampled_from([wire.OPEN, wire.OKAY, wire.WRTE, wire.CLSE]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=200),
)


@given(st.lists(_PACKETS, max_size=5), st.integers(1, 60), st.booleans())
def test_packets_come_out_as_they_went_in_however_the_stream_is_cut(
    packets: list[wire.Packet], step: int, checksum: bool
) -> None:
    data = b"".join(wire.pack(p.command, p.arg0, p.arg1, p.payload, checksum=checksum) for p in packets)
    reader = wire.PacketReader()
    reader.checksum = checksum
    found = []
    for start in range(0, len(data), step):
        reader.feed(data[start : start + step])
        while (packet := reader.next()) is not None:
            found.append(packet)
    assert found == packets


@given(st.binary(min_size=1, max_size=50), st.data())
def test_a_changed_payload_byte_is_seen_where_sums_are_checked(payload: bytes, data: st.DataObject) -> None:
    raw = bytearray(wire.pack(wire.WRTE, 1, 2, payload, checksum=True))
    place = data.draw(st.integers(24, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
    reader = wire.PacketReader()
    reader.feed(bytes(raw))
    with pytest.raises(wire.WireError, match="checksum"):
        reader.next()


def test_without_sums_the_same_packet_passes() -> None:
    reader = wire.PacketReader()
    reader.checksum = False
    reader.feed(wire.pack(wire.WRTE, 1, 2, b"abc", checksum=False))
    assert reader.next() == wire.Packet(wire.WRTE, 1, 2, b"abc")


@given(st.binary(min_size=24, max_size=24))
def test_a_header_that_is_none_is_refused_or_waited_for_but_never_taken_on_trust(header: bytes) -> None:
    reader = wire.PacketReader(limit=100)
    reader.feed(header)
    magic = int.from_bytes(header[:4], "little") ^ 0xFFFFFFFF == int.from_bytes(header[20:], "little")
    if not magic or int.from_bytes(header[12:16], "little") > 100:
        with pytest.raises(wire.WireError):
            reader.next()
