"""What people write about a correction or an objection cannot be tried out against the log."""

from typing import Any
from uuid import UUID

from hub.corrections.models import Correction
from hub.corrections.recording import fingerprint_of
from hub.objections.models import Objection
from hub.objections.service import WRITTEN
from hub.registry.recording import fingerprint
from tests.support.registry import NOW

ONE = UUID(int=1)


def correction(**changed: Any) -> Correction:
    plain: dict[str, Any] = {
        "id": ONE,
        "exchange_id": ONE,
        "resource_id": ONE,
        "consumer_id": ONE,
        "organisation_id": ONE,
    }
    plain |= {"pointers": ["/records/0"], "state": "rejected", "created_at": NOW, "updated_at": NOW}
    return Correction(**(plain | changed))


def objection(**changed: Any) -> Objection:
    plain: dict[str, Any] = {
        "id": ONE,
        "kind": "catalogue",
        "subject_kind": "resource",
        "subject_id": ONE,
        "resource_id": ONE,
    }
    plain |= {"organisation_id": ONE, "staff_id": ONE, "state": "answered", "created_at": NOW, "updated_at": NOW}
    return Objection(**(plain | {"text": "甲"} | changed))


def test_a_fingerprint_tells_states_and_places_apart_and_not_what_was_written() -> None:
    assert fingerprint_of(correction(reason="甲")) == fingerprint_of(correction(reason="乙"))
    assert fingerprint_of(correction(state="corrected")) != fingerprint_of(correction())
    assert fingerprint_of(correction(pointers=["/records/1"])) != fingerprint_of(correction())


def test_so_it_is_with_the_text_and_the_answer_of_an_objection() -> None:
    written = [objection(text=text, answer=answer) for text in "甲乙" for answer in "丙丁"]
    assert len({fingerprint(row, without=WRITTEN) for row in written}) == 1
    assert fingerprint(objection(state="rated"), without=WRITTEN) != fingerprint(written[0], without=WRITTEN)
