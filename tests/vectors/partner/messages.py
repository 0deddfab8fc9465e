"""Envelopes, acknowledgements and receipts of the published vectors: what is wrong with each, and the slug it is answered with."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs.digests import b64u_decode, b64u_encode, digest
from tests.vectors.partner.keys import (
    EDDSA_SENDER,
    EXPIRED,
    HUB,
    NOW,
    OTHER,
    REVOKED,
    SENDER,
    STRANGER,
    SUSPENDED,
    Keys,
    text,
)

RES, OTHERS_RES, CLOSED_RES = "306001000002/000001", "306001000002/000002", "306001000002/000003"
CONSUMER = "lintao-subsite"
MAX_BYTES = 8192
SKEW_S = 300
IAT = int(NOW.timestamp())
EXCHANGE = "019aa8c0-0000-7000-8000-000000000001"
DELIVERY = "019aa8c0-0000-7000-8000-000000000002"

_SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
_ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493

Case = tuple[str, str, str, str, bytes]
"""Name, expected slug ("accepted" when there is none), why in Chinese and in English, and the bytes."""


def record(**changes: Any) -> dict[str, Any]:
    """A record that satisfies the resource's schema."""
    return {"case_no": "示例-0001", "limit_text": "5个工作日内受理", "days": 5} | changes


def payload(**changes: Any) -> bytes:
    """A payload of one record."""
    return text({"op": "upsert", "records": [record(**changes)]})


def header(code: str = SENDER, /, **changes: Any) -> dict[str, Any]:
    """The names of an `exchange+jws` but `alg` and `kid`; a change to None takes a name out."""
    found: dict[str, Any] = {
        "typ": "exchange+jws",
        "iss": code,
        "aud": HUB,
        "iat": IAT,
        "jti": "019aa8c0-0000-7000-8000-00000000000a",
        "res": RES,
        "ver": 1,
    } | changes
    return {name: value for name, value in found.items() if value is not None}


