"""What can go wrong between the bench and an Android phone, in words for the person at the bench.

One function for each trouble, so that the code, the side and the next step of a trouble are the same wherever it is
met. Knows the wording of the adb server's refusals (adb 36); must not know sockets.
"""

from __future__ import annotations

from drivers.api import (
    DeviceGone,
    DriverError,
    Garbled,
    LinkState,
    NoAnswer,
    NotAuthorized,
    OutputCut,
    Refused,
    ServerDown,
    Side,
    TooMuchOutput,
    Unsupported,
)
from drivers.text import Words

__all__ = [
    "busy",
    "changed_on_the_way",
    "closed_by_us",
    "command_overran",
    "foreign_server",
    "garbled",
    "gone",
    "no_answer",
    "no_answer_at_plug",
    "no_such_file",
    "not_usable",
    "offline",
    "output_cut",
    "refusal",
    "script_too_long",
    "server_away",
    "server_cannot_start",
    "server_ended",
    "server_restarted",
    "server_setting",
    "server_silent",
    "sync_refused",
    "too_much",
    "unsupported",
]

_REPLUG = Words("Plug the cable in again and repeat the step.", "重新插好数据线后重做此步。")
_RESTART_PHONE = Words(
    "Wake the phone's screen and try again; if it stays silent, restart the phone.",
    "点亮手机屏幕后重试；若仍无响应，请重启手机。",
)
_RETRY = Words(
    "Repeat the step; if it happens again, change the cable and the port.", "重做此步；若再次出现，请更换数据线和端口。"
)
_DOCTOR = Words("Run `assay doctor` on this bench.", "在本工位运行 `assay doctor` 检查。")


def no_answer(seconds: float) -> NoAnswer:
    """The phone had not answered in full when the deadline passed."""
    return NoAnswer(
        "adb.no-answer",
        Words("The phone did not answer in full within {seconds} s.", "手机未在 {seconds} 秒内给出完整应答。").fill(
            seconds=f"{seconds:g}"
        ),
        Side.PHONE,
        _RESTART_PHONE,
    )


def no_answer_at_plug(address: str, said: str) -> NoAnswer:
    """The adb server could not reach a network phone."""
    return NoAnswer(
        "adb.connect-failed",
        Words("No phone answers at {address}: {said}", "{address} 处没有手机应答：{said}").fill(
            address=address, said=said or "-"
        ),
        Side.CABLE,
        Words(
            "Check that the phone is on, in the same network, and allows debugging over the network.",
            "确认手机已开机、处于同一网络，并已允许网络调试。",
        ),
    )


def command_overran(seconds: float) -> NoAnswer:
    """One command of a batch ran longer than its own limit and was ended on the phone."""
    return NoAnswer(
        "adb.command-overran",
        Words(
            "The phone did not finish this command within {seconds} s; it was ended there.",
            "手机未在 {seconds} 秒内执行完此命令，已在手机上终止。",
        ).fill(seconds=f"{seconds:g}"),
        Side.PHONE,
        _RESTART_PHONE,
    )


def busy(seconds: float) -> NoAnswer:
    """The deadline passed while another operation on the same phone was still going on."""
    return NoAnswer(
        "adb.busy",
        Words(
            "Another operation on this phone was still going on after {seconds} s.",
            "等待 {seconds} 秒后，此手机上的另一项操作仍未结束。",
        ).fill(seconds=f"{seconds:g}"),
        Side.BENCH,
        Words("Wait for the running check to end, then repeat the step.", "等待正在进行的检测结束后重做此步。"),
    )


def output_cut() -> OutputCut:
    """The phone ended the stream without an end mark."""
    return OutputCut(
        "adb.output-cut",
        Words("The phone's answer ended in the middle.", "手机的应答中途中断。"),
        Side.PHONE,
        _RETRY,
    )


def gone() -> DeviceGone:
    """The link is not there any more."""
    return DeviceGone(
        "adb.gone",
        Words("The connection to the phone was lost.", "与手机的连接已断开。"),
        Side.CABLE,
        _REPLUG,
    )


def offline() -> DeviceGone:
    """The adb server lists the phone, and cannot talk to it."""
    return DeviceGone(
        "adb.offline",
        Words("The phone is listed but offline.", "手机已列出但处于离线状态。"),
        Side.CABLE,
        Words(
            "Plug the cable in again; if it stays offline, switch USB debugging off and on.",
            "重新插好数据线；若仍离线，请关闭并重新打开 USB 调试。",
        ),
    )


