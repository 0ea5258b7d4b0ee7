"""The command line: one program, `assay`; each command's module is loaded only when it is called.

stdout carries the answer and nothing else; progress and messages go to stderr. Exit codes are in `station.errors`.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from drivers.text import Words
from station import __version__

__all__ = ["main"]

#: Every command, in the order of docs/commands.md: its module in `station.commands` (whose `command` is the click
#: command) and its one line of help.
COMMANDS: dict[str, tuple[str, Words]] = {
    "demo": ("demo", Words("show the whole way on a simulated bench", "在模拟工位上演示全流程")),
    "devices": ("devices", Words("every phone that is seen, and what blocks it", "列出可见的手机及其受阻原因")),
    "vendors": (
        "vendors",
        Words("each maker's menus, switches and service codes", "各厂商的菜单、开关与工程码"),
    ),
    "undo": ("undo", Words("undo what checks left changed on phones", "恢复检测在手机上遗留的改动")),
    "identify": ("identify", Words("who one phone says it is", "查看一台手机的身份信息")),
    "run": ("run", Words("run a checklist on a phone", "对手机执行检测清单")),
    "parse": ("parse", Words("run one parser on captured output, offline", "离线解析已采集的输出")),
    "ticket": ("ticket", Words("tickets: new, show, list", "工单：新建、查看、列出")),
    "bundle": ("bundle", Words("move a ticket between stations: export, import", "工单在工位间流转：导出、导入")),
    "photo": ("photo", Words("take a picture with a webcam of this computer", "用本机摄像头拍照")),
    "intake": ("intake", Words("take a phone in", "接件")),
    "release": ("release", Words("let a phone go, or say why not", "放行，或说明原因")),
    "diagnose": (
        "diagnose",
        Words("what may be wrong, why, and what to try first", "可能的故障原因、依据与维修方案"),
    ),
    "remedy": (
        "remedy",
        Words("restart, safe mode or reset, then repeat what failed", "重启、安全模式或重置，然后重测不合格项"),
    ),
    "reference": (
        "reference",
        Words("what good phones of a model measure: add, take, list, show", "标准样机读数：新增、采用、列出、查看"),
    ),
    "study": ("study", Words("how well checks repeat: new, run, show", "重复性研究：新建、测量、查看")),
    "diff": ("diff", Words("the phone before the repair against after it", "对比维修前后的手机")),
    "verify": ("verify", Words("verify records, a bundle or the ledger, offline", "离线校验记录、工单包或台账")),
    "export": ("export", Words("a ticket's records in other formats", "以其他格式导出工单记录")),
    "ledger": ("ledger", Words("the ledger: show, heads, rebuild", "台账：查看、校验点、重建")),
    "backup": ("backup", Words("everything of this station in one verified file", "整站备份为一个经校验的文件")),
    "restore": ("restore", Words("put a backup into an empty data folder", "将备份恢复到空的数据目录")),
    "upload": ("upload", Words("send records to head office", "向总部上传记录")),
    "outbox": ("outbox", Words("what head office has not acknowledged", "查看总部尚未确认的记录")),
    "sign": ("sign", Words("sign off what you did on a ticket", "对本人完成的工作签字")),
    "checklist": ("checklist", Words("checklists: list, show, validate, new", "检测清单：列出、查看、校验、新建")),
    "stock": ("stock", Words("parts on the shelf: add, list, move", "备件库存：入库、查看、移动")),
    "person": (
        "person",
        Words(
            "people: add, list, qualify, rotate, revoke, carry", "人员：登记、查看、资格、换密钥、吊销、转至其他工位"
        ),
    ),
    "station": (
        "station",
        Words("this station: enrol, show, invite, join, rotate", "本工位：注册、查看、邀请、加入、换密钥"),
    ),
    "headoffice": (
        "headoffice",
        Words("the receiving side: init, serve, approve, stats, export", "总部端：初始化、接收、批准、统计、导出"),
    ),
    "engine": ("engine", Words("the process that owns the phones", "管理手机的引擎进程")),
    "doctor": ("doctor", Words("whether this bench is well, and how to mend it", "检查本工位状态及修复方法")),
}


def _steps() -> dict[str, Any]:
    """Every step of a ticket's life; loaded only for a command that is none of the above, and for help."""
    from station.steps import steps

    return steps()


def _step_command(name: str) -> Any:
    """The command of that step, or None."""
    step = _steps().get(name)
    if step is None:
        return None
    from station.commands.steps import command_of

    return command_of(step)


def _version() -> int:
    sys.stdout.write(f"assay {__version__}\n")
    return 0


