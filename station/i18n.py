"""The language of the bench: gettext catalogues for screens and commands.

Message ids are the English texts; `locale/zh_CN` holds the Chinese. Texts that cross process borders or are signed
carry both languages themselves (`drivers.text.Words`).
"""

from __future__ import annotations

import gettext
import os
import unicodedata
from pathlib import Path

from drivers.text import Words

__all__ = ["N_", "_", "default_language", "language", "let_click_follow", "padded", "set_language", "words"]

_LOCALE = Path(__file__).parent / "locale"
_state: dict[str, gettext.NullTranslations | str] = {"lang": "en", "catalogue": gettext.NullTranslations()}


def default_language() -> str:
    """`ASSAY_LANG`, else the language of the environment, else English."""
    wanted = os.environ.get("ASSAY_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "en"
    return "zh" if wanted.lower().startswith("zh") else "en"


def set_language(lang: str) -> None:
    """Show everything in `lang` (`en` or `zh`) from now on."""
    _state["lang"] = lang
    _state["catalogue"] = (
        gettext.translation("assay", _LOCALE, ["zh_CN"], fallback=True) if lang == "zh" else gettext.NullTranslations()
    )


def language() -> str:
    """The language in use: `en` or `zh`."""
    return str(_state["lang"])


def let_click_follow() -> None:
    """Let click's own words ("Usage:", "No such option") come in the language in use, from our catalogue of them.

    click asks gettext for the process's domain in the environment's language.
    """
    gettext.bindtextdomain("click", _LOCALE)
    gettext.textdomain("click")
    os.environ["LANGUAGE"] = "zh_CN" if language() == "zh" else "en"


def _(message: str) -> str:
    """The message in the language in use."""
    catalogue = _state["catalogue"]
    assert isinstance(catalogue, gettext.NullTranslations)  # noqa: S101 - narrows the type
    return catalogue.gettext(message)


def N_(message: str) -> str:
    """Marks a message for the catalogue where it is written down; it is translated where it is shown."""
    return message


def words(text: Words | str) -> str:
    """A bilingual text in the language in use; a plain text as it is."""
    return text if isinstance(text, str) else text.to(language())


def padded(text: str, width: int) -> str:
    """The text filled up with spaces to `width` terminal cells; a Chinese character takes two."""
    taken = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
    return text + " " * (width - taken)
