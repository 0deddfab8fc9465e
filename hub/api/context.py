"""How the doors come by the parts that they share, found at `app.state.context`."""

from typing import Annotated

from fastapi import Depends, Request

from hub.api.parts import Context

__all__ = ["Context", "ContextDep", "context_of"]


def context_of(request: Request) -> Context:
    """The context of the application that serves this request."""
    context: Context = request.app.state.context
    return context


ContextDep = Annotated[Context, Depends(context_of)]
