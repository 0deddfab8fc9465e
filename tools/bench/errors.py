"""What ends a bench early, besides `hub.errors.SetupError` (something needed is missing)."""


class VoidRun(Exception):
    """A run that says nothing: an answer that was not expected, rows that do not match, requests that ran out."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
