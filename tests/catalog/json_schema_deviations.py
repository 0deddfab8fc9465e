# ruff: noqa: E501 (the suite names its cases at length)
"""Where our validator of payloads leaves the official suite, case by case, and why.

`REFUSED`: schemas that we do not compile, by what the refusal points at (the last token of its pointer, or what is said).
`OTHERWISE`: tests whose verdict is another. The files are under tests/vectors/json_schema.
"""

from collections.abc import Mapping, Sequence
from typing import Final

REASONS: Final[Mapping[str, str]] = {
    "$id": "moves the base URI: a schema is one document whose references start with #/, so that none leads outwards",
    "$ref": "a reference may only be a JSON pointer into this schema: no remote document, no anchor, no root, no cycle",
    "$dynamicRef": "what it means depends on how it was reached, which no reader of a payload's schema should have to find out",
    "$schema": "one dialect, named: 2020-12 without other vocabularies",
    "contentMediaType": "content is not judged, and a keyword that judges nothing would promise something",
    "contentEncoding": "content is not judged, and a keyword that judges nothing would promise something",
    "dependencies": "an older dialect's keyword, replaced by dependentRequired and dependentSchemas; a misspelt one looks the same",
    "unknown-keyword": "a keyword that nobody knows is refused, for it is a misspelt one more often than not; own ones begin with x-",
    "format": "a format that nobody judges is refused: formats are asserted",
    "object": "a schema is an object: it carries $schema",
    "64 bits": "integers in a schema stay within 64 bits, those of items within 2^53-1",
}

