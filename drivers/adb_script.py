"""One shell script out of many commands, and many answers out of one stream.

A phone spends more on an open than on most commands, so a batch is one script: each command runs in a subshell of its
own and is followed by an end mark that no output can contain by accident, on both streams. Written for the shell of
every Android (mksh, whose tools are toybox or, before Android 6, toolbox), and for any POSIX shell in a simulator.
Pure: knows bytes, no sockets. The watchdog is in the script and needs no `timeout` program.
"""

from __future__ import annotations

import functools
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers import adb_errors
from drivers.api import Command, CommandResult, DriverError

__all__ = ["BatchReader", "Script", "compose", "pack"]

#: The most bytes of standard error that are kept for one command: it is an explanation, not an answer.
STDERR_LIMIT = 64 * 1024

# Prologue. Names start with `a_` so that no command is shadowed. All but the sleeper of other shells is a builtin: a
# fork costs more than the rest of the framing together (mksh R59, measured: fork 200 us, mark 15 us). The commands
# stand at top level, where mksh forgets each line when it has run: as a function's body they made each fork twice as
# dear.
#
# a_n TOKEN   writes the end mark: key and token are joined only when written, so that a command that prints the script
#             (`ps`, /proc/*/cmdline) cannot print a mark. Clock: EPOCHREALTIME where there is one, else /proc/uptime.
# a_k         kills what runs for the current command: children of the main shell and whatever else is in its process
#             group (found in /proc, because a pipeline's members are not children of the main shell). What starts later
#             is not in the list, so the next command is safe from a sweep that is still under way.
# a_w         the watchdog, a co-process: one line from the main shell for each command starts that command's time; a
#             status > 128 is a time-out, any other but 0 the end of the main shell.
# a_s SECONDS starts the time of the next command. A shell without co-processes gets a sleeper for each command.
# a_q         the command has ended.
_PROLOGUE = """\
exec </dev/null
a_K={key}
a_e=0
a_t=
if [ -n "${{EPOCHREALTIME-}}" ];then
a_n(){{ echo "$a_K$1 $a_e $EPOCHREALTIME"{err};}}
else
a_n(){{ read -r a_t a_x </proc/uptime;echo "$a_K$1 $a_e $a_t"{err};}}
fi 2>/dev/null
a_k(){{
read -r a_me a_x </proc/self/stat
for a_d in /proc/[0-9]*/stat;do
read -r a_l <$a_d||continue
a_p=${{a_l%% *}}
set -- ${{a_l##*) }}
[ "$2" = $$ ]||[ "$3" = $$ ]||continue
[ "$a_p" = $$ ]||[ "$a_p" = "$a_me" ]||kill -9 $a_p
done
}}
a_w(){{
while :;do
if [ -n "$a_t" ];then read -r -t $a_t a_x;else read -r a_x;fi
a_r=$?
if [ $a_r = 0 ];then a_t=$a_x
elif [ $a_r -gt 128 ];then a_k;a_t=1
else return
fi
done
}}
if [ -n "${{KSH_VERSION-}}" ];then
eval 'a_w >/dev/null 2>&1 |&'
exec 3>&p
a_s(){{ echo $1 >&3;}}
a_q(){{ :;}}
else
a_s(){{ (trap 'kill $a_z;exit' TERM;sleep $1 & a_z=$!;wait $a_z&&{{ trap '' TERM;a_k;}}) >/dev/null 2>&1 & a_w0=$!;}}
a_q(){{ kill $a_w0 2>/dev/null;}}
fi 2>/dev/null
a_n {header}
"""

#: Random bytes of a mark's key, and of its token.
_TOKEN = 5
# A command of this shape cannot break out of its parentheses, and in them the shell replaces itself by the program: no
# second fork. Anything else goes through `eval`, where a syntax error ends its own subshell only.
_WORD = r"(?:[\w./:=,@%+*?^-]|'[^'\n\0]*'|\"[^\"$`\\\n\0]*\")+"
_PLAIN = re.compile(rf"{_WORD}(?: +{_WORD})*(?: +2> ?/dev/null| +2>&1)?", re.ASCII)
_RESERVED = frozenset(
    [
        *("case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select"),
        *("then", "time", "until", "while"),
    ]
)


@dataclass(frozen=True, slots=True)
class Script:
    """A composed script: its bytes, the mark that says it has begun, and one end mark for each command."""

    text: str
    header: bytes
    marks: tuple[bytes, ...]
    commands: tuple[Command, ...]
    stderr: bool


