"""The baseline: the same endpoint as a good programmer writes it at first, with the usual parts in their usual places.

FastAPI, pydantic models, jsonschema, one SQLModel session for each request, in the hub's own tables and under the same
checks. It is given what costs it nothing to have: uvloop, httptools, a pool, compiled schemas kept, a fast signature library, our
strict JSON reader. It has no registry in memory, no shared transaction and no barrier of rights: it reads what it needs
and commits what it accepts, once for each envelope. Run as `python -m tools.bench.baseline` with the hub's settings.
"""
