"""`docs/settings.md` is what the settings class says."""

from pathlib import Path

from hub.settings import Settings, settings_table

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_up_to_date() -> None:
    assert settings_table() in PAGE.read_text(encoding="utf-8")


def test_every_setting_is_explained() -> None:
    assert all(field.description for field in Settings.model_fields.values())
