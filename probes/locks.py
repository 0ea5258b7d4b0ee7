"""What would lock the phone, or belongs to somebody else's say: accounts, management, finance, carrier, screen lock.

The phone can't say that it is free of locks: they also live on the makers' servers. So what is seen is shown, and what
is not seen is never called clean. Whether it is as agreed is for the ticket and its people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import Heard, as_value, hear_second, reading
from probes.api import Bench, Measurement, Reading, Unread, probe
from probes.device_policy import READ_ACCOUNTS, READ_POLICY, account, device_policy, lock_settings, trust
from probes.sim import sim_states
from probes.units import FLAG, LIST, TEXT

__all__ = ["FINDERS", "LOCKING_ACCOUNTS", "locks"]

_TRUST = Command("trust", "dumpsys trust", timeout_s=10.0, limit=512 * 1024)
_LOCK = Command("lock-settings", "dumpsys lock_settings", timeout_s=10.0, limit=512 * 1024)

#: Account types whose makers tie a phone to the account, so that it asks for it after a reset (AccountManager types of
#: Google's, Samsung's, Xiaomi's, Huawei's, Honor's, OPPO's, vivo's and Meizu's account services).
LOCKING_ACCOUNTS: Mapping[str, str] = {
    "com.google": "Google",
    "com.osp.app.signin": "Samsung",
    "com.xiaomi": "Xiaomi",
    "com.huawei.hwid": "HUAWEI ID",
    "com.hihonor.id": "HONOR ID",
    "com.heytap.account": "OPPO / HeyTap",
    "com.oppo.usercenter": "OPPO / HeyTap",
    "BBKOnLineService": "vivo",
    "com.meizu.account": "Flyme",
}
#: Administrators by which the owner can lock and erase the phone from afar, and what people call the service. Google's
#: is one while "Find Hub" (before 2025 "Find My Device") may lock and erase.
FINDERS: Mapping[str, str] = {
    "com.google.android.gms/.mdm.receivers.MdmDeviceAdminReceiver": "Google Find Hub",
}
_NOT_SHOWN = Words(
    "the phone shows none; it can be on all the same, on the maker's server: have the owner look at the account",
    "手机未显示；但可能已在厂商服务器端开启：请机主在账号中查看",
)
_UNKNOWN_LOCK = Words(
    "this phone's Android does not tell the cable; look whether it asks for a PIN, a pattern or a password",
    "此手机的安卓系统不通过数据线提供；请查看手机是否要求 PIN、图案或密码",
)


def _accounts(said: Heard) -> Iterator[Reading]:
    if said.get("accounts") is None:
        why = said.reason("accounts")
        yield Unread("accounts", why, said.source)
        yield Unread("locking_accounts", why, said.source)
        return
    yield Measurement("accounts", Decimal(said.get("accounts")), f"{said.source}: Accounts")
    makers = Counter(LOCKING_ACCOUNTS[name] for name in said.get("types") if name in LOCKING_ACCOUNTS)
    shown = tuple(f"{maker} ({count})" if count > 1 else maker for maker, count in makers.items())
    yield Measurement("locking_accounts", shown, f"{said.source}: Account, by type")


def _management(said: Heard) -> Iterator[Reading]:
    if said.get("profile_alone"):  # anybody can set one up, and a reset takes it away
        yield Measurement("managed", False, f"{said.source}: Profile Owner")
        yield Measurement("work_profile", True, f"{said.source}: Profile Owner")
    else:
        yield reading("managed", said, "device_owner", words="Device Owner")
    if owners := said.get("owners"):
        yield Measurement("managers", as_value(owners), f"{said.source}: admin")
    found = tuple(FINDERS[admin] for admin in said.get("admins") or () if admin in FINDERS)
    if found:
        yield Measurement("find_my", found, f"{said.source}: Enabled Device Admins")
    else:
        yield Unread("find_my", _NOT_SHOWN if said.facts else said.reason("admins"), said.source)


def _from_properties(props: Mapping[str, str], said: Heard) -> Iterator[Reading]:
    """What properties say of finance locks, carrier locks and unlocking; silence is silence."""
    if guard := props.get("knox.kg.state"):
        yield Measurement("finance_lock", as_value(guard), "getprop knox.kg.state")
    states = sim_states(said)
    if "NETWORK_LOCKED" in states:
        yield Measurement("carrier_locked", True, "getprop gsm.sim.state")
    elif any(state in ("READY", "LOADED") for state in states):
        # A card of the right carrier is read on a locked phone, too.
        yield Unread("carrier_locked", _OTHER_SIM, "getprop gsm.sim.state")
    allowed = props.get("sys.oem_unlock_allowed", "")
    if allowed in ("0", "1"):
        yield Measurement("oem_unlock_allowed", allowed == "1", "getprop sys.oem_unlock_allowed")
    if props.get("ro.frp.pst"):
        yield Measurement("reset_protection", True, "getprop ro.frp.pst")


_OTHER_SIM = Words(
    "only a SIM of another carrier shows a carrier lock; the one that is in is accepted",
    "只有插入其他运营商的 SIM 才能看出网络锁；当前卡已被接受",
)


def _screen_lock(now: Heard, kind: Heard) -> Iterator[Reading]:
    if kind.get("credential") is not None:
        yield reading("screen_lock", kind, "credential", words="CredentialType")
    else:
        yield Unread("screen_lock", _UNKNOWN_LOCK, kind.source)
    if now.get("device_locked") is not None:
        yield reading("locked_now", now, "device_locked", words="deviceLocked")


@probe(
    "android.locks",
    needs=Shell,
    reads=(getprop.READ, READ_ACCOUNTS, READ_POLICY, _TRUST, _LOCK),
    measures={
        "accounts": "1",
        "locking_accounts": LIST,
        "managed": FLAG,
        "work_profile": FLAG,
        "managers": LIST,
        "find_my": LIST,
        "finance_lock": TEXT,
        "carrier_locked": FLAG,
        "oem_unlock_allowed": FLAG,
        "reset_protection": FLAG,
        "screen_lock": TEXT,
        "locked_now": FLAG,
    },
    names={
        "accounts": Words("accounts on the phone", "手机账号数"),
        "locking_accounts": Words("accounts that lock after a reset", "恢复出厂后会锁机的账号"),
        "managed": Words("managed by an organisation", "由企业管理"),
        "work_profile": Words("has a work profile", "带工作资料"),
        "managers": Words("managing apps", "管理应用"),
        "find_my": Words("can be locked from afar by", "远程查找与锁定"),
        "finance_lock": Words("Knox Guard state", "Knox Guard 状态"),
        "carrier_locked": Words("locked to a carrier", "网络锁"),
        "oem_unlock_allowed": Words("OEM unlocking allowed", "允许 OEM 解锁"),
        "reset_protection": Words("has reset protection", "带恢复出厂保护"),
        "screen_lock": Words("screen lock", "锁屏方式"),
        "locked_now": Words("locked right now", "当前已锁定"),
    },
    unverified=True,
)
async def locks(bench: Bench) -> AsyncIterator[Reading]:
    """Accounts that lock after a reset, management, finance and carrier lock, screen lock: as far as they are seen."""
    said = hear_second(bench, getprop.READ, getprop.getprop)
    props, _, _ = getprop.properties(bench.answer(getprop.READ.name).stdout)
    for readings in (
        _accounts(hear_second(bench, READ_ACCOUNTS, account)),
        _management(hear_second(bench, READ_POLICY, device_policy)),
        _from_properties(props, said),
        _screen_lock(hear_second(bench, _TRUST, trust), hear_second(bench, _LOCK, lock_settings)),
    ):
        for each in readings:
            yield each
