"""Models, prices and names: data with a date, and rules on text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.errors import UsageError
from banana_pipe.providers.catalog import BASE_URL, key_name, load, origin


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        (BASE_URL, "acedata"),
        ("https://gateway.example.com/acedata", "acedata"),
        ("https://1.1.1.1", "acedata"),
        ("https://[2606:4700::1111]:8443", "acedata"),
        ("HTTPS://API.ACEDATA.CLOUD", "acedata"),
        ("http://api.acedata.cloud", "acedata-local"),
        ("http://127.0.0.1:8000", "acedata-local"),
        ("https://127.0.0.1", "acedata-local"),
        ("https://127.1", "acedata-local"),
        ("https://0x7f000001", "acedata-local"),
        ("https://10.0.0.7", "acedata-local"),
        ("https://169.254.169.254", "acedata-local"),
        ("https://[::1]", "acedata-local"),
        ("https://[fe80::1]", "acedata-local"),
        ("https://[::ffff:192.168.0.1]", "acedata-local"),
        ("https://localhost:8443", "acedata-local"),
        ("https://mock", "acedata-local"),
        ("https://mock.local", "acedata-local"),
        ("https://mock.internal", "acedata-local"),
        ("https://mock.internal.", "acedata-local"),
    ],
)
def test_the_name_in_the_key_follows_from_the_text_of_the_base_url(base_url: str, name: str) -> None:
    """A mock's pictures never pass for bought ones; DNS has no say, it changes."""
    assert key_name(base_url) == name


