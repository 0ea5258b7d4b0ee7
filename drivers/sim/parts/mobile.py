"""The mobile network of a simulated phone: its subscriptions, its list of networks, a page, and a call."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.sim.channel import Reply
from drivers.sim.dumps_radio import joined_network
from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone

__all__ = ["COMMANDS", "HANDS", "SECTION", "SERVICES", "SETTINGS", "Section", "data_on", "switch_data"]

SECTION = "mobile"
_DATA = "mobile-data"
_SAID = "call-said"


class Section(Data):
    """How the network serves the phone.

    Attributes:
        data: mobile data is switched on at the start.
        online: the internet is behind the network.
        embedded: slots (from 0) whose SIM is a profile on the eSIM.
        page_bytes: how long a page is; 0: no page answers.
        connects: a call comes about.
        deaf, mute: what people say is not understood on this phone, or at the other end.
        dead_places: places of the tray (from 1) that read no card.
    """

    data: bool = True
    online: bool = True
    embedded: tuple[int, ...] = ()
    page_bytes: int = 400_000
    connects: bool = True
    deaf: bool = False
    mute: bool = False
    dead_places: tuple[int, ...] = ()


def data_on(state: PhoneState) -> bool:
    """Whether mobile data is switched on."""
    return bool(state.scratch.get(_DATA, state.part(Section).data))


def switch_data(state: PhoneState, on: bool) -> None:
    """What `svc data` does."""
    state.scratch[_DATA] = on


def _carried(state: PhoneState) -> int | None:
    """The slot whose SIM carries data."""
    ready = [number for number, sim in enumerate(state.persona.sims) if sim.state in ("LOADED", "READY")]
    return ready[0] if ready and data_on(state) else None


def _connectivity(state: PhoneState, arguments: Sequence[str]) -> str:
    section, slot = state.part(Section), _carried(state)
    agents = []
    if joined_network(state):
        agents.append(_agent(100, "WIFI", "WIFI", validated=True, more=""))
    elif slot is not None:
        more = f" Specifier: <TelephonyNetworkSpecifier [mSubId = {slot + 1}]>"
        agents.append(_agent(101, "MOBILE[LTE]", "CELLULAR", validated=section.online, more=more))
    active = "100" if joined_network(state) else "101" if agents and section.online else "none"
    return "\n".join([f"Active default network: {active}", "", "Current Networks:", *agents, ""])


def _agent(number: int, kind: str, transport: str, *, validated: bool, more: str) -> str:
    capabilities = "INTERNET&NOT_RESTRICTED&TRUSTED&NOT_VPN" + ("&VALIDATED" if validated else "")
    return (
        f"  NetworkAgentInfo{{network{{{number}}}  handle{{{number}}}  ni{{{kind} CONNECTED extra: }}  "
        f"nc{{[ Transports: {transport} Capabilities: {capabilities} LinkDnBandwidth>=30000Kbps{more}]}}}}"
    )


def _isub(state: PhoneState, arguments: Sequence[str]) -> str:
    section = state.part(Section)
    lines = ["SubscriptionManagerService:", f"activeDataSubId={(_carried(state) or 0) + 1}", "Active subscriptions:"]
    for number, sim in enumerate(state.persona.sims):
        if sim.state in ("LOADED", "READY"):
            lines.append(
                f"  [SubscriptionInfoInternal: id={number + 1} iccId=899999000[****] simSlotIndex={number} portIndex=0 "
                f"isEmbedded={int(number in section.embedded)} isRemovableEmbedded=0 displayName={sim.operator}]"
            )
    return "\n".join([*lines, "Embedded subscriptions: []", "All Subscription Info List:", ""])


def _nc(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    """A page over whatever network there is."""
    section = state.part(Section)
    online = bool(joined_network(state)) or (_carried(state) is not None and section.online)
    if not online or not section.page_bytes:
        return Reply(stderr="nc: Timeout", code=1)
    return Reply(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"." * section.page_bytes)


# --- a call ----------------------------------------------------------------------------------------------------------


async def _dial(phone: SimulatedPhone, prompt: str) -> str:
    connects = phone.state.part(Section).connects
    phone.state.scratch["call"] = 2 if connects else 0
    return "connected" if connects else "no-connection"


async def _heard(phone: SimulatedPhone, prompt: str) -> str:
    """Somebody says as many digits as are asked for; what is understood is typed."""
    section = phone.state.part(Section)
    unheard = section.deaf if prompt.startswith("heard-here") else section.mute
    said = "".join(random.choice("0123456789") for _ in range(int(prompt[-1])))  # noqa: S311 - no secret
    phone.state.scratch[_SAID] = said
    return said[::-1] + "0" if unheard else said


async def _say_which(phone: SimulatedPhone, prompt: str) -> str:
    return str(phone.state.scratch[_SAID])


# --- the tray --------------------------------------------------------------------------------------------------------

#: Seconds that the phone's telephony takes to notice a card.
_NOTICED_S = 0.2


def _in_the_tray(phone: SimulatedPhone, place: int | None) -> None:
    """The test SIM lies in that place (from 1) and no other card is in; None: the tray is out."""
    embedded = phone.state.part(Section).embedded
    sims = enumerate(phone.state.persona.sims)
    states = (sim.state if slot in embedded else "LOADED" if slot + 1 == place else "ABSENT" for slot, sim in sims)
    phone.state.set_prop("gsm.sim.state", ",".join(states))


async def _count_places(phone: SimulatedPhone, prompt: str) -> str:
    return str(len(phone.state.persona.sims) - len(phone.state.part(Section).embedded))


async def _pull(phone: SimulatedPhone, prompt: str) -> None:
    await asyncio.sleep(_NOTICED_S)
    _in_the_tray(phone, None)


async def _push(phone: SimulatedPhone, prompt: str) -> str | None:
    """The card goes where it is asked for; a dead place reads nothing, and the person says so."""
    place = int(prompt.split("-")[2])
    await asyncio.sleep(_NOTICED_S)
    if place in phone.state.part(Section).dead_places:
        return "no-reaction"
    _in_the_tray(phone, place)
    return None


HANDS = {
    "dial": _dial,
    r"heard-(here|there)-\d": _heard,
    r"said-(here|there)-\d": _say_which,
    "tray-places": _count_places,
    r"tray-out(-\d)?(-again)?": _pull,
    r"tray-in-\d(-again)?": _push,
}
SERVICES = {"connectivity": _connectivity, "isub": _isub}
COMMANDS = {"nc": _nc}
SETTINGS = {"global mobile_data": lambda state: str(int(data_on(state)))}