def envelopes(keys: Keys) -> Iterator[Case]:
    """Cases in the contract's check order."""
    good = keys.seal(SENDER, header(), payload())
    head, body, signature = good.split(b".")
    members = {"alg": "ES256", "kid": keys.kid(SENDER)} | header()
    yield "es256", "accepted", "P-256 签名", "signed with P-256", good
    yield (
        "eddsa",
        "accepted",
        "Ed25519 签名",
        "signed with Ed25519",
        keys.seal(EDDSA_SENDER, header(EDDSA_SENDER, res=OTHERS_RES), payload()),
    )
    yield (
        "blanks-and-order",
        "accepted",
        "头部名称次序和空白不限",
        "names in any order, with blanks",
        keys.seal_text(SENDER, json.dumps(dict(reversed(members.items())), indent=1).encode(), payload()),
    )
    yield (
        "to-one",
        "accepted",
        "只给一个有授权的系统",
        "for one system that has a grant",
        keys.seal(SENDER, header(to=[CONSUMER]), payload()),
    )
    yield (
        "delete",
        "accepted",
        "删除只写键",
        "a delete has the key only",
        keys.seal(SENDER, header(), text({"op": "delete", "records": [{"case_no": "示例-0001"}]})),
    )
    yield (
        "largest-integer",
        "accepted",
        "2^53−1 可以",
        "2^53−1 will do",
        keys.seal(SENDER, header(), payload(days=2**53 - 1)),
    )
    yield (
        "oldest-iat",
        "accepted",
        "iat 恰早 300 秒",
        "iat is 300 s ago, and no more",
        keys.seal(SENDER, header(iat=IAT - SKEW_S), payload()),
    )
    yield (
        "too-large",
        "too-large",
        f"超过 {MAX_BYTES} 字节",
        f"more than {MAX_BYTES} bytes",
        keys.seal(SENDER, header(), payload(limit_text="长" * 4000)),
    )
    yield from _malformed_envelopes(keys, good)
    for alg in ("none", "HS256", "RS256", "ES384"):
        yield (
            f"alg-{alg.lower()}",
            "unsupported-algorithm",
            f"alg 为 {alg}",
            f"alg is {alg}",
            keys.seal(SENDER, {"alg": alg} | header(), payload()),
        )
    public = keys.holders[SENDER].certificate.public_key().public_bytes(*_SPKI)
    yield (
        "unregistered",
        "unknown-signer",
        "证书没有登记",
        "the certificate is not registered",
        keys.seal(STRANGER, header(STRANGER), payload()),
    )
    yield (
        "kid-of-the-key",
        "unknown-signer",
        "kid 算的是公钥，不是证书",
        "kid is that of the public key, not of the certificate",
        keys.seal(SENDER, {"kid": b64u_encode(bytes.fromhex(digest(public)[8:])).decode()} | header(), payload()),
    )
    yield (
        "payload-changed",
        "bad-signature",
        "签名后改了正文",
        "the payload was changed after signing",
        b".".join([head, b64u_encode(payload(days=6)), signature]),
    )
    yield (
        "header-changed",
        "bad-signature",
        "签名后改了头部",
        "the header was changed after signing",
        b".".join([b64u_encode(text(members | {"ver": 2})), body, signature]),
    )
    raw = b64u_decode(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    yield (
        "signature-in-der",
        "bad-signature",
        "签名是 DER，不是 r‖s",
        "the signature is DER, not r‖s",
        b".".join([head, body, b64u_encode(der)]),
    )
    yield "signature-empty", "bad-signature", "没有签名", "there is no signature", b".".join([head, body, b""])
    yield (
        "by-another-key",
        "bad-signature",
        "用了别的私钥",
        "signed with another key",
        keys.seal(OTHER, {"kid": keys.kid(SENDER)} | header(), payload()),
    )
    yield (
        "alg-unlike-key",
        "bad-signature",
        "alg 与证书的密钥不符",
        "alg is not that of the certificate's key",
        keys.seal(SENDER, {"alg": "EdDSA"} | header(), payload()),
    )
    made = keys.seal(EDDSA_SENDER, header(EDDSA_SENDER, res=OTHERS_RES), payload())
    first, second, third = made.split(b".")
    raw = b64u_decode(third)
    larger = raw[:32] + (int.from_bytes(raw[32:], "little") + _ED25519_ORDER).to_bytes(32, "little")
    yield (
        "eddsa-s-not-reduced",
        "bad-signature",
        "Ed25519 的 S 加了群阶",
        "S of Ed25519 with the order of the group added",
        b".".join([first, second, b64u_encode(larger)]),
    )
    yield (
        "iss-of-another",
        "signer-mismatch",
        "iss 不是证书所属的系统",
        "iss is not the certificate's system",
        keys.seal(SENDER, header(OTHER), payload()),
    )
    yield (
        "aud-of-another",
        "wrong-audience",
        "发给别的枢纽",
        "for another hub",
        keys.seal(SENDER, header(aud="dingxi-hub"), payload()),
    )
    yield (
        "suspended",
        "system-suspended",
        "系统已暂停",
        "the system is suspended",
        keys.seal(SUSPENDED, header(SUSPENDED), payload()),
    )
    yield (
        "revoked",
        "certificate-revoked",
        "证书已吊销",
        "the certificate is revoked",
        keys.seal(REVOKED, header(REVOKED), payload()),
    )
    yield (
        "expired",
        "certificate-expired",
        "证书已过期",
        "the certificate has expired",
        keys.seal(EXPIRED, header(EXPIRED), payload()),
    )
    yield (
        "iat-too-old",
        "stale-message",
        "iat 早了 301 秒",
        "iat is 301 s ago",
        keys.seal(SENDER, header(iat=IAT - SKEW_S - 1), payload()),
    )
    yield (
        "iat-too-new",
        "stale-message",
        "iat 晚了 301 秒",
        "iat is 301 s ahead",
        keys.seal(SENDER, header(iat=IAT + SKEW_S + 1), payload()),
    )
    yield (
        "iat-in-milliseconds",
        "stale-message",
        "iat 用了毫秒",
        "iat is in milliseconds",
        keys.seal(SENDER, header(iat=IAT * 1000), payload()),
    )
    yield from _malformed_payloads(keys)
    yield (
        "no-such-resource",
        "unknown-resource",
        "目录中没有该资源",
        "the catalogue has no such resource",
        keys.seal(SENDER, header(res="306001000002/000099"), payload()),
    )
    yield (
        "of-another-provider",
        "not-the-provider",
        "资源由别的系统发布",
        "another system publishes it",
        keys.seal(SENDER, header(res=OTHERS_RES), payload()),
    )
    yield (
        "resource-suspended",
        "resource-not-published",
        "资源已暂停",
        "the resource is suspended",
        keys.seal(SENDER, header(res=CLOSED_RES), payload()),
    )
    yield (
        "no-such-version",
        "wrong-version",
        "没有该版本",
        "there is no such version",
        keys.seal(SENDER, header(ver=2), payload()),
    )
    yield (
        "marked-secret",
        "classified-content",
        "某字段是密级标志",
        "a field is a secrecy marking",
        keys.seal(SENDER, header(), payload(limit_text="机密★10年")),
    )
    yield (
        "required-missing",
        "schema-violation",
        "缺少必填项",
        "a required item is missing",
        keys.seal(SENDER, header(), text({"records": [{"case_no": "1"}]})),
    )
    yield (
        "unknown-item",
        "schema-violation",
        "多了一项",
        "an item too many",
        keys.seal(SENDER, header(), payload(more=1)),
    )
    yield (
        "number-as-string",
        "schema-violation",
        "整数写成字符串",
        "an integer as a string",
        keys.seal(SENDER, header(), payload(days="5")),
    )
    yield (
        "no-records",
        "schema-violation",
        "没有记录",
        "no records",
        keys.seal(SENDER, header(), text({"op": "upsert", "records": []})),
    )
    yield (
        "unknown-op",
        "schema-violation",
        "op 不认识",
        "an op that there is not",
        keys.seal(SENDER, header(), text({"op": "insert", "records": [record()]})),
    )
    yield (
        "to-without-grant",
        "no-grant",
        "to 中的系统没有授权",
        "a system in to has no grant",
        keys.seal(SENDER, header(to=[CONSUMER, OTHER]), payload()),
    )
    yield (
        "first-fault-answers",
        "wrong-audience",
        "有几处错，按次序答第一处",
        "several faults: the first in the order answers",
        keys.seal(SENDER, header(aud="dingxi-hub", iat=1, ver=9), b"[]"),
    )


def _malformed_envelopes(keys: Keys, good: bytes) -> Iterator[Case]:
    head, body, signature = good.split(b".")
    slug = "malformed-envelope"
    members = {"alg": "ES256", "kid": keys.kid(SENDER)} | header()
    yield "two-parts", slug, "只有两部分", "two parts only", b".".join([head, body])
    yield "four-parts", slug, "有四部分", "four parts", good + b"."
    yield "padded", slug, "base64url 带了填充", "base64url with padding", b".".join([head, body, signature + b"=="])
    yield (
        "not-url-alphabet",
        slug,
        "用了普通 base64 的字符",
        "the alphabet of plain base64",
        b".".join([head, body, base64.b64encode(b"\xfb\xff" * 32).rstrip(b"=")]),
    )
    yield "newline-at-the-end", slug, "末尾有换行", "a newline at the end", good + b"\n"
    yield "unused-bits-set", slug, "末字符未用的位不为零", "unused bits of the last character are set", good[:-1] + b"B"
    doubled = text(members)[:-1] + b',"ver":1}'
    yield "name-twice", slug, "头部名称重复", "a header name is there twice", keys.seal_text(SENDER, doubled, payload())
    yield (
        "byte-order-mark",
        slug,
        "头部有 BOM",
        "the header begins with a byte order mark",
        keys.seal_text(SENDER, b"\xef\xbb\xbf" + text(members), payload()),
    )
    for name, value in (
        ("crit", ["b64"]),
        ("x5c", []),
        ("ref", "j 1"),
        ("orig", digest(b"x")),
        ("to", []),
        ("to", [CONSUMER, CONSUMER]),
    ):
        label = {"to": "to-empty" if value == [] else "to-twice"}.get(name, f"with-{name}")
        yield (
            label,
            slug,
            f"{name} 不该有，或值不合规定",
            f"{name} must not be there, or not with this value",
            keys.seal(SENDER, header(**{name: value}), payload()),
        )
    for name in ("jti", "res", "ver", "iat", "typ"):
        yield (
            f"without-{name}",
            slug,
            f"缺少 {name}",
            f"{name} is missing",
            keys.seal(SENDER, header(**{name: None}), payload()),
        )
    wrong: tuple[tuple[str, str, Any], ...] = (
        ("jti-too-long", "jti", "j" * 65),
        ("jti-with-a-blank", "jti", "a b"),
        ("iat-as-string", "iat", str(IAT)),
        ("iat-as-float", "iat", IAT + 0.5),
        ("iat-as-boolean", "iat", True),
        ("ver-zero", "ver", 0),
        ("ver-as-string", "ver", "1"),
        ("iss-in-capitals", "iss", SENDER.upper()),
        ("res-without-stroke", "res", "306001000002000001"),
        ("typ-of-an-acknowledgement", "typ", "ack+jws"),
        ("typ-of-oauth", "typ", "JWT"),
    )
    for label, name, value in wrong:
        yield (
            label,
            slug,
            f"{name} 的值不合规定",
            f"{name} is not of its form",
            keys.seal(SENDER, header(**{name: value}), payload()),
        )
    yield (
        "kid-in-hexadecimal",
        slug,
        "kid 用了十六进制",
        "kid in hexadecimal",
        keys.seal(SENDER, {"kid": "ab" * 32} | header(), payload()),
    )


def _malformed_payloads(keys: Keys) -> Iterator[Case]:
    depth = b"[" * 64 + b"]" * 64
    wrong: tuple[tuple[str, str, str, bytes], ...] = (
        ("payload-empty", "正文为空", "the payload is empty", b""),
        ("payload-an-array", "不是对象", "no object", b"[]"),
        ("payload-key-twice", "重复的键", "a key twice", b'{"records":[],"records":[]}'),
        ("payload-2-to-the-53", "整数 2^53", "the integer 2^53", payload(days=2**53)),
        ("payload-nan", "NaN", "NaN", b'{"records":[{"days":NaN}]}'),
        ("payload-overflow", "1e400 溢出", "1e400 overflows", b'{"records":[{"days":1e400}]}'),
        ("payload-lone-surrogate", "不成对的代理项", "a lone surrogate", b'{"records":[{"case_no":"\\ud800"}]}'),
        ("payload-too-deep", "嵌套 65 层", "65 levels deep", b'{"records":%b}' % depth),
        ("payload-not-utf-8", "GBK 编码", "encoded in GBK", '{"records":[{"case_no":"示例"}]}'.encode("gbk")),
        ("payload-byte-order-mark", "有 BOM", "a byte order mark", b"\xef\xbb\xbf" + payload()),
        ("payload-and-more", "对象之后还有内容", "something after the object", payload() + b"{}"),
    )
    for label, zh, en, body in wrong:
        yield label, "malformed-payload", zh, en, keys.seal(SENDER, header(), body)


def acknowledgements(keys: Keys) -> Iterator[Case]:
    """What the form of an acknowledgement is judged by; whether the deliveries exist is the hub's to know."""

    def ack(body: object, code: str = SENDER, **changes: Any) -> bytes:
        names = header(code, typ="ack+jws", res=None, ver=None) | changes
        return keys.seal(code, names, body if isinstance(body, bytes) else text(body))

    one = {"id": DELIVERY, "digest": digest(b"what was delivered")}
    yield "one", "accepted", "一项", "one delivery", ack({"deliveries": [one]})
    yield "two", "accepted", "两项，次序不限", "two, in any order", ack({"deliveries": [one | {"id": EXCHANGE}, one]})
    yield (
        "with-res",
        "malformed-envelope",
        "ack+jws 不得有 res",
        "ack+jws has no res",
        ack({"deliveries": [one]}, res=RES),
    )
    yield (
        "with-to",
        "malformed-envelope",
        "ack+jws 不得有 to",
        "ack+jws has no to",
        ack({"deliveries": [one]}, to=[OTHER]),
    )
    yield (
        "typ-of-an-exchange",
        "malformed-envelope",
        "typ 不是 ack+jws",
        "typ is not ack+jws",
        keys.seal(SENDER, header(), text({"deliveries": [one]})),
    )
    yield "by-another", "signer-mismatch", "用别人的名义", "in another's name", ack({"deliveries": [one]}, iss=OTHER)
    yield (
        "for-another-hub",
        "wrong-audience",
        "发给别的枢纽",
        "for another hub",
        ack({"deliveries": [one]}, aud="dingxi-hub"),
    )
    yield (
        "suspended",
        "system-suspended",
        "系统已暂停",
        "the system is suspended",
        ack({"deliveries": [one]}, SUSPENDED),
    )
    yield "stale", "stale-message", "iat 太早", "iat is too old", ack({"deliveries": [one]}, iat=IAT - 3600)
    bad: tuple[tuple[str, str, str, object], ...] = (
        ("empty", "正文为空", "the payload is empty", b""),
        ("no-deliveries", "没有列出投递", "no delivery is listed", {"deliveries": []}),
        ("member-too-many", "多了一个成员", "a member too many", {"deliveries": [one], "note": "x"}),
        ("id-no-uuid", "id 不是 uuid", "id is no uuid", {"deliveries": [one | {"id": "1"}]}),
        (
            "digest-in-capitals",
            "摘要用了大写",
            "the digest in capitals",
            {"deliveries": [one | {"digest": one["digest"].upper()}]},
        ),
        ("digest-left-out", "没有摘要", "no digest", {"deliveries": [{"id": DELIVERY}]}),
        ("delivery-twice", "同一投递列了两次", "one delivery listed twice", {"deliveries": [one, one]}),
    )
    for label, zh, en, body in bad:
        yield label, "malformed-payload", zh, en, ack(body)


def receipts(keys: Keys, sent: bytes) -> Iterator[tuple[str, bool, str, str, bytes]]:
    """Receipts for the envelope `sent`, to be believed or not."""

    def receipt(holder: str = "receipts", names: dict[str, Any] | None = None, **changes: Any) -> bytes:
        says: dict[str, Any] = {
            "exchange": EXCHANGE,
            "envelope_digest": digest(sent),
            "sender": SENDER,
            "jti": header()["jti"],
            "res": RES,
            "ver": 1,
            "schema_digest": digest(b"schema"),
            "accepted_at": "2026-11-22T01:00:00.250000Z",
            "lanes": 1,
            "hub": HUB,
            "log": HUB,
            "entry": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "seal_by": "2026-11-22T01:01:00.250000Z",
        } | changes
        members = header(typ="receipt+jws", iss=HUB, aud=SENDER, jti=EXCHANGE, ref=header()["jti"]) | (names or {})
        return keys.seal(holder, members, text(says))

    good = receipt()
    head, body, signature = good.split(b".")
    changed = b64u_encode(b64u_decode(body).replace(b'"lanes":1', b'"lanes":2'))
    yield "good", True, "凭证与信封相符", "the receipt fits the envelope", good
    yield "changed", False, "签名后改动", "changed after signing", b".".join([head, changed, signature])
    yield "by-the-push-key", False, "不是凭证密钥签的", "not signed with the receipt key", receipt("pushes")
    yield "by-a-system", False, "由接入系统签名", "signed by a partner", receipt(OTHER)
    yield (
        "of-other-bytes",
        False,
        "envelope_digest 不是所发信封的",
        "envelope_digest is not that of what was sent",
        receipt(envelope_digest=digest(b"x")),
    )
    yield (
        "of-another-jti",
        False,
        "ref 不是所发的 jti",
        "ref is not the jti that was sent",
        receipt(names={"ref": "j-2"}),
    )
    yield "for-another-system", False, "aud 不是本系统", "aud is not this system", receipt(names={"aud": OTHER})
    yield "of-another-hub", False, "iss 不是本枢纽", "iss is not this hub", receipt(names={"iss": "dingxi-hub"})
    yield "of-another-resource", False, "res 不符", "another res", receipt(res=OTHERS_RES)
    yield "another-type", False, "typ 不是 receipt+jws", "typ is not receipt+jws", receipt(names={"typ": "answer+jws"})
    yield "time-without-offset", False, "时间没有时区", "a time without offset", receipt(seal_by="2026-11-22T01:01:00")
