"""Which adapters there are, and what is said when one cannot be made."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters import registry
from adapters.errors import DriverMissing, SettingsInvalid, UnknownAdapter
from adapters.http import HttpAdapter
from tests.adapters.http_receiver import hub_signer

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a distribution with one module and its entry points where Python looks for them."""

    def put(name: str, source: str, **points: str) -> None:
        place = tmp_path / name
        meta = place / f"{name}-1.0.dist-info"
        meta.mkdir(parents=True)
        (place / f"{name}.py").write_text(source, encoding="utf-8")
        (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"{key} = {value}" for key, value in points.items()]
        (meta / "entry_points.txt").write_text("\n".join(["[shuniu.adapters]", *lines]), encoding="utf-8")
        monkeypatch.syspath_prepend(place)

    return put


def build(name: str, **secrets: object) -> object:
    return registry.build(
        name,
        settings={"url": "http://127.0.0.1/"},
        secrets=secrets,
        signer=hub_signer(),
        clock=lambda: datetime.now(UTC),
    )


def test_a_built_in_adapter_is_found_by_its_name() -> None:
    assert registry.find("http") is HttpAdapter
    assert "http" in registry.names()


@pytest.mark.process
def test_importing_the_registry_imports_no_adapter_and_no_driver() -> None:
    code = "import sys, adapters.registry; print([m for m in ('adapters.http', 'aiohttp') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownAdapter) as caught:
        registry.find("htpp")
    assert caught.value.reason == "unknown-adapter"
    assert "http" in caught.value.en


def test_a_missing_driver_is_named_with_the_package_that_brings_it(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "adapters.http")
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(DriverMissing) as caught:
        registry.find("http")
    assert "aiohttp" in caught.value.zh
    install("county_ftp", "import no_such_driver\n", ftp="county_ftp:Ftp")
    with pytest.raises(DriverMissing) as caught:
        registry.find("ftp")
    assert "no_such_driver" in caught.value.en
    assert "county_ftp" in caught.value.en
    assert not caught.value.retryable


def test_a_name_that_two_packages_offer_is_nobodys(install: Install) -> None:
    install("county_one", "", ftp="county_one:Ftp")
    install("county_two", "", ftp="county_two:Ftp")
    with pytest.raises(UnknownAdapter) as caught:
        registry.find("ftp")
    assert caught.value.reason == "ambiguous-adapter"
    assert "county_one, county_two" in caught.value.en


def test_a_package_cannot_take_the_name_of_a_built_in_adapter(install: Install) -> None:
    install("county_three", "", http="county_three:Http")
    assert registry.find("http") is HttpAdapter


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Odd = 3",
        "class Odd: pass",
        "class Odd:\n capabilities = {'push'}",
        "class Odd:\n capabilities = frozenset()\n settings_type = secrets_type = int\n def close(self): pass",
        "class Odd:\n capabilities = frozenset({Capability.PUSH})\n settings_type = secrets_type = int\n def close(self): pass",
        "class Odd:\n capabilities = frozenset({Capability.PUSH})\n def push(self, batch): pass\n def close(self): pass",
        "class Odd:\n capabilities = frozenset({'fly'})\n settings_type = secrets_type = int\n def close(self): pass",
    ],
)
def test_what_does_not_have_what_it_declares_is_no_adapter(
    install: Install, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "county_odd", raising=False)
    install("county_odd", f"from adapters.protocol import Capability\n{body}\n", odd="county_odd:Odd")
    with pytest.raises(SettingsInvalid) as caught:
        registry.find("odd")
    assert caught.value.reason == "not-an-adapter"


def test_settings_that_do_not_fit_are_named_and_their_values_are_not_shown() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        build("http")
    assert "networks" in caught.value.en
    with pytest.raises(SettingsInvalid) as caught:
        registry.build(
            "http",
            settings={"url": "http://127.0.0.1/", "networks": ["127.0.0.0/8"]},
            secrets={"password": "correct horse"},
            signer=hub_signer(),
            clock=lambda: datetime.now(UTC),
        )
    assert "password" in caught.value.en
    shown = f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
    assert "correct horse" not in shown
