"""Publishing, pulling and acknowledging, and what is left on disk when something goes wrong."""

import contextlib
import fcntl
import json
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from certs import envelope
from certs.errors import EnvelopeError
from certs.header import ACK, EXCHANGE
from hub.client import FolderError, HubUnreachable, Partner, ProblemError, Resumed, TrustError, batches
from hub.client.folder import Folder
from hub.client.partner import Version
from hub.client.sending import Sending
from tests.support.client_side import HUB, NOW, RECORDS, RES, County, Desk, Fault, problem, signer_of


def opened(compact: bytes) -> envelope.Opened:
    return envelope.read(compact, max_bytes=4 << 20, allowed_types=frozenset({EXCHANGE, ACK}))


def on(path: str, *answers: httpx.Response | Exception | None) -> Fault:
    """A fault that meets calls of `path` with these answers in turn, then lets them through."""
    left: Iterator[httpx.Response | Exception | None] = iter(answers)

    def fault(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != path:
            return None
        answer = next(left, None)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return fault


def test_publishing_returns_the_checked_receipt_and_keeps_it(desk: Desk) -> None:
    receipt = desk.partner.publish(RES, RECORDS)
    (posted,) = desk.hub.posts("/v1/exchanges")
    sent = opened(posted)
    assert json.loads(sent.payload_bytes) == {"op": "upsert", "records": RECORDS}
    header = sent.header
    assert (header.iss, header.aud, header.res, header.ver, header.to) == ("lintao-subsite", HUB, RES, 3, None)
    assert header.iat == int(NOW.timestamp())
    assert (receipt.jti, receipt.envelope_digest, receipt.lanes, receipt.ver) == (header.jti, sent.digest, 2, 3)
    assert (desk.folder / "receipts" / f"{header.jti}.jws").read_bytes() == receipt.compact
    assert desk.outbox() == []


def test_what_is_sent_is_signed_by_the_partners_key(desk: Desk) -> None:
    desk.partner.publish(RES, RECORDS)
    sent = opened(desk.hub.posts("/v1/exchanges")[0])
    from certs.suites import Verifier

    envelope.verify(sent, Verifier(desk.hub.county.systems["lintao-subsite"].certificate.public_key()))
    assert sent.header.kid == signer_of(desk.hub.county.systems["lintao-subsite"]).kid


def test_a_given_version_is_not_asked_for(desk: Desk) -> None:
    desk.partner.publish(RES, RECORDS, ver=2, op="delete", to=["civil-affairs"])
    assert [request.url.path for request in desk.hub.requests] == ["/v1/exchanges"]
    sent = opened(desk.hub.posts("/v1/exchanges")[0])
    assert (sent.header.ver, sent.header.to) == (2, ("civil-affairs",))
    assert json.loads(sent.payload_bytes)["op"] == "delete"


def test_bytes_are_on_disk_before_they_are_sent(desk: Desk) -> None:
    seen: list[bytes] = []

    def look(request: httpx.Request) -> None:
        if request.url.path == "/v1/exchanges":
            (path,) = desk.outbox()
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            seen.append(path.read_bytes())

    desk.hub.faults.append(look)
    desk.partner.publish(RES, RECORDS)
    assert seen == desk.hub.posts("/v1/exchanges")


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        problem(503, "unavailable"),
        problem(429, "rate-limited", retry_after=2),
        problem(502, "upstream-failed"),
    ],
    ids=lambda fault: type(fault).__name__ + str(getattr(fault, "status_code", "")),
)
def test_what_may_pass_is_met_with_the_same_bytes_again(desk: Desk, fault: Any) -> None:
    desk.hub.faults.append(on("/v1/exchanges", fault, fault))
    desk.partner.publish(RES, RECORDS, ver=3)
    posts = desk.hub.posts("/v1/exchanges")
    assert len(posts) == 3
    assert len(set(posts)) == 1
    assert len(desk.pauses) == 2


def test_retry_after_is_honoured(desk: Desk) -> None:
    desk.hub.faults.append(on("/v1/exchanges", problem(503, "unavailable", retry_after=17)))
    desk.partner.publish(RES, RECORDS, ver=3)
    assert desk.pauses == [17]