def _group() -> Any:
    import click

    from station.i18n import _, words

    class Commands(click.Group):
        """Knows the names and help lines of all commands and loads a module only to run it."""

        def list_commands(self, ctx: click.Context) -> list[str]:
            return [*COMMANDS, *(name for name in _steps() if name not in COMMANDS)]

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            if cmd_name not in COMMANDS:
                found: click.Command | None = _step_command(cmd_name)
                return found
            module = importlib.import_module(f"station.commands.{COMMANDS[cmd_name][0]}")
            command: click.Command = module.command
            return command

        def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
            with formatter.section(_("Commands")):
                formatter.write_dl([(name, words(entry[1])) for name, entry in COMMANDS.items()])
            with formatter.section(_("The steps of a ticket, each one signed record")):
                formatter.write_dl(
                    [(name, words(step.about)) for name, step in _steps().items() if name not in COMMANDS]
                )

    def choose_data(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        if value:
            os.environ["ASSAY_DATA"] = value
        return value

    hidden: dict[str, Any] = {"expose_value": False}

    @click.group(
        cls=Commands,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        help=_("Assay: phones measured, judged and signed for at the repair bench."),
    )
    @click.option("--lang", type=click.Choice(["en", "zh"]), help=_("Language of this command."), **hidden)
    @click.option("--data", metavar="DIR", callback=choose_data, is_eager=True, help=_("The data folder."), **hidden)
    @click.version_option(__version__, message="assay %(version)s")
    @click.pass_context
    def assay(ctx: click.Context) -> None:
        if ctx.invoked_subcommand is None:
            module = importlib.import_module("station.commands.ui")
            ctx.exit(module.open_screen())

    return assay


def main(argv: list[str] | None = None) -> int:
    """Run one command and end the process with its exit code."""
    args = _global_first(sys.argv[1:] if argv is None else argv)
    if args == ["--version"]:
        sys.exit(_version())
    from station.errors import EXIT_BENCH, EXIT_STOPPED, Trouble

    chosen = _only_global(args)
    try:
        code = _run(args) if chosen is None else _screen(**chosen)
    except KeyboardInterrupt:
        code = EXIT_STOPPED
    except Trouble as trouble:
        _explain(trouble.what, trouble.side.value, trouble.next_step)
        code = trouble.exit_code
    except Exception as error:
        from drivers.api import DriverError

        if not isinstance(error, DriverError):
            raise
        _explain(error.what, error.side.value, error.next_step)
        code = EXIT_BENCH
    sys.exit(code if isinstance(code, int) else 0)


def _only_global(args: list[str]) -> dict[str, str] | None:
    """The global options where nothing else was typed: then the screen opens, and need not wait for click."""
    chosen = dict(zip(args[::2], args[1::2], strict=False))
    plain = len(chosen) * 2 == len(args) and chosen.keys() <= {"--lang", "--data"}
    if not plain or chosen.get("--lang", "en") not in ("en", "zh"):
        return None
    return {name.removeprefix("--"): value for name, value in chosen.items()}


def _screen(lang: str = "", data: str = "") -> int:
    from station.commands.ui import open_screen
    from station.i18n import default_language, set_language

    set_language(lang or default_language())
    if data:
        os.environ["ASSAY_DATA"] = data
    return open_screen()


def _run(args: list[str]) -> Any:
    """Have click run one command; what it returns is the exit code."""
    import click

    from station.errors import EXIT_STOPPED, EXIT_USE
    from station.i18n import default_language, let_click_follow, set_language

    set_language(_asked_language(args) or default_language())
    let_click_follow()
    try:
        return _group().main(args=args, prog_name="assay", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        return EXIT_STOPPED
    except click.ClickException as error:
        error.show(sys.stderr)
        return EXIT_USE


def _global_first(args: list[str]) -> list[str]:
    """`--lang` and `--data` are taken wherever they stand, as people type them."""
    front, rest = [], []
    words = iter(args)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in ("--lang", "--data"):
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word.startswith(("--lang=", "--data=")):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def _asked_language(args: list[str]) -> str:
    """What `--lang` says, or nothing: help is written before click has looked at any option."""
    asked = ""
    for word, value in zip(args, [*args[1:], ""], strict=True):
        if word == "--":
            break
        name, equals, joined = word.partition("=")
        if name == "--lang":
            asked = joined if equals else value
    return asked if asked in ("en", "zh") else ""


def _explain(what: Words, side: str, next_step: Words) -> None:
    from station.i18n import words

    sides = {
        "phone": Words("phone", "手机"),
        "cable": Words("cable", "数据线"),
        "bench": Words("bench", "工位"),
        "person": Words("person", "操作"),
        "head-office": Words("head office", "总部"),
    }
    sys.stderr.write(f"{words(what)} [{words(sides[side])}]\n  → {words(next_step)}\n")


if __name__ == "__main__":
    main()
