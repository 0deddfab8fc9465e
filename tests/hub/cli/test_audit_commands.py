"""The auditor at a terminal: the whole log checked against a key and checkpoints that lie with the auditor."""

import asyncio
import json
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from certs.checkpoint import open_checkpoint
from certs.evidence import Anchors
from certs.export import ExportVerdict, verify_export
from hub.cli import audit as audit_commands
from hub.cli import audit_export
from hub.client.wire import trusted
from tests.support.commands import Outcome, User
from tests.support.town import Town

pytestmark = pytest.mark.process

SEALED_WITHIN_S = 60.0


@pytest.fixture(scope="module")
def trust(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The anchors as the auditor took them home once."""
    folder = tmp_path_factory.mktemp("trust")
    shutil.copy(town.base / "data" / "trust" / "log.pub", folder)
    return folder


@pytest.fixture(scope="module")
def auditor(town: Town, trust: Path) -> Iterator[User]:
    """An auditor of a log that a worker seals."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "hub", "worker"],
        env=town.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_size(town, trust, 1)
        yield town.user("auditadmin")
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0


def size_shown(town: Town, trust: Path) -> int:
    answer = httpx.get(f"{town.url}/tlog/checkpoint", timeout=30, verify=trusted(town.url))
    return open_checkpoint(answer.content, (trust / "log.pub").read_text()).size if answer.is_success else 0


def wait_for_size(town: Town, trust: Path, least: int) -> int:
    deadline = time.monotonic() + SEALED_WITHIN_S
    while (size := size_shown(town, trust)) < least:
        assert time.monotonic() < deadline, "nothing was sealed"
        time.sleep(0.1)
    return size


@contextmanager
def forged(town: Town, statement: str, back: str) -> Iterator[None]:
    """A row changed behind the log's back, as whoever owns the database can; put right afterwards."""

    async def run(text: str) -> None:
        connection = await asyncpg.connect(town.environment["SHUNIU_DATABASE_URL"])
        try:
            await connection.execute(
                f"ALTER TABLE log_entry DISABLE TRIGGER USER; {text}; ALTER TABLE log_entry ENABLE TRIGGER USER"
            )
        finally:
            await connection.close()

    asyncio.run(run(statement))
    try:
        yield
    finally:
        asyncio.run(run(back))


def test_a_whole_log_is_verified_and_its_checkpoint_kept(
    town: Town, auditor: User, trust: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "checkpoint"
    first = auditor.types("audit", "verify", "--trust", str(trust), "--keep", str(kept))
    assert first.code == 0, first.err
    assert "日志完好" in first.out
    before = open_checkpoint(kept.read_bytes(), (trust / "log.pub").read_text()).size
    assert User(tmp_path).signs_in(town.url, "auditadmin", "a wrong password").code == 1  # which is logged
    wait_for_size(town, trust, before + 1)
    second = auditor.types("audit", "verify", "--trust", str(trust), "--checkpoint", str(kept))
    assert second.code == 0, second.err
    assert "以前的检查点" in second.out


def test_a_long_walk_says_how_far_it_is(auditor: User, trust: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_commands, "LINE_EVERY", 1)
    done = auditor.types("audit", "verify", "--trust", trust)
    assert done.code == 0
    assert "256 条 / entries" in done.err


ENTRY = "(SELECT id FROM sealed_entry WHERE leaf_index = 3)"


def test_a_forged_row_is_found_and_named(town: Town, auditor: User, trust: Path) -> None:
    change = f"UPDATE log_entry SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '%s', '%s'), 'UTF8') WHERE id = {ENTRY}"
    with forged(town, change % ("success", "SUCCESS"), change % ("SUCCESS", "success")):
        found = auditor.types("audit", "verify", "--trust", str(trust))
    assert found.code == 1
    assert "第 3 条" in found.err
    assert "entry 3 " in found.err
    assert auditor.types("audit", "verify", "--trust", str(trust)).code == 0


def test_a_forged_column_misleads_a_search_and_is_found(town: Town, auditor: User, trust: Path) -> None:
    change = f"UPDATE log_entry SET actor = '%s' WHERE id = {ENTRY}"
    named = auditor.types("audit", "events", "--limit", "500", "--json").json
    entry = next(item for item in named if item.get("leaf_index") == 3)
    actor = entry["leaf"]["actor"]["id"]
    with forged(town, change % "host:nobody", change % actor):
        hidden = auditor.types("audit", "events", "--actor", actor, "--limit", "500", "--json").json
        assert entry["id"] not in [item["id"] for item in hidden]
        found = auditor.types("audit", "verify", "--trust", str(trust))
    assert found.code == 1
    assert entry["id"] in found.err
    assert "actor" in found.err


@pytest.mark.parametrize(("most", "told"), [(100, [3, 5, 7]), (2, [3, 5])])
def test_every_row_that_was_changed_is_named_up_to_a_bound(
    town: Town,
    auditor: User,
    trust: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    told: list[int],
) -> None:
    monkeypatch.setattr(audit_commands, "MOST_FAULTS", most)
    kept = tmp_path / "checkpoint"
    change = "UPDATE log_entry SET actor = %s WHERE id IN (SELECT id FROM sealed_entry WHERE leaf_index IN (3, 5, 7))"
    with forged(town, change % "'?' || actor", change % "substr(actor, 2)"):
        found = auditor.types("audit", "verify", "--trust", trust, "--keep", kept)
    assert found.code == 1
    assert [line.split()[1] for line in found.err.splitlines() if "actor" in line] == list(map(str, told))
    assert str(len(told)) in found.err.splitlines()[-1]
    assert not kept.exists()
    assert auditor.types("audit", "verify", "--trust", trust, "--keep", kept).code == 0


def export(auditor: User, out: Path, *words: str) -> Outcome:
    return auditor.types("audit", "export", "--out", out, *words)


def judge(town: Town, trust: Path, file: Path) -> ExportVerdict:
    anchors = Anchors.read((town.base / "trust" / "ca.pem").read_bytes(), (trust / "log.pub").read_text())
    with file.open("rb") as opened:
        return verify_export(opened, anchors)


def test_an_export_is_a_file_that_proves_itself(town: Town, auditor: User, trust: Path, tmp_path: Path) -> None:
    out = tmp_path / "log.jsonl"
    done = export(auditor, out)
    assert done.code == 0, done.err
    assert "shuniu verify" in done.out
    assert not list(tmp_path.glob("*.part"))
    verdict = judge(town, trust, out)
    assert verdict.failed is None
    assert verdict.export is not None
    assert verdict.checkpoint is not None
    grown = verdict.checkpoint.size > verdict.export.until  # that it was asked for is logged, and perhaps sealed by now
    assert [(checked.name, checked.outcome) for checked in verdict.checked][-1] == (
        "whole",
        "absent" if grown else "holds",
    )
    shutil.copy(town.base / "trust" / "ca.pem", trust)
    said = User(tmp_path).types("verify", out, "--trust", trust)
    assert said.code == 0, said.err
    changed = tmp_path / "changed.jsonl"
    changed.write_bytes(out.read_bytes().replace(b"success", b"failure", 1))
    assert User(tmp_path).types("verify", changed, "--trust", trust).code == 1
    again = export(auditor, out)
    assert again.code == 2  # it is not overwritten


def test_a_long_export_says_how_far_it_is(auditor: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_export, "LINE_EVERY", 10)
    done = export(auditor, tmp_path / "log.jsonl", "--until", "20")
    assert done.code == 0
    for stage in ("导出", "核对"):
        assert any(line.startswith(stage) and " / 20 条" in line for line in done.err.splitlines())


def test_a_part_is_exported_with_a_filter(town: Town, auditor: User, trust: Path, tmp_path: Path) -> None:
    out = tmp_path / "part.jsonl"
    words = ("--from", "2", "--until", "20", "--event", "staff.created", "--since", "2026-01-01T00:00:00+08:00")
    said = export(auditor, out, *words, "--before", "2099-01-01T00:00:00Z", "--actor", "host:root", "--json").json
    assert (said["first"], said["until"], said["entries"] + said["left_out"]) == (2, 20, 18)
    assert judge(town, trust, out).failed is None


def test_an_export_that_was_cut_off_goes_on_where_it_stopped(
    town: Town, auditor: User, trust: Path, tmp_path: Path
) -> None:
    out = tmp_path / "log.jsonl"
    assert export(auditor, out).code == 0
    whole = out.read_bytes()
    lines = whole.splitlines(keepends=True)
    part = tmp_path / "log.jsonl.part"
    cuts = [
        len(lines[0]),
        len(lines[0]) + 7,
        len(whole) // 2,
        len(whole) - len(lines[-1]) - 9,
        len(whole) - 3,
        len(whole),
    ]
    for cut in cuts:
        out.unlink()
        part.write_bytes(whole[:cut])
        assert export(auditor, out).code == 2  # neither overwritten nor taken for something whole
        assert export(auditor, out, "--resume", "--event", "staff.created").code == 2
        resumed = export(auditor, out, "--resume")
        assert resumed.code == 0, resumed.err
        assert out.read_bytes().splitlines()[:-2] == whole.splitlines()[:-2]
        assert judge(town, trust, out).failed is None
        assert not part.exists()


@contextmanager
def cutting(url: str, after: int) -> Iterator[str]:
    """The address of a way to the hub that breaks each connection after so many bytes of answer."""

    class Way(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as hub:
                asking = threading.Thread(target=self.ask, args=(hub,))
                asking.start()
                left = after
                while left > 0 and (piece := hub.recv(min(left, 1 << 12))):
                    self.request.sendall(piece)
                    left -= len(piece)
                self.request.shutdown(socket.SHUT_RDWR)
                asking.join()

        def ask(self, hub: socket.socket) -> None:
            while piece := self.request.recv(1 << 12):
                hub.sendall(piece)
            hub.shutdown(socket.SHUT_RDWR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Way) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def elsewhere(auditor: User, home: Path, url: str) -> User:
    """The same session, by another way."""
    held = json.loads((auditor.home / "shuniu" / "session.json").read_text())
    (home / "shuniu").mkdir(parents=True)
    (home / "shuniu" / "session.json").write_text(json.dumps(held | {"url": url}))
    return User(home)


def test_a_download_whose_connection_breaks_goes_on_by_itself(
    town: Town, auditor: User, trust: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_export, "PAUSE_S", 0.01)
    assert export(auditor, tmp_path / "whole.jsonl").code == 0
    length = (tmp_path / "whole.jsonl").stat().st_size
    out = tmp_path / "log.jsonl"
    with cutting(town.url, length // 2) as url:
        assert export(elsewhere(auditor, tmp_path / "one", url), out).code == 0
    assert judge(town, trust, out).failed is None


def test_a_download_that_breaks_again_and_again_is_kept_for_later(
    town: Town, auditor: User, trust: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_export, "PAUSE_S", 0.01)
    out = tmp_path / "log.jsonl"
    with cutting(town.url, 4_000) as url:
        stopped = export(elsewhere(auditor, tmp_path / "two", url), out)
    assert stopped.code == 3
    assert "--resume" in stopped.err
    assert not out.exists()
    assert export(auditor, out, "--resume").code == 0
    assert judge(town, trust, out).failed is None


def test_what_was_changed_on_the_way_gets_no_name(auditor: User, tmp_path: Path) -> None:
    out, part = tmp_path / "log.jsonl", tmp_path / "log.jsonl.part"
    assert export(auditor, out).code == 0
    lines = out.read_bytes().splitlines(keepends=True)
    out.unlink()
    part.write_bytes(lines[0] + lines[1].partition(b',"leaf"')[0] + b"}\n")
    changed = export(auditor, out, "--resume")
    assert changed.code == 1
    assert "清单" in changed.err
    assert not out.exists()


def test_a_folder_that_is_not_there_is_said_before_anything_is_asked(
    auditor: User, trust: Path, tmp_path: Path
) -> None:
    asked = auditor.types("audit", "events", "--event", "audit.exported", "--limit", "500", "--json").json
    nowhere = tmp_path / "no" / "folder"
    done = export(auditor, nowhere / "log.jsonl")
    assert (done.code, str(nowhere) in done.err) == (2, True)
    assert asked == auditor.types("audit", "events", "--event", "audit.exported", "--limit", "500", "--json").json
    kept = auditor.types("audit", "verify", "--trust", trust, "--keep", nowhere / "checkpoint")
    assert (kept.code, str(nowhere) in kept.err) == (2, True)


def test_a_download_waits_while_the_hub_makes_again_what_it_has_sent(
    auditor: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    stream = httpx.Client.stream

    def noted(http: httpx.Client, *words: Any, **more: Any) -> Any:
        waited.append(more["timeout"].read)
        return stream(http, *words, **more)

    out = tmp_path / "log.jsonl"
    assert export(auditor, out, "--until", "20").code == 0
    (tmp_path / "log.jsonl.part").write_bytes(b"".join(out.read_bytes().splitlines(keepends=True)[:11]))
    out.unlink()
    monkeypatch.setattr(audit_export, "REMADE_PER_S", 0.1)
    monkeypatch.setattr(httpx.Client, "stream", noted)
    assert export(auditor, out, "--resume").code == 0
    assert waited == [audit_export.ANSWER_S + 100]


def test_a_resume_without_anything_to_resume_is_wrong_use(auditor: User, tmp_path: Path) -> None:
    assert export(auditor, tmp_path / "log.jsonl", "--resume").code == 2
    (tmp_path / "log.jsonl.part").write_bytes(b"rubbish\n")
    assert export(auditor, tmp_path / "log.jsonl", "--resume").code == 1


def test_a_damaged_log_is_exported_and_said_to_be(town: Town, auditor: User, trust: Path, tmp_path: Path) -> None:
    change = f"UPDATE log_entry SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '%s', '%s'), 'UTF8') WHERE id = {ENTRY}"
    with forged(town, change % ("success", "SUCCESS"), change % ("SUCCESS", "success")):
        done = export(auditor, tmp_path / "log.jsonl")
    assert done.code == 1
    assert "第 3 条" in done.err
    verdict = judge(town, trust, tmp_path / "log.jsonl")
    assert verdict.failed is not None
    assert verdict.failed.name == "entries"


def test_who_is_no_auditor_exports_nothing(town: Town, auditor: User, tmp_path: Path) -> None:
    assert auditor.types("whoami").code == 0
    assert town.user("secadmin").types("audit", "export", "--out", tmp_path / "x.jsonl").code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_log_signed_with_another_key_is_not_believed(auditor: User, tmp_path: Path) -> None:
    (tmp_path / "log.pub").write_text("lintao-hub+00000000+AAAA\n")
    assert auditor.types("audit", "verify", "--trust", str(tmp_path)).code == 1


def test_without_a_key_nothing_is_verified(auditor: User, tmp_path: Path) -> None:
    done = auditor.types("audit", "verify", "--trust", str(tmp_path))
    assert done.code == 3
    assert "log.pub" in done.err


def test_who_is_no_auditor_does_not_get_the_entries(town: Town, auditor: User, trust: Path) -> None:
    assert town.user("secadmin").types("audit", "verify", "--trust", str(trust)).code == 1


def test_a_key_that_cannot_be_read_is_said_and_a_kept_checkpoint_is_written_whole(
    auditor: User, trust: Path, tmp_path: Path
) -> None:
    (tmp_path / "log.pub").write_bytes(b"\xff\xfe")
    broken = auditor.types("audit", "verify", "--trust", tmp_path)
    assert (broken.code, "log.pub" in broken.err) == (3, True)
    kept = tmp_path / "checkpoint"
    kept.write_text("yesterday's")
    assert auditor.types("audit", "verify", "--trust", trust, "--keep", kept).code == 0
    assert kept.read_text().splitlines()[1].isdigit()
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []
