"""A file of settings, or an address, that cannot be read is named; nothing of a password is shown."""

from pathlib import Path

import pytest

from hub.cli.failures import Missing
from hub.cli.server import settings_from
from hub.db.engine import Database
from hub.db.errors import DatabaseUnavailable


@pytest.mark.parametrize("content", [b"hub_id = county\n", 'hub_id = "county" # 县\n'.encode("gbk")])
def test_a_file_of_settings_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shuniu.toml").write_bytes(content)
    with pytest.raises(Missing, match=r"shuniu\.toml is no TOML in UTF-8"):
        settings_from({"data": tmp_path})


@pytest.mark.parametrize("password", ["Geheim/77", "Geheim#77", "Geheim[77", "Geheim@db.invalid:99999/x#"])
async def test_an_address_that_is_none_is_refused_without_a_word_of_its_password(password: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        async with Database(f"postgresql://shuniu:{password}@db.invalid/shuniu").connection():
            pass
    assert "Geheim" not in f"{caught.value} {caught.value.__cause__}"
    assert caught.value.__suppress_context__
