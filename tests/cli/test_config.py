"""Settings: who wins, and what is said of a wrong one. Unaware of what they do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from platformdirs import user_config_path

from banana_pipe.cli.config import SETTINGS, Setting, Settings, read_base_url, read_settings, read_token, redact
from banana_pipe.errors import NotAuthorised, UsageError
from banana_pipe.providers.catalog import BASE_URL
from tests.canary import CANARY
from tests.cli.conftest import Pipe


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own configuration, in a home of this test's."""
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    path = user_config_path("banana-pipe") / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_flag_environment_project_user_default(project: Path, user_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearer to this call something is said, the more it counts."""
    assert read_settings(project).jobs is None
    user_file.write_text("jobs = 2\nconfirm_calls = 7\nmax_calls = 9\n")
    assert read_settings(project).jobs == 2
    (project / "banana-pipe.toml").write_text("jobs = 3\nconfirm_calls = 8\n")
    assert read_settings(project).jobs == 3
    monkeypatch.setenv("BANANA_PIPE_JOBS", "4")
    settings = read_settings(project)
    assert (settings.jobs, settings.confirm_calls, settings.max_calls) == (4, 8, 9)
    assert "jobs" in settings.from_environment
    assert "max_calls" not in settings.from_environment


def test_pyproject_is_read_where_there_is_no_file_of_ours(project: Path) -> None:
    """A Python project has one file for its tools."""
    (project / "banana-pipe.toml").unlink()
    (project / "pyproject.toml").write_text(
        "[tool.banana-pipe]\njobs = 5\n[tool.banana-pipe.budget]\nmax_calls_per_day = 6\n"
    )
    settings = read_settings(project)
    assert (settings.jobs, settings.max_calls_per_day) == (5, 6)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_can_be_set_in_the_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch, setting: object
) -> None:
    """One rule for names, so that nobody has to look them up."""
    name = setting.name  # type: ignore[attr-defined]
    monkeypatch.setenv(f"BANANA_PIPE_{name.upper()}", "3")
    assert getattr(read_settings(project), name) != getattr(Settings(), name)


def test_money_is_read_as_dollars(project: Path) -> None:
    """As a number, a text or with a sign."""
    for text in ("2.5", '"2.50"', '"$2.50"'):
        (project / "banana-pipe.toml").write_text(f"max_cost = {text}\n")
        assert read_settings(project).max_cost == 2_500_000


def test_folders_of_a_file_are_from_the_root_and_of_the_environment_from_here(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file belongs to its project, a variable to this call."""
    (project / "banana-pipe.toml").write_text('cache = "store"\nout = "pictures"\nallow_read = ["photos"]\n')
    monkeypatch.chdir(project / "recipes")
    monkeypatch.setenv("BANANA_PIPE_OUT", "here")
    settings = read_settings(project)
    assert settings.cache == project / "store"
    assert settings.out == project / "recipes" / "here"
    assert settings.allow_read == (Path("photos"),)


PATHS = [setting for setting in SETTINGS if setting.name in ("out", "cache", "allow_read", "prices")]


def of(setting: Setting, path: str) -> str:
    """The line that sets *setting* to *path*."""
    return f'{setting.name} = ["{path}"]\n' if setting.name == "allow_read" else f'{setting.name} = "{path}"\n'


@pytest.mark.parametrize("setting", PATHS, ids=lambda setting: setting.name)
@pytest.mark.parametrize("path", ["../elsewhere", "/tmp", "~/x", "link", "link/below", "here/../../elsewhere", ".."])
@pytest.mark.parametrize("file", ["banana-pipe.toml", "pyproject.toml"])
def test_a_projects_own_file_names_nothing_outside_of_the_project(
    project: Path, tmp_path_factory: pytest.TempPathFactory, setting: Setting, path: str, file: str
) -> None:
    """A clone could have files written to, and pictures read from, wherever its author likes."""
    (project / "link").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    (project / "banana-pipe.toml").unlink()
    table = "" if file == "banana-pipe.toml" else "[tool.banana-pipe]\n"
    (project / file).write_text(table + "jobs = 3\n" + of(setting, path))
    with pytest.raises(UsageError, match="outside") as raised:
        read_settings(project)
    assert f"{project / file}:{2 + bool(table)}:1: {setting.name}: " in str(raised.value)
    hint = str(raised.value.hint)
    assert "your own configuration" in hint
    assert setting.variable in hint
    assert ("--" in hint) == (setting.name != "prices")


@pytest.mark.parametrize("setting", PATHS, ids=lambda setting: setting.name)
@pytest.mark.parametrize("path", ["within", ".", "link", "within/../within", "~no-such-user"])
def test_a_projects_own_file_names_what_is_in_it(project: Path, setting: Setting, path: str) -> None:
    """Links too, as long as they stay."""
    (project / "link").symlink_to(project / "recipes")
    (project / "banana-pipe.toml").write_text(of(setting, path))
    assert getattr(read_settings(project), setting.name)


@pytest.mark.parametrize("setting", PATHS, ids=lambda setting: setting.name)
def test_the_user_may_name_any_folder(
    project: Path, user_file: Path, monkeypatch: pytest.MonkeyPatch, setting: Setting
) -> None:
    """In a configuration of his own, and in the environment."""
    user_file.write_text(of(setting, "/elsewhere"))
    assert "/elsewhere" in str(getattr(read_settings(project), setting.name))
    monkeypatch.setenv(setting.variable, "../there")
    assert "../there" in str(getattr(read_settings(project), setting.name))


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("\nmax_clals = 3\n", 2, 1, "did you mean `max_calls`"),
        ("max_calls_per_day = 3\n", 1, 1, "[budget] max_calls_per_day"),
        ("[budget]\n  max_calls = 3\n", 2, 3, "in [budget]"),
        ("budget = {max_callsperday = 3}\n", 1, 11, "max_calls_per_day"),
        ("jobs = 0\n", 1, 1, "at least 1"),
        ("jobs = true\n", 1, 1, "a whole number"),
        ('max_cost = "much"\n', 1, 1, "dollars"),
        ("poll_seconds = -1\n", 1, 1, "seconds"),
        ("poll_seconds = inf\n", 1, 1, "seconds"),
        ("poll_seconds = 0\n", 1, 1, "more than 0"),
        ('cache = "~nobody-of-that-name/cache"\nout = 7\n', 2, 1, "a path"),
        ('allow_read = "photos"\nprices = 3\n', 2, 1, "a path"),
        ("model = 'x'\n", 1, 1, "there is no setting `model`"),
        ("token = 'x'\n", 1, 1, "there is no setting `token`"),
    ],
)
def test_a_wrong_setting_is_an_error_at_its_place(project: Path, text: str, line: int, column: int, words: str) -> None:
    """A misspelt cap must not be no cap, and what is bought stands in no configuration."""
    path = project / "banana-pipe.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        read_settings(project)
    assert f"{path}:{line}:{column}: " in str(raised.value)
    assert words in str(raised.value)


