"""`assay parse`: run one parser on captured output, offline. One JSON object a line and file, in the files' order."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from probes.api import Parsed, Parser, Problem, discover
from probes.captured import fold_json
from station.errors import EXIT_BENCH, EXIT_OK, EXIT_USE
from station.i18n import _

__all__ = ["command"]

#: Largest file that is read, in bytes; real captures stay under 100 MB.
FILE_LIMIT = 256 * 1024 * 1024
#: Bug reports are read as a stream that keeps what it needs; with full log buffers they have up to 500 MB.
REPORT_LIMIT = 1024 * 1024 * 1024


def _parsed(chosen: Parser, path: Path) -> tuple[Parsed, int]:
    """What the file says, and the exit code that it asks for."""
    try:
        if chosen.kind == "bugreport" and path.is_file() and path.stat().st_size <= REPORT_LIMIT:
            from probes.bugreport import bugreport_file

            return bugreport_file(path), EXIT_OK
        if path.is_file() and path.stat().st_size > FILE_LIMIT:
            return Parsed(problems=[Problem("file", f"larger than {FILE_LIMIT} bytes")]), EXIT_USE
        data = path.read_bytes()
        return _with_reason(chosen.parse(data), chosen.kind, data), EXIT_OK
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        return Parsed(problems=[Problem("file", error.strerror or "not a file")]), EXIT_USE
    except OSError as error:
        return Parsed(problems=[Problem("file", error.strerror or type(error).__name__)]), EXIT_BENCH


def _with_reason(parsed: Parsed, kind: str, data: bytes) -> Parsed:
    """`parsed`, and why there is nothing in it when its parser found neither a fact nor a fault."""
    if parsed.problems or any(value not in (None, [], {}) for value in parsed.facts.values()):
        return parsed
    if data.strip():
        from drivers.api import CommandResult
        from probes.answers import why_nothing

        why = why_nothing(CommandResult(kind, "", data, b"", None, 0.0, 0.0))
        parsed.problems.append(Problem("file", why.en, why.zh))
    else:
        parsed.problems.append(Problem("file", "the capture is empty", "输出为空"))
    return parsed


def _line(kind: str, name: str, parsed: Parsed) -> str:
    document = {
        "kind": kind,
        "file": name,
        "facts": fold_json(parsed.facts),
        "problems": [{"what": problem.what, "why": problem.why} for problem in parsed.problems],
    }
    return json.dumps(document, allow_nan=False) + "\n"


@click.command("parse", help=_("Run one parser on captured output, offline."))
@click.argument("kind", required=False)
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help=_("The default: one JSON object a line and file."))
@click.option("--list", "list_kinds", is_flag=True, help=_("Name the kinds of output that can be read."))
@click.pass_context
def command(ctx: click.Context, kind: str | None, files: tuple[str, ...], as_json: bool, list_kinds: bool) -> None:
    """Print what each file says and what in it could not be read."""
    parsers = discover().parsers
    if list_kinds:
        sys.stdout.write(json.dumps(sorted(parsers)) + "\n" if as_json else "".join(f"{k}\n" for k in sorted(parsers)))
        return
    if kind is None or not files:
        raise click.UsageError(_("Name a kind and at least one file; `assay parse --list` names the kinds."))
    if kind not in parsers:
        raise click.UsageError(_("There is no kind {kind}; `assay parse --list` names them.").format(kind=repr(kind)))
    worst = EXIT_OK
    for name in files:
        parsed, code = _parsed(parsers[kind], Path(name))
        sys.stdout.write(_line(kind, name, parsed))
        sys.stdout.flush()
        if code:
            sys.stderr.write(_("{file} could not be read: {why}").format(file=repr(name), why=parsed.problems[0].why))
            sys.stderr.write("\n")
        worst = max(worst, code)
    ctx.exit(worst)
