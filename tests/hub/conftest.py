"""Whatever a test of the gateway sends: each projection that is made of it satisfies the schema that its grant's consumer is served."""

from collections.abc import Sequence
from functools import lru_cache

import orjson
import pytest

from catalog.compiler import PayloadValidator, compile_schema
from hub.access.delivered import narrowed
from hub.access.scope import scope_of
from hub.exchange import judging
from hub.exchange.projecting import Narrowed
from hub.registry.picture import LaneState, LiveVersion


@pytest.fixture(autouse=True)
def _projections_satisfy_their_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    check, part, judged_by = judging._check_schema, judging._parted, list[LiveVersion]()

    def checked(payload: dict[str, object], version: LiveVersion) -> None:
        judged_by[:] = [version]
        check(payload, version)

    def parted(
        lanes: tuple[LaneState, ...], payload: dict[str, object]
    ) -> tuple[Sequence[LaneState], Sequence[Narrowed]]:
        whole, reduced = part(lanes, payload)
        (version,) = judged_by
        for one in reduced:
            served = _served(orjson.dumps(version.validator._schema), one.lane.items, one.lane.rows)
            assert served.errors(orjson.loads(one.payload)) == []
        return whole, reduced

    monkeypatch.setattr(judging, "_check_schema", checked)
    monkeypatch.setattr(judging, "_parted", parted)


@lru_cache
def _served(schema: bytes, items: tuple[str, ...] | None, rows: str | None) -> PayloadValidator:
    scope = scope_of(items, None if rows is None else orjson.loads(rows))
    return compile_schema(narrowed(orjson.loads(schema), scope))
