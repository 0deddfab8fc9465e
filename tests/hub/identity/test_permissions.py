"""Every action, asked for every role: the table below is the contract's "Staff roles" written out."""

import inspect
from collections.abc import Callable
from importlib import import_module
from itertools import product
from pkgutil import iter_modules
from uuid import UUID

import pytest

from hub.errors import Forbidden
from hub.identity import permissions
from hub.identity.permissions import ACTIONS, catalogue, deadlines, lists, require, sharing
from hub.identity.roles import WATCHERS, Role
from tests.support.staff import caller

OURS = UUID(int=1)
THEIRS = UUID(int=2)

EVERYBODY = set(Role)
OVERSEERS = {Role.REVIEWER, Role.SECURITY, Role.AUDITOR, Role.INSPECTOR}

TABLE: dict[str, set[Role]] = {
    "organisation_create": {Role.SECURITY},
    "organisation_read": EVERYBODY,
    "organisation_change_propose": {Role.SECURITY},
    "organisation_change_decide": {Role.REVIEWER},
    "organisation_change_read": {Role.SECURITY, Role.REVIEWER, Role.AUDITOR, Role.INSPECTOR},
    "responsible_read": {Role.EDITOR, Role.DECIDER, Role.SECURITY, Role.REVIEWER},
    "responsible_set": {Role.DECIDER, Role.SECURITY},
    "responsible_gaps": {Role.SECURITY, Role.REVIEWER},
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
    "resource_review": {Role.SECRECY, Role.REVIEWER, Role.DECIDER},
    "resource_return": {Role.SECRECY, Role.REVIEWER, Role.DECIDER},
    "resource_publish": {Role.REVIEWER},
    "resource_suspend": {Role.REVIEWER},
    "resource_resume": {Role.REVIEWER},
    "resource_withdraw": {Role.REVIEWER},
    "resource_reindex": {Role.OPERATOR},
    "resource_read": EVERYBODY,
    "upstream_read": EVERYBODY,
    "upstream_harvest": {Role.REVIEWER},
    "review_read": EVERYBODY,
    "chain_replace": {Role.REVIEWER},
    "chain_read": EVERYBODY,
    "class_add": {Role.REVIEWER},
    "class_rename": {Role.REVIEWER},
    "class_end": {Role.REVIEWER},
    "class_reopen": {Role.REVIEWER},
    "class_read": EVERYBODY,
    "upstream_record": {Role.REVIEWER},
    "notice_read": EVERYBODY,
    "notice_mark": EVERYBODY - WATCHERS,
    "list_read": EVERYBODY,
    "list_declare": {Role.EDITOR},
    "power_suspension_read": EVERYBODY,
    "power_suspension_apply": {Role.EDITOR},
    "power_suspension_decide": {Role.REVIEWER},
    "resource_import": {Role.EDITOR},
    "resource_export": EVERYBODY,
    "grant_create": {Role.DECIDER},
    "grant_read": EVERYBODY,
    "grant_suspend": {Role.SECURITY},
    "grant_resume": {Role.DECIDER},
    "grant_revoke": {Role.DECIDER, Role.SECURITY},
    "grant_renew": {Role.DECIDER},
    "sharing_oversee": OVERSEERS,
    "access_request_create": {Role.EDITOR, Role.DECIDER},
    "access_request_withdraw": {Role.EDITOR, Role.DECIDER},
    "access_request_read": {Role.EDITOR, Role.DECIDER} | OVERSEERS,
    "access_request_review": {Role.REVIEWER},
    "access_request_decide": {Role.DECIDER},
    "objection_create": {Role.EDITOR, Role.DECIDER},
    "objection_withdraw": {Role.EDITOR, Role.DECIDER},
    "objection_rate": {Role.EDITOR, Role.DECIDER},
    "objection_read": {Role.EDITOR, Role.DECIDER} | OVERSEERS,
    "objection_answer": {Role.EDITOR, Role.DECIDER, Role.REVIEWER},
    "correction_create": {Role.EDITOR, Role.DECIDER},
    "correction_withdraw": {Role.EDITOR, Role.DECIDER},
    "correction_read": {Role.EDITOR, Role.DECIDER} | OVERSEERS,
    "correction_answer": {Role.EDITOR, Role.DECIDER},
    "duty_read": EVERYBODY,
    "duty_oversee": {Role.REVIEWER, Role.AUDITOR, Role.INSPECTOR},
    "duty_declare": {Role.REVIEWER},
    "duty_extend": {Role.REVIEWER},
    "duty_finish": EVERYBODY - {Role.AUDITOR, Role.INSPECTOR},
    "duty_cancel": {Role.REVIEWER},
    "duty_rule_read": EVERYBODY,
    "duty_rule_set": {Role.REVIEWER},
    "holiday_notice_read": EVERYBODY,
    "holiday_notice_add": {Role.OPERATOR},
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
    "organisation_read",
    "system_read",
    "certificate_read",
    "resource_read",
    "resource_export",
    "upstream_read",
    "grant_read",
    "staff_read",
    "audit_read",
    "target_read",
    "lane_read",
    "dead_letter_read",
    "duty_read",
    "duty_oversee",
    "duty_rule_read",
    "holiday_notice_read",
    "exchange_read",
    "session_own",
    "organisation_change_read",
    "responsible_read",
    "responsible_gaps",
    "review_read",
    "chain_read",
    "class_read",
    "notice_read",
    "list_read",
    "power_suspension_read",
    "sharing_oversee",
    "access_request_read",
    "objection_read",
    "correction_read",
}

