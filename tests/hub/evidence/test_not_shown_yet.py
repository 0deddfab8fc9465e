"""Between the tree's commit and its signature an entry has a number, and no checkpoint that covers it."""

import pytest

from hub.audit.sealer import Sealer
from tests.support.evidence import EvidenceTown


async def test_what_is_numbered_but_not_yet_under_a_signed_checkpoint_is_not_sealed(
    town: EvidenceTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.publish()
    before = await town.seal()
    path = await town.publish()

    async def dies(*_: object) -> None:
        return

    with monkeypatch.context() as dying:
        dying.setattr(Sealer, "show", dies)
        assert await town.seal() == before
    answer = await town.ask(path, town.token(town.provider))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-sealed")
    await town.seal()
    assert (await town.ask(path, town.token(town.provider))).status_code == 200
