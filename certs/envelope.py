"""The envelope: a compact JWS (RFC 7515) with the contract's header, made and read byte for byte.

Reading has two steps, because the contract's check order stands between them: `read` judges size and form and says who
claims to have signed; `verify` judges the signature with that signer's key. What is inside the payload, who the signer
is and whether the message is for us is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from certs.digests import b64u_decode, b64u_encode, digest_bytes, digest_text
from certs.errors import EnvelopeError
from certs.header import Header, check_header, parse_header
from certs.suites import SUITES, Signer, Verifier

_PARTS = ("header", "payload", "signature")
_PARTS_ZH = ("受保护头", "正文", "签名")


@dataclass(slots=True)
class Opened:
    """An envelope of good form. Not yet believed: see `verify`.

    `compact` is what was received, `digest` the contract's digest over it and `digest_bytes` its 32 bytes,
    `signing_input` what the signature covers (RFC 7515 §5.2 step 8), `payload_bytes` may be empty or no JSON at all.
    """

    header: Header
    payload_bytes: bytes
    signing_input: bytes
    signature: bytes
    digest: str
    digest_bytes: bytes
    compact: bytes


def kid_of(certificate_der: bytes) -> str:
    """The `kid` of a certificate: base64url SHA-256 of its DER, 43 characters (contract, "Envelope")."""
    return b64u_encode(digest_bytes(certificate_der)).decode("ascii")


def seal(
    signer: Signer,
    *,
    typ: str,
    iss: str,
    aud: str,
    iat: int,
    jti: str,
    payload: bytes,
    res: str | None = None,
    ver: int | None = None,
    to: Sequence[str] | None = None,
    ref: str | None = None,
    orig: str | None = None,
) -> bytes:
    """The compact serialization of a signed envelope around `payload`; names that are None are left out.

    Raises EnvelopeError `malformed-envelope` for a header that `read` would refuse. Signing again makes another envelope:
    who retries resends the bytes.
    """
    members: dict[str, Any] = {
        "alg": signer.alg,
        "kid": signer.kid,
        "typ": typ,
        "iss": iss,
        "aud": aud,
        "iat": iat,
        "jti": jti,
    }
    optional = (("res", res), ("ver", ver), ("to", None if to is None else list(to)), ("ref", ref), ("orig", orig))
    members.update((name, value) for name, value in optional if value is not None)
    check_header(members)
    return seal_members(signer, members, payload)


def seal_members(signer: Signer, members: Mapping[str, Any], payload: bytes) -> bytes:
    """As `seal`, for a header whose form the caller answers for: a receipt repeats values that were read and checked."""
    return sign(signer, signing_input(members, payload))


def signing_input(members: Mapping[str, Any], payload: bytes) -> bytes:
    """What the signature of an envelope covers (RFC 7515 §5.1 step 5)."""
    return b64u_encode(orjson.dumps(members)) + b"." + b64u_encode(payload)


def sign(signer: Signer, unsigned: bytes) -> bytes:
    """The envelope of a signing input whose header names the signer."""
    return unsigned + b"." + b64u_encode(signer.sign(unsigned))


def read(compact: bytes, *, max_bytes: int, allowed_types: frozenset[str]) -> Opened:
    """The envelope in `compact`, whose signature nobody has checked yet.

    Raises EnvelopeError, in this order: `too-large` beyond `max_bytes`; `malformed-envelope` when it is not three
    canonical parts or the header is not the contract's or its `typ` not in `allowed_types`; `unsupported-algorithm`.
    """
    if len(compact) > max_bytes:
        raise EnvelopeError(
            slug="too-large",
            reason="envelope-too-large",
            zh=f"信封有 {len(compact)} 字节，上限为 {max_bytes}；请分成多个信封，大文件请先上传",
            en=f"the envelope has {len(compact)} bytes, the limit is {max_bytes}; split it, and upload large files",
        )
    parts = compact.split(b".", 3)
    if len(parts) != 3:
        raise EnvelopeError(
            slug="malformed-envelope",
            reason="not-three-parts",
            zh="信封不是以两个 . 分隔的三部分；请使用 JWS 紧凑序列化",
            en="the envelope is not three parts separated by two dots; use the JWS compact serialization",
        )
    header_bytes, payload, signature = _decode_parts(parts)
    header = parse_header(header_bytes, allowed_types)
    if header.alg not in SUITES:
        raise EnvelopeError(
            slug="unsupported-algorithm",
            reason="unsupported-algorithm",
            zh=f"不支持算法 {header.alg[:40]!a}；请改用 {'、'.join(SUITES)}",
            en=f"the algorithm {header.alg[:40]!a} is not supported; use {', '.join(SUITES)}",
        )
    signed = compact[: len(compact) - len(parts[2]) - 1]
    hashed = digest_bytes(compact)
    return Opened(header, payload, signed, signature, digest_text(hashed), hashed, compact)


def _decode_parts(parts: list[bytes]) -> list[bytes]:
    decoded = []
    for part, name, name_zh in zip(parts, _PARTS, _PARTS_ZH, strict=True):
        try:
            decoded.append(b64u_decode(part))
        except ValueError:
            raise EnvelopeError(
                slug="malformed-envelope",
                reason=f"{name}-not-base64url",
                zh=f"{name_zh}不是规范的 base64url；请去掉填充、换行和空白，未用的位须为零",
                en=f"the {name} is not canonical base64url; remove padding and whitespace, and leave unused bits zero",
            ) from None
    return decoded


def verify(opened: Opened, verifier: Verifier) -> None:
    """Nothing, when the envelope's signature is the verifier's.

    Raises EnvelopeError `bad-signature`, reason `alg-unlike-key` or `signature-mismatch`.
    """
    alg = opened.header.alg
    if verifier.verify(alg, opened.signing_input, opened.signature):
        return
    if alg != verifier.alg:
        raise EnvelopeError(
            slug="bad-signature",
            reason="alg-unlike-key",
            zh=f"alg 为 {alg}，而证书的密钥用于 {verifier.alg}；请按证书的密钥填写 alg 并签名",
            en=f"alg is {alg}, but the certificate's key is for {verifier.alg}; sign with that and say so in alg",
        )
    raise EnvelopeError(
        slug="bad-signature",
        reason="signature-mismatch",
        zh="签名与内容或证书不符；请用 kid 所指证书的私钥对“头.正文”签名，之后不要改动任何字节",
        en="the signature does not fit content and certificate; sign header.payload with the key of the certificate "
        "that kid names, and change no byte afterwards",
    )


def open_envelope(
    compact: bytes,
    *,
    max_bytes: int,
    allowed_types: frozenset[str],
    verifier_for: Callable[[str], Verifier | None],
) -> Opened:
    """The envelope in `compact`, read and verified; `verifier_for` finds a signer by `kid`.

    Raises EnvelopeError as `read` and `verify` do, and `unknown-signer` when `verifier_for` returns None.
    """
    opened = read(compact, max_bytes=max_bytes, allowed_types=allowed_types)
    verifier = verifier_for(opened.header.kid)
    if verifier is None:
        raise EnvelopeError(
            slug="unknown-signer",
            reason="unknown-signer",
            zh=f"没有 kid 为 {opened.header.kid} 的证书；请先登记证书，或检查 kid 是否为证书 DER 的 SHA-256",
            en=f"no certificate has the kid {opened.header.kid}; register it first, or check that kid is the SHA-256 of "
            "the certificate's DER",
        )
    verify(opened, verifier)
    return opened
