"""A resource that nobody is granted is looked up when somebody sends for it, and kept from then on; it is no exception."""

import pytest

from hub.errors import Refused
from hub.exchange.intake import Accepted
from hub.registry import picture_store
from hub.registry.picture import Loader, ResourceState
from tests.hub.exchange.conftest import Floor

OTHER = "306001000001/000777"


async def post(floor: Floor, envelope: bytes) -> Accepted:
    return await floor.intake.accept(envelope, address="10.0.0.1", request_id="r1")


async def refused(floor: Floor, envelope: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        await post(floor, envelope)
    return refusal.value.slug


class Counting(Loader):
    """A loader that counts how often one resource is looked for."""

    looks = 0

    async def find(self, *given: object) -> tuple[int, ResourceState | None]:
        """The same."""
        self.looks += 1
        return await super().find(*given)  # type: ignore[arg-type]


async def test_what_nobody_is_granted_is_accepted_and_kept_at_hand(floor: Floor) -> None:
    floor.pictures.loader = loader = Counting()
    await floor.world.resource(OTHER, floor.provider)
    await floor.world.bump()
    await floor.pictures.at_least_now()
    assert OTHER not in floor.pictures.picture.resources
    assert floor.res in floor.pictures.picture.resources
    for _ in range(3):
        assert (await post(floor, floor.provider.exchange(OTHER))).fresh
    assert loader.looks == 1
    await floor.world.change("UPDATE resource SET status = 'suspended' WHERE code = $1", OTHER)
    assert await refused(floor, floor.provider.exchange(OTHER)) == "resource-not-published"
    assert await refused(floor, floor.consumer.exchange(OTHER)) == "not-the-provider"
    assert loader.looks == 1


async def test_drafts_and_other_versions_are_refused_as_before(floor: Floor) -> None:
    await floor.world.resource(OTHER, floor.provider)
    assert await refused(floor, floor.provider.exchange(OTHER, ver=9)) == "wrong-version"
    await floor.world.change("UPDATE resource SET status = 'draft' WHERE code = $1", OTHER)
    assert await refused(floor, floor.provider.exchange(OTHER)) == "resource-not-published"


async def test_what_is_not_registered_is_looked_for_once_until_the_registry_changes(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_store, "MOST_REMEMBERED", 2)
    floor.pictures.loader = loader = Counting()
    for _ in range(3):
        assert await refused(floor, floor.provider.exchange(OTHER)) == "unknown-resource"
    assert loader.looks == 1
    for number in range(3):
        assert await refused(floor, floor.provider.exchange(f"306001000001/{number:06d}9")) == "unknown-resource"
    assert len(floor.pictures._missed) <= 2
    await floor.world.resource(OTHER, floor.provider)
    await floor.world.bump()
    assert (await post(floor, floor.provider.exchange(OTHER))).fresh


async def test_nobody_without_a_signature_has_anything_looked_for(floor: Floor) -> None:
    floor.pictures.loader = loader = Counting()
    stranger = await floor.world.system("stranger")
    await floor.connection.execute("DELETE FROM certificate WHERE kid = $1", stranger.kid)
    await floor.world.resource(OTHER, floor.provider)
    await floor.world.bump()
    await floor.pictures.at_least_now()
    assert await refused(floor, stranger.exchange(OTHER)) == "unknown-signer"
    forged = floor.provider.exchange(OTHER)[:-4] + b"AAAA"
    assert await refused(floor, forged) == "bad-signature"
    assert loader.looks == 0


async def test_a_resource_registered_while_it_is_looked_for_brings_a_new_picture(floor: Floor) -> None:
    before = floor.pictures.picture.epoch

    class Late(Loader):
        async def find(self, *given: object) -> tuple[int, ResourceState | None]:
            await floor.world.bump()
            return await super().find(*given)  # type: ignore[arg-type]

    await floor.world.resource(OTHER, floor.provider)
    floor.pictures.loader = Late()
    assert (await post(floor, floor.provider.exchange(OTHER))).fresh
    assert floor.pictures.picture.epoch > before
