"""`shuniu audit`: the sharing log, for auditors and inspectors."""

import click

from hub.cli.verbs import Kind, add_list

EVENTS = Kind(
    "/v1/audit/events",
    ("occurred_at", "event", "outcome", "leaf.actor.id", "leaf.object.id", "leaf_hash"),
    "ID",
)

SHOWN = 100
"""A log is long; who wants more says so."""


@click.group(help="共享日志：查询 / the sharing log")
def audit() -> None:
    """The sharing log."""


add_list(
    audit,
    EVENTS,
    name="events",
    filters={"event": "事件类型，如 grant.revoked / type of event", "actor": "行为者标识 / id of who acted"},
    limit=SHOWN,
)