OF_THE_AUTHORITY = [
    action for action, roles in TABLE.items() if roles == {Role.REVIEWER} and action != "power_suspension_decide"
]
"""What only reviewers who act for no single organisation do."""

OF_AN_ORGANISATION = ["notice_read", "notice_mark"]

FOR_ONE_ORGANISATION = {
    "resource_create": Role.EDITOR,
    "resource_edit": Role.EDITOR,
    "resource_submit": Role.EDITOR,
    "list_declare": Role.EDITOR,
    "power_suspension_apply": Role.EDITOR,
    "grant_create": Role.DECIDER,
    "grant_resume": Role.DECIDER,
    "grant_revoke": Role.DECIDER,
    "responsible_set": Role.DECIDER,
    "responsible_read": Role.EDITOR,
    "grant_renew": Role.DECIDER,
    "access_request_create": Role.EDITOR,
    "access_request_withdraw": Role.EDITOR,
    "access_request_decide": Role.DECIDER,
    "access_request_read": Role.EDITOR,
    "objection_withdraw": Role.EDITOR,
    "objection_rate": Role.EDITOR,
    "objection_read": Role.EDITOR,
    "objection_answer": Role.DECIDER,
    "correction_withdraw": Role.EDITOR,
    "correction_read": Role.EDITOR,
    "correction_answer": Role.DECIDER,
}


def test_every_function_is_an_action_and_every_action_is_in_the_table() -> None:
    functions = [
        name
        for module in iter_modules(permissions.__path__)
        if module.name != "holding"
        for name, found in vars(import_module(f"{permissions.__name__}.{module.name}")).items()
        if inspect.isfunction(found) and found.__module__.endswith(f".{module.name}") and name[0] != "_"
    ]
    assert len(functions) == len(set(functions))
    assert set(functions) == set(ACTIONS) == set(TABLE)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", TABLE)
def test_a_role_may_do_what_the_table_says_and_nothing_else(action: str, role: Role) -> None:
    may = any(ACTIONS[action](caller(role, organisation_id=own)) for own in (OURS, None))
    assert may is (role in TABLE[action])


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("actions", "own"), [(OF_THE_AUTHORITY, OURS), (OF_AN_ORGANISATION, None)])
def test_some_acts_are_of_the_authority_and_some_of_an_organisation(
    role: Role, actions: list[str], own: UUID | None
) -> None:
    assert not any(ACTIONS[action](caller(role, organisation_id=own)) for action in actions)


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