def compose(commands: Sequence[Command], *, stderr: bool) -> Script:
    """The script that runs `commands` in order.

    Args:
        commands: what to run; each line may be anything that a shell takes, also a broken one.
        stderr: whether standard error comes back as a stream of its own (shell v2) and so needs marks too.
    """
    drawn = secrets.token_hex(_TOKEN * (len(commands) + 2))
    key, *tokens = (drawn[at : at + 2 * _TOKEN] for at in range(0, len(drawn), 2 * _TOKEN))
    err = ';echo "$a_K$1" >&2' if stderr else ""
    lines = [_PROLOGUE.format(key=key, err=err, header=tokens[0])]
    for command, token in zip(commands, tokens[1:], strict=True):
        lines.append(f"a_s {_seconds(command.timeout_s)};( {_embedded(command.script)} ) 3>&-;a_e=$?;a_q;a_n {token}\n")
    marks = [f"{key}{token}".encode() for token in tokens]
    return Script("".join(lines), marks[0], tuple(marks[1:]), tuple(commands), stderr)


def pack(commands: Sequence[Command], *, limit: int) -> list[list[Command]]:
    """`commands` in order, in as few groups as possible whose scripts are at most `limit` bytes long.

    A command that does not fit alone is a group of its own all the same; the caller refuses it.
    """
    groups: list[list[Command]] = []
    size = 0
    frame = len(compose([], stderr=True).text)
    for command in commands:
        grown = len(_embedded(command.script).encode("utf-8", "replace")) + 60
        if not groups or size + grown > limit:
            groups.append([])
            size = frame
        groups[-1].append(command)
        size += grown
    return groups


@functools.lru_cache(maxsize=4096)
def _embedded(script: str) -> str:
    first = script.split(" ", 1)[0]
    if _PLAIN.fullmatch(script) and first not in _RESERVED:
        return script
    quoted = script.replace("\0", "").replace("'", "'\\''")
    return f"eval '{quoted}'"


def _seconds(seconds: float) -> str:
    return f"{max(seconds, 0.001):.3f}".rstrip("0").rstrip(".")


@dataclass(slots=True)
class _Section:
    """What one stream said of one command so far."""

    data: bytearray = field(default_factory=bytearray)
    dropped: bool = False
    ended: bool = False


class _Stream:
    """Cuts one stream at its marks; keeps at most `limits[i]` bytes of section i, and of the rest only what may be
    the beginning of a mark."""

    def __init__(self, marks: Sequence[bytes], limits: Sequence[int], *, details: bool) -> None:
        self.sections = [_Section() for _ in marks]
        self.details: list[tuple[int | None, float | None]] = []
        self._marks, self._limits, self._with_details = marks, limits, details
        self._at, self._pending = 0, bytearray()
        self._in_mark = False

    @property
    def done(self) -> bool:
        return self._at == len(self._marks)

    @property
    def current(self) -> int:
        return self._at

    def feed(self, data: bytes) -> None:
        self._pending += data
        while not self.done and (self._tail() if self._in_mark else self._body()):
            pass
        if self.done:
            self._pending.clear()

    def flush(self) -> None:
        """The stream is over: what was held back as a possible mark belongs to the section."""
        if not self.done and not self._in_mark:
            self._keep(self._pending)
        self._pending.clear()

    def _body(self) -> bool:
        mark = self._marks[self._at]
        found = self._pending.find(mark)
        if found < 0:
            settled = len(self._pending) - len(mark) + 1
            if settled > 0:
                self._keep(self._pending[:settled])
                del self._pending[:settled]
            return False
        self._keep(self._pending[:found])
        del self._pending[: found + len(mark)]
        self._in_mark = True
        return True

    def _tail(self) -> bool:
        end = self._pending.find(b"\n")
        if end < 0:
            if len(self._pending) > 64:
                raise adb_errors.garbled("end mark")
            return False
        if self._with_details:
            self.details.append(_details(bytes(self._pending[:end])))
        del self._pending[: end + 1]
        self.sections[self._at].ended = True
        self._at += 1
        self._in_mark = False
        return True

    def _keep(self, data: bytes | bytearray) -> None:
        section = self.sections[self._at]
        room = self._limits[self._at] - len(section.data)
        section.data += data[:room] if room > 0 else b""
        section.dropped = section.dropped or len(data) > room


