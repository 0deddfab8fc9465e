"""Items, records and payloads that hypothesis can draw: every item drawn here is one that the catalogue takes."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from catalog.blanks import trimmed
from catalog.codes import DataType, ItemFormat
from catalog.identifiers import (
    MOD_37_36_ALPHABET,
    USCC_ALPHABET,
    citizen_id_check,
    mod_37_36_check,
    uscc_check_character,
)
from catalog.item import MAX_DEPTH
from catalog.item_values import number_within
from catalog.items import KEY_TYPES, MAX_NUMBER, NUMBER_TYPES, Item

# A pattern, texts that match it and one that does not.
PATTERNS = {
    r"^1[3-9][0-9]{9}$": (["13800000000", "19999999999"], "2380000000"),
    r"^[0-9]{6}$": (["621124", "620000"], "62112"),
    r"^临政(办)?发〔[0-9]{4}〕[0-9]{1,4}号$": (["临政发〔2017〕1号", "临政办发〔2017〕12号"], "临政发(2017)1号"),
}

field_names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
labels = texts.filter(lambda text: trimmed(text) != "" and "密" not in text and "级" not in text)


# Formats by values that are of them.
_regions = st.sampled_from(["621124", "320982", "621100", "620000"])
_bodies = st.builds(
    lambda kind, region, rest: kind + region + rest,
    st.text(USCC_ALPHABET, min_size=2, max_size=2),
    _regions,
    st.text(USCC_ALPHABET, min_size=9, max_size=9),
)
usccs = _bodies.map(lambda body: body + uscc_check_character(body))
# The sequence 000 is given to nobody.
citizen_ids = st.builds(
    lambda region, born: f"{region}{born:%Y%m%d}000", _regions, st.dates(date(1900, 1, 1), date(2099, 12, 31))
).map(lambda body: body + citizen_id_check(body))
licence_ids = st.builds(
    lambda kind, issuer, serial: [f"{kind}001", issuer, serial, "001"],
    usccs,
    usccs | _regions,
    st.text(MOD_37_36_ALPHABET, min_size=1, max_size=64),
).map(lambda parts: f"1.2.156.3005.2.{'.'.join(parts)}.{mod_37_36_check(''.join(parts))}")
document_numbers = st.builds(
    lambda organ, year, number: f"{organ}{year}{number}号",
    st.sampled_from(["国发", "临政办发", "甘办发", "发改高技"]),
    st.sampled_from(["〔2017〕", "[2017]", "2017", "2017 "]),
    st.integers(1, 99999),
)
_days = st.dates(date(1000, 1, 1))
VALUES_OF_FORMATS: dict[ItemFormat, st.SearchStrategy[str]] = {
    ItemFormat.USCC: usccs,
    ItemFormat.CITIZEN_ID: citizen_ids,
    ItemFormat.REGION: _regions,
    ItemFormat.LICENCE_ID: licence_ids,
    ItemFormat.DOCUMENT_NUMBER: document_numbers,
    ItemFormat.TIME: st.builds("{:%Y%m%d}{}{:%H%M%S}".format, _days, st.sampled_from(["T", ""]), st.times()),
    ItemFormat.COLON_TIME: st.builds("{:%Y%m%d}{:%H:%M:%S}".format, _days, st.times()),
    ItemFormat.DAY: _days.map("{:%Y%m%d}".format),
    ItemFormat.MONTH: _days.map("{:%Y-%m}".format),
    ItemFormat.YEAR: _days.map("{:%Y}".format),
}


@st.composite
def items(draw: st.DrawFn, depth: int = 1) -> Item:
    """One item of any type, with the sharpenings that its type takes; `depth` is the level on which it stands."""
    kind = draw(st.sampled_from(list(DataType)))
    fields: dict[str, Any] = {
        "field_name": draw(field_names),
        "name": draw(labels),
        "data_type": kind,
        "required": draw(st.booleans()),
        "key": depth == 1 and kind in KEY_TYPES and draw(st.booleans()),
        "sensitive": draw(st.booleans()),
        "unit": draw(st.none() | st.just("万元")),
        "description": draw(st.none() | labels),
    }
    if kind in {DataType.C, DataType.M}:
        fields |= draw(_text_sharpenings(kind))
    elif kind in NUMBER_TYPES:
        fields |= draw(_number_sharpenings(kind))
    elif kind is DataType.Y:
        fields |= draw(_money_sharpenings())
    elif kind is DataType.G and depth < MAX_DEPTH and draw(st.booleans()):
        fields |= draw(_groupings(depth))
    return Item(**fields)


@st.composite
def _groupings(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    within = tuple(draw(st.lists(items(depth + 1), min_size=1, max_size=3, unique_by=_NAMES)))
    if not draw(st.booleans()):
        return {"items": within}
    return {"items": within, "many": True} | draw(_lengths(4))


@st.composite
def _lengths(draw: st.DrawFn, most: int) -> dict[str, Any]:
    length = draw(st.none() | st.integers(1, most))
    return {"length": length, "min_length": draw(st.none() | st.integers(1, length or most))}


@st.composite
def _text_sharpenings(draw: st.DrawFn, kind: DataType) -> dict[str, Any]:
    choices = ["length", "format", "pattern", "enumeration"] if kind is DataType.C else ["none", "length", "format"]
    choice = draw(st.sampled_from(choices))
    if choice == "none":
        return {}
    if choice == "format":
        return {"format": draw(st.sampled_from(list(ItemFormat))), "length": draw(st.sampled_from([None, 126]))}
    if choice == "pattern":
        pattern = draw(st.sampled_from(sorted(PATTERNS)))
        return {"length": 30, "pattern": pattern, "example": PATTERNS[pattern][0][0]}
    if choice == "enumeration":
        return {"length": 20, "enumeration": tuple(draw(st.lists(texts, min_size=1, max_size=5, unique=True)))}
    return draw(_lengths(50).filter(lambda drawn: kind is DataType.M or drawn["length"] is not None))


@st.composite
def _number_sharpenings(draw: st.DrawFn, kind: DataType) -> dict[str, Any]:
    whole = st.integers(-MAX_NUMBER, MAX_NUMBER) | st.integers(-3, 3)
    numbers = whole if kind is DataType.I else whole | st.floats(-1e15, 1e15)
    if kind in {DataType.I, DataType.N} and draw(st.booleans()):
        return {"enumeration": tuple(draw(st.lists(whole, min_size=1, max_size=5, unique=True)))}
    low, high = sorted((draw(numbers), draw(numbers)))
    drawn: dict[str, Any] = {
        draw(st.sampled_from(["minimum", "exclusive_minimum"])): draw(st.sampled_from([None, low])),
        draw(st.sampled_from(["maximum", "exclusive_maximum"])): draw(st.sampled_from([None, high])),
    }
    bare = Item(field_name="x", name="x", data_type=kind, **drawn)
    return drawn if number_within(bare) is not None else {}


amounts = st.decimals(-(10**15), 10**15, places=2).map(str).filter(lambda text: "E" not in text) | st.sampled_from(
    ["0", "-0", "0.00", "-0.000001", "0.000001", "0.1", "0.10", "9.99", "10", "99", "100", "-1", "-9.5"]
)


@st.composite
def _money_sharpenings(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted((draw(amounts), draw(amounts)), key=Decimal)
    return {"minimum": draw(st.sampled_from([None, low])), "maximum": draw(st.sampled_from([None, high]))}


_NAMES = (lambda i: i.field_name, lambda i: i.name)
item_lists = st.lists(items(), min_size=1, max_size=8, unique_by=_NAMES)


def values_of(item: Item) -> st.SearchStrategy[Any]:
    """Values that the item takes."""
    if item.items is not None:
        group = records_of(list(item.items))
        most = min(item.length or 9, 3 + item.least_length)
        return st.lists(group, min_size=item.least_length, max_size=most) if item.many else group
    if item.enumeration:
        return st.sampled_from(item.enumeration)
    if item.pattern is not None:
        return st.sampled_from(PATTERNS[item.pattern][0])
    if item.format is not None:
        return VALUES_OF_FORMATS[item.format]
    if item.data_type in {DataType.C, DataType.M}:
        return st.text(st.characters(codec="utf-8"), min_size=item.least_length, max_size=min(item.length or 50, 50))
    if item.data_type in NUMBER_TYPES:
        return _numbers_of(item)
    if item.data_type is DataType.Y:
        return amounts.filter(lambda text: _is_within(item, text)) | st.sampled_from(
            [bound for bound in (item.minimum, item.maximum) if bound is not None] or ["12.5"]
        )
    return _FIXED[item.data_type]


def _is_within(item: Item, amount: str) -> bool:
    above = item.minimum is None or Decimal(amount) >= Decimal(item.minimum)
    return above and (item.maximum is None or Decimal(amount) <= Decimal(item.maximum))


def _numbers_of(item: Item) -> st.SearchStrategy[Any]:
    low, high = (end if end is not None else other for end, other in _ends(item))
    if item.data_type is not DataType.I:
        return st.floats(
            low,
            high,
            exclude_min=item.exclusive_minimum is not None,
            exclude_max=item.exclusive_maximum is not None,
            allow_nan=False,
            allow_infinity=False,
        )
    least = -MAX_NUMBER if low is None else int(low) + (item.exclusive_minimum is not None)
    return st.integers(least, MAX_NUMBER if high is None else int(high) - (item.exclusive_maximum is not None))


def _ends(item: Item) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    return (item.minimum, item.exclusive_minimum), (item.maximum, item.exclusive_maximum)


_offsets = st.sampled_from(["Z", "+08:00", "-03:30", "+00:00"])
_FIXED: dict[DataType, st.SearchStrategy[Any]] = {
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
