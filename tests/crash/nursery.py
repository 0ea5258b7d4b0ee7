"""Engines by the dozen: a process that has everything imported and forks one engine after the other.

An engine is still a process of its own that is killed as such; only the second of importing is paid once. Where it does
not pay (another environment, another world) a new nursery is begun.

    python -m tests.crash.nursery        # reads {"data": DIR, "options": [...], "log": FILE} lines, says each one's id
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Born", "born"]

#: Seconds between two looks at whether a process has ended.
LOOK_S = 0.01


@dataclass(frozen=True)
class Born:
    """A process that a nursery made; its nursery leaves a file when it has ended."""

    pid: int
    status: Path

    @property
    def returncode(self) -> int | None:
        """As of `subprocess`: None while it runs, below 0 when a signal ended it."""
        try:
            return int(self.status.read_text())
        except FileNotFoundError:
            return None

    def send_signal(self, number: int) -> None:
        """Send it, unless the process has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def wait(self) -> int:
        """Its return code, when it has one."""
        while (code := self.returncode) is None:  # noqa: ASYNC110 - another process, that tells by a file
            await asyncio.sleep(LOOK_S)
        return code


_nurseries: dict[tuple[tuple[str, str], ...], subprocess.Popen[str]] = {}


def born(data: Path, options: Sequence[str], log: Path, env: Mapping[str, str]) -> Born:
    """A new engine process, with `env` added to this process's environment."""
    key = tuple(sorted(env.items()))
    nursery = _nurseries.get(key)
    if nursery is None or nursery.poll() is not None:
        nursery = _nurseries[key] = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
        )
        assert nursery.stdin is not None
        atexit.register(nursery.stdin.close)
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(json.dumps({"data": str(data), "options": list(options), "log": str(log)}) + "\n")
    nursery.stdin.flush()
    pid = int(nursery.stdout.readline())
    return Born(pid, _status_of(log, pid))


def _status_of(log: Path, pid: int) -> Path:
    return log.with_name(f"ended-{pid}")


def _serve() -> None:
    """Fork what is asked for, and write down how each ended; ends with whoever asks, and all that it made with it."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    running: dict[int, Path] = {}
    while True:
        ready, _, _ = select.select([sys.stdin, woken], [], [])
        if woken in ready:
            os.read(woken, 512)
            _reap(running)
        if sys.stdin in ready:
            line = sys.stdin.readline()
            if not line:
                for pid in running:
                    os.kill(pid, signal.SIGKILL)
                return
            asked = json.loads(line)
            log = Path(asked["log"])
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                _become_engine(Path(asked["data"]), asked["options"], log)
            running[pid] = _status_of(log, pid)
            running[pid].unlink(missing_ok=True)
            print(pid, flush=True)


def _reap(running: dict[int, Path]) -> None:
    for pid, path in list(running.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            del running[pid]
            aside = path.with_suffix(".part")
            with contextlib.suppress(FileNotFoundError):  # its folder may be gone with the test
                aside.write_text(str(os.waitstatus_to_exitcode(status)))
                aside.replace(path)


def _become_engine(data: Path, options: Sequence[str], log: Path) -> None:
    from tests.crash.bench_process import serve

    code = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor, target in ((nothing, 0), (nothing, 1), (errors, 2)):
            os.dup2(descriptor, target)
        code = serve(data, options)
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    from station.signing import software

    software()
    _serve()
