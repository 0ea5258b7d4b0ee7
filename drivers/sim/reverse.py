"""Serves `reverse:`: ports of the phone that lead to ports of the bench, as long as the connection lives.

A simulated phone has no network of its own: nothing listens. Whoever on the phone wants to reach such a port (the
browser) asks for a stream here.
"""

from __future__ import annotations

from drivers.sim.adbd import Connection, Stream

__all__ = ["ReversedPorts"]

_FIRST_FREE = 40_000


class ReversedPorts:
    """The reversed ports of one phone, by what they are called on the phone (`tcp:8000`)."""

    def __init__(self) -> None:
        self._targets: dict[str, tuple[Connection, str]] = {}

    @property
    def names(self) -> list[str]:
        """The phone's ends, in the order they were made."""
        return list(self._targets)

    def forget(self, connection: Connection) -> None:
        """The connection is gone and its ports with it."""
        self._targets = {name: target for name, target in self._targets.items() if target[0] is not connection}

    async def open(self, name: str) -> Stream | None:
        """A stream to where `name` leads, None where nothing listens; raises `StreamClosed` when the bench refuses."""
        target = self._targets.get(name)
        return None if target is None else await target[0].open(target[1])

    async def serve(self, stream: Stream, connection: Connection, command: str) -> None:
        """Answer one request, e.g. `forward:norebind:tcp:8000;tcp:9000`."""
        await stream.write(self._answer(connection, command))

    def _answer(self, connection: Connection, command: str) -> bytes:
        if command == "list-forward":
            lines = [f"host-1 {name} {where}\n" for name, (_, where) in self._targets.items()]
            return _counted("".join(lines))
        if command == "killforward-all":
            self._targets.clear()
            return b"OKAY"
        if command.startswith("killforward:"):
            name = command.removeprefix("killforward:")
            if self._targets.pop(name, None) is None:
                return b"FAIL" + _counted(f"listener '{name}' not found")
            return b"OKAY"
        if command.startswith("forward:"):
            return self._add(connection, command.removeprefix("forward:"))
        return b"FAIL" + _counted(f"unsupported reverse command {command}")

    def _add(self, connection: Connection, pair: str) -> bytes:
        rebind = not pair.startswith("norebind:")
        name, semicolon, where = pair.removeprefix("norebind:").partition(";")
        if not semicolon or not name or not where:
            return b"FAIL" + _counted(f"bad forward: {pair}")
        chosen = name == "tcp:0"
        if chosen:
            name = f"tcp:{self._free_port()}"
        if not rebind and name in self._targets:
            return b"FAIL" + _counted(f"cannot rebind existing socket '{name}'")
        self._targets[name] = (connection, where)
        return b"OKAY" + (_counted(name.removeprefix("tcp:")) if chosen else b"")

    def _free_port(self) -> int:
        port = _FIRST_FREE
        while f"tcp:{port}" in self._targets:
            port += 1
        return port


def _counted(text: str) -> bytes:
    raw = text.encode()
    return f"{len(raw):04x}".encode() + raw
