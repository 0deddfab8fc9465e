"""A partner's folder: what is missing or damaged is named, and what is written is there after a crash."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.client import FolderError, Partner
from hub.client.folder import Folder, write_durably
from tests.support.client_side import County, pem

Damage = Callable[[Path, County], None]


def removed(name: str) -> Damage:
    return lambda folder, _: (folder / name).unlink()


def written(name: str, data: bytes) -> Damage:
    def damage(folder: Path, _: County) -> None:
        (folder / name).write_bytes(data)

    return damage


def profile(**changes: object) -> Damage:
    def damage(folder: Path, _: County) -> None:
        members = json.loads((folder / "partner.json").read_text()) | changes
        kept = {name: value for name, value in members.items() if value is not None}
        (folder / "partner.json").write_text(json.dumps(kept))

    return damage


def other_key(folder: Path, county: County) -> None:
    (folder / "key.pem").write_bytes((county.system("other") / "key.pem").read_bytes())


def other_pair(folder: Path, county: County) -> None:
    other = county.system("other")
    for name in ("key.pem", "cert.pem"):
        (folder / name).write_bytes((other / name).read_bytes())


def unsuitable_key(folder: Path, county: County) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


DAMAGES: dict[str, tuple[Damage, str]] = {
    "no key": (removed("key.pem"), "key.pem"),
    "no certificate": (removed("cert.pem"), "cert.pem"),
    "no profile": (removed("partner.json"), "partner.json"),
    "a key that is none": (written("key.pem", b"x"), "key.pem"),
    "a certificate that is none": (written("cert.pem", b"x"), "cert.pem"),
    "a profile that is no JSON": (written("partner.json", b"x"), "partner.json"),
    "a profile that is no object": (written("partner.json", b"[]"), "hub, url, system, kid, token_endpoint"),
    "a profile without the hub": (profile(hub=None), "lacks hub"),
    "a url that is a number": (profile(url=1), "lacks url"),
    "a url of another kind": (profile(url="ftp://hub.test"), "url"),
    "a url that is none": (profile(url="http://[::1"), "url"),
    "a port that is none": (profile(token_endpoint="http://hub.test:x/oauth/token"), "token_endpoint"),
    "a token endpoint without host": (profile(token_endpoint="http:///oauth"), "token_endpoint"),
    "a system that is no code": (profile(system="A B"), "system"),
    "another kid": (profile(kid="A" * 43), "kid"),
    "another's key": (other_key, "cert.pem"),
    "another's pair": (other_pair, "kid"),
    "a key of another curve": (unsuitable_key, "cert.pem"),
}


@pytest.mark.parametrize(("damage", "named"), DAMAGES.values(), ids=DAMAGES)
def test_a_folder_is_refused_with(damage: Damage, named: str, county: County) -> None:
    folder = county.system("lintao-subsite")
    damage(folder, county)
    with pytest.raises(FolderError, match=named) as caught:
        Partner.load(folder)
    assert caught.value.zh
    assert caught.value.en


@pytest.mark.parametrize("name", ["ca.pem", "hub.pem"])
def test_missing_anchors_are_named(county: County, name: str) -> None:
    folder = county.system("lintao-subsite")
    (county.base / "trust" / name).unlink()
    with pytest.raises(FolderError, match=name):
        Partner.load(folder)


def test_a_hub_pem_with_authorities_only_holds_no_receipt_certificate(county: County) -> None:
    folder = county.system("lintao-subsite")
    (county.base / "trust" / "hub.pem").write_bytes(pem(county.root.certificate))
    with pytest.raises(FolderError, match="no receipt certificate"):
        Partner.load(folder)


def test_trust_may_lie_in_the_folder_and_comes_first(county: County) -> None:
    opened = Folder(county.system("lintao-subsite"))
    assert opened.find_trust() == county.base / "trust"
    (opened.path / "trust").mkdir()
    assert opened.find_trust() == opened.path / "trust"


def test_without_anchors_anywhere_nothing_is_believed(county: County) -> None:
    folder = county.system("lintao-subsite")
    (county.base / "trust").rename(county.base / "elsewhere")
    with pytest.raises(FolderError, match=r"ca\.pem"):
        Partner.load(folder)


def test_files_are_private_whole_and_replaced_at_once(tmp_path: Path) -> None:
    place = tmp_path / "outbox"
    write_durably(place, "a.jws", b"one")
    path = write_durably(place, "a.jws", b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in place.iterdir()] == ["a.jws"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_data_and_name_reach_the_disk_before_the_caller_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    really = os.fsync

    def watched(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        really(handle)

    monkeypatch.setattr(os, "fsync", watched)
    write_durably(tmp_path / "outbox", "a.jws", b"one")
    assert synced[0] == str(tmp_path)  # the folder is new
    assert synced[1].startswith(str(tmp_path / "outbox" / ".a.jws."))
    assert synced[2:] == [str(tmp_path / "outbox")]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_durably(tmp_path / "outbox", "a.jws", b"one")
    assert list((tmp_path / "outbox").iterdir()) == []


def test_what_another_process_answered_in_the_meantime_is_left_out(county: County) -> None:
    folder = Folder(county.system("lintao-subsite"))
    for jti in ("1", "2", "3"):
        folder.keep(jti, jti.encode())
    waiting = folder.waiting()
    assert next(waiting)[1] == b"1"
    folder.release("2")
    assert [(path.name, compact) for path, compact in waiting] == [("3.jws", b"3")]