HOLDERS = {
    # role of the step, its organisation → callers who hold it for a resource that OURS provides
    (Role.SECRECY, None): {(Role.SECRECY, None), (Role.SECRECY, OURS)},
    (Role.REVIEWER, THEIRS): {(Role.REVIEWER, THEIRS)},
    (Role.REVIEWER, None): {(Role.REVIEWER, None)},
    (Role.DECIDER, None): {(Role.DECIDER, OURS)},
    (Role.DECIDER, THEIRS): {(Role.DECIDER, THEIRS)},
}


@pytest.mark.parametrize("action", [catalogue.resource_review, catalogue.resource_return])
@pytest.mark.parametrize(("step", "holders"), HOLDERS.items())
def test_a_step_of_a_review_is_its_holders_and_nobody_elses(
    action: Callable[..., bool], step: tuple[Role, UUID | None], holders: set[tuple[Role, UUID | None]]
) -> None:
    everybody = list(product(Role, (None, OURS, THEIRS)))
    may = {(role, own) for role, own in everybody if action(caller(role, organisation_id=own), *step, OURS)}
    assert may == holders


def test_reviewers_of_the_reform_office_alone_decide_on_suspended_powers() -> None:
    everybody = product(Role, (None, OURS, THEIRS))
    decides = lists.power_suspension_decide
    may = {(role, own) for role, own in everybody if decides(caller(role, organisation_id=own), OURS)}
    assert may == {(Role.REVIEWER, OURS)}


def test_the_authority_alone_extends_a_deadline() -> None:
    assert deadlines.duty_extend(caller(Role.REVIEWER))
    assert not deadlines.duty_extend(caller(Role.REVIEWER, organisation_id=OURS))
    assert not deadlines.duty_extend(caller(Role.DECIDER, organisation_id=OURS))


def test_the_authority_alone_reviews_requests() -> None:
    assert sharing.access_request_review(caller(Role.REVIEWER))
    assert not sharing.access_request_review(caller(Role.REVIEWER, organisation_id=OURS))


def test_the_authority_answers_about_the_catalogue_and_approvals_and_the_provider_about_its_data() -> None:
    authority, provider = caller(Role.REVIEWER), caller(Role.EDITOR, organisation_id=OURS)
    assert sharing.objection_answer(authority, OURS, by_authority=True)
    assert not sharing.objection_answer(authority, OURS)
    assert sharing.objection_answer(provider, OURS)
    assert not sharing.objection_answer(provider, OURS, by_authority=True)


def test_either_party_sees_a_request_and_nobody_elses_organisation() -> None:
    for read in (sharing.access_request_read, sharing.objection_read, sharing.correction_read):
        assert read(caller(Role.DECIDER, organisation_id=OURS), THEIRS, OURS)
        assert not read(caller(Role.DECIDER, organisation_id=OURS), THEIRS, THEIRS)
        assert not read(caller(Role.OPERATOR), OURS)
        assert read(caller(Role.AUDITOR), THEIRS)
        assert read(caller(Role.REVIEWER), THEIRS)
        assert not read(caller(Role.REVIEWER, organisation_id=OURS), OURS, THEIRS)


def test_the_security_officer_revokes_a_grant_of_any_organisation() -> None:
    assert sharing.grant_revoke(caller(Role.SECURITY), THEIRS)


def test_a_refusal_names_the_action_and_the_roles() -> None:
    require(catalogue.resource_edit, caller(Role.EDITOR, organisation_id=OURS), OURS)
    with pytest.raises(Forbidden) as refused:
        require(catalogue.resource_edit, caller(Role.EDITOR, organisation_id=OURS), THEIRS)
    assert "resource_edit" in refused.value.zh
    assert "目录编制员" in refused.value.zh
    assert "editor" in refused.value.en
