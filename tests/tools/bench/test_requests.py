"""A file of requests holds whole HTTP requests of one length, each with an envelope of its own that verifies."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from certs import envelope
from tools.bench import requests
from tools.bench.requests import Sending, envelopes, read, write_requests


def test_all_requests_are_of_one_length_and_none_is_there_twice(tmp_path: Path, sending: Sending) -> None:
    path = tmp_path / "post.requests"
    with ThreadPoolExecutor(2) as pool:
        file = write_requests(pool, 2, sending, path, 2_501)
    assert path.stat().st_size == file.size * file.count
    found = [read(compact) for compact in envelopes(file, 10_000)]
    assert len({opened.header.jti for opened in found}) == 2_501
    assert {len(opened.payload_bytes) for opened in found} == {1024}
    for opened in found[::500]:
        envelope.verify(opened, sending.verifier())


def test_a_request_says_how_long_its_envelope_is(sending: Sending) -> None:
    head, _, body = requests.request(sending, sending.signer(), 7).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
    assert read(body).header.iss == "bench-provider"


def test_requests_of_different_lengths_are_noticed(
    tmp_path: Path, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = requests.request
    monkeypatch.setattr(requests, "request", lambda s, k, number: whole(s, k, number) + b" " * (number == 5))
    with ThreadPoolExecutor(2) as pool, pytest.raises(AssertionError, match="length"):
        write_requests(pool, 2, sending, tmp_path / "post.requests", 10)
