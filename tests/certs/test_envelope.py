"""The envelope: what is sealed is read back; what is not exactly an envelope is refused, each fault with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from certs.digests import b64u_decode, b64u_encode, digest
from certs.envelope import Opened, kid_of, open_envelope, read, seal, verify
from certs.errors import EnvelopeError
from certs.header import ACK, ANSWER, EXCHANGE, MAX_HEADER_BYTES, QUERY, RECEIPT, TYPES, Header, is_kid
from certs.keys import generate_key
from certs.suites import KeySigner, Verifier

LIMIT = 4 * 1024 * 1024
PRIVATE_KEY = generate_key("ES256")
SIGNER = KeySigner(PRIVATE_KEY, kid_of(b"the DER of a certificate"))
VERIFIER = Verifier(PRIVATE_KEY.public_key())

BASE: dict[str, Any] = {
    "alg": "ES256",
    "kid": SIGNER.kid,
    "typ": EXCHANGE,
    "iss": "lintao-zwfw",
    "aud": "lintao-hub",
    "iat": 1772353800,
    "jti": "0195-a.b_c~D",
    "res": "306001000001/000042",
    "ver": 1,
}
OPTIONAL: dict[str, Any] = {"to": ["a-1", "b-2"], "ref": "earlier", "orig": "sha-256:" + "0" * 64}


def compact_of(header: object, payload: bytes = b"{}") -> bytes:
    """A truly signed envelope around any header at all."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    signing_input = b64u_encode(text) + b"." + b64u_encode(payload)
    return signing_input + b"." + b64u_encode(SIGNER.sign(signing_input))


def header_for(typ: str) -> dict[str, Any]:
    """The smallest header that a message of this type may have."""
    header = {**BASE, "typ": typ}
    if typ == ACK:
        del header["res"], header["ver"]
    if typ in (ANSWER, RECEIPT):
        header["ref"] = "earlier"
    return header


def refusal(compact: bytes, *, max_bytes: int = LIMIT, allowed_types: frozenset[str] = TYPES) -> tuple[str, str]:
    with pytest.raises(EnvelopeError) as refused:
        verify(read(compact, max_bytes=max_bytes, allowed_types=allowed_types), VERIFIER)
    error = refused.value
    assert "；请" in error.zh
    assert "; " in error.en
    return error.slug, error.reason


def accepted(compact: bytes, allowed_types: frozenset[str] = TYPES) -> Opened:
    opened = read(compact, max_bytes=LIMIT, allowed_types=allowed_types)
    verify(opened, VERIFIER)
    return opened


def malformed(header: object) -> str:
    slug, reason = refusal(compact_of(header))
    assert slug == "malformed-envelope"
    return reason


_codes = st.from_regex(r"[a-z0-9][a-z0-9-]{1,62}", fullmatch=True)
_jtis = st.from_regex(r"[A-Za-z0-9._~-]{1,64}", fullmatch=True)
_resources = st.from_regex(r"[123][0-9]{2}[0-9]{3}[0-9A-Za-z]{0,8}/[0-9]{1,9}", fullmatch=True)


@given(
    payload=st.binary(max_size=300),
    iss=_codes,
    aud=_codes,
    iat=st.integers(0, 2**53 - 1),
    jti=_jtis,
    res=_resources,
    ver=st.integers(1, 2**53 - 1),
    to=st.none() | st.lists(_codes, min_size=1, max_size=4, unique=True),
    ref=st.none() | _jtis,
    orig=st.none() | st.binary().map(digest),
)
@settings(max_examples=150)
def test_whatever_is_sealed_is_read_back_and_verified(
    signer: KeySigner,
    payload: bytes,
    iss: str,
    aud: str,
    iat: int,
    jti: str,
    res: str,
    ver: int,
    to: list[str] | None,
    ref: str | None,
    orig: str | None,
) -> None:
    compact = seal(
        signer,
        typ=EXCHANGE,
        iss=iss,
        aud=aud,
        iat=iat,
        jti=jti,
        payload=payload,
        res=res,
        ver=ver,
        to=to,
        ref=ref,
        orig=orig,
    )
    opened = read(compact, max_bytes=len(compact), allowed_types=frozenset({EXCHANGE}))
    addressees = None if to is None else tuple(to)
    assert opened.header == Header(
        signer.alg, signer.kid, EXCHANGE, iss, aud, iat, jti, res, ver, addressees, ref, orig
    )
    assert opened.payload_bytes == payload
    assert opened.compact == compact
    assert opened.digest == digest(compact)
    assert opened.signing_input == compact.rpartition(b".")[0]
    assert opened.signature == b64u_decode(compact.rpartition(b".")[2])
    verify(opened, Verifier(signer._private_key.public_key()))


