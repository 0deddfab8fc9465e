"""The helper process that judges unknown schemas, one line of JSON in, one out; run as `python -m catalog.judge`.

Whatever a schema makes the libraries do happens here, under limits on address space and processor time; dying is one of
the answers. It writes no file, and its errors go nowhere.
"""

import resource
import sys
from typing import Any

import jsonschema_rs
import orjson

from catalog.compiler import MAX_MESSAGE, compile_schema
from catalog.errors import SchemaRefused, Violation
from catalog.schema import Schema, example_payload


def judge(schema: Schema) -> dict[str, Any] | None:
    """Return the refusal of a schema (zh, en, field, violations), or None if it compiles and its example is valid."""
    if not _is_schema(schema) and (refusal := _fault(schema)) is not None:
        return refusal
    try:
        validator = compile_schema(schema)
    except SchemaRefused as refused:
        return _refusal(refused.zh, refused.en, refused.field)
    record = schema.get("$defs", {}).get("record")
    if not isinstance(record, dict) or "examples" not in record:
        return None
    faults = validator.errors(example_payload(schema))
    if not faults:
        return None
    violations = [Violation(fault.pointer, "schema-example", fault.zh, fault.en) for fault in faults]
    zh = "；".join(f"{fault.pointer}：{fault.zh}" for fault in faults)
    en = "; ".join(f"{fault.pointer}: {fault.en}" for fault in faults)
    return _refusal(
        f"示例记录不符合自己的 Schema，请改正示例值或格式：{zh}",
        f"the example record breaks its own schema; correct the example or the pattern: {en}",
        faults[0].pointer,
        violations,
    )


def _is_schema(schema: Schema) -> bool:
    """Whether the schema certainly has the form of its dialect; a workbook has hundreds, and nearly all of them do."""
    try:
        return jsonschema_rs.meta.is_valid(schema)
    except (ValueError, jsonschema_rs.ReferencingError):
        return False


def _fault(schema: Schema) -> dict[str, Any] | None:
    """What is wrong with the form of a schema, in the words of a library that takes its time, or None."""
    from jsonschema import Draft202012Validator, FormatChecker, SchemaError

    try:
        # Patterns are judged by the engine that will run them; jsonschema would try Python's own.
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        where = "".join(f"/{token}" for token in error.absolute_path)
        said = error.message[:MAX_MESSAGE]
        return _refusal(f"不符合 JSON Schema 2020-12：{said}", f"not a JSON Schema 2020-12: {said}", where)
    return None


def _refusal(zh: str, en: str, field: str | None, violations: list[Violation] | None = None) -> dict[str, Any]:
    return {"zh": zh, "en": en, "field": field, "violations": violations or []}


def limit(memory_bytes: int, timeout_s: float) -> None:
    """Allow this process `memory_bytes` of address space and about `timeout_s` seconds more of the processor."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, resource.RLIM_INFINITY))
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime + timeout_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))


def main() -> None:
    """Answer schemas until the parent closes the pipe."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    answers = sys.stdout.buffer
    answers.write(b"ready\n")
    answers.flush()
    for line in sys.stdin.buffer:
        question = orjson.loads(line)
        limit(question["memory_bytes"], question["timeout_s"])
        answers.write(orjson.dumps(judge(question["schema"])) + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
