"""The hands and eyes at a simulated phone: what a person does when the bench asks.

A person looks at the phone's screen and presses its keys, so this is the one place that knows both the simulated phone
and the bench's questions. Nothing here reaches a phone that is not simulated.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from drivers.sim.parts import parts
from drivers.sim.phone import SimulatedPhone
from station.messages import PromptView

__all__ = ["Hands", "digits_on"]

_DIGIT = re.compile(r'<span class="digit"[^>]*>(\d)</span>')
#: Seconds a finger needs to reach a key and rests on it.
_REACH_S, _HOLD_S = 0.05, 0.08


def digits_on(html: str | None) -> str:
    """The digits that a person sees on the patterns of the page, in their order; empty when no page is shown."""
    return "".join(_DIGIT.findall(html)) if html else ""


class Hands:
    """One person at one simulated phone.

    Args:
        phone: the phone in their hand.
        answers: answers by prompt id where they are not the good ones.
    """

    def __init__(self, phone: SimulatedPhone, answers: Mapping[str, str] | None = None) -> None:
        self.phone, self._answers = phone, dict(answers or {})

    async def act(self, prompt: PromptView) -> str | None:
        """Do what the prompt asks; gives the answer to type, or None when doing it was all."""
        if prompt.id in self._answers:
            return self._answers[prompt.id]
        if hand := parts().hand(prompt.id):
            return await hand(self.phone, prompt.id)
        if prompt.kind == "wait":
            await asyncio.sleep(_REACH_S)
            self.phone.press(prompt.id, hold_s=_HOLD_S)
            return None
        return self._good(prompt)

    def _good(self, prompt: PromptView) -> str:
        if prompt.kind == "verdict":
            return "good"
        if prompt.kind == "choice":
            return prompt.choices[0][0]
        if prompt.id.startswith("digits"):
            return digits_on(self.phone.page)
        return "0"
