"""Which organisation a user means: by id, by a code that it has or had, or by name, where bodies that ended come second."""

import re
from uuid import UUID

from hub.cli import api
from hub.cli.failures import Refused

ORGANISATIONS = "/v1/organisations"

NAMED = "CODE|NAME|ID"
"""How commands show that an organisation is to be named."""

_CODE = re.compile(r"[0-9A-Z]{18}")


def organisation(named: str) -> str:
    """The id of the organisation that the user named. Raises `Refused` where there is none, or more than one."""
    try:
        return str(UUID(named))
    except ValueError:
        pass
    if _CODE.fullmatch(named):
        found = list(api.items(ORGANISATIONS, query={"code": named}))
    else:
        found = [item for item in api.items(ORGANISATIONS) if item["name"] == named]
    present = [item for item in found if item["state"] == "active"] or found
    if len(present) != 1:
        raise Refused(
            f"按代码或名称找到 {len(present)} 个“{named}”；请改用 id / {len(present)} found called {named}; use the id"
        )
    return str(present[0]["id"])
