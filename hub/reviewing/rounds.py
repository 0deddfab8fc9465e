"""One round of a review as a plan: which steps, whose, in which order, and who may take none of them. Knows no table.

A round begins with the secrecy review 保密审查 and ends with publication by the authority; between them stand the approvals
that the chain of the resource's list asks for. Steps are taken in order, each by a different person, none of whom wrote
or submitted the version. A return at any step ends the round; the next submission begins another, from the first step on.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from hub.identity.roles import Role


class Kind(StrEnum):
    """What a step is about; the value is what the API, the log and the database write."""

    SECRECY = "secrecy"
    CHAIN = "chain"
    PUBLICATION = "publication"


class Verdict(StrEnum):
    """How a step was decided."""

    APPROVED = "approved"
    RETURNED = "returned"


SECRECY_BASIS: Final = (
    "甘肃政务服务网临洮子站建设运行管理办法第十七条、第十八条：指定专人负责共享信息保密审查，只能发布非涉密信息"
)
PUBLICATION_BASIS: Final = "目录主管部门审核发布"


@dataclass(frozen=True, slots=True)
class Planned:
    """A step of a round; without `organisation_id` it is the secrecy officer's, the authority's or the provider's decider's."""

    kind: Kind
    role: Role
    organisation_id: UUID | None
    basis: str


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval that a chain asks for: by a reviewer of the organisation, or without one by the provider's decider."""

    role: Role
    organisation_id: UUID | None
    basis: str


def plan(chain: Sequence[Approval]) -> tuple[Planned, ...]:
    """The steps of a round, in order."""
    return (
        Planned(Kind.SECRECY, Role.SECRECY, None, SECRECY_BASIS),
        *(Planned(Kind.CHAIN, step.role, step.organisation_id, step.basis) for step in chain),
        Planned(Kind.PUBLICATION, Role.REVIEWER, None, PUBLICATION_BASIS),
    )


class Excluded(StrEnum):
    """Why a person takes no step, whatever their role."""

    AUTHOR = "author"
    DECIDER = "decider"


def exclusion_of(actor: str, *, authors: Collection[str], deciders: Collection[str]) -> Excluded | None:
    """Why this person may not take the next step: nobody decides on their own work, nor twice in a round. None if they may."""
    if actor in authors:
        return Excluded.AUTHOR
    return Excluded.DECIDER if actor in deciders else None
