"""Signed checkpoints (C2SP signed-note, tlog-checkpoint): one spelling, one origin, and no byte that can be changed."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from certs.checkpoint import (
    LONGEST_NOTE,
    Checkpoint,
    open_checkpoint,
    parse_text,
    parse_verifier_key,
    sign,
    verifier_key,
)
from certs.errors import CheckpointError
from certs.keys import generate_key
from certs.suites import KeySigner
from certs.tree import EMPTY_ROOT, MAX_SIZE
from tests.certs.mutations import damaged_bytes

ORIGIN = "hub.example/tlog"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = KeySigner(PRIVATE, "log")
VKEY = verifier_key(ORIGIN, PRIVATE.public_key())
KEY = parse_verifier_key(VKEY)
ROOT = hashlib.sha256(b"a root").digest()
CHECKPOINT = Checkpoint(ORIGIN, 70_000, ROOT)
NOTE = sign(CHECKPOINT, SIGNER, KEY)

OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def signed(text: str, private: Ed25519PrivateKey = PRIVATE, name: str = ORIGIN, key_id: bytes = KEY.key_id) -> bytes:
    """A note over any text, put together by hand."""
    line = base64.b64encode(key_id + private.sign(text.encode())).decode()
    return f"{text}\n— {name} {line}\n".encode()


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(CheckpointError) as caught:
        call()
    assert caught.value.zh
    assert caught.value.en
    return caught.value.reason


def test_a_checkpoint_is_signed_to_these_bytes() -> None:
    assert VKEY == "hub.example/tlog+6530d2b6+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    assert NOTE.decode() == (
        "hub.example/tlog\n"
        "70000\n"
        "ULMS9cvHFnWfViDXOnzBFBVwc0n0Gwzgt897eAfsMdo=\n"
        "\n"
        "— hub.example/tlog "
        "ZTDStuA/wwvPFlv7PN12kxjpGa6OtnTEgdHDZc4CP7S6ByPLy96IK8qE12bjlq01hC3RHrj3pvwIeJsL29oAIpTsRAM=\n"
    )


def test_a_checkpoint_opens_with_its_key_as_text_or_parsed() -> None:
    assert open_checkpoint(NOTE, VKEY) == CHECKPOINT
    assert open_checkpoint(NOTE, VKEY + "\n") == CHECKPOINT
    assert open_checkpoint(NOTE, KEY) == CHECKPOINT


@given(
    st.text(st.characters(min_codepoint=0x21, exclude_categories=("Cs", "Zs", "Zl", "Zp", "Cc"), exclude_characters="+"), min_size=1),
    st.integers(1, MAX_SIZE),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(st.characters(min_codepoint=0x20, codec="utf-8"), min_size=1), max_size=3),
)  # fmt: skip
def test_what_is_signed_is_what_is_opened(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    key = parse_verifier_key(verifier_key(origin, PRIVATE.public_key()))
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert open_checkpoint(sign(checkpoint, SIGNER, key), key) == checkpoint
    assert parse_text(checkpoint.text()) == checkpoint


def test_an_empty_log_has_a_checkpoint_of_the_empty_root_only() -> None:
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert open_checkpoint(sign(empty, SIGNER, KEY), KEY) == empty
    assert reason_of(lambda: Checkpoint(ORIGIN, 0, ROOT)) == "checkpoint-root"


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions", "reason"),
    [
        ("", 1, ROOT, (), "checkpoint-line"),
        ("two\nlines", 1, ROOT, (), "checkpoint-line"),
        ("tab\t", 1, ROOT, (), "checkpoint-line"),
        ("\ud800", 1, ROOT, (), "checkpoint-line"),
        (ORIGIN, 1, ROOT, ("",), "checkpoint-line"),
        (ORIGIN, 1, ROOT, ("a\nb",), "checkpoint-line"),
        (ORIGIN, -1, ROOT, (), "checkpoint-size"),
        (ORIGIN, MAX_SIZE + 1, ROOT, (), "checkpoint-size"),
        (ORIGIN, 1, ROOT[:31], (), "checkpoint-root"),
        (ORIGIN, 1, ROOT + b"\x00", (), "checkpoint-root"),
    ],
)
def test_what_cannot_stand_in_a_checkpoint_is_refused(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...], reason: str
) -> None:
    assert reason_of(lambda: Checkpoint(origin, size, root, extensions)) == reason


B64 = base64.b64encode(ROOT).decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{ORIGIN}\n7\n", "checkpoint-form"),
        (f"{ORIGIN}\n", "checkpoint-form"),
        (f"{ORIGIN}\n07\n{B64}\n", "checkpoint-size"),
        (f"{ORIGIN}\n+7\n{B64}\n", "checkpoint-size"),
        (f"{ORIGIN}\n-7\n{B64}\n", "checkpoint-size"),
        (f"{ORIGIN}\n 7\n{B64}\n", "checkpoint-size"),
        (f"{ORIGIN}\n7_0\n{B64}\n", "checkpoint-size"),
        (f"{ORIGIN}\n٧\n{B64}\n", "checkpoint-size"),
        (f"{ORIGIN}\n\n{B64}\n", "checkpoint-size"),
        (f"{ORIGIN}\n{MAX_SIZE + 1}\n{B64}\n", "checkpoint-size"),
        (f"{ORIGIN}\n{'9' * 5000}\n{B64}\n", "checkpoint-size"),
        (f"{ORIGIN}\n7\n{B64[:-1]}\n", "checkpoint-root"),
        (f"{ORIGIN}\n7\n{B64[:-2]}{chr(ord(B64[-2]) + 1)}=\n", "checkpoint-root"),
        (f"{ORIGIN}\n7\n{B64} \n", "checkpoint-root"),
        (f"{ORIGIN}\n7\n{B64[:8]}\n", "checkpoint-root"),
        (f"{ORIGIN}\n7\n哈希\n", "checkpoint-root"),
        (f"{ORIGIN}\n0\n{B64}\n", "checkpoint-root"),
        (f"\n7\n{B64}\n", "checkpoint-line"),
        (f"{ORIGIN}\n7\n{B64}\n\nextension\n", "checkpoint-line"),
        (f"other.example\n7\n{B64}\n", "origin-mismatch"),
    ],
)
def test_a_text_of_another_form_is_refused_although_its_signature_holds(text: str, reason: str) -> None:
    assert reason_of(lambda: open_checkpoint(signed(text), KEY)) == reason


def test_a_text_without_its_last_newline_is_refused() -> None:
    assert reason_of(lambda: parse_text(f"{ORIGIN}\n7\n{B64}\nmore")) == "checkpoint-form"


LINE = NOTE.rpartition(b"\n\n")[2]
TEXT = CHECKPOINT.text().encode()


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT,
        TEXT + b"\n",
        TEXT + LINE,
        NOTE[:-1],
        NOTE + b"\n",
        NOTE.replace("—".encode(), b"-"),
        NOTE.replace("— ".encode(), "—".encode()),
        NOTE.replace("— ".encode(), "—  ".encode()),
        NOTE.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf\x00" + NOTE,
        NOTE.decode().encode("utf-16"),
        NOTE + b"\xff\n",
        NOTE + "— nobody\n".encode(),
        NOTE + "— nobody \n".encode(),
        NOTE + "— nobody AAAAAA==\n".encode(),
        NOTE + "— nobody AAAAAAB=\n".encode(),
        NOTE + "— nobody AAAAAA A\n".encode(),
        NOTE + "— no+body AAAAAAA=\n".encode(),
        NOTE + "—  AAAAAAA=\n".encode(),
        NOTE + "— nobody\u3000else AAAAAAA=\n".encode(),
        NOTE + "— nobody AAAAAAA=\n".encode() * 100,
        TEXT + b"x" * LONGEST_NOTE + b"\n\n" + LINE,
    ],
)
def test_what_is_no_signed_note_is_refused(note: bytes) -> None:
    assert reason_of(lambda: open_checkpoint(note, KEY)) == "not-a-note"


def test_signatures_of_others_are_ignored() -> None:
    other_line = base64.b64encode(b"\x01\x02\x03\x04" + bytes(64)).decode()
    witness = f"— witness.example/w {other_line}\n".encode()
    same_name = f"— {ORIGIN} {other_line}\n".encode()
    same_id = f"— witness.example/w {base64.b64encode(KEY.key_id + bytes(64)).decode()}\n".encode()
    for lines in (witness + LINE, LINE + witness, same_name + LINE + same_id, LINE + witness * 15):
        assert open_checkpoint(TEXT + b"\n" + lines, KEY) == CHECKPOINT
    assert reason_of(lambda: open_checkpoint(TEXT + b"\n" + witness + same_name + same_id, KEY)) == "not-signed"


def test_a_wrong_signature_of_the_known_key_is_an_error_even_beside_a_right_one() -> None:
    wrong = signed("another text\n").rpartition(b"\n\n")[2]
    assert reason_of(lambda: open_checkpoint(TEXT + b"\n" + wrong, KEY)) == "bad-signature"
    assert reason_of(lambda: open_checkpoint(TEXT + b"\n" + LINE + wrong, KEY)) == "signature-repeated"
    assert reason_of(lambda: open_checkpoint(TEXT + b"\n" + LINE + LINE, KEY)) == "signature-repeated"
    forged = signed(CHECKPOINT.text(), OTHER)
    assert reason_of(lambda: open_checkpoint(forged, KEY)) == "bad-signature"
    cut = base64.b64encode(base64.b64decode(LINE.split()[-1])[:-1]).decode()
    assert reason_of(lambda: open_checkpoint(TEXT + f"\n— {ORIGIN} {cut}\n".encode(), KEY)) == "bad-signature"


def test_the_key_of_another_log_opens_nothing() -> None:
    other = verifier_key("other.example/tlog", PRIVATE.public_key())
    assert reason_of(lambda: open_checkpoint(NOTE, other)) == "not-signed"
    assert reason_of(lambda: open_checkpoint(NOTE, verifier_key(ORIGIN, OTHER.public_key()))) == "not-signed"


def test_extension_lines_are_kept_and_signed() -> None:
    extended = Checkpoint(ORIGIN, 7, ROOT, ("one", "two 二"))
    note = sign(extended, SIGNER, KEY)
    assert open_checkpoint(note, KEY).extensions == ("one", "two 二")
    assert reason_of(lambda: open_checkpoint(note.replace(b"one", b"eno"), KEY)) == "bad-signature"


def test_a_log_signs_under_its_own_name_and_with_its_own_key_only() -> None:
    assert reason_of(lambda: sign(Checkpoint("other.example", 7, ROOT), SIGNER, KEY)) == "origin-mismatch"
    assert reason_of(lambda: sign(CHECKPOINT, KeySigner(OTHER, "log"), KEY)) == "bad-signature"
    assert reason_of(lambda: sign(CHECKPOINT, KeySigner(generate_key("ES256"), "log"), KEY)) == "bad-signature"


def test_a_verifier_key_names_log_and_key() -> None:
    name, key_id, encoded = VKEY.split("+", 2)
    typed = base64.b64decode(encoded)
    assert name == KEY.name == ORIGIN
    assert typed == b"\x01" + PRIVATE.public_key().public_bytes_raw()
    assert bytes.fromhex(key_id) == KEY.key_id == hashlib.sha256(ORIGIN.encode() + b"\n" + typed).digest()[:4]


def test_the_key_of_a_public_log_is_read() -> None:
    # the Go checksum database's, as its clients carry it
    key = parse_verifier_key("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    assert (key.name, key.key_id.hex()) == ("sum.golang.org", "033de0ae")


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\u00a0b", "a\u3000b", "a\nb", "a\x00b"])
def test_an_origin_that_is_no_key_name_has_no_verifier_key(origin: str) -> None:
    assert reason_of(lambda: verifier_key(origin, PRIVATE.public_key())) == "verifier-key"


def typed_key(typed: bytes, name: str = ORIGIN) -> str:
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(typed).decode()}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ORIGIN,
        VKEY.replace("hub", "bub"),
        VKEY.replace("+", "-", 1),
        VKEY.upper(),
        VKEY[:-1],
        VKEY + "=",
        VKEY + "\n\n",
        " " + VKEY,
        VKEY.replace("hub", "h b"),
        typed_key(b"\x01" + bytes(31)),
        typed_key(b"\x01" + PRIVATE.public_key().public_bytes_raw() + b"\x00"),
        typed_key(b"\x04" + PRIVATE.public_key().public_bytes_raw()),
        typed_key(PRIVATE.public_key().public_bytes_raw()),
        typed_key(b""),
        typed_key(b"\x01" + bytes(32)),
        typed_key(b"\x01" + PRIVATE.public_key().public_bytes_raw(), "a b"),
        typed_key(b"\x01" + PRIVATE.public_key().public_bytes_raw(), ""),
    ],
)
def test_a_text_that_is_no_verifier_key_is_refused(text: str) -> None:
    assert reason_of(lambda: parse_verifier_key(text)) == "verifier-key"


def test_four_thousand_damaged_checkpoints_are_all_found() -> None:
    rng = random.Random(1)
    for _ in range(4000):
        damaged = damaged_bytes(NOTE, rng)
        with pytest.raises(CheckpointError):
            open_checkpoint(damaged, KEY)


def test_a_damaged_verifier_key_opens_nothing() -> None:
    rng = random.Random(2)
    for _ in range(1000):
        damaged = damaged_bytes(VKEY.encode(), rng).decode(errors="replace")
        with pytest.raises(CheckpointError):
            open_checkpoint(NOTE, damaged)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_anything_at_all_is_read_or_refused_and_never_fails_otherwise(text: str) -> None:
    for read in (parse_text, parse_verifier_key, lambda text: open_checkpoint(text.encode(), KEY)):
        with pytest.raises(CheckpointError):
            read(text)
