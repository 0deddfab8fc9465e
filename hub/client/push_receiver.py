"""The side of a partner that is pushed to: believe a request, open its envelopes, remember what was had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from cryptography import x509

from hub.client.errors import FolderError
from hub.client.folder import Folder, Trust
from hub.client.messages import Delivery
from hub.client.push import Push, PushTrust, check_push, verify_push
from hub.client.push_memory import REMEMBERED_ON_DISK, DurablePushGuard

PUSHES = "pushes.sqlite3"
"""The file in a partner's folder with what was received by push."""


class PushReceiver:
    """What `Partner` does with pushes: its folder, its anchors and its clock, and the hub's store for certificates not seen yet."""

    def __init__(
        self,
        folder: Folder,
        trust: Trust,
        chains: Callable[[str], list[x509.Certificate]],
        clock: Callable[[], datetime],
    ) -> None:
        self._folder = folder
        self._trust = trust
        self._chains = chains
        self._clock = clock

    def verify_push(
        self, url: str, headers: Mapping[str, str] | Iterable[tuple[str, str]], body: bytes, *, method: str = "POST"
    ) -> Push:
        """What the hub pushed to us at `url`, believed and read; its envelopes are opened by `check_push`.

        `url` is the one that was registered with the hub. The certificates are those of `trust/push.pem`. Raises PushRefused with
        the status to answer with, FolderError when there is no `push.pem`.
        """
        return verify_push(method, url, headers, body, trust=self._push_trust(), now=self._clock())

    def check_push(self, push: Push) -> list[Delivery]:
        """The push's items with their envelopes believed and opened, as `inbox` gives them.

        A signer's certificate that was not seen before comes from the hub. Raises TrustError for an envelope not to be
        believed, HubUnreachable, ProblemError.
        """
        return check_push(
            push,
            system=self._folder.profile.system,
            trust=self._push_trust(),
            certificates_for=self._chains,
            now=self._clock(),
        )

    def push_guard(self, *, remembered: int = REMEMBERED_ON_DISK) -> DurablePushGuard:
        """What this partner has received by push, in `pushes.sqlite3` of its folder. Raises FolderError."""
        return DurablePushGuard(self._folder.path / PUSHES, remembered=remembered, clock=self._clock)

    def _push_trust(self) -> PushTrust:
        if not self._trust.push_certificates:
            raise FolderError(
                "信任锚目录中没有 push.pem（枢纽的推送证书）；请向枢纽运行方索取",
                "the folder with trust anchors has no push.pem (the hub's push certificate); ask the hub's operator",
            )
        return PushTrust.of(self._folder.profile.hub, self._trust.anchors, self._trust.push_certificates)
