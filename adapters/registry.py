"""Which adapters there are: names to import paths, imported when used.

Built-in adapters stand below; others come from installed packages that declare an entry point in the group
`shuniu.adapters`. A built-in name cannot be taken by a package. Importing this module imports no adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from adapters.errors import DriverMissing, SettingsInvalid, UnknownAdapter
from adapters.protocol import METHODS_OF, Adapter, Capability, Limits, Notary, RequestSigner, Surroundings

GROUP = "shuniu.adapters"


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """Where a built-in adapter is, and which package its driver comes from."""

    path: str
    install: str


BUILT_IN: Mapping[str, BuiltIn] = MappingProxyType(
    {
        "http": BuiltIn("adapters.http:HttpAdapter", install="aiohttp"),
        "bundle": BuiltIn("adapters.bundle:BundleAdapter", install="shuniu"),
        "mailbox": BuiltIn("adapters.mailbox:MailboxAdapter", install="shuniu"),
    }
)
"""The adapters that come with the gateway, by name."""

_ModelT = TypeVar("_ModelT", bound=BaseModel)


def names() -> list[str]:
    """The names of all adapters that are offered, whether their drivers are installed or not."""
    return sorted({*BUILT_IN, *entry_points(group=GROUP).names})


def find(name: str) -> type[Adapter]:
    """The adapter of that name. Raises UnknownAdapter, DriverMissing, SettingsInvalid for a class that is no adapter."""
    if name in BUILT_IN:
        built_in = BUILT_IN[name]
        return _imported(name, EntryPoint(name, built_in.path, GROUP), built_in.install)
    offered = list(entry_points(group=GROUP, name=name))
    if not offered:
        shown = ", ".join(names())
        raise UnknownAdapter(
            reason="unknown-adapter",
            zh=f"没有名为 {name} 的适配器；现有：{shown}；第三方适配器请先安装其软件包",
            en=f"there is no adapter named {name}; there are: {shown}; install the package of a third party's adapter first",
        )
    if len(offered) > 1:
        packages = ", ".join(sorted(_package(point) for point in offered))
        raise UnknownAdapter(
            reason="ambiguous-adapter",
            zh=f"多个软件包（{packages}）提供名为 {name} 的适配器；请只保留一个",
            en=f"several packages ({packages}) offer an adapter named {name}; keep one of them",
        )
    return _imported(name, offered[0], _package(offered[0]))


def build(
    name: str,
    *,
    settings: Mapping[str, object],
    secrets: Mapping[str, object],
    signer: RequestSigner,
    clock: Callable[[], datetime],
    limits: Limits | None = None,
    notary: Notary | None = None,
    system: str = "",
) -> Adapter:
    """An adapter for one target, its settings and secrets checked.

    Raises UnknownAdapter, DriverMissing, SettingsInvalid.
    """
    found = find(name)
    surroundings = Surroundings(
        settings=_checked(found.settings_type, settings, name),
        secrets=_checked(found.secrets_type, secrets, name),
        signer=signer,
        clock=clock,
        limits=limits or Limits(),
        notary=notary,
        system=system,
    )
    return found(surroundings)


def _imported(name: str, point: EntryPoint, install: str) -> type[Adapter]:
    module, _, attribute = point.value.partition(":")
    try:
        found = getattr(import_module(module.strip()), attribute.strip(), None)
    except ImportError as error:
        missing = error.name or str(error)
        raise DriverMissing(
            reason="driver-missing",
            zh=f"适配器 {name} 需要的模块 {missing} 未安装；请安装软件包 {install} 后重试",
            en=f"the adapter {name} needs the module {missing}, which is not installed; install the package {install}",
        ) from error
    return _checked_class(name, found)


def _checked_class(name: str, found: object) -> type[Adapter]:
    """The object, if it declares what an adapter declares and has the methods of what it declares."""
    declared = getattr(found, "capabilities", None)
    complete = (
        isinstance(found, type)
        and isinstance(declared, frozenset)
        and bool(declared)
        and all(isinstance(c, Capability) and issubclass(found, METHODS_OF[c]) for c in declared)
        and all(hasattr(found, member) for member in ("settings_type", "secrets_type", "close"))
    )
    if complete:
        return cast("type[Adapter]", found)
    raise SettingsInvalid(
        reason="not-an-adapter",
        zh=f"{name} 所指的对象不是适配器：capabilities、settings_type、secrets_type、close 或所声明能力的方法不全",
        en=f"what {name} names is no adapter: it lacks capabilities, settings_type, secrets_type, close, or a method of a "
        "capability that it declares",
    )


def _checked(model: type[_ModelT], values: Mapping[str, object], name: str) -> _ModelT:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    # Field and fault, never the value: it may be a secret in the wrong place. The validator's error has it, so it is not chained.
    shown = "; ".join(f"{'.'.join(map(str, fault['loc'])) or '-'}: {fault['msg']}" for fault in faults)
    raise SettingsInvalid(
        reason="settings-invalid",
        zh=f"适配器 {name} 的设置不对：{shown}；请更正后重试",
        en=f"the settings of the adapter {name} are not right: {shown}",
    )


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module
