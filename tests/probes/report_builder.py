"""Builds bug reports in the forms that dumpstate has printed since Android 5, out of any outputs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

RULE = "=" * 56
DASHES = "-" * 79


@dataclass
class ReportText:
    """What goes into a report: services by name, sections by name with the command in brackets."""

    services: Mapping[str, bytes] = field(default_factory=dict)
    sections: Mapping[tuple[str, str], bytes] = field(default_factory=dict)
    taken: str = "2023-11-14 22:24:00"
    done: bool = True

    def head(self) -> bytes:
        lines = [
            RULE, f"== dumpstate: {self.taken}", RULE, "", "Build: AB1A.240101.001",
            "Build fingerprint: 'bench/one/one:14/AB1A.240101.001/1:user/release-keys'", "Bootloader: unknown",
            "Radio: bb-1.2.3", "Network: Bench Mobile", "Kernel: Linux version 5.10.177-bench", "",
        ]  # fmt: skip
        return "\n".join(lines).encode() + b"\n"

    def tail(self) -> bytes:
        return f"{RULE}\n== dumpstate: done (id 1)\n{RULE}\n".encode() if self.done else b""

    def old(self) -> bytes:
        """As Android 5 and 6 print it: no durations, `[command: 0.1s elapsed]` after a section."""
        out = [self.head()]
        for (name, command), data in self.sections.items():
            out += [f"------ {name} ({command}) ------\n".encode(), data]
            out.append(f"[{command}: 0.049s elapsed]\n\n".encode())
        out.append(b"------ DUMPSYS (dumpsys) ------\n")
        for name, data in self.services.items():
            out += [f"{DASHES}\nDUMP OF SERVICE {name}:\n".encode(), data]
        out += [b"[dumpsys: 30.112s elapsed]\n\n", self.tail()]
        return b"".join(out)

    def new(self, *, priority: str = "") -> bytes:
        """As Android 8 and later print it: a duration after each section and service."""
        out = [self.head()]
        for (name, command), data in self.sections.items():
            out += [f"------ {name} ({command}) ------\n".encode(), data]
            out.append(f"------ 0.049s was the duration of '{name}' ------\n".encode())
        out.append(b"------ DUMPSYS (/system/bin/dumpsys) ------\n")
        for name, data in self.services.items():
            out += [f"{DASHES}\nDUMP OF SERVICE {priority}{name}:\n".encode(), data]
            out.append(
                f"--------- 0.008s was the duration of dumpsys {name}, ending at: 2023-11-14 22:24:01\n".encode()
            )
        out += [b"------ 31.000s was the duration of 'DUMPSYS' ------\n", self.tail()]
        return b"".join(out)


def zipped(text: bytes, files: Mapping[str, bytes] | None = None, *, main: str = "bugreport-one-AB1A.txt") -> bytes:
    """Today's zip around a report's text; `files` are the copied ones by their name in the zip."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("version.txt", "2.0")
        for name, data in (files or {}).items():
            archive.writestr(name, data)
        archive.writestr(main, text)
        archive.writestr("main_entry.txt", main)
    return made.getvalue()
