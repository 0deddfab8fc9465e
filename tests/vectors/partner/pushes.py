"""Pushes of the published vectors: signed requests with the status to answer each with, and what a receiver must remember."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from certs.digests import digest
from certs.http_signature import content_digest, sign_request
from tests.vectors.partner.keys import HUB, NOW, SENDER, Keys, text
from tests.vectors.partner.messages import RES, header, payload

URL = "https://receiver.example/shuniu?from=lintao"
MEDIA_TYPE = "application/vnd.shuniu.deliveries+json"
LANE = "019aa8c0-0000-7000-8000-0000000000aa"
OTHER_LANE = "019aa8c0-0000-7000-8000-0000000000bb"
NONCE = "bm9uY2Utb2YtdGhlLXZlY3Q"
EXPIRES = NOW + timedelta(seconds=45)
CONSUMER = "lintao-subsite"

Fields = list[tuple[str, str]]
Case = tuple[str, int, str, str, str, str, Fields, bytes]
"""Name, status, reason ("" when it is believed), why in both languages, method, fields, body."""


def delivery(number: int) -> str:
    """The id of a delivery."""
    return f"019aa8c0-0000-7000-8000-{number:012d}"


def pushes(keys: Keys) -> Iterator[Case]:
    """Signed requests."""

    def item(number: int, **changes: Any) -> dict[str, Any]:
        envelope = keys.seal(SENDER, header(jti=f"j-{number}"), payload())
        return {
            "delivery": delivery(number),
            "exchange": delivery(number + 500),
            "res": RES,
            "ver": 1,
            "lane": LANE,
            "sequence": number,
            "digest": digest(envelope),
            "envelope": envelope.decode(),
            "accepted_at": "2026-11-22T01:00:00.250000Z",
        } | changes

    def body_of(*items: dict[str, Any]) -> bytes:
        return text({"items": items})

    good = body_of(item(1), item(2))

    def push(
        body: bytes = good,
        *,
        holder: str = "pushes",
        method: str = "POST",
        url: str = URL,
        created: datetime = NOW,
        expires: datetime = EXPIRES,
        **changes: str,
    ) -> Fields:
        fields = {
            "content-digest": content_digest(body),
            "content-type": MEDIA_TYPE,
            "shuniu-lane": LANE,
            "shuniu-sequence": "1",
            "shuniu-fence": "7",
        } | {name.replace("_", "-"): value for name, value in changes.items()}
        signed = sign_request(
            keys.signer(holder),
            method=method,
            target_uri=url,
            headers=fields,
            created=created,
            expires=expires,
            nonce=NONCE,
        )
        return [*fields.items(), *signed.items()]

    def edited(name: str, old: str, new: str) -> Fields:
        return [(key, value.replace(old, new) if key == name else value) for key, value in push()]

    def case(
        name: str, status: int, reason: str, zh: str, en: str, fields: Fields, body: bytes = good, method: str = "POST"
    ) -> Case:
        return name, status, reason, zh, en, method, fields, body

    past = NOW - timedelta(seconds=60)
    yield case("good", 200, "", "两项，签名有效", "two items, signed", push())
    capitals = [(name.title(), f" {value} ") for name, value in push()]
    yield case(
        "names-in-capitals",
        200,
        "",
        "字段名不分大小写，值两端可有空白",
        "names in any case, blanks around values",
        capitals,
    )
    yield case(
        "more-fields",
        200,
        "",
        "签名之外另有字段",
        "fields besides those that are signed",
        [*push(), ("user-agent", "x")],
    )
    yield case(
        "expired", 409, "expired", "已过期：租约已完", "expired: the lease is over", push(created=past, expires=NOW)
    )
    ahead = NOW + timedelta(seconds=301)
    yield case(
        "created-in-the-future",
        401,
        "created-in-future",
        "created 晚了 301 秒",
        "created is 301 s ahead",
        push(created=ahead, expires=ahead + timedelta(seconds=45)),
    )
    yield case(
        "lasts-too-long",
        401,
        "lifetime-too-long",
        "有效期超过 10 分钟",
        "valid for more than ten minutes",
        edited("signature-input", f"expires={int(EXPIRES.timestamp())}", f"expires={int(NOW.timestamp()) + 601}"),
    )
    yield case(
        "created-no-number",
        401,
        "parameter-malformed",
        "created 不是整数",
        "created is no integer",
        edited("signature-input", f"created={int(NOW.timestamp())}", 'created="x"'),
    )
    yield case(
        "another-address",
        401,
        "signature-mismatch",
        "签给另一个地址",
        "signed for another address",
        push(url="https://receiver.example/shuniu"),
    )
    yield case(
        "method-changed", 401, "signature-mismatch", "方法被改", "another method than was signed", push(), method="PUT"
    )
    yield case(
        "body-changed", 401, "content-digest-mismatch", "正文被改", "the body was changed", push(), body_of(item(1))
    )
    yield case(
        "fence-changed",
        401,
        "signature-mismatch",
        "栅栏号被改",
        "the fence was changed",
        edited("shuniu-fence", "7", "8"),
    )
    yield case(
        "digest-changed-too",
        401,
        "signature-mismatch",
        "正文和摘要一起改",
        "body and digest changed together",
        [(n, content_digest(b"{}") if n == "content-digest" else v) for n, v in push()],
        b"{}",
    )
    yield case(
        "fence-not-covered",
        401,
        "components-differ",
        "签名没有覆盖栅栏号",
        "the signature does not cover the fence",
        edited("signature-input", ' "shuniu-fence"', ""),
    )
    yield case(
        "without-signature",
        401,
        "signature-missing",
        "没有签名",
        "no signature",
        [f for f in push() if f[0] != "signature"],
    )
    yield case(
        "field-twice",
        401,
        "shuniu-fence-repeated",
        "同一字段出现两次",
        "a field is there twice",
        [*push(), ("Shuniu-Fence", "9")],
    )
    yield case(
        "another-tag",
        401,
        "tag-differs",
        "tag 不是 shuniu-push",
        "tag is not shuniu-push",
        edited("signature-input", "shuniu-push", "other-push1"),
    )
    yield case(
        "alg-unlike-key",
        401,
        "alg-unlike-key",
        "alg 与密钥不符",
        "alg is not the key's",
        edited("signature-input", ";created", ';alg="hmac-sha256";created'),
    )
    yield case(
        "by-the-receipt-key",
        401,
        "signer-not-trusted",
        "不是推送密钥签的",
        "not signed with the push key",
        push(holder="receipts"),
    )
    yield case(
        "by-a-system", 401, "signer-not-trusted", "由接入系统签名", "signed by a partner system", push(holder=SENDER)
    )
    yield case(
        "by-nobody-known",
        401,
        "keyid-unknown",
        "不认识的证书",
        "a certificate that nobody knows",
        push(holder="unknown-system"),
    )
    yield case(
        "another-media-type",
        400,
        "malformed-method",
        "媒体类型不符",
        "another media type",
        push(content_type="application/json"),
    )
    yield case(
        "put", 400, "malformed-method", "方法不是 POST", "the method is not POST", push(method="PUT"), method="PUT"
    )
    bad: tuple[tuple[str, str, str, str, bytes], ...] = (
        ("no-json", "malformed-body", "正文不是 JSON", "no JSON", b"items"),
        ("no-items", "malformed-items", "没有投递", "no items", body_of()),
        (
            "digest-of-other-bytes",
            "malformed-digest",
            "摘要与信封不符",
            "digest is not that of the envelope",
            body_of(item(1, digest=digest(b"x"))),
        ),
        (
            "of-another-lane",
            "malformed-lane",
            "投递不属于该通道",
            "an item of another lane",
            body_of(item(1, lane=OTHER_LANE)),
        ),
        (
            "out-of-order",
            "malformed-sequence",
            "序号不递增",
            "sequences do not grow",
            body_of(item(1), item(3), item(2)),
        ),
        (
            "begins-elsewhere",
            "malformed-sequence",
            "首项不是 shuniu-sequence",
            "the first item is not shuniu-sequence",
            body_of(item(2)),
        ),
        (
            "member-left-out",
            "malformed-item",
            "缺少成员",
            "a member is missing",
            body_of({k: v for k, v in item(1).items() if k != "ver"}),
        ),
    )
    for name, reason, zh, en, body in bad:
        yield case(name, 400, reason, zh, en, push(body), body)
    yield case(
        "fence-no-number",
        400,
        "malformed-shuniu-fence",
        "栅栏号不是整数",
        "the fence is no integer",
        push(shuniu_fence="07"),
    )


def memory() -> list[dict[str, Any]]:
    """One receiver's day: pushes that were believed, in the order of their arrival, and what it does with each."""

    def step(
        at: int, lane: str, fence: int, ends: int, numbers: list[int], verdict: str, act: list[int]
    ) -> dict[str, Any]:
        return {
            "now": (NOW + timedelta(seconds=at)).isoformat(),
            "lane": lane,
            "fence": fence,
            "expires": (NOW + timedelta(seconds=ends)).isoformat(),
            "deliveries": [delivery(number) for number in numbers],
            "verdict": verdict,
            "status": 409 if verdict == "stale" else 200,
            "act_on": [delivery(number) for number in act],
        }

    return [
        step(0, LANE, 1, 45, [1, 2], "accept", [1, 2]),
        step(1, LANE, 1, 45, [1, 2], "already-had", []),
        step(2, LANE, 2, 47, [2, 3], "accept", [3]),
        step(3, LANE, 1, 45, [4], "stale", []),
        step(3, LANE, 1, 45, [1], "stale", []),
        step(4, OTHER_LANE, 1, 49, [5], "accept", [5]),
        step(47, LANE, 9, 47, [6], "stale", []),
        step(48, LANE, 3, 93, [6], "accept", [6]),
        step(49, LANE, 2, 99, [7], "stale", []),
    ]


__all__ = ["CONSUMER", "HUB", "URL", "memory", "pushes"]
