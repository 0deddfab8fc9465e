"""Examples of accounts and sessions. People, logins, passwords and secrets are made up."""

from typing import Any

from hub.api.wire import example

ORGANISATION = "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f"

PROPOSAL_EXAMPLE: dict[str, Any] = {
    "login": "example-editor",
    "display_name": "示例人员甲",
    "roles": ["editor"],
    "organisation": ORGANISATION,
}

PROPOSED_EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739b3",
    **PROPOSAL_EXAMPLE,
    "state": "proposed",
    "must_change_password": True,
    "second_factor": False,
    "proposed_by": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739b4",
    "created_at": "2026-03-02T01:30:00.000000+00:00",
    "updated_at": "2026-03-02T01:30:00.000000+00:00",
}

APPROVED_EXAMPLE = PROPOSED_EXAMPLE | {
    "state": "active",
    "approved_by": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739b1",
    "updated_at": "2026-03-02T01:40:00.000000+00:00",
}

ACTIVE_EXAMPLE = APPROVED_EXAMPLE | {
    "must_change_password": False,
    "second_factor": True,
    "updated_at": "2026-03-02T01:50:00.000000+00:00",
}

DISABLED_EXAMPLE = APPROVED_EXAMPLE | {"state": "disabled", "updated_at": "2026-09-01T02:00:00.000000+00:00"}

RESET_EXAMPLE = PROPOSED_EXAMPLE | {"updated_at": "2026-06-01T02:00:00.000000+00:00"}

LISTED = example({"items": [ACTIVE_EXAMPLE], "next": None})
PROPOSED = example(PROPOSED_EXAMPLE, 201)
APPROVED = example(APPROVED_EXAMPLE | {"one_time_password": "Examp8eExamp9eExamp7"})
DISABLED = example(DISABLED_EXAMPLE)
RESET = example(RESET_EXAMPLE)
UNLOCKED = example(ACTIVE_EXAMPLE)

PERSON_EXAMPLE: dict[str, Any] = {
    "user": "example-editor",
    "name": "示例人员甲",
    "roles": ["editor"],
    "organisation": ORGANISATION,
    "must_change_password": False,
}

SESSION_EXAMPLE: dict[str, Any] = {
    "token": "example-token-example-token-example-token-1",
    "expires_at": "2026-03-02T13:30:00.000000+00:00",
    **PERSON_EXAMPLE,
}

SIGN_IN_EXAMPLE: dict[str, Any] = {
    "user": "example-editor",
    "password": "Example-Password-1",
    "second_factor": "287082",
}

PASSWORD_EXAMPLE: dict[str, Any] = {"password": "Example-Password-1", "new_password": "Example-Password-2"}

ENROLMENT_EXAMPLE: dict[str, Any] = {
    "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    "uri": "otpauth://totp/lintao-hub:example-editor"
    "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=lintao-hub&digits=6&period=30",
}
"""The secret of RFC 6238, Appendix B, whose code at its first test time is the one of `SIGN_IN_EXAMPLE`."""