def test_a_wrong_variable_is_an_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment as well."""
    monkeypatch.setenv("BANANA_PIPE_MAXCOST", "3")
    with pytest.raises(UsageError, match="did you mean `BANANA_PIPE_MAX_COST`"):
        read_settings(project)
    monkeypatch.delenv("BANANA_PIPE_MAXCOST")
    monkeypatch.setenv("BANANA_PIPE_MAX_COST", "much")
    with pytest.raises(UsageError, match="BANANA_PIPE_MAX_COST: dollars"):
        read_settings(project)


def test_an_empty_variable_is_an_unset_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI systems set what they do not know to nothing."""
    monkeypatch.setenv("BANANA_PIPE_JOBS", "")
    monkeypatch.setenv("ACEDATACLOUD_API_TOKEN", "")
    monkeypatch.setenv("ACEDATACLOUD_API_KEY", "  ")
    monkeypatch.setenv("ACEDATACLOUD_API_BASE_URL", "")
    assert read_settings(project).jobs is None
    assert read_token(project) is None
    assert read_base_url(project) == BASE_URL


@pytest.mark.parametrize("name", ["ACEDATACLOUD_API_TOKEN", "ACEDATACLOUD_API_KEY", "ACEDATA_API_KEY"])
def test_the_token_has_the_vendors_names(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whoever uses the vendor's own tools has it already."""
    monkeypatch.setenv(name, CANARY)
    token = read_token(project)
    assert token is not None
    assert token.header() == f"Bearer {CANARY}"
    assert CANARY not in repr(token)


def test_the_projects_own_env_file_is_read_and_no_other(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the provider's names count in it, and the environment wins."""
    monkeypatch.delenv("ACEDATACLOUD_API_BASE_URL")
    (project.parent / ".env").write_text("ACEDATACLOUD_API_TOKEN=of-the-parent\n")
    assert read_token(project) is None
    (project / ".env").write_text(
        "ACEDATACLOUD_API_TOKEN='of-the-project'\nACEDATACLOUD_API_BASE_URL=http://127.0.0.1:9\nBANANA_PIPE_JOBS=7\n"
    )
    token = read_token(project)
    assert token is not None
    assert token.header() == "Bearer of-the-project"
    assert read_base_url(project) == "http://127.0.0.1:9"
    assert read_settings(project).jobs is None
    assert "BANANA_PIPE_JOBS" not in os.environ
    assert redact("it was of-the-project") == "it was ***"
    monkeypatch.setenv("ACEDATA_API_KEY", "of-the-environment")
    token = read_token(project)
    assert token is not None
    assert token.header() == "Bearer of-the-environment"


def test_a_strangers_env_file_cannot_send_the_users_token_elsewhere(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository with a `.env` would otherwise be a way to steal a token."""
    monkeypatch.delenv("ACEDATACLOUD_API_BASE_URL")
    monkeypatch.setenv("ACEDATACLOUD_API_TOKEN", CANARY)
    (project / ".env").write_text("ACEDATACLOUD_API_BASE_URL=https://thief.example.org\n")
    with pytest.raises(UsageError, match="in the environment as well"):
        read_base_url(project)
    monkeypatch.setenv("ACEDATACLOUD_API_BASE_URL", "https://thief.example.org")
    assert read_base_url(project) == "https://thief.example.org"


def test_a_broken_token_is_told_without_showing_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token with a line break in it is the commonest slip of copying."""
    monkeypatch.setenv("ACEDATACLOUD_API_TOKEN", f"{CANARY}\nx")
    with pytest.raises(NotAuthorised) as raised:
        read_token(project)
    assert CANARY not in str(raised.value)


def test_the_configuration_is_that_of_the_recipes_project(
    pipe: Pipe, project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the command is called from."""
    (project / "banana-pipe.toml").write_text("jbos = 3\n")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    said = pipe("plan", str(project / "recipes" / "small.yaml"))
    assert said.code == 2
    assert "did you mean `jobs`" in said.err


def test_settings_are_those_of_the_project_whose_ledger_counts(
    project: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Through a link too: the caps of a project hold wherever its recipe is called from."""
    (project / "banana-pipe.toml").write_text("max_calls = wrong\n")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "link.yaml").symlink_to(project / "recipes" / "small.yaml")
    monkeypatch.chdir(elsewhere)
    for command in (("plan", "link.yaml"), ("ledger", "show", "link.yaml")):
        said = pipe(*command)
        assert said.code == 2
        assert str(project / "banana-pipe.toml") in said.err
