"""Cursors of the catalogue's lists: the sort key of a page's last row, opaque to whoever passes it back."""

import base64
import binascii

from catalog.errors import InvalidCursor
from catalog.identifiers import RESOURCE_CODE_FORM


def encode(code: str) -> str:
    """Return the cursor of the page that follows the resource with this code."""
    return base64.urlsafe_b64encode(code.encode()).rstrip(b"=").decode()


def decode(cursor: str) -> str:
    """Return the code that `encode` was given, or raise InvalidCursor."""
    try:
        code = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    if RESOURCE_CODE_FORM.fullmatch(code) is None:
        raise InvalidCursor
    return code