def test_pauses_grow_and_differ(desk: Desk) -> None:
    desk.hub.faults.append(on("/v1/exchanges", *[httpx.ConnectError("refused")] * 4))
    desk.partner.publish(RES, RECORDS, ver=3)
    for pause, longest in zip(desk.pauses, (0.25, 1, 4, 8), strict=True):
        assert longest / 2 <= pause <= longest


def test_a_hub_that_asks_for_too_much_patience_is_left_to_the_caller(desk: Desk) -> None:
    desk.hub.faults.append(on("/v1/exchanges", problem(503, "unavailable", retry_after=3600)))
    with pytest.raises(ProblemError) as caught:
        desk.partner.publish(RES, RECORDS, ver=3)
    assert caught.value.retry_after == 3600
    assert desk.pauses == []
    assert len(desk.outbox()) == 1


def test_attempts_are_bounded_and_the_envelope_stays_in_the_outbox(desk: Desk) -> None:
    desk.hub.faults.append(on("/v1/exchanges", *[httpx.ConnectError("refused")] * 9))
    with pytest.raises(HubUnreachable, match="outbox"):
        desk.partner.publish(RES, RECORDS, ver=3)
    assert len(desk.hub.posts("/v1/exchanges")) == 5
    (path,) = desk.outbox()
    assert path.read_bytes() == desk.hub.posts("/v1/exchanges")[0]


@pytest.mark.parametrize(("status", "slug"), [(422, "schema-violation"), (403, "no-grant"), (429, "quota-exceeded")])
def test_a_final_refusal_is_raised_at_once_and_the_envelope_set_aside(desk: Desk, status: int, slug: str) -> None:
    errors = [{"pointer": "/records/0/phone", "detail": "须为 11 位数字"}]
    desk.hub.faults.append(on("/v1/exchanges", problem(status, slug, errors=errors, request_id="r-7")))
    with pytest.raises(ProblemError) as caught:
        desk.partner.publish(RES, RECORDS, ver=3)
    assert (caught.value.status, caught.value.slug, caught.value.request_id) == (status, slug, "r-7")
    assert str(caught.value).splitlines() == [
        f"{slug} [{slug}, HTTP {status}]",
        f"  {slug} 的说明",
        "  /records/0/phone: 须为 11 位数字",
        "  request_id: r-7",
    ]
    assert desk.pauses == []
    assert desk.outbox() == []
    (aside,) = (desk.folder / "refused").iterdir()
    assert aside.read_bytes() == desk.hub.posts("/v1/exchanges")[0]


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408])
def test_what_a_proxy_answers_in_place_of_the_hub_is_no_refusal_of_the_message(desk: Desk, status: int) -> None:
    page = httpx.Response(status, headers={"Location": "https://elsewhere.test/"}, content=b"<html>no</html>")
    desk.hub.faults.append(lambda request: page if request.url.path == "/v1/exchanges" else None)
    with pytest.raises(ProblemError, match=r"elsewhere\.test"):
        desk.partner.publish(RES, RECORDS, ver=3)
    assert len(desk.outbox()) == 1
    assert len(desk.hub.posts("/v1/exchanges")) == (5 if status == 408 else 1)
    desk.hub.faults.clear()
    assert len(desk.again().resume().receipts) == 1
    assert not (desk.folder / "refused").exists()


def test_what_is_too_large_for_a_proxy_does_not_stand_in_the_way_of_the_rest(desk: Desk) -> None:
    desk.hub.faults.append(on("/v1/exchanges", httpx.Response(413, content=b"<html>no</html>")))
    with pytest.raises(ProblemError, match="413"):
        desk.partner.publish(RES, RECORDS, ver=3)
    assert desk.outbox() == []
    assert len(list((desk.folder / "refused").iterdir())) == 1


def test_a_crash_between_signing_and_answer_makes_no_second_exchange(desk: Desk) -> None:
    # accepted, but the answer never arrives
    desk.hub.faults.append(_swallow_answers(desk))
    with pytest.raises(HubUnreachable):
        desk.partner.publish(RES, RECORDS, ver=3)
    assert len(desk.hub.accepted) == 1
    desk.hub.faults.clear()
    done = desk.again().resume()
    assert len(desk.hub.accepted) == 1
    assert len(set(desk.hub.posts("/v1/exchanges"))) == 1
    assert [receipt.compact for receipt in done.receipts] == [receipt for _, receipt in desk.hub.accepted.values()]
    assert desk.outbox() == []
    assert desk.again().resume() == Resumed([], 0, {})


