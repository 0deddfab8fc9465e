"""The application's description of itself, the OpenAPI document, where the framework does not tell all."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from hub.api import exchanges, problems

DESCRIPTION = """政务数据共享交换枢纽的接口。错误一律为 RFC 9457 problem+json，`type` 指向说明页。

The API of the gateway for sharing government data. Errors are RFC 9457 problem+json; `type` points to a page about it.
"""

UNSAID = "Successful Response"
"""What the framework says of an answer that nobody has described."""

UNSAID_OF_INPUT = "Validation Error"
"""What it says of input that it refuses, with a form of answer that is its own and not ours."""

BAD_INPUT: dict[str, Any] = {
    "description": "输入有误：problem+json，errors 逐处说明 / bad input: problem+json, with each place in `errors`",
    "content": {
        problems.MEDIA_TYPE: {
            "schema": {"type": "object"},
            "example": {
                "type": "/problems/invalid-input",
                "title": "输入有误",
                "status": 422,
                "detail": "有 1 处输入有误，没有任何内容被保存",
                "request_id": "cb1d0f32d5ea8dd7",
                "errors": [{"pointer": "/reason", "detail": "缺少该字段；请补上"}],
            },
        }
    },
}
"""What we answer to it instead."""


class Application(FastAPI):
    """The framework's application, whose description also covers the route that is plain ASGI."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        document = super().openapi()
        if "/v1/exchanges" not in document["paths"]:
            document["paths"]["/v1/exchanges"] = exchanges.POST_OPERATION
            self._show_nulls(document["paths"])
            _describe_answers(document["paths"])
            for form in ("HTTPValidationError", "ValidationError"):
                del document["components"]["schemas"][form]
        return document

    def _show_nulls(self, paths: dict[str, Any]) -> None:
        """Show the examples as the routes give them: the framework leaves out what is null, such as `next` of a last page."""
        for route in iter_route_contexts(self.routes):
            for method in (route.methods or ()) if getattr(route, "include_in_schema", False) else ():
                described = paths[str(route.path_format)][method.lower()]["responses"]
                for status, answer in getattr(route, "responses", {}).items():
                    for kind, content in answer.get("content", {}).items():
                        described[str(status)]["content"][kind] |= content


def _describe_answers(paths: dict[str, Any]) -> None:
    """Say in both languages what each answer is, by its call's summary, where the route does not say it better."""
    for operations in paths.values():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if answer["description"] == UNSAID_OF_INPUT:
                    operation["responses"][status] = BAD_INPUT
                elif answer["description"] == UNSAID:
                    zh, _, en = operation["summary"].partition("/")
                    zh_what, en_what = _what_is_answered(method, status, answer)
                    answer["description"] = f"{zh.strip()}{zh_what} / {en.strip()}{en_what}"


def _what_is_answered(method: str, status: str, answer: dict[str, Any]) -> tuple[str, str]:
    """What to say after the summary, in Chinese and in English: the summary of a GET names what it answers, others an act."""
    if status == "204":
        return "：已办，没有内容", ": carried out; no content"
    if method == "get":
        examples = [content.get("example") for content in answer["content"].values()]
        if any(isinstance(one, dict) and {"items", "next"} <= one.keys() for one in examples):
            return (
                "：一页；next 为下一页的游标，末页为 null",
                ": a page; next is the next page's cursor, null on the last",
            )
        return "", ""
    if status == "202":
        return "：已受理，正在办理", ": taken on, and being worked on"
    if status == "201":
        return "：已办，返回由此建立的对象", ": carried out; the answer is what it made"
    return "：已办，返回办理后的对象", ": carried out; the answer is the object as it then is"
