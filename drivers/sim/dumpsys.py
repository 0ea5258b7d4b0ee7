"""`dumpsys`: which services a phone has and what each prints.

A table from a service's name to a function of the phone's state; the longer ones live in the `dumps_*` modules. Which
services there are depends on the Android version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.sim.channel import Reply
from drivers.sim.dumps_crashes import dropbox
from drivers.sim.dumps_parts import media_camera
from drivers.sim.dumps_power import battery, battery_properties, health_hal
from drivers.sim.dumps_radio import subscriber_info, telephony_registry, wifi
from drivers.sim.parts import Service, parts
from drivers.sim.state import PhoneState

__all__ = ["dumpsys"]


def dumpsys(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    """Answer `dumpsys SERVICE ARGS...`; an unknown service is named on standard error, the exit code stays 0."""
    words = list(arguments)
    if words[:1] == ["-t"]:
        words = words[2:]
    present = _present(state)
    if not words or words[0] == "-l":
        there = (name for name in sorted(present) if present[name](state, ()) is not None)
        listed = "".join(f"  {name}\n" for name in there)
        return Reply(f"Currently running services:\n{listed}".encode())
    service = present.get(words[0])
    dump = service(state, words[1:]) if service else None
    if dump is None:
        text = f"Can't find service: {words[0]}"
        # Up to Android 6 it said so on standard output.
        return Reply(stderr=text) if state.persona.android.sdk >= 24 else Reply(text.encode() + b"\n")
    return Reply(dump.encode("utf-8", "surrogateescape"))


def _present(state: PhoneState) -> Mapping[str, Service]:
    sdk = state.persona.android.sdk
    services = dict(_SERVICES)
    if sdk < 28:
        services["batteryproperties"] = battery_properties
    if sdk >= 31:
        services["android.hardware.health.IHealth/default"] = health_hal
    if not state.persona.wifi.present:
        services.pop("wifi")
    return {**services, **parts().services}


def _account(state: PhoneState, arguments: Sequence[str]) -> str:
    accounts = state.persona.accounts
    lines = ["User UserInfo{0:Owner:4c13}:", f"  Accounts: {len(accounts)}"]
    lines += [f"    Account {{name={account.name}, type={account.type}}}" for account in accounts]
    lines += ["  ", "  AccountId, Action_Type, timestamp, UID, TableName, Key", "  Accounts History"]
    stamp = f"{state.since_start(86_400 * 41):%Y-%m-%d %H:%M:%S}"
    lines += [f"  {n},action_account_add,{stamp},10112,accounts,{n}" for n, _ in enumerate(accounts, 1)]
    return "\n".join([*lines, "  ", "  Active Sessions: 0", "  ", "  RegisteredServicesCache: 0 services", ""])


def _device_policy(state: PhoneState, arguments: Sequence[str]) -> str:
    lines = ["Current Device Policy Manager state:", ""]
    owner = state.persona.device_owner
    if owner:
        package = owner.partition("/")[0]
        lines += ["  Device Owner: ", f"    admin=ComponentInfo{{{owner}}}", "    name=", f"    package={package}"]
        lines += ["    User ID: 0", ""]
    lines += ["  Enabled Device Admins (User 0, provisioningState: 0):"]
    lines += [f"    {owner}:", "      uid=10145"] if owner else [" "]
    lines += ["    mPasswordOwner=-1", "", "  Encryption Status: per-user", ""]
    return "\n".join(lines)


def _diskstats(state: PhoneState, arguments: Sequence[str]) -> str:
    lines = ["Latency: 1ms [512B Data Write]"]
    if state.persona.android.sdk >= 26:
        lines.append("Recent Disk Write Speed (kB/s) = 187402")
    names = (("Data", "/data"), ("Cache", "/cache"), ("System", "/system"))
    mounts = {partition.mount: partition for partition in state.persona.partitions}
    for name, mount in names:
        # Without partitions of their own, /cache lies in /data and /system is the root.
        found = mounts.get(mount) or mounts.get("/data" if mount == "/cache" else "/")
        if found:
            free = found.total_kb - found.used_kb
            share = free * 100 // found.total_kb
            lines.append(f"{name}-Free: {free}K / {found.total_kb}K total = {share}% free")
    if state.persona.android.sdk >= 24:
        lines.append("File-based Encryption: true")
    return "\n".join(lines) + "\n"


def _meminfo(state: PhoneState, arguments: Sequence[str]) -> str:
    total = state.persona.memory_kb
    up = int(state.clock.now() * 1000) + 260_000_000
    return (
        f"Applications Memory Usage (in Kilobytes):\nUptime: {up} Realtime: {up}\n\n"
        "Total PSS by process:\n    412,304K: system (pid 1004)\n    288,120K: com.android.systemui (pid 1702)\n\n"
        f"Total RAM: {total:,}K (status normal)\n Free RAM: {total // 2:,}K\n Used RAM: {total // 3:,}K\n"
        f" Lost RAM: {total // 20:,}K\n"
    )


def _display(state: PhoneState, arguments: Sequence[str]) -> str:
    return (
        "DISPLAY MANAGER (dumpsys display)\n  mGlobalDisplayState=ON\n\nDisplay Devices: size=1\n"
        '  DisplayDeviceInfo{"Built-in Screen": uniqueId="local:0", 1080 x 2400, modeId 1, 60.0 fps, density 420, '
        "409.432 x 409.432 dpi, touch INTERNAL, rotation 0, type INTERNAL, state ON}\n"
    )


_SERVICES: dict[str, Service] = {
    "account": _account,
    "battery": battery,
    "device_policy": _device_policy,
    "diskstats": _diskstats,
    "display": _display,
    "dropbox": dropbox,
    "iphonesubinfo": lambda state, arguments: (
        subscriber_info(state, arguments) if state.persona.android.sdk < 23 else ""
    ),
    "media.camera": media_camera,
    "meminfo": _meminfo,
    "telephony.registry": telephony_registry,
    "wifi": wifi,
}
