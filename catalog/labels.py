"""Labels of a model's fields in both languages, kept where the field is declared."""

from typing import Any

from pydantic import BaseModel, Field


def labelled(zh: str, en: str) -> Any:
    """Return a field's declaration with its Chinese and English label."""
    return Field(title=zh, description=f"{zh} / {en}", json_schema_extra={"x-en": en})


def label_of(model: type[BaseModel], field: str) -> tuple[str, str]:
    """Return the Chinese and the English label of a field that was declared with `labelled`."""
    info = model.model_fields[field]
    if info.title is None or not isinstance(info.json_schema_extra, dict):
        raise TypeError(f"{model.__name__}.{field} has no label")
    return info.title, str(info.json_schema_extra["x-en"])
