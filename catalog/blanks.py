"""What of a text nobody sees: blanks, and the invisible characters that Python does not count among them."""

from typing import Final

INVISIBLE: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def trimmed(text: str) -> str:
    """Return the text without blanks and invisible characters around it, its lines ended by a newline."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip().strip(INVISIBLE).strip()
