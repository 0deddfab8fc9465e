"""The Go tools for checksum databases open our checkpoint, read our tiles and check our proofs; a second implementation."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certs.checkpoint import Checkpoint, parse_verifier_key, sign, verifier_key
from certs.suites import KeySigner
from certs.tile_files import Tile, tile_path
from certs.tiles import TileWriter, new_tiles, node_reader
from certs.tree import leaf_hash
from certs.tree_proofs import consistency_proof, inclusion_proof, tree_root

pytestmark = pytest.mark.process

GO_PATH = Path("/usr/share/gocode")
"""Where Debian's golang-golang-x-mod-dev puts its sources."""

ORIGIN = "hub.example/tlog"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = verifier_key(ORIGIN, PRIVATE.public_key())
SIZE = 70_000

Files = dict[str, Any]


@pytest.fixture(scope="module")
def go_check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program beside this file, built."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("needs go (golang-go)")
    if not (GO_PATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("needs golang.org/x/mod (golang-golang-x-mod-dev)")
    built = tmp_path_factory.mktemp("go")
    subprocess.run(
        [go, "build", "-o", built / "check", Path(__file__).with_name("main.go")],
        check=True,
        timeout=200,
        env={"GO111MODULE": "off", "GOPATH": str(GO_PATH), "GOCACHE": str(built / "cache"), "PATH": "/usr/bin:/bin"},
    )
    return built / "check"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def log_of(size: int, folder: Path) -> Files:
    """A log of `size` entries in three growths, its tiles in `folder`; what the program reads about it."""
    leaves = [b"entry %d" % number for number in range(size)]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    writer, tiles = TileWriter(), dict[Tile, bytes]()
    for end in (size // 3, size // 2, size):
        written, writer = writer.extend(hashes[writer.size : end])
        tiles.update(written)
    for tile, data in tiles.items():
        path = folder / tile_path(tile)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    node = node_reader(size, tiles.__getitem__)
    places = sorted(
        {place for place in (0, 1, 255, 256, 65_535, 65_536, size // 2, size - 2, size - 1) if place < size}
    )
    note = sign(Checkpoint(ORIGIN, size, writer.root()), KeySigner(PRIVATE, "log"), parse_verifier_key(VKEY))
    return {
        "VerifierKey": VKEY,
        "Note": b64(note),
        "Origin": ORIGIN,
        "Tiles": str(folder),
        "Leaves": [b64(leaf) for leaf in leaves],
        "Inclusion": [
            {"Index": n, "Leaf": b64(leaves[n]), "Proof": [*map(b64, inclusion_proof(n, size, node))]}
            for n in places
            if n >= 0
        ],
        "Consistency": [
            {"Size": n, "Root": b64(tree_root(hashes[:n])), "Proof": [*map(b64, consistency_proof(n, size, node))]}
            for n in [*places[1:], size]
            if n > 0
        ],
    }


def run(program: Path, files: Files) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program], input=json.dumps(files), capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize("size", [1, 2, 7, 255, 256, 257, 1000, SIZE])
def test_go_opens_our_checkpoint_reads_our_tiles_and_checks_our_proofs(
    size: int, go_check: Path, tmp_path: Path
) -> None:
    files = log_of(size, tmp_path)
    done = run(go_check, files)
    assert done.returncode == 0, done.stderr
    counts = dict(line.split() for line in done.stdout.splitlines())
    assert int(counts["checkpoint"]) == int(counts["leaves"]) == size
    assert int(counts["tiles"]) == len(list(new_tiles(0, size)))
    assert int(counts["inclusion"]) == len(files["Inclusion"]) >= 1
    assert int(counts["consistency"]) == len(files["Consistency"]) >= 1


def damage_note(files: Files) -> None:
    note = base64.b64decode(files["Note"])
    files["Note"] = b64(note.replace(b"\n700\n", b"\n701\n"))


def damage_tile(files: Files) -> None:
    path = Path(files["Tiles"]) / "tile/0/001"
    path.write_bytes(bytes(32) + path.read_bytes()[32:])


def damage_inclusion(files: Files) -> None:
    files["Inclusion"][2]["Proof"][0] = b64(bytes(32))


def damage_consistency(files: Files) -> None:
    files["Consistency"][2]["Root"] = b64(bytes(32))


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (damage_note, "checkpoint: "),
        (damage_tile, "tiles: "),
        (damage_inclusion, "inclusion of "),
        (damage_consistency, "consistency with "),
    ],
)
def test_go_refuses_what_was_damaged(damage: Any, complaint: str, go_check: Path, tmp_path: Path) -> None:
    files = log_of(700, tmp_path)
    damage(files)
    done = run(go_check, files)
    assert done.returncode == 1
    assert done.stderr.startswith(complaint)