def closed_by_us() -> DeviceGone:
    """The device was closed by the bench while the operation was under way."""
    return DeviceGone(
        "adb.closed",
        Words("The bench let go of this phone.", "工位已释放此手机。"),
        Side.BENCH,
        Words("Open the phone again and repeat the step.", "重新打开此手机后重做此步。"),
    )


def garbled(what: str) -> Garbled:
    """Bytes that are not the agreed protocol; `what` is a short technical word for logs."""
    return Garbled(
        "adb.garbled",
        Words(
            "What arrived from the phone is not the agreed protocol ({what}).",
            "手机传回的内容不符合约定的协议（{what}）。",
        ).fill(what=what),
        Side.CABLE,
        _RETRY,
    )


def changed_on_the_way(path: str) -> Garbled:
    """A file's size or hash on the phone differs from what arrived."""
    return Garbled(
        "adb.file-differs",
        Words(
            "The copy of {path} differs from the file on the phone.",
            "{path} 的副本与手机上的文件不一致。",
        ).fill(path=path),
        Side.CABLE,
        _RETRY,
    )


def too_much(limit: int) -> TooMuchOutput:
    """More bytes than the caller allows; the head was kept."""
    return TooMuchOutput(
        "adb.too-much",
        Words(
            "The phone sent more than {limit} bytes; only the beginning was kept.",
            "手机发送的内容超过 {limit} 字节，仅保留开头部分。",
        ).fill(limit=limit),
        Side.PHONE,
        Words("Repeat the step; if it happens again, restart the phone.", "重做此步；若再次出现，请重启手机。"),
    )


def unsupported(what: str) -> Unsupported:
    """The device does not offer a capability."""
    return Unsupported(
        "adb.unsupported",
        Words("This phone does not offer {what}.", "此手机不提供 {what}。").fill(what=what),
        Side.PHONE,
        Words("Do this check by hand.", "请手动完成此项检测。"),
    )


def script_too_long(size: int, limit: int) -> Unsupported:
    """One command alone is longer than what the phone takes in one open."""
    return Unsupported(
        "adb.script-too-long",
        Words(
            "The command is {size} bytes long; this phone takes at most {limit}.",
            "命令长度为 {size} 字节；此手机最多接受 {limit} 字节。",
        ).fill(size=size, limit=limit),
        Side.BENCH,
        Words(
            "Report this to head office: the checklist does not suit this phone.",
            "请上报总部：该检测清单不适用于此手机。",
        ),
    )


def no_such_file(path: str) -> Refused:
    """The path is not there, or the shell user may not see it."""
    return Refused(
        "adb.no-file",
        Words("The phone shows no file {path}.", "手机上没有可见的文件 {path}。").fill(path=path),
        Side.PHONE,
        Words("Take the file by hand, or skip this check.", "请手动获取该文件，或跳过此项检测。"),
    )


def sync_refused(said: str) -> Refused:
    """The phone's file service refused with a message."""
    return Refused(
        "adb.file-refused",
        Words("The phone refused the file: {said}", "手机拒绝了该文件操作：{said}").fill(said=said),
        Side.PHONE,
        Words("Take the file by hand, or skip this check.", "请手动获取该文件，或跳过此项检测。"),
    )


def server_away(address: str) -> ServerDown:
    """Nothing listens where the adb server should be."""
    return ServerDown(
        "adb.server-away",
        Words("No adb server answers at {address}.", "{address} 处没有 adb 服务应答。").fill(address=address),
        Side.BENCH,
        Words(
            "Wait a few seconds: it is started again. If this stays, run `assay doctor`.",
            "请稍候，服务会自动重启；若持续出现，请运行 `assay doctor`。",
        ),
    )


def server_silent(address: str) -> ServerDown:
    """Something accepts connections where the adb server should be, and says nothing."""
    return ServerDown(
        "adb.server-silent",
        Words("The adb server at {address} does not answer.", "{address} 处的 adb 服务没有应答。").fill(
            address=address
        ),
        Side.BENCH,
        Words("Restart the adb server, or run `assay doctor`.", "重启 adb 服务，或运行 `assay doctor`。"),
    )


def foreign_server(address: str, version: str, owner: str) -> ServerDown:
    """Another program holds the port: an adb server of another version, or no adb server at all."""
    return ServerDown(
        "adb.foreign-server",
        Words(
            "{address} is held by {owner} ({version}), which Assay cannot use.",
            "{address} 被 {owner} 占用（{version}），Assay 无法使用。",
        ).fill(address=address, owner=owner, version=version),
        Side.BENCH,
        Words(
            "Close that program (a vendor's phone tool or an old adb); Assay then starts its own server.",
            "请关闭该程序（厂商手机工具或旧版 adb），Assay 随后会启动自己的服务。",
        ),
    )


