"""`shuniu send` and `shuniu inbox` against a real gateway, and the client over a kill."""

import contextlib
import fcntl
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.client import HubUnreachable, Partner, ProblemError, Resumed
from tests.support.commands import User
from tests.support.harness import free_port
from tests.support.town import Town, await_ready

pytestmark = pytest.mark.process


def records(count: int, *, first: int = 1) -> bytes:
    return json.dumps(
        [{"item_code": f"{number:06d}", "item_name": f"事项 {number}"} for number in range(first, first + count)],
        ensure_ascii=False,
    ).encode()


def drain(user: User, consumer: Path) -> list[Any]:
    """Everything in the inbox, acknowledged."""
    found: list[Any] = []
    while part := user.types("inbox", "--partner", consumer, "--ack", "--json").lines:
        found += part
    return found


def test_what_is_sent_arrives_and_is_acknowledged(
    main_job: tuple[Path, Path, str], anyone: User, tmp_path: Path
) -> None:
    provider, consumer, res = main_job
    drain(anyone, consumer)
    (receipt,) = anyone.types("send", "--partner", provider, "--res", res, "-", "--json", stdin=records(2)).lines
    assert receipt["lanes"] == 1
    assert (provider / "receipts" / f"{receipt['jti']}.jws").exists()

    shown = anyone.types("inbox", "--partner", consumer, "--wait", "5")
    assert (shown.code, receipt["res"] in shown.out) == (0, True)
    kept = anyone.types("inbox", "--partner", consumer, "--out", tmp_path / "in", "--ack", "--json")
    (item,) = kept.lines
    assert (item["exchange"], item["sender"]) == (receipt["exchange"], "lintao-approval")
    assert item["digest"] == receipt["envelope_digest"]
    assert item["records"] == json.loads(records(2))
    assert "1 acknowledged" in kept.err
    assert json.loads((tmp_path / "in" / f"{item['delivery']}.json").read_text())["records"] == item["records"]
    assert (tmp_path / "in" / f"{item['delivery']}.jws").exists()

    empty = anyone.types("inbox", "--partner", consumer)
    assert (empty.code, empty.out) == (0, "")
    assert "empty" in empty.err


def test_more_than_a_thousand_records_go_in_several_envelopes(main_job: tuple[Path, Path, str], anyone: User) -> None:
    provider, consumer, res = main_job
    drain(anyone, consumer)
    done = anyone.types("send", "--partner", provider, "--res", res, "--ver", "1", "-", stdin=records(2001))
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 3
    assert [line for line in done.err.splitlines() if "/3" in line] == ["1/3", "2/3", "3/3"]
    assert [len(item["records"]) for item in drain(anyone, consumer)] == [1000, 1000, 1]


def test_a_terminal_shows_a_bar(town: Town, main_job: tuple[Path, Path, str], anyone: User, tmp_path: Path) -> None:
    provider, consumer, res = main_job
    (tmp_path / "records.json").write_bytes(records(1001))
    master, slave = pty.openpty()
    words = ["send", "--partner", str(provider), "--res", res, str(tmp_path / "records.json")]
    process = subprocess.Popen(
        [sys.executable, "-m", "hub", *words], env=town.environment, stdout=subprocess.PIPE, stderr=slave
    )
    out, _ = process.communicate(timeout=60)
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: the other end is closed and everything was read
        while part := os.read(master, 4096):
            shown += part
    os.close(master)
    assert process.returncode == 0, shown.decode()
    assert len(out.splitlines()) == 2
    assert "2/2" in shown.decode()
    drain(anyone, consumer)


def test_codes_are_checked_before_anything_is_signed(main_job: tuple[Path, Path, str], anyone: User) -> None:
    provider, _, res = main_job
    for words in (("--res", "x"), ("--res", res, "--to", "A B"), ("--res", res, "--to", "a1", "--to", "a1")):
        assert anyone.types("send", "--partner", provider, *words, "-", stdin=records(1)).code == 2