def test_another_jose_library_seals_what_we_open_and_opens_what_we_seal() -> None:
    pem = PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = ECKey.import_key(pem)
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    theirs = jws.serialize_compact(dict(BASE), '{"示例":1}'.encode(), key, registry=registry).encode()
    assert accepted(theirs).payload_bytes == '{"示例":1}'.encode()
    arguments = {name: value for name, value in BASE.items() if name not in ("alg", "kid")}
    ours = jws.deserialize_compact(seal(SIGNER, **arguments, payload=b"{}"), key, registry=registry)
    assert (ours.headers(), ours.payload) == (BASE, b"{}")


def test_every_flipped_bit_of_an_envelope_is_refused() -> None:
    compact = compact_of(BASE, b'{"records":[{"name":"\xe7\xa4\xba\xe4\xbe\x8b"}]}' * 12)
    accepted(compact)
    for position in range(len(compact)):
        for bit in range(8):
            changed = bytearray(compact)
            changed[position] ^= 1 << bit
            with pytest.raises(EnvelopeError):
                accepted(bytes(changed))


def test_every_cut_and_every_inserted_byte_is_refused() -> None:
    compact = compact_of(BASE)
    for position in range(len(compact)):
        for changed in (
            compact[:position],
            compact[:position] + compact[position + 1 :],
            *(
                compact[:position] + stranger + compact[position:]
                for stranger in (b".", b"=", b" ", b"\n", b"A", b"\x00")
            ),
        ):
            with pytest.raises(EnvelopeError):
                accepted(changed)
    for tail in (b"\n", b" ", b".", b"=", b"\x00", b"A", b".e30"):
        with pytest.raises(EnvelopeError):
            accepted(compact + tail)


def test_size_is_judged_before_anything_else() -> None:
    compact = compact_of(BASE)
    assert refusal(compact, max_bytes=len(compact) - 1) == ("too-large", "envelope-too-large")
    assert refusal(b"." * 100, max_bytes=99) == ("too-large", "envelope-too-large")
    read(compact, max_bytes=len(compact), allowed_types=TYPES)


@pytest.mark.parametrize("compact", [b"", b"a", b"a.b", b"e30.e30", b"e30.e30.AA.AA", b"....", b"." * 1_000_000])
def test_anything_but_three_parts_is_refused(compact: bytes) -> None:
    assert refusal(compact) == ("malformed-envelope", "not-three-parts")


def test_each_part_must_be_canonical_base64url() -> None:
    header, payload, signature = compact_of(BASE, b"{ }x").split(b".")
    for wrong in (b"=", b"==", b"\n", b" ", b"+", b"/", b"*"):
        assert refusal(b".".join((header + wrong, payload, signature)))[1] == "header-not-base64url"
        assert refusal(b".".join((header, payload + wrong, signature)))[1] == "payload-not-base64url"
        assert refusal(b".".join((header, payload, signature + wrong)))[1] == "signature-not-base64url"
    # 64 bytes leave four unused bits in the last character, and only one of sixteen leaves them zero
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(signature[-1:])
    other = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last + 1 : last + 2]
    assert refusal(b".".join((header, payload, signature[:-1] + other)))[1] == "signature-not-base64url"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "header-not-json"),
        (b"{", "header-not-json"),
        (b"[]", "header-not-an-object"),
        (b"\xef\xbb\xbf{}", "header-byte-order-mark"),
        (b'{"alg":"\xff"}', "header-not-utf8"),
        (json.dumps(BASE).encode()[:-1] + b',"jti":"other"}', "header-duplicate-name"),
        (json.dumps(BASE).encode()[:-1] + b',"\\u006ati":"other"}', "header-duplicate-name"),
        (json.dumps({**BASE, "iat": 2**53}).encode(), "header-integer-too-large"),
        (json.dumps({**BASE, "iat": float("nan")}).encode(), "header-not-a-number"),
        (json.dumps({**BASE, "jti": "\ud800"}).encode(), "header-lone-surrogate"),
        (b'{"to":' + b"[" * 100 + b"]" * 100 + b"}", "header-nested-too-deep"),
    ],
)
def test_a_header_that_is_no_strict_json_is_refused_with_the_fault_of_the_json(text: bytes, reason: str) -> None:
    assert malformed(text) == reason


def test_a_header_beyond_its_limit_is_refused_before_it_is_parsed() -> None:
    padding = b" " * (MAX_HEADER_BYTES - len(json.dumps(BASE)))
    accepted(compact_of(json.dumps(BASE).encode() + padding))
    assert malformed(json.dumps(BASE).encode() + padding + b" ") == "header-too-large"


