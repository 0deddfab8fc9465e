"""One suspended power, as it is shown after each step from its application to the day it is exercised again."""

from typing import Any

from hub.api.wire import example

APPLICATION_EXAMPLE: dict[str, Any] = {
    "resource": "306002000001/000001",
    "power_code": "SL-QZ-0004",
    "ground": "no-case-for-three-years",
}

APPLIED_EXAMPLE = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    **APPLICATION_EXAMPLE,
    "state": "applied",
    "applied_at": "2026-03-02T01:30:00.000000+00:00",
}

SUSPENDED_EXAMPLE = APPLIED_EXAMPLE | {
    "state": "suspended",
    "document": "示例审改办〔2026〕1号",
    "decided_at": "2026-03-03T01:30:00.000000+00:00",
}

REFUSED_EXAMPLE = APPLIED_EXAMPLE | {
    "state": "refused",
    "refusal": "近三年有办件，不符合所列情形 / there were cases, the ground does not hold",
    "decided_at": "2026-03-03T01:30:00.000000+00:00",
}

_CARRIED_EXAMPLE = SUSPENDED_EXAMPLE | {"suspended_in": "019cb16c-7100-7cc3-98c4-dc0c0c073990"}

RESUMING_EXAMPLE = _CARRIED_EXAMPLE | {
    "state": "resuming",
    "resumption_reason": "已有群众申请办理 / people ask for it again",
    "resumption_at": "2026-09-01T01:30:00.000000+00:00",
}

DECLINED_EXAMPLE = RESUMING_EXAMPLE | {
    "state": "suspended",
    "refusal": "依据的办法尚未修订 / the rules it rests on are not revised yet",
}

CONFIRMED_EXAMPLE = RESUMING_EXAMPLE | {
    "state": "confirmed",
    "confirmation": "示例审改办〔2026〕9号",
    "confirmed_at": "2026-09-02T01:30:00.000000+00:00",
}

RESTORED_EXAMPLE = CONFIRMED_EXAMPLE | {
    "state": "restored",
    "restored_in": "01a064c7-a280-7cc3-98c4-dc0c0c073991",
    "restored_at": "2026-09-03T01:30:00.000000+00:00",
}

APPLIED = example(APPLIED_EXAMPLE, 201)
LISTED = example({"items": [SUSPENDED_EXAMPLE], "next": None})
SHOWN = example(SUSPENDED_EXAMPLE)
REFUSED = example(REFUSED_EXAMPLE)
RESUMING = example(RESUMING_EXAMPLE)
DECLINED = example(DECLINED_EXAMPLE)
CONFIRMED = example(CONFIRMED_EXAMPLE)
CARRIED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {
                "examples": {
                    "suspended": {"summary": "记录已载明暂停 / the record says suspended", "value": _CARRIED_EXAMPLE},
                    "restored": {"summary": "记录已载明恢复 / the record says restored", "value": RESTORED_EXAMPLE},
                }
            }
        }
    }
}