def test_a_refusal_ends_with_one_and_shows_the_place(main_job: tuple[Path, Path, str], anyone: User) -> None:
    provider, _, res = main_job
    wrong = json.dumps([{"item_code": "1", "item_name": 7}]).encode()
    done = anyone.types("send", "--partner", provider, "--res", res, "-", stdin=wrong)
    assert done.code == 1
    assert "schema-violation" in done.err
    assert "/records/0/item_name" in done.err
    assert "request_id" in done.err


def test_a_refusal_half_way_says_how_much_was_accepted(main_job: tuple[Path, Path, str], anyone: User) -> None:
    provider, consumer, res = main_job
    mixed = [*json.loads(records(1000)), {"item_code": "x"}]
    done = anyone.types("send", "--partner", provider, "--res", res, "-", stdin=json.dumps(mixed).encode())
    assert done.code == 1
    assert len(done.out.splitlines()) == 1
    assert "1000 of 1001" in done.err
    drain(anyone, consumer)


def test_a_whole_payload_is_sent_as_it_is(main_job: tuple[Path, Path, str], anyone: User, tmp_path: Path) -> None:
    provider, consumer, res = main_job
    drain(anyone, consumer)
    file = tmp_path / "payload.json"
    file.write_text('{"op": "delete", "records": [{"item_code": "000001"}]}')
    words = ("send", "--partner", provider, "--res", res, "--to", "lintao-subsite", file)
    assert anyone.types(*words).code == 0
    (item,) = drain(anyone, consumer)
    assert (item["op"], item["records"]) == ("delete", [{"item_code": "000001"}])
    done = anyone.types(*words, "--op", "upsert")
    assert (done.code, "leave --op out" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"", "JSON"),
        (b"[]", "array"),
        (b"[1]", "array"),
        (b'"x"', "JSON"),
        (b'{"op": "upsert"}', "array"),
        (b'[{}], "op": [{}', "JSON"),
        (b'[{}], "op": 1', "line 1 column 5"),
        (b'\r\n\r\n [{"a": 1,}]', "line 3 column 11"),
        (b'[{"a": 1, "a": 2}]', "more than once"),
        (b'[{"a": NaN}]', "NaN"),
    ],
)
def test_what_is_no_list_of_records_is_wrong_use(
    main_job: tuple[Path, Path, str], anyone: User, given: bytes, words: str
) -> None:
    provider, _, res = main_job
    done = anyone.types("send", "--partner", provider, "--res", res, "-", stdin=given)
    assert done.code == 2
    assert words in done.err


def test_a_snapshot_is_not_cut_into_parts(main_job: tuple[Path, Path, str], anyone: User) -> None:
    provider, _, res = main_job
    done = anyone.types("send", "--partner", provider, "--res", res, "--op", "snapshot", "-", stdin=records(1001))
    assert (done.code, "snapshot" in done.err) == (2, True)


def test_a_folder_without_key_is_missing_something(
    main_job: tuple[Path, Path, str], anyone: User, tmp_path: Path
) -> None:
    done = anyone.types("inbox", "--partner", tmp_path)
    assert done.code == 3
    assert "partner.json" in done.err


def test_what_an_earlier_run_left_is_sent_first(main_job: tuple[Path, Path, str], anyone: User) -> None:
    provider, consumer, res = main_job
    drain(anyone, consumer)
    _leave_in_outbox(provider, res, b"1")
    done = anyone.types("send", "--partner", provider, "--res", res, "-", stdin=records(1, first=2))
    assert (done.code, "1 envelopes receipted" in done.err) == (0, True), done.err
    assert [item["records"][0]["item_code"] for item in drain(anyone, consumer)] == ["1", "000002"]
    assert list((provider / "outbox").iterdir()) == []


def test_what_an_earlier_run_left_and_the_hub_refuses_is_told(main_job: tuple[Path, Path, str], anyone: User) -> None:
    provider, consumer, res = main_job
    _leave_in_outbox(provider, res, b"1", ver=99)
    done = anyone.types("inbox", "--partner", provider)
    assert done.code == 0
    assert "wrong-version" in done.err
    assert len(list((provider / "refused").iterdir())) >= 1
    drain(anyone, consumer)


