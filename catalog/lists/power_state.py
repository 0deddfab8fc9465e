"""The state of a power 权力事项 in the lists of powers: exercised or suspended, on which ground (000-B 九条、十一条).

Suspending a resource stops its exchange; a suspended power is a record that stays published with all that is known of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from catalog.codes import LabelledText

POWER_CODE: Final = "power_code"
"""The key item of lists of powers, under whose value a suspension is registered."""

STATUS: Final = "power_status"
"""The item that says whether a power is exercised or suspended."""

GROUND: Final = "suspension_ground"
DOCUMENT: Final = "suspension_document"

EXERCISED: Final = "行使"
SUSPENDED: Final = "暂停"


class SuspensionGround(LabelledText):
    """The four grounds of 《临洮县权责清单管理办法(试行)》第九条; `zh` is what a record says."""

    NEVER_EXERCISED = "never-exercised", "从未行使过", "never exercised for want of conditions"
    NO_CASE = "no-case-for-three-years", "三年以上未发生办件", "no case for three years or more"
    PERIODIC = "periodic", "周期性办理", "between two periods in which it is handled"
    OTHER = "other", "其他原因", "another reason"


def power_in(payload: Mapping[str, Any], code: str) -> Mapping[str, Any] | None:
    """Return the last record of that power that the payload carries, None if it carries none, or deletes."""
    records: Sequence[Mapping[str, Any]] = payload["records"]
    if payload.get("op") == "delete":
        return None
    return next((record for record in reversed(records) if record.get(POWER_CODE) == code), None)
