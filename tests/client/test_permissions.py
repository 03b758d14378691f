"""The allowlist of config.json, and each way in which the file can be broken."""

import pytest
from support.values import API

from cloud_openapi import ConfigError
from cloud_openapi.permissions import Permissions, config_of


def write(path, text):
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"permissions": {}}',
        '{"permissions": {"openapi": []}}',
        '{"permissions": {"openapi": ["analysis.getdailyretain"]}}',
        '{"permissions": {"openapi": ["analysis.getDailyRetain "]}}',
        '{"permissions": {"openapi": ["analysis"]}}',
        '{"permissions": {"openapi": ["getDailyRetain"]}}',
    ],
)
def test_what_is_not_listed_by_its_exact_name_is_not_allowed(tmp_path, text):
    assert API not in Permissions.load(write(tmp_path / "config.json", text))


def test_what_is_listed_is_allowed_and_other_keys_do_not_matter(tmp_path):
    text = '\ufeff{"permissions": {"openapi": ["analysis.getDailyRetain"]}, "triggers": []}'
    permissions = Permissions.load(write(tmp_path / "config.json", text))
    assert API in permissions
    assert "analysis.getWeeklyRetain" not in permissions


def test_a_missing_file_allows_nothing_and_the_denial_says_that_it_is_missing(tmp_path):
    permissions = Permissions.load(tmp_path / "config.json")
    denial = permissions.denial(API)
    assert API not in permissions
    assert denial.to_dict() == {
        "errCode": -604101,
        "errMsg": "system error: error code: -604101",
    }
    message, advice = str(denial).splitlines()
    assert message == (
        "errCode: -604101 function has no permission to call this API "
        "| errMsg: system error: error code: -604101"
    )
    assert advice == (
        f'Add "{API}" to permissions.openapi (the file does not exist yet): '
        f"{tmp_path / 'config.json'}"
    )


@pytest.mark.parametrize("name", ["*", "analysis.*"])
def test_a_star_is_not_a_wildcard_and_says_so(tmp_path, name):
    path = write(tmp_path / "config.json", f'{{"permissions": {{"openapi": ["{name}"]}}}}')
    with pytest.warns(UserWarning, match="not a wildcard") as caught:
        permissions = Permissions.load(path)
    assert API not in permissions
    assert f'{path}: "{name}"' in str(caught[0].message)


def test_a_file_in_another_encoding_names_the_byte(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"name": "商店"}', "gbk")
    with pytest.raises(ConfigError, match="byte 11 is not UTF-8; save it as UTF-8"):
        Permissions.load(path)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1, column 1: not JSON"),
        ('{"permissions": {"openapi": ["a.b",]}}', "line 1, column 3"),
        ('{\n  "permissions": {"openapi": ["a.b"]\n', "line 3, column 1: not JSON"),
        ("[]", "the file must be an object, not an array"),
        ("null", "the file must be an object, not null"),
        ('{"permissions": ["a.b"]}', "permissions must be an object, not an array"),
        ('{"permissions": null}', "permissions must be an object, not null"),
        ('{"permissions": {"openapi": "a.b"}}', "must be an array of API names, not a string"),
        ('{"permissions": {"openapi": {"a.b": true}}}', "must be an array of API names, not an"),
        ('{"permissions": {"openapi": null}}', "must be an array of API names, not null"),
        ('{"permissions": {"openapi": ["a.b", 1]}}', "openapi[1] must be a string, not a number"),
        ('{"permissions": {"openapi": [true]}}', "openapi[0] must be a string, not a boolean"),
        ('{"permissions": {"openapi": [["a.b"]]}}', "openapi[0] must be a string, not an array"),
        ('{"timeout": ' + "9" * 5000 + "}", "a number has more digits than can be read"),
        ('{"timeout": NaN}', "NaN is not a JSON value"),
        ('{"permissions": ' + "[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_a_broken_file_gives_an_error_that_names_file_and_place(tmp_path, text, place):
    path = write(tmp_path / "config.json", text)
    with pytest.raises(ConfigError) as caught:
        Permissions.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert place in str(caught.value)


def test_a_file_that_is_no_text_gives_an_error_that_names_it(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ConfigError, match="cannot be read as UTF-8"):
        Permissions.load(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        Permissions.load(tmp_path)


@pytest.mark.parametrize("root", ["functions", "cloudfunctions"])
def test_a_function_has_its_own_file_even_where_that_is_missing(tmp_path, monkeypatch, root):
    monkeypatch.chdir(tmp_path)
    module = tmp_path / root / "getDailyRetain" / "index.py"
    assert config_of(str(module)) == module.with_name("config.json")


def test_other_code_has_the_file_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert config_of(str(tmp_path / "jobs" / "report.py")) == tmp_path / "config.json"
    assert config_of(None) == tmp_path / "config.json"


def test_a_function_in_a_folder_of_any_name_has_its_own_config_json(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "cloud" / "hello"
    (folder / "lib").mkdir(parents=True)
    (folder / "index.py").touch()
    assert config_of(str(folder / "index.py")) == tmp_path / "config.json"
    (folder / "config.json").write_text("{}")
    assert config_of(str(folder / "index.py")) == folder / "config.json"
    assert config_of(str(folder / "lib" / "deep.py")) == folder / "config.json"