def server_cannot_start(why: str) -> ServerDown:
    """Our own adb server did not come up."""
    return ServerDown(
        "adb.server-start",
        Words("The adb server did not start: {why}", "adb 服务未能启动：{why}").fill(why=why),
        Side.BENCH,
        _DOCTOR,
    )


def server_ended(code: int | None) -> ServerDown:
    """Our own adb server ended and is being started again."""
    return ServerDown(
        "adb.server-ended",
        Words(
            "The adb server ended (code {code}) and is being started again.",
            "adb 服务已退出（代码 {code}），正在重启。",
        ).fill(code="?" if code is None else code),
        Side.BENCH,
        Words("Wait a few seconds, then repeat the step.", "请稍候几秒后重做此步。"),
    )


def server_restarted() -> ServerDown:
    """The adb server over which the phone was opened has ended: another one may call another phone by the same id."""
    return ServerDown(
        "adb.server-restarted",
        Words("The adb server was restarted; the phone is opened again.", "adb 服务已重启，将重新打开此手机。"),
        Side.BENCH,
        Words("Wait a few seconds, then repeat the step.", "请稍候几秒后重做此步。"),
    )


def server_setting(name: str, value: str) -> ServerDown:
    """An environment variable that should name an adb server does not."""
    return ServerDown(
        "adb.server-setting",
        Words(
            "{name} is set to {value}, which names no adb server.", "{name} 的值为 {value}，不是有效的 adb 服务地址。"
        ).fill(name=name, value=value),
        Side.BENCH,
        Words("Correct or remove the environment variable.", "请更正或删除该环境变量。"),
    )


def not_authorized() -> NotAuthorized:
    """The phone asks its owner whether it may trust this bench."""
    return NotAuthorized(
        "adb.unauthorized",
        Words("The phone does not trust this bench yet.", "手机尚未信任本工位。"),
        Side.PERSON,
        Words(
            "Unlock the phone and tap Allow on “Allow USB debugging?”. No question there: plug the cable in again.",
            "解锁手机，在“是否允许 USB 调试？”中点按“允许”。若未出现提示，请重新插拔数据线。",
        ),
    )


def no_permissions() -> Refused:
    """The bench's own user may not open the USB device."""
    return Refused(
        "adb.no-permissions",
        Words("This bench's user may not open the phone's USB port.", "本工位的用户无权打开手机的 USB 端口。"),
        Side.BENCH,
        Words(
            "Install the udev rules for Android phones and join the group plugdev; `assay doctor` shows how.",
            "请安装 Android 手机的 udev 规则并加入 plugdev 组；`assay doctor` 会说明做法。",
        ),
    )


def _other_mode(mode: Words) -> Unsupported:
    what = Words("The phone is in {mode}.", "手机处于{mode}。")
    return Unsupported(
        "adb.other-mode",
        Words(what.en.format(mode=mode.en), what.zh.format(mode=mode.zh)),
        Side.PHONE,
        Words("Restart the phone into Android.", "请将手机重启进入 Android 系统。"),
    )


def not_usable(state: LinkState) -> DriverError | None:
    """Why checks cannot run over a link in this state, or None when they can."""
    match state:
        case LinkState.DEVICE:
            return None
        case LinkState.UNAUTHORIZED | LinkState.AUTHORIZING:
            return not_authorized()
        case LinkState.NO_PERMISSIONS:
            return no_permissions()
        case LinkState.RECOVERY:
            return _other_mode(Words("recovery mode", "恢复（Recovery）模式"))
        case LinkState.RESCUE:
            return _other_mode(Words("rescue mode", "救援（Rescue）模式"))
        case LinkState.SIDELOAD:
            return _other_mode(Words("sideload mode", "侧载（Sideload）模式"))
        case LinkState.BOOTLOADER:
            return _other_mode(Words("the bootloader", "引导（Fastboot）模式"))
        case _:
            return offline()


def refusal(said: str) -> DriverError:
    """The adb server's or the phone's `FAIL` message as a trouble."""
    text = said.lower()
    if "unauthorized" in text or "authorizing" in text:
        return not_authorized()
    if "offline" in text or "still connecting" in text:
        return offline()
    if "not found" in text or "no device" in text or "no such device" in text:
        return gone()
    if "permissions" in text:
        return no_permissions()
    return Refused(
        "adb.refused",
        Words("The phone refused the service: {said}", "手机拒绝了该服务：{said}").fill(said=said or "-"),
        Side.PHONE,
        _RETRY,
    )
