"""What the far side of a one-way gateway remembers is on disk before the bundle is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.client.bundle_state import State
from tests.support.bundles import make_gateway
from tests.support.client_side import NOW, County


def test_a_bundle_stays_until_it_is_remembered(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = make_gateway(county)
    gateway.lay("a.txt", gateway.bundle(1, [gateway.item(1)]))

    def no_space(_: State, directory: Path) -> None:
        raise OSError(f"no space left in {directory}")

    with monkeypatch.context() as full:
        full.setattr(State, "save", no_space)
        with pytest.raises(OSError, match="no space left"):
            gateway.take()
    assert gateway.left == ["a.txt"]
    assert gateway.bundles.acknowledge(gateway.outgoing, now=NOW) == 0
    assert gateway.take().bundles == 1
    assert gateway.bundles.acknowledge(gateway.outgoing, now=NOW) == 1
