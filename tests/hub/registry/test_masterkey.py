import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.registry.masterkey import MasterKey, MasterKeyError, create_master_key, load_master_key


def test_a_created_key_is_private_and_opens_what_it_wrapped_after_loading(tmp_path: Path) -> None:
    path = tmp_path / "new" / "master.key"
    old_mask = os.umask(0)
    try:
        made = create_master_key(path)
    finally:
        os.umask(old_mask)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(path.read_bytes())) == 32
    assert load_master_key(path).unwrap(made.wrap(b"secret", b"place"), b"place") == b"secret"


def test_two_created_keys_differ(tmp_path: Path) -> None:
    create_master_key(tmp_path / "a")
    create_master_key(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_master_key(path)
    before = path.read_bytes()
    with pytest.raises(MasterKeyError, match="已存在"):
        create_master_key(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o620])
def test_a_file_that_others_may_touch_is_refused_with_its_cure(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    create_master_key(path)
    path.chmod(mode)
    with pytest.raises(MasterKeyError, match=f"{mode:04o}.*chmod 600"):
        load_master_key(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyError, match="shuniu init"):
        load_master_key(tmp_path / "none")


@pytest.mark.parametrize("content", [b"", b"not base64!", base64.b64encode(bytes(31)), base64.b64encode(bytes(33))])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(MasterKeyError, match="32"):
        load_master_key(path)


@given(st.binary(max_size=200), st.binary(max_size=40), st.data())
def test_a_changed_secret_does_not_open(secret: bytes, label: bytes, data: st.DataObject) -> None:
    key = MasterKey(bytes(32))
    wrapped = bytearray(key.wrap(secret, label))
    wrapped[data.draw(st.integers(0, len(wrapped) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(MasterKeyError):
        key.unwrap(bytes(wrapped), b"elsewhere")
    with pytest.raises(MasterKeyError):
        key.unwrap(bytes(wrapped), label)


@given(st.binary(max_size=28))
def test_a_cut_off_secret_does_not_open(fragment: bytes) -> None:
    with pytest.raises(MasterKeyError):
        MasterKey(bytes(32)).unwrap(b"\x01" + fragment, b"place")


def test_a_secret_does_not_open_elsewhere_nor_under_another_key() -> None:
    wrapped = MasterKey(bytes(32)).wrap(b"secret", b"place")
    with pytest.raises(MasterKeyError, match="another"):
        MasterKey(bytes(32)).unwrap(wrapped, b"another")
    with pytest.raises(MasterKeyError):
        MasterKey(bytes(31) + b"\x01").unwrap(wrapped, b"place")


def test_wrapping_twice_gives_other_bytes_and_shows_nothing() -> None:
    key = MasterKey(bytes(32))
    one, other = key.wrap(b"a long enough secret", b""), key.wrap(b"a long enough secret", b"")
    assert one != other
    assert b"secret" not in one


def test_a_key_of_another_length_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="32"):
        MasterKey(bytes(16))
