"""What a resource of a list's type cannot do without: the items that the policy documents prescribe, as they prescribe them."""

from collections.abc import Iterator, Sequence

from catalog.errors import Violation
from catalog.items import Item
from catalog.lists import list_type, list_types
from catalog.lists.list_type import ListItem, ListType
from catalog.metadata import Metadata


def prescribed_fields_present(metadata: Metadata, items: Sequence[Item]) -> Iterator[Violation]:
    """§8.1: a resource that says it is a list has every prescribed item, with its name, type, unit and enumeration.

    Further items are the editor's own. 《临洮县扶贫清单上网发布管理办法(试行)》第三条 and the like; the type names its basis.
    """
    if metadata.list_type is None:
        return
    described = list_type(metadata.list_type)
    if described is None:
        known = "、".join(f"{one.key} {one.title.zh}" for one in list_types())
        yield Violation(
            "/list_type",
            "LIST",
            f"没有这种清单类型；应为：{known}",
            f"there is no such type of list; it is one of {', '.join(one.key for one in list_types())}",
        )
        return
    places = {item.field_name: (index, item) for index, item in enumerate(items)}
    for entry in described.list_items:
        if not entry.is_prescribed:
            continue
        if entry.item.field_name not in places:
            yield _missing(described, entry)
        else:
            yield from _deviations(described, entry, *places[entry.item.field_name])


def _missing(described: ListType, entry: ListItem) -> Violation:
    item = entry.item
    return Violation(
        "/items",
        "LIST",
        f"{described.title.zh}缺少规定的信息项“{item.name}”（{item.field_name}）；依据{_basis(described, entry)}，请补上",
        f"{described.title.en}: the prescribed item {item.field_name} is missing; add it",
    )


def _deviations(described: ListType, entry: ListItem, index: int, item: Item) -> Iterator[Violation]:
    asked = entry.item
    names = (asked.name, *entry.also_named)
    if item.name not in names:
        yield _differs(described, entry, index, "name", "、".join(names))
    if item.data_type is not asked.data_type:
        yield _differs(described, entry, index, "data_type", f"{asked.data_type.value} {asked.data_type.zh}")
    if asked.is_required and not item.is_required:
        yield _differs(described, entry, index, "required", "true")
    if item.unit != asked.unit:
        yield _differs(described, entry, index, "unit", asked.unit or "（不填）")
    if item.enumeration != asked.enumeration:
        yield _differs(
            described, entry, index, "enumeration", "、".join(map(str, asked.enumeration or ())) or "（不填）"
        )
    if asked.pattern is not None and item.pattern != asked.pattern:
        yield _differs(described, entry, index, "pattern", asked.pattern)
    if asked.is_sensitive and not item.is_sensitive:
        yield _differs(described, entry, index, "sensitive", "true")
    if asked.field_name in described.state_fields and item.key != asked.key:
        yield _differs(described, entry, index, "key", str(asked.key).lower())


def _differs(described: ListType, entry: ListItem, index: int, attribute: str, wanted: str) -> Violation:
    return Violation(
        f"/items/{index}/{attribute}",
        "LIST",
        f"{described.title.zh}规定“{entry.item.name}”的这一属性应为：{wanted}；依据{_basis(described, entry)}，请改正",
        f"{described.title.en} prescribes {wanted} for {entry.item.field_name}; correct it",
    )


def _basis(described: ListType, entry: ListItem) -> str:
    """The document and article whose words ask for the item; the first of the type for what is asked for by a paragraph."""
    found = next((basis for basis in described.basis if entry.quoted and entry.quoted in basis.quote), None)
    if found is None and entry.item.field_name in described.state_fields:
        found = next(basis for basis in described.basis if "暂停" in basis.quote)
    chosen = found or described.basis[0]
    return f"{chosen.document}{chosen.article}"
