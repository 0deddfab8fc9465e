"""`shuniu bundles`, run as a partner behind a gateway runs it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli.bundles import bundles
from tests.support.bundles import SERIES, Gateway, make_gateway
from tests.support.client_side import make_county


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    """Certificates of the present: commands ask the real clock."""
    return make_gateway(make_county(tmp_path, now=datetime.now(UTC)), now=datetime.now(UTC))


def run(gateway: Gateway, *words: object) -> Result:
    partner = str(gateway.bundles.folder.path)
    return CliRunner().invoke(bundles, [*map(str, words), "--partner", partner])


def test_bundles_are_taken_kept_and_acknowledged(gateway: Gateway, tmp_path: Path) -> None:
    item = gateway.item(1)
    gateway.lay("a.txt", gateway.bundle(1, [item]))
    out = tmp_path / "kept"
    done = run(gateway, "take", gateway.incoming, "--out", out, "--ack", gateway.outgoing)
    assert (done.exit_code, "1 new deliveries" in done.output, "1 deliveries acknowledged" in done.output) == (
        0,
        True,
        True,
    )
    assert (out / f"{item['delivery']}.jws").read_text() == item["envelope"]
    assert json.loads((out / f"{item['delivery']}.json").read_bytes())["records"]
    assert gateway.acknowledged() == [[{"id": item["delivery"], "digest": item["digest"]}]]
    assert "0 deliveries" in run(gateway, "acknowledge", gateway.outgoing).output


def test_acknowledgements_have_names_that_the_gateway_back_lets_pass(gateway: Gateway, tmp_path: Path) -> None:
    gateway.lay("a.txt", gateway.bundle(1, [gateway.item(1)]))
    names = ("--prefix", "LINTAO", "--extension", "DAT")
    done = run(gateway, "take", gateway.incoming, "--out", tmp_path / "kept", "--ack", gateway.outgoing, *names)
    assert done.exit_code == 0
    gateway.lay("b.txt", gateway.bundle(2, [gateway.item(2)]))
    run(gateway, "take", gateway.incoming, "--out", tmp_path / "kept")
    assert run(gateway, "acknowledge", gateway.outgoing, *names).exit_code == 0
    found = [path.name for path in gateway.outgoing.iterdir()]
    assert len(found) == 2
    assert all(re.fullmatch(r"LINTAO[A-Z2-7]{8}_[0-9]{10}\.DAT", name) for name in found)
    for option, wrong in (("--prefix", "../x"), ("--extension", "a.b")):
        assert run(gateway, "acknowledge", gateway.outgoing, option, wrong).exit_code == 2
    with pytest.raises(ValueError, match="prefix"):
        replace(gateway.bundles, prefix="../x")
    with pytest.raises(ValueError, match="extension"):
        replace(gateway.bundles, extension="")


def test_what_is_missing_refused_or_not_whole_is_told(gateway: Gateway, tmp_path: Path) -> None:
    assert "no number is missing" in run(gateway, "gaps").output
    gateway.lay("a.txt", gateway.bundle(1, [gateway.item(1)]))
    gateway.lay("b.txt", gateway.bundle(5, [gateway.item(5)]))
    gateway.lay("c.txt", gateway.bundle(6, [gateway.item(6)])[:-9])
    gateway.lay("d.txt", b"hello\n")
    told = run(gateway, "take", gateway.incoming, "--out", tmp_path / "kept")
    assert told.exit_code == 0
    for shown in ("2-4", "batch's beginning: c.txt", "refused: d.txt"):
        assert shown in told.output
    assert "2-4" in run(gateway, "gaps").output
    assert json.loads(run(gateway, "gaps", "--json").output) == {"missing": {SERIES: [[2, 4]]}}
    again = json.loads(run(gateway, "take", gateway.incoming, "--out", tmp_path / "kept", "--json").stdout)
    assert (again["bundles"], again["waiting"]) == (0, ["c.txt"])


def test_a_name_that_no_terminal_should_see_is_shown_in_letters(gateway: Gateway, tmp_path: Path) -> None:
    name = os.fsdecode("你".encode("gbk") + b"\x1b[2J.txt")
    gateway.lay(name, b"hello\n")
    gateway.lay("县.txt", gateway.bundle(1, [gateway.item(1)])[:-9])
    told = run(gateway, "take", gateway.incoming, "--out", tmp_path / "kept", "--json")
    assert told.exit_code == 0
    found = json.loads(told.stdout)
    assert (list(found["refused"]), found["waiting"]) == ([r"\udcc4\udce3\x1b[2J.txt"], ["县.txt"])
    gateway.lay(name, b"hello\n")
    assert r"\udcc4\udce3\x1b[2J.txt" in run(gateway, "take", gateway.incoming, "--out", tmp_path / "kept").output


def test_a_partner_without_the_hubs_push_certificate_is_told_so(gateway: Gateway) -> None:
    (gateway.county.base / "trust/push.pem").unlink()
    done = run(gateway, "gaps")
    assert done.exit_code != 0
    assert "push.pem" in f"{done.output}{done.exception}"
