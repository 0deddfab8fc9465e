"""Items, records and payloads that hypothesis can draw: every item drawn here is one that the catalogue takes."""

from typing import Any

from hypothesis import strategies as st

from catalog.codes import DataType
from catalog.items import KEY_TYPES, MAX_NUMBER, NUMBER_TYPES, Item

# A pattern, texts that match it and one that does not.
PATTERNS = {
    r"^1[3-9][0-9]{9}$": (["13800000000", "19999999999"], "2380000000"),
    r"^[0-9]{6}$": (["621124", "620000"], "62112"),
    r"^临政(办)?发〔[0-9]{4}〕[0-9]{1,4}号$": (["临政发〔2017〕1号", "临政办发〔2017〕12号"], "临政发(2017)1号"),
}

field_names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
labels = texts.filter(lambda text: text.strip() != "" and "密" not in text and "级" not in text)


@st.composite
def items(draw: st.DrawFn) -> Item:
    """One item of any type, with the sharpenings that its type takes."""
    kind = draw(st.sampled_from(list(DataType)))
    fields: dict[str, Any] = {
        "field_name": draw(field_names),
        "name": draw(labels),
        "data_type": kind,
        "required": draw(st.booleans()),
        "key": kind in KEY_TYPES and draw(st.booleans()),
        "sensitive": draw(st.booleans()),
        "unit": draw(st.none() | st.just("万元")),
        "description": draw(st.none() | labels),
    }
    if kind in {DataType.C, DataType.M}:
        fields |= draw(_text_sharpenings(kind))
    elif kind in NUMBER_TYPES:
        fields |= draw(_number_sharpenings(kind))
    return Item(**fields)


@st.composite
def _text_sharpenings(draw: st.DrawFn, kind: DataType) -> dict[str, Any]:
    choice = draw(st.sampled_from(["length", "pattern", "enumeration"] if kind is DataType.C else ["none", "length"]))
    if choice == "none":
        return {}
    if choice == "pattern":
        pattern = draw(st.sampled_from(sorted(PATTERNS)))
        return {"length": 30, "pattern": pattern, "example": PATTERNS[pattern][0][0]}
    if choice == "enumeration":
        return {"length": 20, "enumeration": tuple(draw(st.lists(texts, min_size=1, max_size=5, unique=True)))}
    return {"length": draw(st.integers(1, 50))}


@st.composite
def _number_sharpenings(draw: st.DrawFn, kind: DataType) -> dict[str, Any]:
    whole = st.integers(-MAX_NUMBER, MAX_NUMBER)
    numbers = whole if kind is DataType.I else whole | st.floats(-1e15, 1e15)
    if kind in {DataType.I, DataType.N} and draw(st.booleans()):
        return {"enumeration": tuple(draw(st.lists(whole, min_size=1, max_size=5, unique=True)))}
    low, high = sorted((draw(numbers), draw(numbers)))
    return {"minimum": draw(st.sampled_from([None, low])), "maximum": draw(st.sampled_from([None, high]))}


item_lists = st.lists(items(), min_size=1, max_size=8, unique_by=(lambda i: i.field_name, lambda i: i.name))


def values_of(item: Item) -> st.SearchStrategy[Any]:
    """Values that the item takes."""
    if item.enumeration:
        return st.sampled_from(item.enumeration)
    if item.pattern is not None:
        return st.sampled_from(PATTERNS[item.pattern][0])
    if item.data_type in {DataType.C, DataType.M}:
        return st.text(
            st.characters(codec="utf-8"), min_size=1 if item.is_required else 0, max_size=min(item.length or 50, 50)
        )
    if item.data_type is DataType.I:
        return st.integers(
            -MAX_NUMBER if item.minimum is None else int(item.minimum),
            MAX_NUMBER if item.maximum is None else int(item.maximum),
        )
    if item.data_type in NUMBER_TYPES:
        return st.floats(item.minimum, item.maximum, allow_nan=False, allow_infinity=False)
    return _FIXED[item.data_type]


_offsets = st.sampled_from(["Z", "+08:00", "-03:30", "+00:00"])
_FIXED: dict[DataType, st.SearchStrategy[Any]] = {
    DataType.Y: st.decimals(-(10**15), 10**15, places=2).map(str).filter(lambda text: "E" not in text),
    DataType.D: st.dates().map(str),
    DataType.T: st.builds(lambda moment, offset: moment.isoformat() + offset, st.datetimes(), _offsets),
    DataType.L: st.booleans(),
    DataType.G: st.fixed_dictionaries(
        {
            "file": st.uuids().map(str),
            "digest": st.binary(min_size=32, max_size=32).map(lambda raw: "sha-256:" + raw.hex()),
            "size": st.integers(0, MAX_NUMBER),
            "name": st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
            "media_type": st.sampled_from(["application/pdf", "application/vnd.ofd+xml", "text/csv"]),
        }
    ),
}


def records_of(drawn: list[Item]) -> st.SearchStrategy[dict[str, Any]]:
    """Records that hold every required item and some of the others."""
    required = {item.field_name: values_of(item) for item in drawn if item.is_required}
    optional = {item.field_name: values_of(item) for item in drawn if not item.is_required}
    return st.fixed_dictionaries(required, optional=optional)


def keys_of(drawn: list[Item]) -> st.SearchStrategy[dict[str, Any]]:
    """Delete records: the key items and nothing else."""
    return st.fixed_dictionaries({item.field_name: values_of(item) for item in drawn if item.key})


@st.composite
def payloads_of(draw: st.DrawFn, drawn: list[Item]) -> dict[str, Any]:
    """Payloads with any operation that a resource with these items takes."""
    keyed = any(item.key for item in drawn)
    operation = draw(st.sampled_from(["upsert", "delete", "snapshot", None] if keyed else ["snapshot"]))
    records = keys_of(drawn) if operation == "delete" else records_of(drawn)
    payload: dict[str, Any] = {"records": draw(st.lists(records, min_size=1, max_size=3))}
    return payload if operation is None else {"op": operation} | payload
