"""Compiles the schema of a payload into a validator that judges in microseconds.

Nothing is fetched: `schema_form` refuses references outwards, and the compiler's retriever raises. Patterns run in the
linear engine, with limits on their compiled size. Formats are asserted.
"""

from typing import Final, NoReturn

import jsonschema_rs

from catalog import child
from catalog.errors import SchemaRefused, Violation
from catalog.formats import PREDICATES
from catalog.payload_errors import PayloadError, explain
from catalog.schema import Schema
from catalog.schema_form import check_form

MAX_PATTERN_BYTES: Final = (
    1 << 20
)  # compiled size of one pattern; \p{Han}{1,200} fits, nested thousandfold repeats do not
MAX_PATTERN_CACHE_BYTES: Final = 1 << 20
CHECK_TIMEOUT_S: Final = 5.0
CHECK_MEMORY_BYTES: Final = 256 << 20
MAX_MESSAGE: Final = 300  # characters of the compiler's own words that a refusal repeats


class PayloadValidator:
    """One compiled schema; cheap to call, safe to share between threads."""

    __slots__ = ("_compiled", "_schema")

    def __init__(self, compiled: jsonschema_rs.Draft202012Validator, schema: Schema) -> None:
        self._compiled = compiled
        self._schema = schema

    def is_valid(self, payload: object) -> bool:
        """Return True if the parsed JSON `payload` satisfies the schema; stops at the first fault."""
        return self._compiled.is_valid(payload)

    def errors(self, payload: object, limit: int = 20) -> list[PayloadError]:
        """Return up to `limit` faults, each with pointer and cure; an empty list for a valid payload."""
        found: dict[PayloadError, None] = {}  # alternatives may name one fault twice
        for error in self._compiled.iter_errors(payload):
            for fault in explain(error, self._schema):
                found[fault] = None
                if len(found) == limit:
                    return list(found)
        return list(found)


def compile_schema(schema: Schema) -> PayloadValidator:
    """Return the validator, or raise SchemaRefused: outward or cyclic reference, unknown format, pattern too big.

    Compile schemas that nobody has judged yet in a child: `check_schema_in_child`.
    """
    check_form(schema)
    try:
        compiled = jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            ignore_unknown_formats=False,
            formats=dict(PREDICATES),
            retriever=_refuse_to_fetch,
            pattern_options=jsonschema_rs.RegexOptions(
                size_limit=MAX_PATTERN_BYTES, dfa_size_limit=MAX_PATTERN_CACHE_BYTES
            ),
        )
    except jsonschema_rs.ValidationError as error:
        where = "".join(f"/{token}" for token in error.instance_path)
        said = error.message[:MAX_MESSAGE]
        raise SchemaRefused(
            f"Schema 不能编译，请改正：{said}", f"the schema does not compile; correct it: {said}", where
        ) from error
    return PayloadValidator(compiled, schema)


def _refuse_to_fetch(_uri: str, /) -> NoReturn:
    raise ValueError("references outside the schema are never fetched")


def check_schema_in_child(
    schema: Schema, *, timeout_s: float = CHECK_TIMEOUT_S, memory_bytes: int = CHECK_MEMORY_BYTES
) -> None:
    """Judge a schema that enters the catalogue in a child process with limits; blocks for milliseconds, rarely longer.

    The child checks it against the metaschema, compiles it and tries its own example record on it. Raises SchemaRefused
    with what it found, or if the child dies or needs more than `timeout_s` seconds of the processor or `memory_bytes` of address space.
    """
    check_form(schema)
    refusal = child.judge_schema(schema, timeout_s=timeout_s, memory_bytes=memory_bytes)
    if refusal is not None:
        violations = [Violation(**violation) for violation in refusal["violations"]]
        raise SchemaRefused(refusal["zh"], refusal["en"], refusal["field"], violations)