def _swallow_answers(desk: Desk) -> Fault:
    def fault(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/v1/exchanges":
            desk.hub._exchange(request.content)
            raise httpx.ReadError("cut")
        return None

    return fault


MANY = [{"case_no": str(number)} for number in range(2_500)]
"""Three envelopes."""


def _lost_at(desk: Desk, lost: int) -> None:
    """The answer to that post (from 0), and to all after it, is lost; the hub has taken it."""
    posts = 0

    def fault(request: httpx.Request) -> httpx.Response | None:
        nonlocal posts
        if request.url.path != "/v1/exchanges" or (posts := posts + 1) <= lost:
            return None
        desk.hub._exchange(request.content)
        raise httpx.ReadError("cut")

    desk.hub.faults.append(fault)


def _case_numbers(desk: Desk) -> list[str]:
    """Of all that the hub has accepted, in order."""
    posted = {message.digest: message for message in map(opened, desk.hub.posts("/v1/exchanges"))}
    bodies = [json.loads(posted[digest].payload_bytes) for digest, _ in desk.hub.accepted.values()]
    return [record["case_no"] for body in bodies for record in body["records"]]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_all_of_it_once_more_after_a_crash_goes_on_where_it_stopped(desk: Desk, lost: int) -> None:
    _lost_at(desk, lost)
    with pytest.raises(HubUnreachable):
        desk.partner.publish_all(RES, MANY)
    desk.hub.faults.clear()
    receipts = desk.again().publish_all(RES, MANY)
    assert _case_numbers(desk) == [record["case_no"] for record in MANY]
    assert [receipt.compact for receipt in receipts] == [
        (desk.folder / "receipts" / f"{receipt.jti}.jws").read_bytes() for receipt in receipts
    ]
    assert len({receipt.exchange for receipt in receipts}) == 3
    assert not (desk.folder / "sending.json").exists()
    assert len(desk.partner.publish_all(RES, MANY)) == 3
    assert len(_case_numbers(desk)) == 2 * len(MANY), "sent to its end, it may be sent again"


def test_a_refusal_half_way_is_gone_on_from_under_another_jti(desk: Desk) -> None:
    desk.hub.faults.append(on("/v1/exchanges", None, problem(403, "no-grant")))
    with pytest.raises(ProblemError):
        desk.partner.publish_all(RES, MANY)
    receipts = desk.again().publish_all(RES, MANY)
    assert _case_numbers(desk) == [record["case_no"] for record in MANY]
    (refused,) = (desk.folder / "refused").iterdir()
    assert refused.stem not in [receipt.jti for receipt in receipts]


def test_another_content_is_another_sending(desk: Desk) -> None:
    others: list[dict[str, Any]] = [{"op": "delete"}, {"ver": 2}, {"to": ["civil-affairs"]}, {"ref": "another"}]
    for other in others:
        desk.hub.accepted.clear()
        _lost_at(desk, 1)
        with pytest.raises(HubUnreachable):
            desk.partner.publish_all(RES, MANY)
        desk.hub.faults.clear()
        desk.again().publish_all(RES, MANY, **other)
        assert len(_case_numbers(desk)) == 2_000 + len(MANY)


def test_what_was_sent_before_something_else_is_sent_again_as_a_whole(desk: Desk) -> None:
    _lost_at(desk, 1)
    with pytest.raises(HubUnreachable):
        desk.partner.publish_all(RES, MANY)
    desk.hub.faults.clear()
    partner = desk.again()
    partner.resume()
    partner.publish(RES, [{"case_no": "7"}])
    partner.publish_all(RES, MANY)
    assert _case_numbers(desk)[2_000:] == ["7", *[record["case_no"] for record in MANY]]


def _cut_half_way(desk: Desk, **asked: Any) -> None:
    """One envelope of three is receipted, and a second is in the outbox, which the hub has."""
    _lost_at(desk, 1)
    with pytest.raises(HubUnreachable):
        desk.partner.publish_all(RES, MANY, **asked)
    desk.hub.faults.clear()


@pytest.mark.parametrize("member", ["hub", "system"])
def test_at_another_hub_or_as_another_system_it_is_another_sending(desk: Desk, member: str) -> None:
    about = (RES, None, None, None)
    sending = Sending.begun(Folder(desk.folder), about, [b"{}"])
    sending.name(0, "1")
    assert Sending.begun(Folder(desk.folder), about, [b"{}"]).named(0) == "1"
    profile = json.loads((desk.folder / "partner.json").read_text())
    (desk.folder / "partner.json").write_text(json.dumps(profile | {member: "another"}))
    assert Sending.begun(Folder(desk.folder), about, [b"{}"]).named(0) is None


def test_a_version_that_is_published_in_between_is_gone_on_with(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _cut_half_way(desk)
    monkeypatch.setattr(Partner, "live_version", lambda *_: Version(4))
    receipts = desk.again().publish_all(RES, MANY)
    assert _case_numbers(desk) == [record["case_no"] for record in MANY]
    assert [receipt.ver for receipt in receipts] == [3, 3, 4]


def test_what_was_to_be_sent_in_between_and_never_was_changes_nothing(desk: Desk) -> None:
    _cut_half_way(desk)
    with pytest.raises(EnvelopeError):
        desk.again().publish(RES, RECORDS, ref="not a jti!")
    with pytest.raises(EnvelopeError):
        desk.again().publish_all(RES, RECORDS, to=["BAD"])
    desk.again().resume()
    for send in (Partner.publish, Partner.publish_all):
        desk.hub.faults.append(on("/v1/exchanges", problem(422, "schema-violation")))
        with pytest.raises(ProblemError):
            send(desk.again(), RES, RECORDS)
        desk.hub.faults.clear()
    desk.again().publish_all(RES, MANY)
    assert _case_numbers(desk) == [record["case_no"] for record in MANY]


def test_an_earlier_message_that_is_refused_now_is_told_before_anything_is_sent(desk: Desk) -> None:
    desk.hub.faults.append(on("/v1/exchanges", *[httpx.ConnectError("refused")] * 5))
    with pytest.raises(HubUnreachable):
        desk.partner.publish(RES, RECORDS)
    desk.hub.faults.append(on("/v1/exchanges", problem(403, "no-grant")))
    with pytest.raises(ProblemError, match=r"the earlier message .* no-grant") as caught:
        desk.again().publish_all(RES, MANY)
    assert (caught.value.status, caught.value.slug) == (403, "no-grant")
    assert desk.hub.accepted == {}
    assert len(desk.again().publish_all(RES, MANY)) == 3


def test_what_the_hub_has_is_not_sent_under_another_jti_though_its_file_was_lost(desk: Desk) -> None:
    _cut_half_way(desk)
    (waiting,) = desk.outbox()
    kept = waiting.read_bytes()
    waiting.write_bytes(b"")
    with pytest.raises(FolderError, match="restore it from a backup"):
        desk.again().publish_all(RES, MANY)
    waiting.unlink()
    for _ in range(2):
        desk.clock.now += timedelta(seconds=1)
        with pytest.raises(FolderError, match=rf"{waiting.stem}.*receipts.*backup.*sending\.json"):
            desk.again().publish_all(RES, MANY)
    assert len(desk.hub.accepted) == 2
    waiting.write_bytes(kept)
    desk.again().publish_all(RES, MANY)
    assert _case_numbers(desk) == [record["case_no"] for record in MANY]


def test_a_receipt_that_is_damaged_is_named(desk: Desk) -> None:
    _cut_half_way(desk)
    (receipt,) = (desk.folder / "receipts").iterdir()
    kept = receipt.read_bytes()
    for damaged in (b"", b"a.b.c"):
        receipt.write_bytes(damaged)
        with pytest.raises(FolderError, match=receipt.name):
            desk.again().publish_all(RES, MANY)
    receipt.write_bytes(kept)
    desk.again().publish_all(RES, MANY)
    assert len(_case_numbers(desk)) == len(MANY)


def test_what_waits_is_sent_in_the_order_of_signing_though_the_clock_was_set_back(desk: Desk) -> None:
    for case_no in ("older", "newer"):
        desk.hub.faults.append(on("/v1/exchanges", *[httpx.ConnectError("refused")] * 5))
        with pytest.raises(HubUnreachable):
            desk.again().publish(RES, [{"case_no": case_no}])
        desk.hub.faults.clear()
        desk.clock.now -= timedelta(seconds=60)
    desk.again().resume()
    assert _case_numbers(desk) == ["older", "newer"]


def test_one_sending_waits_for_another(desk: Desk) -> None:
    (desk.folder / "sending.lock").touch()
    with (desk.folder / "sending.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        sending = threading.Thread(target=desk.partner.publish_all, args=(RES, RECORDS))
        sending.start()
        sending.join(0.3)
        assert desk.hub.accepted == {}
    sending.join(30)
    assert len(desk.hub.accepted) == 1


@pytest.mark.parametrize(("records", "op"), [([], "upsert"), (MANY, "snapshot")])
def test_a_sending_has_records_and_a_snapshot_one_envelope(desk: Desk, records: list[dict[str, str]], op: str) -> None:
    with pytest.raises(ValueError, match=f"records of a {op}"):
        desk.partner.publish_all(RES, records, op=op)


@pytest.mark.parametrize("note", ["", "[", "{}", "[1]", '[{"content": "x"}]'])
def test_a_note_that_is_damaged_is_named_with_what_its_removal_means(desk: Desk, note: str) -> None:
    (desk.folder / "sending.json").write_text(note)
    with pytest.raises(FolderError, match=r"sending\.json .*remove it"):
        desk.partner.publish_all(RES, RECORDS)


def test_what_was_signed_but_never_sent_is_sent_by_resume(desk: Desk) -> None:
    desk.hub.faults.append(on("/v1/exchanges", *[httpx.ConnectError("refused")] * 10))
    for number in range(2):
        with pytest.raises(HubUnreachable):
            desk.partner.publish(RES, [{"case_no": str(number)}], ver=3)
    desk.hub.requests.clear()
    done = desk.again().resume()
    order = [
        json.loads(opened(post).payload_bytes)["records"][0]["case_no"] for post in desk.hub.posts("/v1/exchanges")
    ]
    assert order == ["0", "1"]
    assert len(done.receipts) == 2


def test_resume_signs_stale_bytes_again_under_the_same_jti(desk: Desk, later: Any) -> None:
    desk.hub.faults.append(on("/v1/exchanges", *[httpx.ConnectError("refused")] * 5))
    with pytest.raises(HubUnreachable):
        desk.partner.publish(RES, RECORDS, ver=3, to=["civil-affairs"])
    first = opened(desk.outbox()[0].read_bytes())
    desk.clock.now = later(hours=9)
    (receipt,) = desk.again().resume().receipts
    second = opened(desk.hub.posts("/v1/exchanges")[-1])
    assert receipt.jti == first.header.jti == second.header.jti
    assert second.header.iat == int(later(hours=9).timestamp())
    assert second.payload_bytes == first.payload_bytes
    assert second.header.to == first.header.to
    assert len(desk.hub.accepted) == 1
    assert desk.outbox() == []
    assert not (desk.folder / "refused").exists()


def test_resume_does_not_sign_again_what_was_accepted_however_old(desk: Desk, later: Any) -> None:
    desk.hub.faults.append(_swallow_answers(desk))
    with pytest.raises(HubUnreachable):
        desk.partner.publish(RES, RECORDS, ver=3)
    desk.hub.faults.clear()
    desk.clock.now = later(days=3)
    (receipt,) = desk.again().resume().receipts
    assert receipt.compact == next(iter(desk.hub.accepted.values()))[1]
    assert len(set(desk.hub.posts("/v1/exchanges"))) == 1


def test_resume_goes_on_after_a_refusal_and_tells_of_it(desk: Desk) -> None:
    desk.hub.faults.append(on("/v1/exchanges", *[httpx.ConnectError("refused")] * 10))
    for _ in range(2):
        with pytest.raises(HubUnreachable):
            desk.partner.publish(RES, RECORDS, ver=3)
    refused = opened(desk.outbox()[0].read_bytes()).header.jti
    desk.hub.faults[:] = [on("/v1/exchanges", problem(403, "system-suspended"))]
    done = desk.again().resume()
    assert {jti: error.slug for jti, error in done.refused.items()} == {refused: "system-suspended"}
    assert len(done.receipts) == 1
    assert desk.outbox() == []


def test_resume_stops_where_the_hub_cannot_answer_and_keeps_the_rest(desk: Desk) -> None:
    desk.hub.faults.append(on("/v1/exchanges", *[httpx.ConnectError("refused")] * 10))
    for _ in range(2):
        with pytest.raises(HubUnreachable):
            desk.partner.publish(RES, RECORDS, ver=3)
    desk.hub.faults[:] = [on("/v1/exchanges", *[problem(503, "unavailable")] * 5)]
    with pytest.raises(ProblemError):
        desk.again().resume()
    assert len(desk.outbox()) == 2


def test_a_damaged_outbox_is_reported(desk: Desk) -> None:
    (desk.folder / "outbox").mkdir()
    (desk.folder / "outbox" / "a.jws").write_bytes(b"not an envelope")
    with pytest.raises(FolderError, match=r"outbox/a\.jws"):
        desk.partner.resume()


def test_an_untrustworthy_receipt_leaves_the_envelope_in_the_outbox(desk: Desk) -> None:
    desk.hub.receipt_changes["sender"] = "someone-else"
    with pytest.raises(TrustError):
        desk.partner.publish(RES, RECORDS, ver=3)
    assert len(desk.outbox()) == 1
    assert not (desk.folder / "receipts").exists()


def test_the_receipts_schema_is_that_of_the_version_asked_for(desk: Desk) -> None:
    desk.hub.receipt_changes["schema_digest"] = "sha-256:" + "0" * 64
    with pytest.raises(TrustError, match="schema_digest"):
        desk.partner.publish(RES, RECORDS)


def test_an_unknown_resource_is_a_problem(desk: Desk) -> None:
    with pytest.raises(ProblemError) as caught:
        desk.partner.publish("306001000001/000099", RECORDS)
    assert caught.value.slug == "unknown-resource"


@pytest.mark.parametrize("count", [0, 1001])
def test_an_envelope_takes_one_to_a_thousand_records(desk: Desk, count: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        desk.partner.publish(RES, RECORDS * count, ver=3)
    assert desk.hub.requests == []


def test_a_header_that_the_hub_would_refuse_is_not_even_signed(desk: Desk) -> None:
    with pytest.raises(EnvelopeError):
        desk.partner.publish("no code", RECORDS, ver=3)
    assert desk.outbox() == []


def test_identifiers_differ_and_sort_in_the_order_of_signing(desk: Desk) -> None:
    for _ in range(5):  # the clock stands still
        desk.partner.publish(RES, RECORDS, ver=3)
    names = [opened(post).header.jti for post in desk.hub.posts("/v1/exchanges")]
    assert names == sorted(set(names))


def test_the_inbox_gives_checked_deliveries(desk: Desk) -> None:
    entry = desk.hub.deliver(desk.hub.county.systems["civil-affairs"])
    (item,) = desk.partner.inbox(limit=7, wait=2.5)
    assert dict(desk.hub.requests[1].url.params) == {"limit": "7", "wait": "2.5"}
    assert (item.id, item.digest, item.sequence) == (entry["delivery"], entry["digest"], 1)
    assert (item.sender, item.res, item.ver, item.op, item.records) == ("civil-affairs", RES, 3, "upsert", RECORDS)
    assert item.envelope == entry["envelope"].encode()


def test_one_certificate_is_fetched_once(desk: Desk) -> None:
    for _ in range(3):
        desk.hub.deliver(desk.hub.county.systems["civil-affairs"])
    desk.partner.inbox()
    desk.partner.inbox()
    assert sum(request.url.path.startswith("/pki/") for request in desk.hub.requests) == 1


def test_acknowledging_signs_id_and_digest_of_what_was_delivered(desk: Desk) -> None:
    entry = desk.hub.deliver(desk.hub.county.systems["civil-affairs"])
    assert desk.partner.acknowledge(desk.partner.inbox()) == 1
    (said,) = desk.hub.acknowledged
    assert json.loads(said.payload_bytes) == {"deliveries": [{"id": entry["delivery"], "digest": entry["digest"]}]}
    assert (said.header.typ, said.header.iss, said.header.aud, said.header.res) == (ACK, "lintao-subsite", HUB, None)
    assert desk.outbox() == []


def test_many_acknowledgements_go_in_messages_of_five_hundred(desk: Desk) -> None:
    desk.hub.deliver(desk.hub.county.systems["civil-affairs"])
    assert desk.partner.acknowledge(desk.partner.inbox() * 1201) == 1201
    sizes = [len(json.loads(said.payload_bytes)["deliveries"]) for said in desk.hub.acknowledged]
    assert sizes == [500, 500, 201]


def test_acknowledging_nothing_sends_nothing(desk: Desk) -> None:
    assert desk.partner.acknowledge([]) == 0
    assert desk.hub.requests == []


def test_an_acknowledgement_whose_answer_was_lost_is_resumed(desk: Desk) -> None:
    desk.hub.deliver(desk.hub.county.systems["civil-affairs"])
    items = desk.partner.inbox()
    desk.hub.faults.append(on("/v1/inbox/acks", *[httpx.ReadError("cut")] * 5))
    with pytest.raises(HubUnreachable):
        desk.partner.acknowledge(items)
    assert desk.again().resume().acknowledged == 1
    assert len(set(desk.hub.posts("/v1/inbox/acks"))) == 1
    assert desk.outbox() == []


@pytest.mark.parametrize("answer", [{"acknowledged": "1"}, {"acknowledged": True}, {}])
def test_an_answer_without_a_count_is_not_believed(desk: Desk, answer: dict[str, Any]) -> None:
    desk.hub.deliver(desk.hub.county.systems["civil-affairs"])
    items = desk.partner.inbox()
    desk.hub.faults.append(on("/v1/inbox/acks", httpx.Response(200, json=answer)))
    with pytest.raises(TrustError):
        desk.partner.acknowledge(items)
    assert len(desk.outbox()) == 1


@pytest.mark.parametrize("body", [b"[]", b"no json", b'{"items": 1}', b'{"items": [1]}'])
def test_an_inbox_that_is_none_is_not_believed(desk: Desk, body: bytes) -> None:
    desk.hub.faults.append(on("/v1/inbox", httpx.Response(200, content=body)))
    with pytest.raises(TrustError):
        desk.partner.inbox()


def test_a_served_certificate_that_is_none_is_not_believed(desk: Desk) -> None:
    issued = desk.hub.county.systems["civil-affairs"]
    desk.hub.deliver(issued)
    desk.hub.faults.append(on(f"/pki/certificates/{signer_of(issued).kid}.pem", httpx.Response(200, content=b"no")))
    with pytest.raises(TrustError, match="cannot be read"):
        desk.partner.inbox()


def test_a_partner_is_loaded_from_its_folder(county: County) -> None:
    folder = county.system("lintao-subsite", algorithm="EdDSA")
    with Partner.load(folder) as partner:
        assert partner.system == "lintao-subsite"
    with Partner.load(str(folder), trust=county.base / "trust") as partner:
        assert partner.system == "lintao-subsite"


def test_batches_hold_at_most_a_thousand_records_and_three_megabytes() -> None:
    small = [{"n": number} for number in range(2500)]
    parts = list(batches(small))
    assert [len(part) for part in parts] == [1000, 1000, 500]
    assert [record for part in parts for record in part] == small
    large = [{"text": "枢" * 400_000}] * 5  # 1.2 MB each in UTF-8
    assert [len(part) for part in batches(large)] == [2, 2, 1]
    assert list(batches([])) == []


def test_a_second_process_may_send_the_same_bytes(desk: Desk, tmp_path: Path) -> None:
    desk.hub.faults.append(on("/v1/exchanges", *[httpx.ConnectError("refused")] * 5))
    with pytest.raises(HubUnreachable):
        desk.partner.publish(RES, RECORDS, ver=3)
    (path,) = desk.outbox()
    kept = path.read_bytes()
    desk.again().resume()
    path.write_bytes(kept)  # the other process had read it before the first removed it
    desk.again().resume()
    assert len(desk.hub.accepted) == 1
    assert desk.outbox() == []


def test_two_processes_that_resume_a_stale_message_do_not_take_it_for_refused(desk: Desk, later: Any) -> None:
    desk.hub.faults.append(on("/v1/exchanges", *[httpx.ConnectError("refused")] * 5))
    with pytest.raises(HubUnreachable):
        desk.partner.publish(RES, RECORDS, ver=3)
    desk.clock.now = later(hours=9)
    together = threading.Barrier(2)

    def both_are_here(request: httpx.Request) -> None:
        """Two that are on the way at once go on at once; one alone goes on after a moment."""
        if request.url.path == "/v1/exchanges":
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(0.3)

    desk.hub.faults[:] = [both_are_here]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda partner: partner.resume(), [desk.again(), desk.again()]))
    assert [each.refused for each in done] == [{}, {}]
    assert sum(len(each.receipts) for each in done) == len(desk.hub.accepted) == 1
    assert desk.outbox() == []
