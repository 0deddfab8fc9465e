"""Exit codes, and the failures that commands end with. Knows nothing of HTTP: each door turns its own failures into these."""

import click

REFUSED = 1
WRONG_USE = 2
MISSING = 3
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


class Refused(click.ClickException):
    """The answer is no."""

    exit_code = REFUSED


class Missing(click.ClickException):
    """Something needed is missing; the message says what to install, set or start."""

    exit_code = MISSING
