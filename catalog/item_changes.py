"""What each change of one item means for provider and consumer; `compatibility` asks and puts it into sentences.

Every field of `Item` is judged by exactly one of `JUDGES`, those that bound one end of a range together.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from catalog.codes import ChangeKind, DataType, Effect
from catalog.item import MAX_ENTRIES, MAX_NUMBER, TEXT_TYPES, Item
from catalog.labels import label_of
from catalog.words import change_words, item_change_words


class Change(NamedTuple):
    """One change of an item: kind, effect and what changed, in Chinese and in English."""

    kind: ChangeKind
    effect: Effect
    zh: str
    en: str


_Judge = Callable[[Item, Item], Iterator[Change]]
_Verdict = tuple[ChangeKind, Effect]

_NARROWED: Final[_Verdict] = (ChangeKind.NARROWED, Effect.BREAKING)
_WIDENED: Final[_Verdict] = (ChangeKind.WIDENED, Effect.NOTIFY)
_DESCRIBED: Final[_Verdict] = (ChangeKind.DESCRIBED, Effect.COMPATIBLE)
_RENAMED: Final[_Verdict] = (ChangeKind.DESCRIBED, Effect.NOTIFY)


def item_changes(old: Item, new: Item) -> Iterator[Change]:
    """Yield every change from `old` to `new`, two states of one item, but not those of the items within it.

    Of an item with another type its lengths, ranges and values are not compared.
    """
    retyped = any(True for _ in _type(old, new))
    for fields, judge in JUDGES.items():
        if not retyped or not fields & _OF_VALUES:
            yield from judge(old, new)


def _changed(fields: frozenset[str], old: Item, new: Item, verdict: _Verdict) -> Change:
    """Return the verdict with the words of those of the fields that changed."""
    changed = [field for field in Item.model_fields if field in fields and getattr(old, field) != getattr(new, field)]
    words = [item_change_words(old, new, field) for field in changed]
    return Change(*verdict, "；".join(zh for zh, _ in words), "; ".join(en for _, en in words))


def _type(old: Item, new: Item) -> Iterator[Change]:
    if (old.data_type, old.many, old.is_group) != (new.data_type, new.many, new.is_group):
        fields = {"data_type", "many"} if old.is_group == new.is_group else {"data_type", "many", "items"}
        yield _changed(frozenset(fields), old, new, (ChangeKind.RETYPED, Effect.BREAKING))


def _identity(old: Item, new: Item) -> Iterator[Change]:
    if old.key != new.key:
        yield _changed(frozenset({"key"}), old, new, (ChangeKind.REKEYED, Effect.BREAKING))
    if old.is_required != new.is_required:
        verdict = (ChangeKind.REQUIRED, Effect.BREAKING) if new.is_required else (ChangeKind.RELAXED, Effect.NOTIFY)
        yield Change(*verdict, *change_words(label_of(Item, "required"), old.is_required, new.is_required))
    elif old.required != new.required:
        yield _changed(frozenset({"required"}), old, new, _DESCRIBED)


def _length(old: Item, new: Item) -> Iterator[Change]:
    if old.length != new.length:
        yield _changed(frozenset({"length"}), old, new, _of_bounds(_most(old), _most(new), narrower_is_less=True))


def _min_length(old: Item, new: Item) -> Iterator[Change]:
    if old.min_length != new.min_length:
        verdict = _of_bounds(old.least_length, new.least_length, narrower_is_less=False)
        yield _changed(frozenset({"min_length"}), old, new, verdict)


def _most(item: Item) -> float:
    if item.many:
        return item.length or MAX_ENTRIES
    return item.length if item.length is not None and item.data_type in TEXT_TYPES else float("inf")


def _of_bounds(old: Any, new: Any, *, narrower_is_less: bool) -> _Verdict:
    if old == new:
        return _DESCRIBED
    return _NARROWED if (new < old) is narrower_is_less else _WIDENED


def _low(old: Item, new: Item) -> Iterator[Change]:
    fields = frozenset({"minimum", "exclusive_minimum"})
    if any(getattr(old, field) != getattr(new, field) for field in fields):
        verdict = _of_bounds(_low_end(old), _low_end(new), narrower_is_less=False)
        yield _changed(fields, old, new, verdict)


def _high(old: Item, new: Item) -> Iterator[Change]:
    fields = frozenset({"maximum", "exclusive_maximum"})
    if any(getattr(old, field) != getattr(new, field) for field in fields):
        verdict = _of_bounds(_high_end(old), _high_end(new), narrower_is_less=True)
        yield _changed(fields, old, new, verdict)


def _low_end(item: Item) -> tuple[Any, bool]:
    """Return the least value and whether it is left out, so that the narrower of two ends is the greater tuple."""
    if item.exclusive_minimum is not None:
        whole = item.data_type is DataType.I
        return (item.exclusive_minimum + 1, False) if whole else (item.exclusive_minimum, True)
    return _number(item, item.minimum, -1), False


def _high_end(item: Item) -> tuple[Any, bool]:
    """Return the greatest value and whether it is taken, so that the narrower of two ends is the lesser tuple."""
    if item.exclusive_maximum is not None:
        whole = item.data_type is DataType.I
        return (item.exclusive_maximum - 1, True) if whole else (item.exclusive_maximum, False)
    return _number(item, item.maximum, 1), True


def _number(item: Item, bound: Any, sign: int) -> Any:
    if bound is None:
        return sign * (MAX_NUMBER if item.data_type is DataType.I else float("inf"))
    return Decimal(bound) if isinstance(bound, str) else bound


def _enumeration(old: Item, new: Item) -> Iterator[Change]:
    before, after = old.enumeration, new.enumeration
    if before == after:
        return
    if after is None:
        verdict = _WIDENED
    elif before is None or not set(before) <= set(after):
        verdict = _NARROWED
    else:
        verdict = _DESCRIBED if set(before) == set(after) else _WIDENED
    yield _changed(frozenset({"enumeration"}), old, new, verdict)


def _form(field: str) -> _Judge:
    """Return the judge of a rule that is either there or not: of two of them none is known to hold the other."""

    def judge(old: Item, new: Item) -> Iterator[Change]:
        if getattr(old, field) != getattr(new, field):
            verdict = _WIDENED if getattr(new, field) is None else _NARROWED
            yield _changed(frozenset({field}), old, new, verdict)

    return judge


def _meaning(field: str) -> _Judge:
    """Return the judge of what figures and codes mean: told for the first time, or meant otherwise."""

    def judge(old: Item, new: Item) -> Iterator[Change]:
        if getattr(old, field) != getattr(new, field):
            told = getattr(old, field) is None
            verdict = (ChangeKind.REDEFINED, Effect.NOTIFY if told else Effect.BREAKING)
            yield _changed(frozenset({field}), old, new, verdict)

    return judge


def _secrecy(old: Item, new: Item) -> Iterator[Change]:
    """What states a level is refused when it states one."""
    if old.states_secrecy != new.states_secrecy:
        words = change_words(label_of(Item, "secrecy_marking"), old.states_secrecy, new.states_secrecy)
        yield Change(*(_NARROWED if new.states_secrecy else _WIDENED), *words)


def _annotation(field: str, verdict: _Verdict) -> _Judge:
    def judge(old: Item, new: Item) -> Iterator[Change]:
        if getattr(old, field) != getattr(new, field):
            yield _changed(frozenset({field}), old, new, verdict)

    return judge


JUDGES: Final[Mapping[frozenset[str], _Judge]] = {
    frozenset({"name"}): _annotation("name", _RENAMED),
    frozenset({"data_type", "many", "items"}): _type,
    frozenset({"required", "key"}): _identity,
    frozenset({"length"}): _length,
    frozenset({"min_length"}): _min_length,
    frozenset({"format"}): _form("format"),
    frozenset({"pattern"}): _form("pattern"),
    frozenset({"enumeration"}): _enumeration,
    frozenset({"minimum", "exclusive_minimum"}): _low,
    frozenset({"maximum", "exclusive_maximum"}): _high,
    frozenset({"unit"}): _meaning("unit"),
    frozenset({"dictionary_code"}): _meaning("dictionary_code"),
    frozenset({"precision"}): _annotation("precision", _RENAMED),
    frozenset({"share_type"}): _annotation("share_type", _RENAMED),
    frozenset({"data_level"}): _annotation("data_level", _RENAMED),
    frozenset({"is_increment"}): _annotation("is_increment", _RENAMED),
    frozenset({"is_timestamp"}): _annotation("is_timestamp", _RENAMED),
    frozenset({"secrecy_marking"}): _secrecy,
    frozenset({"sensitive"}): _annotation("sensitive", _RENAMED),
    frozenset({"secret"}): _annotation("secret", _RENAMED),
    frozenset({"description"}): _annotation("description", _DESCRIBED),
    frozenset({"example"}): _annotation("example", _DESCRIBED),
}

_OF_VALUES: Final = frozenset(
    {"length", "min_length", "format", "pattern", "enumeration", "minimum", "exclusive_minimum"}
    | {"maximum", "exclusive_maximum"}
)
