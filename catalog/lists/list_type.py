"""What a type of list is: the form of the files in `types/`. Knows no resource."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from catalog.conditions import Condition
from catalog.items import Item
from catalog.lists.power_state import POWER_CODE, STATUS


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Label(_Part):
    """A text in both languages."""

    zh: str
    en: str


class Basis(_Part):
    """The document that prescribes something, the article, and its words."""

    document: str
    article: str
    quote: str


class ListItem(_Part):
    """One item of the type; `quoted` are the words of the basis that ask for it.

    Items without such words are this hub's addition (a key, a mark), unless they are prescribed all the same: the state of a
    power is asked for by a paragraph and not by a word. `also_named`: names that other documents give the same item.
    """

    item: Item
    quoted: str | None = None
    prescribed: bool = False
    also_named: tuple[str, ...] = ()

    @property
    def is_prescribed(self) -> bool:
        """True if a resource of the type cannot do without it."""
        return self.prescribed or self.quoted is not None


class Approval(Label):
    """Who decides on such a list, in words; `chain` names the chain of approval."""

    chain: str


class Publication(Label):
    """How such a list is kept published.

    `years`: how long a whole publication stands, None until it is replaced. `duties`: what is owed when the list is published
    `whole`, when a `change` of it is declared, and when it is confirmed to be `online`; counted from the day of the event.
    """

    years: int | None = None
    duties: Mapping[str, str] = {}


class Check(_Part):
    """A rule about records and how it is checked: by the derived schema, the command, the hub, or people alone.

    `function` names the check of `catalog.lists.checks` that the command runs; `zh` and `en` say how the hub does it.
    """

    rule: Label
    basis: str
    by: Literal["schema", "command", "hub", "people"]
    function: str | None = None
    zh: str | None = None
    en: str | None = None


def _item(raw: Any) -> Any:
    """The file writes an item and what is said of it in one object."""
    if not isinstance(raw, dict):
        return raw
    said = {name: raw[name] for name in ("quoted", "prescribed", "also_named") if name in raw}
    return said | {"item": {name: value for name, value in raw.items() if name not in said}}


class ListType(_Part):
    """One list of the documents. `row` is what the table of lists calls it; `metadata` are proposals as JSON."""

    key: str
    order: int
    row: str
    title: Label
    summary: Label
    basis: Annotated[tuple[Basis, ...], Field(min_length=1)]
    classification: str
    metadata: Mapping[str, Any]
    approval: Approval
    publication: Publication
    list_items: Annotated[tuple[Annotated[ListItem, BeforeValidator(_item)], ...], Field(alias="items", min_length=1)]
    conditions: tuple[Condition, ...]
    checks: tuple[Check, ...]
    samples: Annotated[tuple[Mapping[str, Any], ...], Field(min_length=3, max_length=5)]

    @property
    def items(self) -> tuple[Item, ...]:
        """The items of a resource of this type."""
        return tuple(entry.item for entry in self.list_items)

    @property
    def registers_powers(self) -> bool:
        """True if its records are powers that can be suspended (000-B 九条)."""
        return any(entry.item.field_name == STATUS for entry in self.list_items)

    @property
    def state_fields(self) -> frozenset[str]:
        """The items that say whether a power is suspended, with the key that it is registered under; none in other lists."""
        names = {entry.item.field_name for entry in self.list_items if entry.prescribed} | {POWER_CODE, STATUS}
        return frozenset(names) if self.registers_powers else frozenset()

    def described(self) -> dict[str, Any]:
        """Return the core metadata that a resource of this type proposes, as JSON."""
        return {"name": self.title.zh, "summary": self.summary.zh, "list_type": self.key, **self.metadata}

    def payload(self) -> dict[str, Any]:
        """Return the sample rows as a payload."""
        return {"op": "upsert", "records": [dict(sample) for sample in self.samples]}
