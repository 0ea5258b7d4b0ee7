"""What the measurements are called where people read them; a name that is not here is shown as it stands.

A probe brings the names of its measurements along in its declaration; here are those that probes share. Stands on
`Words` alone. It knows no limit and no verdict; records keep the names themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.text import Words

__all__ = ["NAMES", "call", "name_words"]


def name_words(name: str) -> Words:
    """What people read for the measurement `name`."""
    return NAMES.get(name) or Words(name, name)


def call(probe: str, measures: Mapping[str, str], names: Mapping[str, Words]) -> None:
    """Take in what the measurements of `probe` are called.

    Raises:
        ValueError: a name belongs to no measurement, or the measurement is called otherwise elsewhere.
    """
    for name, words in names.items():
        if name not in measures:
            raise ValueError(f"{probe}: {name!r} is named and not measured")
        if NAMES.setdefault(name, words) != words:
            raise ValueError(f"{probe}: {name!r} is called {NAMES[name].en!r} elsewhere, not {words.en!r}")


NAMES: dict[str, Words] = {
    # android.battery-electrical
    "voltage": Words("voltage", "电压"),
    "temperature": Words("temperature", "温度"),
    "current": Words("current", "电流"),
    "level": Words("charge level", "电量"),
    "health": Words("health, as stated", "电池状态"),
    "status": Words("charging state", "充电状态"),
    "present": Words("battery present", "电池在位"),
    # android.battery-health
    "state_of_health": Words("health", "健康度"),
    "health_stated": Words("health, stated", "健康度（系统）"),
    "health_asoc": Words("health, ASOC", "健康度（ASOC）"),
    "health_hal": Words("health, HAL", "健康度（HAL）"),
    "health_sysfs": Words("health, sysfs", "健康度（sysfs）"),
    "health_learned": Words("health, learned", "健康度（学习值）"),
    "source_spread": Words("spread of sources", "来源差异"),
    "sources": Words("sources", "来源"),
    "cycles": Words("cycles", "循环次数"),
    "full_capacity": Words("full capacity", "满充容量"),
    "design_capacity": Words("design capacity", "设计容量"),
    "technology": Words("cell type", "电芯类型"),
    "first_use": Words("first use", "首次使用"),
    "manufactured": Words("manufactured", "生产日期"),
    # android.cameras
    "cameras": Words("cameras", "摄像头数"),
    "hal_alive": Words("service alive", "相机服务存活"),
    "died_clients": Words("clients that died", "异常退出次数"),
    "error_traces": Words("error traces", "错误记录"),
    "back_present": Words("back camera", "后置摄像头"),
    "front_present": Words("front camera", "前置摄像头"),
    "providers": Words("providers", "相机驱动"),
    # android.crashes
    "new_crashes": Words("new crashes", "新增崩溃"),
    "hal_deaths": Words("drivers that died", "驱动崩溃"),
    "kernel_panics": Words("kernel panics", "内核崩溃"),
    "app_crashes": Words("app crashes", "应用崩溃"),
    "app_anrs": Words("apps that hung", "应用无响应"),
    "suspects": Words("suspects", "可疑部件"),
    "boot_reason": Words("boot reason", "启动原因"),
    "abnormal_boot": Words("abnormal boot", "异常重启"),
    # android.display-pixels
    "defective_pixels": Words("bad pixels", "坏点"),
    "defective_lines": Words("bad lines", "坏线"),
    "even": Words("even picture", "画面均匀"),
    # android.identity
    "serial": Words("serial", "序列号"),
    "imei1": Words("IMEI", "IMEI"),
    "imei2": Words("IMEI 2", "IMEI 2"),
    "meid": Words("MEID", "MEID"),
    "on_ticket": Words("as on the ticket", "与工单一致"),
    "imei_check_digit": Words("IMEI check digit", "IMEI 校验位"),
    "sources_agree": Words("sources agree", "来源一致"),
    "disagreements": Words("disagreements", "不一致项"),
    "manufacturer": Words("maker", "厂商"),
    "model": Words("model", "机型"),
    "os_version": Words("system", "系统版本"),
    "build": Words("build", "版本号"),
    "security_patch": Words("security patch", "安全补丁"),
    "baseband": Words("baseband", "基带版本"),
    "capacity": Words("storage", "存储容量"),
    "memory": Words("memory", "内存"),
    # android.keys
    "seen_volume_up": Words("volume up", "音量加"),
    "seen_volume_down": Words("volume down", "音量减"),
    "seen_power": Words("power", "电源键"),
    "seen_home": Words("home", "主页键"),
    "seen_camera": Words("camera key", "拍照键"),
    "bounces": Words("bounces", "抖动次数"),
    "stuck": Words("stuck", "卡键"),
    "stuck_keys": Words("stuck keys", "卡住的键"),
    "wrong_keys": Words("other keys", "误触的键"),
    # android.os-integrity
    "verified_boot": Words("verified boot", "启动验证"),
    "bootloader_locked": Words("bootloader locked", "引导程序上锁"),
    "build_tags": Words("build signature", "版本签名"),
    "build_type": Words("build type", "版本类型"),
    "debuggable": Words("debuggable", "整机可调试"),
    "su_present": Words("su present", "存在 su"),
    "su_places": Words("su found at", "su 位置"),
    "warranty_bit_tripped": Words("warranty bit tripped", "保修位已熔断"),
    "encryption": Words("encryption", "加密"),
    # android.sensors
    "all_expected_present": Words("all expected", "应有传感器齐全"),
    "missing": Words("missing", "缺少"),
    "hw_sensors": Words("hardware sensors", "硬件传感器数"),
    "listed": Words("listed", "已列出"),
    "accelerometer_present": Words("accelerometer", "加速度计"),
    "magnetometer_present": Words("magnetometer", "磁力计"),
    "gyroscope_present": Words("gyroscope", "陀螺仪"),
    "light_present": Words("light sensor", "光线传感器"),
    "pressure_present": Words("barometer", "气压计"),
    "proximity_present": Words("proximity sensor", "距离传感器"),
    "step_counter_present": Words("step counter", "计步器"),
    # android.sim
    "slots": Words("slots", "卡槽数"),
    "ready_slots": Words("ready slots", "就绪卡槽"),
    "slot1_state": Words("slot 1", "卡 1 状态"),
    "slot1_operator": Words("slot 1, operator", "卡 1 运营商"),
    "slot1_service": Words("slot 1, service", "卡 1 服务"),
    "slot1_rsrp": Words("slot 1, RSRP", "卡 1 RSRP"),
    "slot2_state": Words("slot 2", "卡 2 状态"),
    "slot2_operator": Words("slot 2, operator", "卡 2 运营商"),
    "slot2_service": Words("slot 2, service", "卡 2 服务"),
    "slot2_rsrp": Words("slot 2, RSRP", "卡 2 RSRP"),
    # android.storage-space
    "data_free_share": Words("free", "可用占比"),
    "data_free": Words("free", "可用空间"),
    "data_total": Words("total", "总空间"),
    "diskstats_free_share": Words("free, diskstats", "可用占比（diskstats）"),
    "write_latency": Words("write latency", "写入延迟"),
    # android.wifi
    "enabled": Words("switched on", "已打开"),
    "connected": Words("connected", "已连接"),
    "supplicant_state": Words("connection state", "连接状态"),
    "rssi": Words("signal", "信号强度"),
    "frequency": Words("frequency", "频率"),
    "band": Words("band", "频段"),
    "link_speed": Words("link speed", "连接速率"),
    # person.appearance and person.question
    "front": Words("front", "正面"),
    "back": Words("back", "背面"),
    "top": Words("top edge", "顶部"),
    "bottom": Words("bottom edge", "底部"),
    "left": Words("left edge", "左侧"),
    "right": Words("right edge", "右侧"),
    "front_wear": Words("front, wear", "正面磨损"),
    "back_wear": Words("back, wear", "背面磨损"),
    "top_wear": Words("top edge, wear", "顶部磨损"),
    "bottom_wear": Words("bottom edge, wear", "底部磨损"),
    "left_wear": Words("left edge, wear", "左侧磨损"),
    "right_wear": Words("right edge, wear", "右侧磨损"),
    "liquid_indicator": Words("liquid indicator", "进液标签"),
    "screws": Words("screws and seals", "螺丝与封签"),
    "answer": Words("answer", "结果"),
    "note": Words("note", "备注"),
}
