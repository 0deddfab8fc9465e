"""How scopes and frequencies are written, in access requests and in grants."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictFloat, StrictInt, StrictStr

from certs.masks import Mask, write_masks
from hub.access.models import AccessGrant
from hub.access.requests.models import AccessRequest
from hub.access.scope import Condition, MaskedItem, Operator, Scope, scope_of
from hub.access.terms import Frequency
from hub.api.wire import Body, present

_SCOPE: dict[str, Any] = {
    "items": ["item_code", "item_name"],
    "rows": [{"item": "item_code", "op": "prefix", "values": ["621124"]}],
    "masks": [{"item": "item_name", "keep_first": 1, "keep_last": 0}],
}


class RowCondition(Body):
    """A row is in the scope only if its key item is one of the values, or begins with one of them."""

    item: Annotated[StrictStr, Field(description="主键项字段名 / field name of a key item", examples=["item_code"])]
    op: Annotated[
        Literal["in", "prefix"],
        Field(description="取值之一，或以其开头 / one of, or beginning with", examples=["prefix"]),
    ]
    values: Annotated[
        list[StrictStr | StrictInt | StrictFloat], Field(description="值 / values", examples=[["621124"]])
    ]


class AskedMask(Body):
    """Of this text the first and the last characters leave, and a `*` in the place of each other one."""

    item: Annotated[
        StrictStr,
        Field(description="字符型信息项的字段名，非主键 / a text that is no key item", examples=["item_name"]),
    ]
    keep_first: Annotated[StrictInt, Field(description="保留开头的字符数 / kept at the beginning", examples=[1])] = 0
    keep_last: Annotated[StrictInt, Field(description="保留末尾的字符数 / kept at the end", examples=[0])] = 0


class AskedScope(Body):
    """Which items, which rows, which texts with a mask; what is left out is not narrowed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SCOPE]})

    items: Annotated[
        list[StrictStr] | None, Field(description="信息项字段名，缺省为全部 / field names, all if left out")
    ] = None
    rows: Annotated[list[RowCondition], Field(description="行规则：各条件须同时满足 / conditions that all hold")] = (
        Field(default_factory=list)
    )
    masks: Annotated[list[AskedMask], Field(description="掩码：遮盖部分字符 / texts of which a part is hidden")] = (
        Field(default_factory=list)
    )

    def scope(self) -> Scope:
        """The scope."""
        conditions = tuple(Condition(row.item, Operator(row.op), tuple(row.values)) for row in self.rows)
        masks = tuple(MaskedItem(one.item, Mask(one.keep_first, one.keep_last)) for one in self.masks)
        return Scope(None if self.items is None else tuple(self.items), conditions, masks)


class ExpectedFrequency(Body):
    """How often the consumer expects to use it, in times a day."""

    average: Annotated[int, Field(description="平均，次/天 / on average", examples=[100])]
    peak: Annotated[int, Field(description="峰值，次/天 / on the busiest day", examples=[2000])]

    def frequency(self) -> Frequency:
        """The same as the service takes it."""
        return Frequency(self.average, self.peak)


def shown_scope(row: AccessRequest | AccessGrant) -> dict[str, Any] | None:
    """The scope of a request or a grant; None where it leaves nothing out."""
    scope = scope_of(row.items, row.rows)
    found = present(
        items=row.items,
        rows=[condition.as_data() for condition in scope.rows] or None,
        masks=write_masks({one.item: one.mask for one in scope.masks}) or None,
    )
    return found or None


def shown_frequency(row: AccessRequest | AccessGrant) -> dict[str, Any] | None:
    """The frequency that is expected."""
    if row.frequency_average is None:
        return None
    return {"average": row.frequency_average, "peak": row.frequency_peak}
