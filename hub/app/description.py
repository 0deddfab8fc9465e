"""The application's description of itself, the OpenAPI document, where the framework does not tell all."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from hub.api import exchanges

DESCRIPTION = """政务数据共享交换枢纽的接口。错误一律为 RFC 9457 problem+json，`type` 指向说明页。

The API of the gateway for sharing government data. Errors are RFC 9457 problem+json; `type` points to a page about it.
"""


class Application(FastAPI):
    """The framework's application, whose description also covers the route that is plain ASGI."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        document = super().openapi()
        if "/v1/exchanges" not in document["paths"]:
            document["paths"]["/v1/exchanges"] = exchanges.POST_OPERATION
            self._show_nulls(document["paths"])
        return document

    def _show_nulls(self, paths: dict[str, Any]) -> None:
        """Show the examples as the routes give them: the framework leaves out what is null, such as `next` of a last page."""
        for route in iter_route_contexts(self.routes):
            for method in (route.methods or ()) if getattr(route, "include_in_schema", False) else ():
                described = paths[str(route.path_format)][method.lower()]["responses"]
                for status, answer in getattr(route, "responses", {}).items():
                    for kind, content in answer.get("content", {}).items():
                        described[str(status)]["content"][kind] |= content
