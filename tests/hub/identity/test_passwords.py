"""Passwords: complexity with a cure, one-time ones, and hashing that neither blocks nor drowns."""

import asyncio
import string
import threading

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.identity import passwords
from hub.identity.errors import HashingBusy
from hub.identity.passwords import Passwords, check_password, one_time_password
from hub.registry.errors import InvalidField
from tests.support.staff import quick_passwords


@pytest.mark.parametrize(
    "good",
    [
        "Abcdefgh1234",
        "abcdefg-1234",
        "ABCDEFG-1234",
        "临洮县数据共享abc1-",
        "a sentence is long enough",
        "aB3$cD4%aB3$",
    ],
)
def test_a_password_of_twelve_with_three_kinds_or_sixteen_of_any_is_taken(good: str) -> None:
    check_password(good, "zhang")


@pytest.mark.parametrize(
    "bad",
    ["", "Abcdefg1234", "abcdefgh1234", "abcdefghijklmno", "Aa1-Aa1-Aa1", "aaaaaaaaaaaaaaaaaaaa", "Aa1Aa1Aa1Aa1"],
)
def test_a_simple_password_is_refused_with_the_cure_in_both_languages(bad: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_password(bad, "zhang")
    (fault,) = refused.value.errors
    assert fault.pointer == "/new_password"
    assert "12" in fault.zh
    assert "16" in fault.zh
    assert "12 characters" in fault.en


def test_a_password_that_contains_the_login_is_refused_whatever_its_case() -> None:
    with pytest.raises(InvalidField, match="登录名"):
        check_password("Hello-ZHANG-2026-x", "zhang")


def test_a_password_beyond_the_longest_is_refused() -> None:
    check_password("aB3$eF" * 42 + "aB3$", "zhang2")
    with pytest.raises(InvalidField, match="256"):
        check_password("aB3$eF" * 42 + "aB3$x", "zhang")


@given(st.text(max_size=300), st.sampled_from(["zhang", "li.si"]))
def test_every_text_is_either_taken_or_refused_by_name(text: str, login: str) -> None:
    try:
        check_password(text, login)
    except InvalidField:
        return
    assert 12 <= len(text) <= 256
    assert login not in text.lower()


def test_one_time_passwords_are_sound_different_and_free_of_look_alikes() -> None:
    made = {one_time_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        check_password(password, "zhang")
        assert set(password) <= set(string.ascii_letters + string.digits) - set("0O1lI")


async def test_only_the_right_password_of_a_hash_is_true() -> None:
    hasher = quick_passwords()
    hashed = await hasher.hash("Correct-Horse-7")
    assert hashed.startswith("$argon2id$")
    assert await hasher.verify(hashed, "Correct-Horse-7")
    assert not await hasher.verify(hashed, "Correct-Horse-8")
    assert await hasher.hash("Correct-Horse-7") != hashed


async def test_the_default_cost_is_what_rfc_9106_recommends() -> None:
    assert "$m=65536,t=3,p=4$" in await Passwords().hash("Correct-Horse-7")


class _CountingHasher(argon2.PasswordHasher):
    def __init__(self, memory_kib: int = 8) -> None:
        super().__init__(time_cost=1, memory_cost=memory_kib, parallelism=1)
        self.verified: list[str | bytes] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.verified.append(hash)
        return super().verify(hash, password)


async def test_an_unknown_user_costs_the_same_work_as_a_wrong_password() -> None:
    counting = _CountingHasher()
    hasher = Passwords(counting)
    known = await hasher.hash("Correct-Horse-7")
    assert not await hasher.verify(known, "wrong")
    assert not await hasher.verify(None, "wrong")
    assert len(counting.verified) == 2
    cost = [str(hashed).rsplit("$", 2)[0] for hashed in counting.verified]
    assert cost[0] == cost[1]


async def test_a_one_time_password_is_hashed_at_little_cost_and_costs_a_stranger_as_much_as_any_other() -> None:
    counting = _CountingHasher(memory_kib=2048)
    hasher = Passwords(counting)
    password = one_time_password()
    hashed = await hasher.hash_one_time(password)
    assert hashed.startswith("$argon2id$v=19$m=1024,t=1,p=1$")
    assert await hasher.verify(hashed, password)
    assert not await hasher.verify(hashed, "wrong")
    assert ["m=2048" in str(one) for one in counting.verified] == [False, True, False, True]
    counting.verified.clear()
    assert await hasher.verify(hashed, password, is_own=True)
    assert not await hasher.verify(hashed, "wrong", is_own=True)
    assert counting.verified == [hashed, hashed]


class _WaitingHasher(argon2.PasswordHasher):
    """Ends no hash before the event loop has turned a few times since it was begun."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.begun, self.turned = threading.Event(), threading.Event()
        self.turned.set()  # until the test begins: what hashes passwords hashes one when it is made

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.begun.set()
        assert self.turned.wait(30)
        return super().hash(password, salt=salt)


async def test_the_event_loop_turns_while_passwords_are_hashed() -> None:
    hasher = _WaitingHasher()
    subject = Passwords(hasher)
    hasher.begun.clear()
    hasher.turned.clear()
    hashing = asyncio.create_task(subject.hash("Correct-Horse-7"))
    while not hasher.begun.is_set():  # noqa: ASYNC110  another thread sets it
        await asyncio.sleep(0.001)
    for _ in range(3):
        await asyncio.sleep(0.001)
    assert not hashing.done()
    hasher.turned.set()
    assert (await hashing).startswith("$argon2id$")


async def test_a_queue_that_is_too_long_is_turned_away_and_empties_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_WAITING", 3)
    hasher = quick_passwords()
    outcomes = await asyncio.gather(*(hasher.hash("Correct-Horse-7") for _ in range(9)), return_exceptions=True)
    busy = [outcome for outcome in outcomes if isinstance(outcome, HashingBusy)]
    assert len(busy) == 4
    assert busy[0].retry_after
    assert await hasher.hash("Correct-Horse-7")