@pytest.mark.parametrize(
    ("base_url", "place"),
    [
        ("https://API.acedata.cloud:443/v1/", "https://api.acedata.cloud"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("https://gateway.example.com.", "https://gateway.example.com"),
    ],
)
def test_an_origin_is_scheme_host_and_port(base_url: str, place: str) -> None:
    """Tasks belong to an origin; another spelling of it is the same one."""
    assert origin(base_url) == place


@pytest.mark.parametrize(
    "base_url",
    [
        *("", "api.acedata.cloud", "ftp://api.acedata.cloud", "https://", "https://a b.example", "https://[::1"),
        *("https://me:hidden@api.example.com", "https://a.example?x=1", "https://a.example#x", "https://a.example:x"),
        *("https://a.example\\@b.example", "https://a.example:99999", "https://a.\nexample"),
    ],
)
def test_what_is_no_base_url_is_refused_without_being_quoted(base_url: str) -> None:
    """What stands before an @ is a password."""
    for judge in (key_name, origin):
        with pytest.raises(UsageError) as caught:
            judge(base_url)
        assert "hidden" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_base_url_or_a_usage_error(text: str) -> None:
    """It comes from the environment."""
    for candidate in (text, f"https://{text}"):
        try:
            assert key_name(candidate) in ("acedata", "acedata-local")
            assert origin(candidate).startswith("http")
        except UsageError:
            pass


class TestTheShippedTable:
    """What comes with the package."""

    def test_every_price_has_a_date_and_a_source(self) -> None:
        """An estimate that one cannot check is a guess."""
        catalog = load()
        assert set(catalog.price_notes) == set(catalog.prices.prices) <= set(catalog.models)
        for note in catalog.price_notes.values():
            assert re.fullmatch(r"20\d\d-\d\d-\d\d", note.as_of)
            assert note.source
        assert catalog.prices.as_of == min(note.as_of for note in catalog.price_notes.values())

    def test_it_knows_the_models_of_the_api_page(self) -> None:
        """The user's document names three."""
        catalog = load()
        for model in ("nano-banana", "nano-banana-2", "nano-banana-pro"):
            assert catalog.prices.price(model, {})
            assert set(catalog.models[model].aspect_ratios) == {"1:1", "3:2", "2:3", "16:9", "9:16", "4:3", "3:4"}

    def test_prices_are_in_microdollars_and_follow_the_resolution(self) -> None:
        """39 thousandths of a dollar are 39,000 millionths."""
        prices = load().prices
        assert prices.price("nano-banana", {}) == 39_000
        assert prices.price("nano-banana-pro:official", {"resolution": "1K"}) == 49_100
        assert prices.price("nano-banana-pro:official", {"resolution": "4K"}) == 73_600
        assert prices.price("nano-banana", {}, has_extra=True) is None
        assert prices.price("nano-banana-2-lite", {}) is None


class TestAdvice:
    """Warnings for what is sent all the same."""

    def test_what_is_known_needs_none(self) -> None:
        """Silence is for the ordinary case."""
        assert load().advice("nano-banana-pro", {"aspect_ratio": "16:9", "resolution": "4K"}, 14) == []

    def test_an_unknown_model_is_named_with_the_nearest_known_one(self) -> None:
        """Models come and go; a slip of the finger is likelier."""
        (advice,) = load().advice("nano-bananna", {})
        assert "nano-bananna" in advice
        assert "nearest known one is nano-banana:" in advice

    def test_an_unknown_ratio_or_resolution_is_named_with_the_known_ones(self) -> None:
        """So that one sees what was meant."""
        ratio, resolution = load().advice("nano-banana-2", {"aspect_ratio": "21:9", "resolution": "8K"})
        assert "21:9" in ratio
        assert "16:9" in ratio
        assert "8K" in resolution
        assert "4K" in resolution

    def test_an_unknown_ratio_is_cut_from_the_nearest_known_one(self) -> None:
        """A warning that leaves one alone is none: what to do stands in it."""
        (tall,) = load().advice("nano-banana-2", {"aspect_ratio": "4:5"})
        assert "make 3:4, then `transform: [{crop: 4:5}]`" in tall
        (wide,) = load().advice("nano-banana-2", {"aspect_ratio": "21:9"})
        assert "make 16:9, then `transform: [{crop: 21:9}]`" in wide
        (auto,) = load().advice("nano-banana-2", {"aspect_ratio": "auto"})
        assert "crop" not in auto

    def test_a_resolution_for_a_model_that_has_only_one_is_named(self) -> None:
        """It would be paid for and not delivered."""
        (advice,) = load().advice("nano-banana", {"resolution": "2K"})
        assert "1K pictures only" in advice

    def test_more_pictures_than_a_model_is_known_to_take_are_named(self) -> None:
        """The rest may be ignored."""
        (advice,) = load().advice("nano-banana", {}, 4)
        assert "up to 3" in advice


class TestTheUsersTable:
    """A file of the same shape, with what differs."""

    def test_it_replaces_a_models_price_whole(self, tmp_path: Path) -> None:
        """An old 4K price beside a new table would be a wrong one."""
        path = tmp_path / "prices.toml"
        path.write_text('[models."nano-banana-pro:official".price]\nany = "0.02"\nas_of = "2027-01-01"\n', "utf-8")
        catalog = load(path)
        assert catalog.prices.price("nano-banana-pro:official", {"resolution": "4K"}) == 20_000
        assert catalog.prices.price("nano-banana", {}) == 39_000
        assert catalog.price_notes["nano-banana-pro:official"].as_of == "2027-01-01"
        assert catalog.models["nano-banana-pro:official"].resolutions == ("1K", "2K", "4K")

    def test_it_may_name_a_model_of_its_own(self, tmp_path: Path) -> None:
        """Tomorrow's model, before the next release knows it."""
        path = tmp_path / "prices.toml"
        path.write_text('[models.nano-banana-9]\nresolutions = ["8K"]\nprice = {any = 0.5, 8K = "1"}\n', "utf-8")
        catalog = load(path)
        assert catalog.prices.price("nano-banana-9", {"resolution": "8K"}) == 1_000_000
        assert catalog.prices.price("nano-banana-9", {}) == 500_000

    def test_it_does_not_change_the_shipped_one(self, tmp_path: Path) -> None:
        """The table is read once and shared."""
        path = tmp_path / "prices.toml"
        path.write_text('[models.nano-banana.price]\nany = "9"\n', "utf-8")
        load(path)
        assert load().prices.price("nano-banana", {}) == 39_000

    @pytest.mark.parametrize(
        "text",
        ["not toml", "models = 3", "[models]\nx = 3", '[models.x.price]\nany = "dear"', "[models.x]\nprice = 3"],
    )
    def test_what_is_no_table_is_a_usage_error_that_names_the_file(self, tmp_path: Path, text: str) -> None:
        """Never a traceback for a slip in a file."""
        path = tmp_path / "prices.toml"
        path.write_text(text, "utf-8")
        with pytest.raises(UsageError, match=re.escape(str(path))):
            load(path)

    def test_a_missing_file_is_a_usage_error(self, tmp_path: Path) -> None:
        """It was named by the user."""
        with pytest.raises(UsageError, match=r"none\.toml"):
            load(tmp_path / "none.toml")