def _leave_in_outbox(provider: Path, res: str, code: bytes, *, ver: int = 1) -> None:
    """As a crash between signing and sending leaves it: the hub of this profile cannot be reached."""
    profile = provider / "partner.json"
    kept = profile.read_text()
    profile.write_text(json.dumps(json.loads(kept) | {"url": f"http://127.0.0.1:{free_port()}"}))
    try:
        with Partner.load(provider) as partner:
            partner._wire._sleep = lambda _: None
            with pytest.raises(HubUnreachable):
                partner.publish(res, [{"item_code": code.decode(), "item_name": "x"}], ver=ver)
    finally:
        profile.write_text(kept)


def test_the_client_and_the_gateway_keep_the_promise_over_a_kill(
    town: Town, main_job: tuple[Path, Path, str], anyone: User
) -> None:
    """The gateway dies while a partner publishes; afterwards every record is one exchange, and the outbox is empty."""
    provider, consumer, res = main_job
    drain(anyone, consumer)
    port = free_port()
    environment = town.environment | {"SHUNIU_PORT": str(port)}
    profile = provider / "partner.json"
    kept = profile.read_text()
    profile.write_text(json.dumps(json.loads(kept) | {"url": f"http://127.0.0.1:{port}"}))
    sent = 0
    try:
        doomed = subprocess.Popen([sys.executable, "-m", "hub", "gateway"], env=environment)
        await_ready(f"http://127.0.0.1:{port}", doomed)
        with Partner.load(provider) as partner:
            partner._wire._sleep = lambda _: None
            try:
                for number in range(200):
                    if number == 20:
                        doomed.kill()
                    sent += 1
                    partner.publish(res, [{"item_code": f"k{number}", "item_name": "x"}], ver=1)
            except HubUnreachable:
                pass
        doomed.wait(60)
    finally:
        profile.write_text(kept)
    with Partner.load(provider) as partner:
        assert len(partner.resume().receipts) == 1
        assert partner.resume() == Resumed([], 0, {})
    arrived = [item["records"][0]["item_code"] for item in drain(anyone, consumer)]
    assert arrived == [f"k{number}" for number in range(sent)]


def test_the_same_command_after_a_crash_goes_on_where_it_stopped(
    main_job: tuple[Path, Path, str], town: Town, anyone: User, tmp_path: Path
) -> None:
    provider, consumer, res = main_job
    drain(anyone, consumer)
    (tmp_path / "records.json").write_bytes(records(20_001))
    words = ["send", "--partner", str(provider), "--res", res, str(tmp_path / "records.json"), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "hub", *words], env=town.environment, stdout=subprocess.PIPE, bufsize=0
    )
    assert process.stdout is not None
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # half of the receipts: it cannot end before it is killed
    first = json.loads(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    again = anyone.types(*words)
    assert again.code == 0, again.err
    assert again.lines[0] == first
    assert len(again.lines) == 21
    items = drain(anyone, consumer)
    assert [item["exchange"] for item in items] == [receipt["exchange"] for receipt in again.lines]
    assert [record["item_code"] for item in items for record in item["records"]] == [
        f"{number:06d}" for number in range(1, 20_002)
    ]
    another = anyone.types(*words)
    assert {receipt["exchange"] for receipt in another.lines}.isdisjoint(item["exchange"] for item in items)
    assert len(drain(anyone, consumer)) == 21, "sent to its end, it is sent again"


def test_the_client_reads_the_live_version_and_the_hubs_refusals(main_job: tuple[Path, Path, str]) -> None:
    provider, _, res = main_job
    with Partner.load(provider) as partner:
        version = partner.live_version(res)
        assert (version.number, str(version.schema_digest)[:8]) == (1, "sha-256:")
        with pytest.raises(ProblemError) as caught:
            partner.live_version("306001000001/999999")
        assert caught.value.status == 404
