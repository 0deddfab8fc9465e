"""What a change of organisations moves, and what stands in its way. Pure: a request and what is there in, a plan out.

Who carries a plan out makes it again from what is there by then, and compares digests: a plan that no longer fits is not
carried out in part (I3). So the digest covers what was asked, the bodies that take part, and every move.

What is over stays where it ended: withdrawn resources, retired systems, revoked grants, disabled accounts and people whose
term is over belong to the body of that time; its successors answer for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hub.errors import FieldError
from hub.reorganisation.change import Change, pointer_to
from hub.reorganisation.models import Kind, What
from hub.reorganisation.plan import DETACHED, DISABLED, PROPOSED_ANEW, Move, Plan
from hub.reorganisation.situation import (
    Body,
    HeldCertificate,
    OwnedAccount,
    OwnedPerson,
    OwnedResource,
    OwnedSystem,
    Situation,
    stands_under_itself,
)


def make_plan(change: Change, there: Situation) -> Plan:
    """The plan for a change of the right form (`change.checked`) whose parties exist."""
    draft = _Draft(change, there)
    draft.check_parties()
    if change.kind is Kind.RENAMING:
        draft.check_names()
    else:
        draft.move_children()
        draft.move_systems()
        draft.move_resources()
        draft.move_grants()
        draft.move_accounts()
        draft.move_people()
    parties = tuple(there.bodies[one] for one in sorted(change.parties))
    return Plan(change, parties, tuple(draft.moves), tuple(draft.outdated()), tuple(draft.blockers))


@dataclass(slots=True)
class _Draft:
    """A plan in the making."""

    change: Change
    there: Situation
    moves: list[Move] = field(default_factory=list)
    blockers: list[FieldError] = field(default_factory=list)
    owners: dict[str, UUID] = field(default_factory=dict)
    """Of systems that move: whose they are afterwards."""

    def check_parties(self) -> None:
        for member, named in (("from", self.change.sources), ("to", self.change.targets)):
            for place, one in enumerate(named):
                body = self.there.bodies[one]
                if not body.active:
                    self._block(
                        f"/{member}/{place}",
                        f"机构 {body.name} 已终止；请改用其承接机构",
                        f"{body.name} has ended; name its successor",
                    )

    def check_names(self) -> None:
        change = self.change
        body = self.there.bodies[change.sources[0]]
        wanted = (change.name or body.name, body.name_en if change.name_en is None else change.name_en)
        if (*wanted, change.code or body.code) == (body.name, body.name_en, body.code):
            self._block("/name", "新名称、代码与现在相同", "name and code are those that the body has")
        for pointer, holder in (("/name", self.there.name_taken), ("/code", self.there.code_taken)):
            if holder is not None:
                self._block(
                    pointer,
                    f"{pointer[1:]} 已属于或曾属于机构 {holder}；请核对",
                    f"this {pointer[1:]} is, or was, that of {holder}; check it",
                )

    def move_children(self) -> None:
        """Bodies below one that takes part, so that nobody stands under a body that ended, or under themselves."""
        parents = {body.id: body.parent_id for body in self.there.bodies.values()}
        below = [body for body in self._by_id() if body.parent_id in self.change.sources and body.active]
        self._know("children", (body.id for body in below if body.id not in self.change.parties))
        for body in below:
            assert body.parent_id is not None
            if body.id in self.change.targets:
                self._lift(body, body.parent_id, parents)
            elif body.id not in self.change.ends:
                to = self._destination("children", body.id, body.parent_id)
                if to not in (None, body.parent_id):
                    self._move(What.ORGANISATION, str(body.id), body.parent_id, to)
                    parents[body.id] = to
        for move in list(self.moves):
            if stands_under_itself(UUID(move.object_id), parents):
                self._block(
                    pointer_to("children", move.object_id),
                    "调整后上下级成环；请先调整承接机构的上级",
                    "it would stand under itself; give the body that takes over another parent first",
                )

    def _lift(self, body: Body, parent: UUID, parents: dict[UUID, UUID | None]) -> None:
        """A body that takes over stood under one that takes part: it comes to stand where that one stood."""
        if parent not in self.change.ends:
            return
        above: UUID | None = parent
        while above is not None and above in self.change.ends:
            above = parents[above]
        parents[body.id] = above
        self._move(What.ORGANISATION, str(body.id), parent, above)
        if above is None and body.code is None:
            self._block(
                pointer_to("children", body.id),
                "承接机构没有统一社会信用代码，也将没有上级；请先为其登记代码（更名）",
                "the body that takes over has no code and would have no parent; give it a code first (a renaming)",
            )

    def move_systems(self) -> None:
        """Systems in use, each with its certificates; those that are retired stay where they ended."""
        owned = [one for one in self._systems() if one.organisation_id in self.change.sources and not one.retired]
        self._know("systems", (one.code for one in owned))
        for one in owned:
            to = self._destination("systems", one.code, one.organisation_id)
            if to is None or to == one.organisation_id:
                continue
            self.owners[one.code] = to
            self._move(What.SYSTEM, one.code, one.organisation_id, to)
        for held in self.there.certificates:
            if held.system in self.owners:
                source = self.there.systems[held.system].organisation_id
                self._move(What.CERTIFICATE, held.kid, source, self.owners[held.system])

    def move_resources(self) -> None:
        """Resources that are not withdrawn, each with the system that publishes it from then on."""
        owned = [one for one in self.there.resources if one.provider_id in self.change.sources]
        self._know("resources", (one.code for one in owned))
        self._know("publishers", (one.code for one in owned))
        for one in owned:
            to = self._destination("resources", one.code, one.provider_id)
            if to is None:
                continue
            publisher = self._publisher(one, to)
            if to != one.provider_id or publisher != one.publisher:
                self._move(What.RESOURCE, one.code, one.provider_id, to, one.publisher, publisher)

    def _publisher(self, resource: OwnedResource, provider: UUID) -> str:
        """The code of the system that publishes the resource from then on; blocks where nobody has said."""
        pointer = pointer_to("publishers", resource.code)
        named = self.change.publishers.get(resource.code)
        if named is None:
            present = self.there.systems[resource.publisher]
            owner = self.owners.get(present.code, present.organisation_id)
            if not present.retired and present.organisation_id == resource.provider_id and owner != provider:
                self._block(
                    pointer,
                    f"资源与发布它的系统 {resource.publisher} 不归同一机构；请一并划转该系统，或在 publishers 中指定发布系统",
                    f"the resource and its publisher {resource.publisher} part; transfer both, or name a publisher in publishers",
                )
            return resource.publisher
        system = self.there.systems.get(named)
        if system is None or system.retired:
            self._block(
                pointer, f"没有在用的系统 {named}；请核对", f"there is no system {named} in use; check its code"
            )
        elif provider != resource.provider_id == self.owners.get(named, system.organisation_id):
            self._block(
                pointer,
                f"系统 {named} 仍属原提供机构；请指定承接机构的系统，或一并划转它",
                f"{named} stays with the provider of before; name a system of the new one, or transfer this one too",
            )
        return named

    def move_grants(self) -> None:
        """Grants stay as they are; the plan tells which pass to another provider, and which to another consumer's body."""
        providers = {move.object_id: move for move in self.moves if move.what is What.RESOURCE}
        for grant in self.there.grants:
            given = providers.get(grant.resource)
            if given is not None and given.to_id != given.from_id:
                self._move(What.GRANT_GIVEN, str(grant.id), given.from_id, given.to_id)
        for grant in self.there.grants:
            if grant.consumer in self.owners:
                before = self.there.systems[grant.consumer].organisation_id
                self._move(What.GRANT_HELD, str(grant.id), before, self.owners[grant.consumer])

    def move_accounts(self) -> None:
        """Accounts: who acted for a body that ends acts no more, unless assigned and then approved anew."""
        self._know("staff", (one.id for one in self.there.accounts))
        for one in self.there.accounts:
            to, after = self._account(one)
            if to is None or to != one.organisation_id:
                self._move(What.STAFF, str(one.id), one.organisation_id, to, one.state, after)

    def _account(self, one: OwnedAccount) -> tuple[UUID | None, str]:
        named = self.change.staff.get(one.id)
        if named is not None:
            return named, PROPOSED_ANEW if one.bound else one.state
        if one.organisation_id not in self.change.ends:
            return one.organisation_id, one.state
        if one.bound:
            return None, DISABLED
        if self.change.kind is Kind.ABOLITION:
            return None, DETACHED
        to = self._destination("staff", one.id, one.organisation_id)
        return (one.organisation_id if to is None else to), one.state

    def move_people(self) -> None:
        """Responsible people: those of a body that ends have no office any more, unless assigned."""
        ours = [one for one in self.there.people if one.organisation_id in self.change.sources]
        self._know("people", (one.id for one in ours if one.open))
        taken = {(one.organisation_id, one.role) for one in self.there.people if one.single}
        for one in ours:
            to = self.change.people.get(one.id)
            if to == one.organisation_id or (to is None and one.organisation_id not in self.change.ends):
                continue
            if to is not None:
                self._check_place(one, to, taken)
            self._move(What.PERSON, str(one.id), one.organisation_id, to)

    def _check_place(self, one: OwnedPerson, to: UUID, taken: set[tuple[UUID, str]]) -> None:
        if not one.single:
            return
        if (to, one.role) in taken:
            self._block(
                pointer_to("people", one.id),
                "承接机构已有此职责的责任人；请改用交接",
                "the body that takes over has somebody in this role; hand over there instead",
            )
        taken.add((to, one.role))

    def outdated(self) -> Iterator[HeldCertificate]:
        """Certificates whose subject will name the body of before."""
        renamed = self.change.kind is Kind.RENAMING and self.change.name not in (
            None,
            self.there.bodies[self.change.sources[0]].name,
        )
        for held in self.there.certificates:
            owner = self.there.systems[held.system].organisation_id
            if held.system in self.owners or (renamed and owner in self.change.sources):
                yield held

    def _destination(self, member: str, key: Any, source: UUID) -> UUID | None:
        """Whose it is afterwards; None, and a blocker, where that had to be said and was not."""
        named: UUID | None = getattr(self.change, member).get(key)
        if named is not None:
            return named
        if self.change.kind is Kind.MERGER:
            return self.change.targets[0]
        if self.change.kind is Kind.TRANSFER:
            return source
        if self.change.kind is Kind.SPLIT:
            zh, en = "未分配；请在 to 列出的机构中指定去向", "is not assigned; say which of the bodies in to gets it"
        else:
            zh, en = (
                "机构撤销前须先划转、撤销或退役；请先处理",
                "a body is abolished only when nothing is left: transfer, withdraw or retire it first",
            )
        self._block(pointer_to(member, key), zh, en)
        return None

    def _know(self, member: str, there: Iterable[object]) -> None:
        """Block every key of a map of the request that names nothing of the bodies in `from`."""
        known = set(there)
        named: Mapping[object, object] = getattr(self.change, member)
        for key in named:
            if key not in known:
                self._block(
                    pointer_to(member, key),
                    "from 中的机构没有这一项，或它已结束；请核对",
                    "the bodies in from have no such thing, or it has ended; check it",
                )

    def _by_id(self) -> list[Body]:
        return sorted(self.there.bodies.values(), key=lambda body: body.id)

    def _systems(self) -> list[OwnedSystem]:
        return sorted(self.there.systems.values(), key=lambda one: one.code)

    def _move(
        self,
        what: What,
        named: str,
        source: UUID,
        to: UUID | None,
        before: str | None = None,
        after: str | None = None,
    ) -> None:
        self.moves.append(Move(what, named, source, to, before, after))

    def _block(self, pointer: str, zh: str, en: str) -> None:
        self.blockers.append(FieldError(pointer, zh, en))