@pytest.mark.parametrize(
    "name", ["crit", "b64", "jwk", "jku", "x5c", "x5u", "cty", "exp", "sub", "", "ALG", "对象", "kid "]
)
def test_a_name_that_the_contract_does_not_list_is_refused(name: str) -> None:
    assert malformed({**BASE, name: "x"}) == "header-unknown-name"


def test_jws_extensions_are_refused_even_when_well_formed() -> None:
    assert malformed({**BASE, "crit": ["b64"], "b64": False}) == "header-unknown-name"


WRONG_ANYWHERE = [None, True, False, 0.5, 1.0, {}, [], [1], {"a": 1}]
WRONG_TEXTS = ["", " ", "x\n", "\x00", "名称", "a" * 65]
WRONG: dict[str, list[Any]] = {
    "alg": [1],
    "kid": [1, *WRONG_TEXTS, "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "=", "A" * 42 + "+", "A" * 43 + "\n"],
    "typ": [1, *WRONG_TEXTS, "JWT", "exchange", "EXCHANGE+JWS", "application/exchange+jws"],
    "iss": [1, *WRONG_TEXTS, "a", "-ab", "Ab", "a_b", "a.b", "a" * 64, "ab\n"],
    "aud": [1, *WRONG_TEXTS, "a", "-ab", "Ab", "a_b", "a" * 64, ["lintao-hub"]],
    "iat": ["1772353800", "", 1772353800.0, 1.5],
    "jti": [1, *WRONG_TEXTS, "a b", "a/b", "a:b", "a+b", "a=", "a\n"],
    "res": [
        1,
        *WRONG_TEXTS,
        "306001000001",
        "306001000001/",
        "406001/1",
        "30600/1",
        "306001/1/2",
        "306001-1",
        "306001/1\n",
    ],
    "ver": [0, -1, "1", 1.0, 2.5],
    "to": ["", "a-1", ["a-1", "a-1"], ["A"], ["a-1", 2], [None], [["a-1"]], {"a-1": 1}, ["a-1", ""]],
    "ref": [1, *WRONG_TEXTS, "a b", "a/b"],
    "orig": [1, *WRONG_TEXTS, "sha-256:" + "A" * 64, "0" * 64, "sha-256:" + "0" * 63, "sm3:" + "0" * 64],
}


@pytest.mark.parametrize("name", [*BASE, *OPTIONAL])
def test_a_value_that_is_not_of_its_form_is_refused_and_the_reason_names_the_field(name: str) -> None:
    for value in [*WRONG_ANYWHERE, *WRONG[name]]:
        assert malformed({**BASE, **OPTIONAL, name: value}) == f"header-{name}-form", value


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("iss", ["ab", "0-", "a" * 63, "9z9"]),
        ("jti", ["a", "~", "." * 64, "0195f3a0-7b1c-7000-8000-000000000000"]),
        ("iat", [0, -1, 2**53 - 1]),
        ("ver", [1, 2**53 - 1]),
        ("res", ["306001000001/000042", "1000001/0", "300000abcXYZ/1", "299999/7"]),
        ("to", [["a-1"], ["a-1", "a-2", "zz"]]),
    ],
)
def test_values_at_the_edge_of_their_form_are_accepted(name: str, values: list[Any]) -> None:
    for value in values:
        opened = accepted(compact_of({**BASE, name: value}))
        assert getattr(opened.header, name) == (tuple(value) if isinstance(value, list) else value)


def test_every_type_is_read_with_its_smallest_header_and_refuses_when_one_name_is_missing() -> None:
    for typ in TYPES:
        header = header_for(typ)
        assert accepted(compact_of(header)).header.typ == typ
        for name in header:
            rest = {key: value for key, value in header.items() if key != name}
            assert malformed(rest) == "header-missing-name", (typ, name)


def test_names_that_belong_to_other_types_are_refused() -> None:
    for typ in TYPES:
        for name, value in {"res": BASE["res"], "ver": 1, **OPTIONAL}.items():
            header = {**header_for(typ), name: value}
            belongs = name in header_for(typ) or name == "ref" or typ == EXCHANGE
            if belongs:
                accepted(compact_of(header))
            else:
                assert malformed(header) == "header-name-not-for-typ", (typ, name)


def test_a_type_that_is_not_for_this_call_is_refused() -> None:
    for typ in TYPES:
        compact = compact_of(header_for(typ))
        accepted(compact, frozenset({typ}))
        assert refusal(compact, allowed_types=TYPES - {typ}) == ("malformed-envelope", "header-typ-not-for-call")
    assert refusal(compact_of(header_for(QUERY)), allowed_types=frozenset()) == (
        "malformed-envelope",
        "header-typ-not-for-call",
    )


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES384", "ES256K", "es256", "Ed25519", "", "x" * 1000])
def test_an_algorithm_that_is_not_listed_is_unsupported(alg: str) -> None:
    assert refusal(compact_of({**BASE, "alg": alg})) == ("unsupported-algorithm", "unsupported-algorithm")


