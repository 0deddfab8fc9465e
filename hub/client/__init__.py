"""A partner's side 接入方: sign and send, pull and acknowledge, and believe nothing that cannot be checked.

Stands apart from the gateway: it knows the contract, `certs` and `httpx`, and nothing of the hub's insides.
"""

from hub.client.bundles import Bundles, Taken
from hub.client.errors import ClientError, FolderError, HubUnreachable, ProblemError, ProblemLine, TrustError
from hub.client.messages import Delivery, Receipt
from hub.client.outbox import Resumed
from hub.client.partner import MAX_RECORDS, Partner, batches
from hub.client.push import Push, PushItem, PushRefused, PushTrust, check_push, verify_push
from hub.client.push_guard import Judgement, PushGuard, Verdict
from hub.client.push_memory import DurablePushGuard

__all__ = [
    "MAX_RECORDS",
    "Bundles",
    "ClientError",
    "Delivery",
    "DurablePushGuard",
    "FolderError",
    "HubUnreachable",
    "Judgement",
    "Partner",
    "ProblemError",
    "ProblemLine",
    "Push",
    "PushGuard",
    "PushItem",
    "PushRefused",
    "PushTrust",
    "Receipt",
    "Resumed",
    "Taken",
    "TrustError",
    "Verdict",
    "batches",
    "check_push",
    "verify_push",
]
