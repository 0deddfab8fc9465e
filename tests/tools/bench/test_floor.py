"""The floor runs the real libraries over real envelopes, and would notice if one did not verify."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from certs.errors import EnvelopeError
from tools.bench import floor
from tools.bench.floor import accept_floor, pull_floor
from tools.bench.plan import GATEWAYS
from tools.bench.records import ITEMS
from tools.bench.requests import Sending, request


def signed(sending: Sending, count: int = 3) -> list[bytes]:
    return [request(sending, sending.signer(), number).partition(b"\r\n\r\n")[2] for number in range(count)]


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "START_DELAY_S", 0.0)


def test_both_floors_count_what_all_processes_do_together(sending: Sending) -> None:
    with ThreadPoolExecutor(GATEWAYS) as pool:
        assert accept_floor(pool, sending, signed(sending), 0.05) > 0
        assert pull_floor(pool, sending, signed(sending), 0.05) > 0


def test_an_envelope_of_another_signer_does_not_pass(sending: Sending) -> None:
    with ThreadPoolExecutor(GATEWAYS) as pool, pytest.raises(EnvelopeError, match="signature"):
        accept_floor(pool, sending, [compact[:-8] + b"AAAAAAAA" for compact in signed(sending)], 0.05)


def test_a_payload_that_breaks_the_schema_does_not_pass(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "ITEMS", ITEMS[:2])
    with ThreadPoolExecutor(GATEWAYS) as pool, pytest.raises(AssertionError, match="schema"):
        accept_floor(pool, replace(sending), signed(sending), 0.05)


def test_each_library_call_takes_its_time_and_checking_a_signature_the_most(sending: Sending) -> None:
    for _ in range(20):  # other threads of this process, whose time counts, may be busy during one of them
        with ThreadPoolExecutor(1) as pool:
            found = floor.parts(pool, sending, signed(sending, 50))
        assert set(found) == {"read", "verify", "parse", "schema", "hash", "sign"}
        assert min(found.values()) > 0
        if max(found, key=lambda name: found[name]) == "verify":
            return
    raise AssertionError(found)