REFUSED: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "$id": {
        "anchor.json": [
            "Location-independent identifier with base URI change in subschema",
            "same $anchor with different base uri",
        ],
        "dynamicRef.json": [
            "A $dynamicRef to a $dynamicAnchor in the same schema resource behaves like a normal $ref to an $anchor",
            "A $dynamicRef to an $anchor in the same schema resource behaves like a normal $ref to an $anchor",
            "A $ref to a $dynamicAnchor in the same schema resource behaves like a normal $ref to an $anchor",
            "A $dynamicRef resolves to the first $dynamicAnchor still in scope that is encountered when the schema is evaluated",
            "A $dynamicRef without anchor in fragment behaves identical to $ref",
            "A $dynamicRef with intermediate scopes that don't include a matching $dynamicAnchor does not affect dynamic scope resolution",
            "An $anchor with the same name as a $dynamicAnchor is not used for dynamic scope resolution",
            "A $dynamicRef without a matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor",
            "A $dynamicRef with a non-matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor",
            "A $dynamicRef that initially resolves to a schema with a matching $dynamicAnchor resolves to the first $dynamicAnchor in the dynamic scope",
            "A $dynamicRef that initially resolves to a schema without a matching $dynamicAnchor behaves like a normal $ref to $anchor",
            "multiple dynamic paths to the $dynamicRef keyword",
            "after leaving a dynamic scope, it is not used by a $dynamicRef",
            "strict-tree schema, guards against misspelled properties",
            "tests for implementation dynamic anchor and reference link",
            "$ref and $dynamicAnchor are independent of order - $defs first",
            "$ref and $dynamicAnchor are independent of order - $ref first",
            "$dynamicRef skips over intermediate resources - direct reference",
        ],
        "optional/dynamicRef.json": [
            "$dynamicRef skips over intermediate resources - pointer reference across resource boundary",
        ],
        "optional/refOfUnknownKeyword.json": [
            "reference internals of known non-applicator",
        ],
        "ref.json": [
            "Recursive references between schemas",
            "refs with relative uris and defs",
            "relative refs with absolute uris and defs",
            "$id must be resolved against nearest parent, not just immediate parent",
            "order of evaluation: $id and $ref",
            "order of evaluation: $id and $anchor and $ref",
            "simple URN base URI with $ref via the URN",
            "simple URN base URI with JSON pointer",
            "URN base URI with NSS",
            "URN base URI with r-component",
            "URN base URI with q-component",
            "URN base URI with URN and JSON pointer ref",
            "URN base URI with URN and anchor ref",
            "ref with absolute-path-reference",
            "$id with file URI still resolves pointers - *nix",
            "$id with file URI still resolves pointers - windows",
        ],
        "refRemote.json": [
            "base URI change",
            "base URI change - change folder",
            "base URI change - change folder in subschema",
            "root ref in remote ref",
            "remote ref with ref to defs",
            "retrieved nested refs resolve relative to their URI not $id",
        ],
        "unevaluatedItems.json": [
            "unevaluatedItems with $dynamicRef",
        ],
        "unevaluatedProperties.json": [
            "unevaluatedProperties with $dynamicRef",
        ],
    },
    "$ref": {
        "anchor.json": [
            "Location-independent identifier",
            "Location-independent identifier with absolute URI",
        ],
        "defs.json": [
            "validate definition against metaschema",
        ],
        "optional/anchor.json": [
            "$anchor inside an enum is not a real identifier",
        ],
        "optional/cross-draft.json": [
            "refs to historic drafts are processed as historic drafts",
        ],
        "optional/id.json": [
            "$id inside an enum is not a real identifier",
        ],
        "optional/unknownKeyword.json": [
            "$id inside an unknown keyword is not a real identifier",
        ],
        "ref.json": [
            "root pointer ref",
            "remote ref, containing refs itself",
            "URN ref with nested pointer ref",
            "ref to if",
            "ref to then",
            "ref to else",
        ],
        "refRemote.json": [
            "remote ref",
            "fragment within remote ref",
            "anchor within remote ref",
            "ref within remote ref",
            "Location-independent identifier in remote ref",
            "remote HTTP ref with different $id",
            "remote HTTP ref with different URN $id",
            "remote HTTP ref with nested absolute ref",
            "$ref to $ref finds detached $anchor",
        ],
        "unevaluatedProperties.json": [
            "unevaluatedProperties + single cyclic ref",
        ],
    },
    "$dynamicRef": {
        "dynamicRef.json": [
            "$dynamicRef points to a boolean schema",
        ],
    },
    "$schema": {
        "dynamicRef.json": [
            "$ref to $dynamicRef finds detached $dynamicAnchor",
        ],
        "optional/format-assertion.json": [
            "schema that uses custom metaschema with format-assertion: false",
            "schema that uses custom metaschema with format-assertion: true",
        ],
        "optional/no-schema.json": [
            "validation without $schema",
        ],
        "vocabulary.json": [
            "schema that uses custom metaschema with with no validation vocabulary",
            "ignore unrecognized optional vocabulary",
        ],
    },
    "contentMediaType": {
        "content.json": [
            "validation of string-encoded content based on media type",
            "validation of binary-encoded media type documents",
            "validation of binary-encoded media type documents with schema",
        ],
    },
    "contentEncoding": {
        "content.json": [
            "validation of binary string-encoding",
        ],
    },
    "dependencies": {
        "optional/dependencies-compatibility.json": [
            "single dependency",
            "empty dependents",
            "multiple dependents required",
            "dependencies with escaped characters",
            "single schema dependency",
            "boolean subschemas",
            "schema dependencies with escaped characters",
        ],
    },
    "unknown-keyword": {
        "optional/refOfUnknownKeyword.json": [
            "reference of a root arbitrary keyword ",
            "reference of an arbitrary keyword of a sub-schema",
        ],
    },
    "format": {
        "optional/format/unknown.json": [
            "unknown format",
        ],
    },
    "object": {
        "boolean_schema.json": [
            "boolean schema 'true'",
            "boolean schema 'false'",
        ],
    },
    "64 bits": {
        "optional/bignum.json": [
            "minimum integer comparison",
        ],
    },
}

# The suite takes `format` for an annotation unless told otherwise; in a payload it is an assertion (2020-12, validation, 7.2.2).
_ASSERTED: Final = (
    "email",
    "idn-email",
    "regex",
    "ipv4",
    "ipv6",
    "idn-hostname",
    "hostname",
    "date",
    "date-time",
    "time",
    "json-pointer",
    "relative-json-pointer",
    "iri",
    "iri-reference",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
    "duration",
)
OTHERWISE: Final[Sequence[tuple[str, str, str]]] = [
    ("format.json", f"{name} format", f"invalid {name} string is only an annotation by default") for name in _ASSERTED
]
