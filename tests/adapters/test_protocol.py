"""What an adapter is handed and hands back, and what it shows of its secrets."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from adapters.errors import AdapterError, Rejected
from adapters.protocol import AdapterSecrets, Batch, NoSecrets, Outcome, Pushed, Surroundings
from adapters.testing import make_batch


class Password(AdapterSecrets):
    """A secret of the plainest kind."""

    password: str
    pin: SecretStr = SecretStr("1234")


def test_a_batch_begins_with_its_first_sequence() -> None:
    assert make_batch(3, first=9).sequence == 9


def test_a_batch_is_of_one_lane_in_order_and_not_empty() -> None:
    batch = make_batch(3)
    first, second, _ = batch.items
    for items in ((), (second, first), (first, first), (first, replace(second, lane=uuid4()))):
        with pytest.raises(ValueError, match="batch"):
            Batch(batch.lane, items, 1, batch.expires)
    with pytest.raises(ValueError, match="lease"):
        Batch(batch.lane, batch.items, 1, datetime(2026, 11, 22))  # noqa: DTZ001


def test_only_an_acknowledged_batch_has_an_acknowledgement() -> None:
    with pytest.raises(ValueError, match="acknowledg"):
        Pushed(Outcome.ACKNOWLEDGED)
    with pytest.raises(ValueError, match="acknowledg"):
        Pushed(Outcome.TRANSPORT_CONFIRMED, acknowledgement=b"a.b.c")
    with pytest.raises(ValueError, match="512"):
        Pushed(Outcome.TRANSPORT_CONFIRMED, answer=b"a" * 513)


def test_no_secret_is_ever_shown() -> None:
    given = Password(password="correct horse", pin=SecretStr("9876"))
    surroundings = Surroundings(NoSecrets(), given, None, None)  # type: ignore[arg-type, type-var]
    for shown in (repr(given), str(given), f"{given}", repr(surroundings), repr([given])):
        assert "correct horse" not in shown
        assert "9876" not in shown
        assert "password" in shown
    with pytest.raises(ValidationError) as caught:
        Password.model_validate({"password": ["correct horse"], "pim": "9876"})
    assert "correct horse" not in str(caught.value)
    assert "9876" not in str(caught.value)


def test_an_error_keeps_the_beginning_of_an_answer() -> None:
    error = Rejected(reason="rejected", zh="拒收", en="no", answer=b"a" * 600)
    assert isinstance(error, AdapterError)
    assert error.answer == b"a" * 512
    assert str(error) == "拒收 / no"
