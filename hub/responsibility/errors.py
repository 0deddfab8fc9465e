"""What is refused about responsible people. Messages name roles and ids, never a person.

Refused
├── NotFound
│   └── UnknownPerson     the organisation has no responsible person of that id
├── Conflict
│   ├── PlaceTaken        the role has somebody, and takes one at a time
│   └── PersonLeft        the role was handed over or ended before
└── InvalidInput          a field: `hub.registry.errors.InvalidField`
"""

from uuid import UUID

from hub.errors import Conflict, NotFound
from hub.responsibility.models import ResponsibleRole


class UnknownPerson(NotFound):
    """The organisation has no responsible person of that id."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"该机构没有责任人 {identifier}；请先查询责任人列表",
            f"the organisation has no responsible person {identifier}; list them first",
        )


class PlaceTaken(Conflict):
    """A role other than 专人 has one holder at a time."""

    def __init__(self, role: ResponsibleRole) -> None:
        super().__init__(
            f"该机构此时已有{role.zh}；请用交接（handover）换人，或先结束前任",
            f"the organisation has a {role.en} on that day; hand over to the new one, or end the one before",
        )


class PersonLeft(Conflict):
    """The row is closed."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"责任人 {identifier} 已交接或已结束；请对现任责任人操作",
            f"the responsible person {identifier} has handed over or ended; act on the present one",
        )
