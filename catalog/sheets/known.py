"""What the catalogue knows of the things that a workbook names, as an answer to what a workbook makes us ask.

Plain data that travels between processes as JSON; who asks and who answers do not share memory.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wanted(_Told):
    """What a workbook names: codes of resources, organisations, systems and classes, names of organisations and resources."""

    codes: tuple[str, ...] = ()
    provider_codes: tuple[str, ...] = ()
    provider_names: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


class Body(_Told):
    """An organisation: `coded` is the 统一社会信用代码 of itself or of the nearest body above, `systems` are its active ones."""

    id: str
    code: str | None
    name: str
    coded: str
    systems: tuple[str, ...] = ()


class Existing(_Told):
    """A resource of the catalogue: its row, its versions from the oldest on without their schemas, and its system's code."""

    resource: Mapping[str, Any]
    system: str
    versions: tuple[Mapping[str, Any], ...]

    @property
    def code(self) -> str:
        """The resource's code."""
        return str(self.resource["code"])

    @property
    def provider(self) -> str:
        """The id of its provider."""
        return str(self.resource["provider_id"])

    @property
    def status(self) -> str:
        """Where it stands in its life."""
        return str(self.resource["status"])

    @property
    def state(self) -> str:
        """The state of its newest version."""
        return str(self.versions[-1]["state"])

    @property
    def said(self) -> Mapping[str, Any]:
        """What its newest version says."""
        found: Mapping[str, Any] = self.versions[-1]["description"]
        return found

    @property
    def items(self) -> Sequence[Mapping[str, Any]]:
        """The items of its newest version."""
        found: Sequence[Mapping[str, Any]] = self.versions[-1]["items"]
        return found

    @property
    def live(self) -> Mapping[str, Any] | None:
        """What its live version says, None before the first is published."""
        found = self._live()
        return None if found is None else found["description"]

    @property
    def live_items(self) -> Sequence[Mapping[str, Any]]:
        """The items of its live version, none before the first is published."""
        found = self._live()
        return () if found is None else found["items"]

    def _live(self) -> Mapping[str, Any] | None:
        number = self.resource["live_version"]
        return next((version for version in self.versions if version["number"] == number), None)


class Known(_Told):
    """Of what was asked for, what there is. `own` is the organisation for which the caller edits.

    `systems` are those that may publish, by code with their id; `names` are the resources of own that go by one of the names, by it
    with their code; `no_classes` are codes that the classification does not have, or not any more.
    """

    own: Body
    bodies: tuple[Body, ...] = ()
    systems: Mapping[str, str] = {}
    resources: Mapping[str, Existing] = {}
    names: Mapping[str, str] = {}
    no_classes: tuple[str, ...] = ()
