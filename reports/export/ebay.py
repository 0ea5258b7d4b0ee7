"""eBay Refurbished: the 28 points that a listing requires (seller centre, refurbished categories), answered from a run.

Each point names the checks that speak for it; a point without one is said to be open, for a person to look at.
"""

from __future__ import annotations

import json

from drivers.text import Words
from reports.export.left_out import EVIDENCE, LIMITS, OTHER_RECORDS, OTHER_RUNS, PROMPTS, SIGNATURES, as_lists
from reports.export.points import Point, answer
from reports.export.view import Exported, Ticket, the_run

__all__ = ["POINTS", "export"]

_GRADE = Words("grade, box, accessories and photos of the offer", "未含成色等级、包装、配件与商品照片")
_LEFT = (SIGNATURES, EVIDENCE, OTHER_RECORDS, OTHER_RUNS, PROMPTS, LIMITS, _GRADE)

POINTS = (
    Point("wifi", Words("Wi-Fi", "Wi-Fi"), ("wifi",)),
    Point("bluetooth", Words("Bluetooth", "蓝牙"), ("bluetooth",)),
    Point("microphone", Words("microphone", "麦克风"), ("call:heard_there",)),
    Point("speakers", Words("speakers", "扬声器"), ("call:heard_here", "speaker")),
    Point("cameras", Words("front and back cameras", "前后摄像头"), ("cameras", "camera-each")),
    Point("flash", Words("front and back flash", "前后闪光灯"), ("flash",)),
    Point("operating-system", Words("operating system", "操作系统"), ("os-integrity",)),
    Point("biometrics", Words("fingerprint or face", "指纹或面容"), ("biometrics",)),
    Point("esn-clean", Words("clean ESN", "ESN 正常"), ("blacklist",)),
    Point("activation", Words("no activation error", "可正常激活"), ("locks:locking_accounts", "locks:finance_lock")),
    Point("no-account", Words("no account left", "无残留账号"), ("locks:locking_accounts",)),
    Point("no-mdm", Words("no device management", "无企业管控"), ("locks:managed",)),
    Point("sim-reader", Words("SIM reader", "SIM 卡槽"), ("sim",)),
    Point("digitizer", Words("digitizer", "触控"), ("touch",)),
    Point("network", Words("network", "移动网络"), ("cellular",)),
    Point("proximity", Words("proximity", "距离传感器"), ("proximity",)),
    Point("not-blacklisted", Words("not blacklisted", "未列入黑名单"), ("blacklist:blacklist_status",)),
    Point("not-rooted", Words("not rooted", "未 root"), ("os-integrity:su_present", "os-integrity:build_tags")),
    Point("accelerometer", Words("accelerometer", "加速度计"), ("accelerometer",)),
    Point("rotation", Words("rotation", "屏幕旋转"), ("accelerometer:accelerometer_axes_right",)),
    Point("vibration", Words("vibration", "振动"), ("vibration",)),
    Point(
        "keys",
        Words("volume and lock keys", "音量键与锁屏键"),
        ("keys:seen_volume_up", "keys:seen_volume_down", "keys:seen_power"),
    ),
    Point("flashlight", Words("flashlight", "手电筒"), ("flash:flash_seen",)),
    Point("gyroscope", Words("gyroscope", "陀螺仪"), ("gyroscope",)),
    Point("lcd", Words("display", "显示屏"), ("display-pixels",)),
    Point("os-compatible", Words("system version supported", "系统版本兼容"), ("update",)),
    Point("region", Words("region", "销售地区"), ()),
    Point("imei-clean", Words("IMEI clean", "IMEI 正常"), ("identity", "blacklist")),
)


def export(ticket: Ticket, run: str = "") -> Exported:
    """The 28 answers of one run, and how many of them pass."""
    one = the_run(ticket, run)
    answers = [answer(point, one) for point in POINTS]
    passed = [told for told in answers if told.outcome in ("pass", "warn", "not-applicable")]
    document = {
        "format": "assay-ebay/v1",
        "ticket": ticket.ticket,
        "simulated": ticket.simulated,
        "run": one.run.run,
        "record": one.digest,
        "points": [
            {
                "point": told.point.id,
                "text": list(told.point.words),
                "outcome": told.outcome,
                "by": list(told.point.by),
                "because": list(told.because),
            }
            for told in answers
        ],
        "required": len(POINTS),
        "met": len(passed),
        "eligible": len(passed) == len(POINTS),
        "leaves_out": as_lists(_LEFT),
    }
    return Exported(json.dumps(document, indent=1).encode("ascii") + b"\n", "application/json", "ebay.json", _LEFT)
