"""Every action, asked for every role: the table below is the contract's "Staff roles" written out."""

import inspect
from uuid import UUID

import pytest

from hub.errors import Forbidden
from hub.identity import permissions
from hub.identity.permissions import ACTIONS, require
from hub.identity.roles import Role
from tests.support.staff import caller

OURS = UUID(int=1)
THEIRS = UUID(int=2)

EVERYBODY = set(Role)

TABLE: dict[str, set[Role]] = {
    "organisation_create": {Role.SECURITY},
    "organisation_read": {Role.SECURITY},
    "system_create": {Role.SECURITY},
    "system_read": {Role.SECURITY},
    "system_suspend": {Role.SECURITY},
    "system_resume": {Role.SECURITY},
    "system_retire": {Role.SECURITY},
    "certificate_issue": {Role.SECURITY},
    "certificate_read": {Role.SECURITY},
    "certificate_revoke": {Role.SECURITY},
    "resource_create": {Role.EDITOR},
    "resource_edit": {Role.EDITOR},
    "resource_submit": {Role.EDITOR},
    "resource_return": {Role.REVIEWER},
    "resource_publish": {Role.REVIEWER},
    "resource_suspend": {Role.REVIEWER},
    "resource_resume": {Role.REVIEWER},
    "resource_withdraw": {Role.REVIEWER},
    "resource_read": EVERYBODY,
    "resource_import": {Role.EDITOR},
    "resource_export": EVERYBODY,
    "grant_create": {Role.DECIDER},
    "grant_read": EVERYBODY,
    "grant_suspend": {Role.SECURITY},
    "grant_resume": {Role.DECIDER},
    "grant_revoke": {Role.DECIDER, Role.SECURITY},
    "target_set": {Role.SECURITY},
    "target_read": {Role.OPERATOR, Role.SECURITY},
    "target_pause": {Role.OPERATOR, Role.SECURITY},
    "target_resume": {Role.OPERATOR, Role.SECURITY},
    "lane_read": {Role.OPERATOR, Role.SECURITY},
    "lane_pause": {Role.OPERATOR},
    "lane_resume": {Role.OPERATOR},
    "dead_letter_read": {Role.OPERATOR, Role.SECURITY},
    "dead_letter_replay": {Role.OPERATOR},
    "staff_propose": {Role.OPERATOR},
    "staff_reset": {Role.OPERATOR},
    "staff_approve": {Role.SECURITY},
    "staff_disable": {Role.OPERATOR, Role.SECURITY},
    "staff_unlock": {Role.OPERATOR, Role.SECURITY},
    "staff_read": {Role.OPERATOR, Role.SECURITY},
    "audit_read": {Role.AUDITOR, Role.INSPECTOR},
    "exchange_read": EVERYBODY,
    "session_own": EVERYBODY,
}

CHANGES_NOTHING = {
    "organisation_read", "system_read", "certificate_read", "resource_read", "resource_export", "grant_read", "staff_read", "audit_read",
    "target_read", "lane_read", "dead_letter_read",
    "exchange_read", "session_own",
}  # fmt: skip

FOR_ONE_ORGANISATION = {
    "resource_create": Role.EDITOR,
    "resource_edit": Role.EDITOR,
    "resource_submit": Role.EDITOR,
    "grant_create": Role.DECIDER,
    "grant_resume": Role.DECIDER,
    "grant_revoke": Role.DECIDER,
}


def test_every_function_is_an_action_and_every_action_is_in_the_table() -> None:
    functions = {
        name
        for name, found in vars(permissions).items()
        if inspect.isfunction(found)
        and found.__module__ == permissions.__name__
        and name[0] != "_"
        and name != "require"
    }
    assert functions == set(ACTIONS) == set(TABLE)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", TABLE)
def test_a_role_may_do_what_the_table_says_and_nothing_else(action: str, role: Role) -> None:
    assert ACTIONS[action](caller(role, organisation_id=OURS)) is (role in TABLE[action])


@pytest.mark.parametrize("action", TABLE)
def test_a_person_without_roles_may_do_nothing_but_own_the_session(action: str) -> None:
    assert ACTIONS[action](caller()) is (action == "session_own")


@pytest.mark.parametrize("watcher", [Role.AUDITOR, Role.INSPECTOR])
@pytest.mark.parametrize("action", sorted(set(TABLE) - CHANGES_NOTHING))
def test_who_audits_or_inspects_changes_nothing_whatever_else_they_hold(action: str, watcher: Role) -> None:
    for role in Role:
        assert not ACTIONS[action](caller(role, watcher, organisation_id=OURS))


@pytest.mark.parametrize("action", FOR_ONE_ORGANISATION)
def test_editors_and_deciders_act_for_their_own_organisation_only(action: str) -> None:
    holder = caller(FOR_ONE_ORGANISATION[action], organisation_id=OURS)
    assert ACTIONS[action](holder, OURS)
    assert not ACTIONS[action](holder, THEIRS)
    assert not ACTIONS[action](caller(FOR_ONE_ORGANISATION[action]), THEIRS)


@pytest.mark.parametrize("action", ["resource_publish", "resource_return"])
def test_a_reviewer_does_not_decide_on_the_resources_of_the_organisation_that_they_edit_for(action: str) -> None:
    both = caller(Role.EDITOR, Role.REVIEWER, organisation_id=OURS)
    assert ACTIONS[action](both)
    assert ACTIONS[action](both, THEIRS)
    assert not ACTIONS[action](both, OURS)
    assert ACTIONS[action](caller(Role.REVIEWER, organisation_id=OURS), OURS)


def test_the_security_officer_revokes_a_grant_of_any_organisation() -> None:
    assert permissions.grant_revoke(caller(Role.SECURITY), THEIRS)


def test_a_refusal_names_the_action_and_the_roles() -> None:
    require(permissions.resource_edit, caller(Role.EDITOR, organisation_id=OURS), OURS)
    with pytest.raises(Forbidden) as refused:
        require(permissions.resource_edit, caller(Role.EDITOR, organisation_id=OURS), THEIRS)
    assert "resource_edit" in refused.value.zh
    assert "目录编制员" in refused.value.zh
    assert "editor" in refused.value.en