_UNTOLD = (None, None)
_DETAILS = re.compile(rb" (\d{1,3}) ?(\d{1,12}(?:[.,]\d{1,9})?)?\r*")


class BatchReader:
    """Puts together the answers of one script from its output, whole or not."""

    def __init__(self, script: Script) -> None:
        self._script = script
        limits = [4096, *(command.limit for command in script.commands)]
        self._out = _Stream((script.header, *script.marks), limits, details=True)
        err = (script.header, *script.marks) if script.stderr else ()
        self._err = _Stream(err, [STDERR_LIMIT] * len(err), details=False)
        self._whole: list[CommandResult] = []

    @property
    def complete(self) -> bool:
        """Whether every command's end mark has been seen, on every stream."""
        return self._out.done and self._err.done

    @property
    def commands(self) -> int:
        """How many commands the script has."""
        return len(self._script.commands)

    @property
    def ended(self) -> int:
        """How many commands' end marks have been seen on standard output."""
        return max(self._out.current - 1, 0)

    def feed(self, stream: int, data: bytes) -> None:
        """Take a piece of standard output (1) or standard error (2); raises Garbled for a broken mark."""
        (self._out if stream == 1 else self._err).feed(data)

    def results(self, broken: DriverError | None, *, base_s: float, wall_s: float, crlf: bool) -> list[CommandResult]:
        """One result for each command.

        Args:
            broken: why the stream ended before it was complete; None when it is complete.
            base_s: seconds from the start of the operation to the start of this script, on the bench's clock.
            wall_s: how long the script ran on the bench's clock: no command can have run longer, so a phone whose
                clock was set in between cannot claim it.
            crlf: the stream came through a terminal that made every line end CR LF (`shell:` before Android 7).
        """
        self._out.flush()
        self._err.flush()
        left = range(len(self._whole) + 1, len(self._script.commands) + 1)
        return self._whole + [self._result(number, broken, base_s, wall_s, crlf) for number in left]

    def whole(self, *, base_s: float, wall_s: float, crlf: bool) -> list[tuple[int, CommandResult]]:
        """The results that became whole since the last time, with their places in the script; arguments as above."""
        first, through = len(self._whole), min(self._out.current, self._err_at()) - 1
        self._whole += [self._result(at + 1, None, base_s, wall_s, crlf) for at in range(first, through)]
        return [*enumerate(self._whole[first:], first)]

    def _err_at(self) -> int:
        return self._err.current if self._script.stderr else self._out.current

    def _result(
        self, number: int, broken: DriverError | None, base_s: float, wall_s: float, crlf: bool
    ) -> CommandResult:
        command, details = self._script.commands[number - 1], self._out.details
        start, before, after = (details[at] if at < len(details) else _UNTOLD for at in (0, number - 1, number))
        out = self._out.sections[number]
        err = self._err.sections[number] if self._script.stderr else _Section(ended=True)
        code, seconds = after[0], _between(before[1], after[1], wall_s)
        failure = self._failure(command, out, err, code, seconds, broken)
        return CommandResult(
            name=command.name,
            script=command.script,
            stdout=_unix(bytes(out.data)) if crlf else bytes(out.data),
            stderr=bytes(err.data),
            exit_code=None if failure is not None and failure.code == "adb.command-overran" else code,
            started_s=base_s + _between(start[1], before[1], wall_s),
            seconds=seconds,
            failure=failure,
        )

    @staticmethod
    def _failure(
        command: Command, out: _Section, err: _Section, code: int | None, seconds: float, broken: DriverError | None
    ) -> DriverError | None:
        if not (out.ended and err.ended):
            return broken or adb_errors.output_cut()
        if code is None:
            return adb_errors.garbled("end mark")
        # The watchdog kills with signal 9. A command that killed itself that way after its time has overrun as well.
        if code == 137 and seconds >= command.timeout_s - 0.05:
            return adb_errors.command_overran(command.timeout_s)
        if out.dropped:
            return adb_errors.too_much(command.limit)
        return None


def _details(line: bytes) -> tuple[int | None, float | None]:
    found = _DETAILS.fullmatch(line)
    if found is None:
        return None, None
    return int(found[1]), float(found[2].replace(b",", b".")) if found[2] else None


def _between(began: float | None, ended: float | None, most: float) -> float:
    if began is None or ended is None:
        return 0.0
    return min(max(ended - began, 0.0), most)


def _unix(data: bytes) -> bytes:
    return data.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n")
