"""`/docs`: the API described on one page of ours, made from the OpenAPI document; nothing is loaded from elsewhere."""

import html
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from hub.api.guard import Anyone

router = APIRouter(tags=["文档 / documentation"])

HEAD = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>接口 API · Shuniu 枢纽</title>
<meta name="viewport" content="width=device-width">
<style>body{font:15px/1.6 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
code,pre{background:#f4f4f4;border-radius:3px}code{padding:.1em .3em}pre{padding:.6em;overflow:auto}
h2{margin-top:2em;border-bottom:1px solid #ccc}details{margin:.5em 0}summary{cursor:pointer}
.m{display:inline-block;min-width:4.5em;font-weight:bold;color:#145}td{padding:.1em 1em .1em 0;vertical-align:top}</style>
</head><body><h1>Shuniu 枢纽 · 接口 API</h1>
"""


@router.get("/docs", include_in_schema=False, response_class=HTMLResponse)
async def documentation(request: Request, _: Anyone) -> HTMLResponse:
    """Every operation by tag, with its parameters and answers."""
    return HTMLResponse(page(request.app.openapi()))


def page(description: dict[str, Any]) -> str:
    """The page of an OpenAPI document."""
    parts = [HEAD, f"<p>{_text(description['info'].get('description', ''))}</p>"]
    parts.append(
        '<p><a href="/openapi.json">openapi.json</a> · <a href="/problems/malformed-envelope">problems</a></p>'
    )
    by_tag: dict[str, list[str]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            by_tag.setdefault((operation.get("tags") or ["—"])[0], []).append(_operation(path, method, operation))
    for tag, shown in by_tag.items():
        parts.append(f"<h2>{_text(tag)}</h2>")
        parts.extend(shown)
    return "".join(parts) + "</body></html>"


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{_text(p['name'])}</code></td><td>{_text(p['in'])}</td>"
        f"<td>{'必填 required' if p.get('required') else ''}</td></tr>"
        for p in operation.get("parameters", [])
    )
    return (
        f'<details><summary><span class="m">{method.upper()}</span> <code>{_text(path)}</code> '
        f"{_text(operation.get('summary', ''))}</summary><p>{_text(operation.get('description', ''))}</p>"
        f"<table>{rows}</table></details>"
    )


def _text(value: str) -> str:
    return html.escape(value).replace("\n\n", "<br><br>")