def test_a_malformed_header_is_malformed_even_when_its_algorithm_is_unsupported() -> None:
    assert malformed({**BASE, "alg": "none", "jti": ""}) == "header-jti-form"
    assert malformed({**BASE, "alg": "none", "extra": 1}) == "header-unknown-name"


def test_an_empty_payload_is_for_others_to_judge() -> None:
    assert accepted(compact_of(BASE, b"")).payload_bytes == b""
    assert accepted(compact_of(BASE, b"\xff not json")).payload_bytes == b"\xff not json"


def test_an_algorithm_unlike_the_key_is_a_bad_signature() -> None:
    assert refusal(compact_of({**BASE, "alg": "EdDSA"})) == ("bad-signature", "alg-unlike-key")
    ed25519_signer = KeySigner(generate_key("EdDSA"), SIGNER.kid)
    compact = seal(
        ed25519_signer, **{name: value for name, value in BASE.items() if name not in ("alg", "kid")}, payload=b"{}"
    )
    assert refusal(compact) == ("bad-signature", "alg-unlike-key")


def test_a_signature_by_another_key_or_of_no_bytes_is_bad() -> None:
    signing_input = compact_of(BASE).rpartition(b".")[0]
    stranger = KeySigner(generate_key("ES256"), SIGNER.kid)
    for signature in (stranger.sign(signing_input), b"", bytes(64), SIGNER.sign(signing_input)[:63]):
        compact = signing_input + b"." + b64u_encode(signature)
        assert refusal(compact) == ("bad-signature", "signature-mismatch")


def test_opening_asks_for_the_signer_between_form_and_signature() -> None:
    compact = compact_of(BASE)
    asked: list[str] = []

    def known(kid: str) -> Verifier | None:
        asked.append(kid)
        return VERIFIER if kid == SIGNER.kid else None

    opened = open_envelope(compact, max_bytes=LIMIT, allowed_types=TYPES, verifier_for=known)
    assert opened.digest == digest(compact)
    stranger = compact_of({**BASE, "kid": kid_of(b"another certificate")})
    with pytest.raises(EnvelopeError) as refused:
        open_envelope(stranger, max_bytes=LIMIT, allowed_types=TYPES, verifier_for=known)
    assert (refused.value.slug, refused.value.reason) == ("unknown-signer", "unknown-signer")
    assert asked == [SIGNER.kid, kid_of(b"another certificate")]
    with pytest.raises(EnvelopeError):
        open_envelope(compact_of({**BASE, "jti": ""}), max_bytes=LIMIT, allowed_types=TYPES, verifier_for=known)
    assert len(asked) == 2
    with pytest.raises(EnvelopeError) as forged:
        open_envelope(compact[:-4] + b"AAAA", max_bytes=LIMIT, allowed_types=TYPES, verifier_for=known)
    assert forged.value.slug == "bad-signature"


@pytest.mark.parametrize(
    "wrong",
    [{"jti": ""}, {"typ": "JWT"}, {"iat": 1.5}, {"to": []}, {"res": None}, {"ver": 0}, {"iss": "A"}, {"orig": "x"}],
)
def test_nothing_is_sealed_that_would_be_refused(wrong: dict[str, Any]) -> None:
    arguments = {name: value for name, value in BASE.items() if name not in ("alg", "kid")}
    with pytest.raises(EnvelopeError) as refused:
        seal(SIGNER, **{**arguments, **wrong}, payload=b"{}")
    assert refused.value.slug == "malformed-envelope"


def test_a_kid_is_the_digest_of_the_certificate_in_canonical_form() -> None:
    assert kid_of(b"") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    for number in range(200):
        assert is_kid(kid_of(number.to_bytes(2, "big")))


@given(st.binary(max_size=200) | st.lists(st.binary(max_size=60).map(b64u_encode), max_size=4).map(b".".join))
def test_no_bytes_at_all_end_in_anything_but_a_refusal(compact: bytes) -> None:
    assert refusal(compact)[0] in {"malformed-envelope", "unsupported-algorithm", "bad-signature"}


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from([*BASE, *OPTIONAL]), _values, min_size=1, max_size=3))
def test_a_header_with_any_values_is_refused_or_read_but_never_breaks_the_reader(values: dict[str, Any]) -> None:
    try:
        header = read(compact_of({**BASE, **values}), max_bytes=LIMIT, allowed_types=TYPES).header
    except EnvelopeError:
        return
    for name, value in values.items():
        got = getattr(header, name)
        assert (list(got) if isinstance(got, tuple) else got) == value
