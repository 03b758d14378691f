"""The console's two languages: each text stands in both, side by side, where it is used."""

from typing import Final, Literal

from flask import g, request

Language = Literal["en", "zh"]
LANGUAGES: Final[dict[Language, str]] = {"en": "English", "zh": "中文"}
COOKIE: Final = "console_language"


def language() -> Language:
    """Return the language of the page: the one that was chosen, else the browser's."""
    if "language" not in g:
        g.language = _language()
    found: Language = g.language
    return found


def _language() -> Language:
    chosen = request.cookies.get(COOKIE)
    for known in LANGUAGES:
        if chosen == known:
            return known
    best = request.accept_languages.best_match(["en", "zh", "zh-CN", "zh-TW", "zh-HK"], "en")
    return "zh" if best.startswith("zh") else "en"


def t(english: str, chinese: str) -> str:
    """Return a text in the language of the page."""
    return english if language() == "en" else chinese
