"""For each action a function of the same name: may this caller do it? Pure: knows roles, no request and no table.

The second argument, where there is one, is the organisation whose resources the action is about. Left out, the question
is whether the caller may do it for any organisation at all: that is what a guard asks before the object is known; who has
the object asks again with it (`require`). Rules that need more than the caller and that organisation, such as "not the
proposer", stand in the service of the action.

Each module has the actions about what it is named for; `ACTIONS` has them all.
"""

from collections.abc import Callable
from inspect import isfunction
from types import ModuleType
from typing import Concatenate, ParamSpec

from hub.errors import Forbidden
from hub.identity.callers import StaffCaller
from hub.identity.permissions import accounts, catalogue, deadlines, lists, organisations, pushing, sharing
from hub.identity.roles import sorted_roles

_On = ParamSpec("_On")

SUBJECTS = (organisations, catalogue, lists, sharing, deadlines, pushing, accounts)


def _actions_of(subject: ModuleType) -> dict[str, Callable[..., bool]]:
    return {
        name: found
        for name, found in vars(subject).items()
        if isfunction(found) and found.__module__ == subject.__name__ and name[0] != "_"
    }


ACTIONS: dict[str, Callable[..., bool]] = {
    name: action for subject in SUBJECTS for name, action in _actions_of(subject).items()
}
"""What a guard may be asked for, by name: every public function of the modules about a subject."""


def require(
    action: Callable[Concatenate[StaffCaller, _On], bool], caller: StaffCaller, *on: _On.args, **also: _On.kwargs
) -> None:
    """Pass when `action` allows it to the caller; else raises Forbidden, naming the action and the caller's roles."""
    if action(caller, *on, **also):
        return
    roles = sorted_roles(caller.roles)
    raise Forbidden(
        f"您的角色（{'、'.join(role.zh for role in roles)}）不能对此执行 {action.__name__}；请由有权的人员办理",
        f"your roles ({', '.join(roles)}) do not allow {action.__name__} here; ask someone whose role does",
    )
