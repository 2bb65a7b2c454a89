"""Settings from the environment: what is read, and a clear line for what cannot be."""

import os
import pickle
from dataclasses import fields

import pytest

from service.settings import (
    BLAS_VARIABLES,
    Limits,
    Settings,
    SettingsError,
    keep_blas_on_one_thread,
    load_settings,
    unknown_variables,
)


def test_without_variables_the_service_is_on_loopback_and_closed():
    settings = load_settings()

    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.is_loopback
    assert settings.cors_origins == ()
    assert settings.limits == Limits()


@pytest.mark.parametrize("limit", fields(Limits), ids=lambda limit: limit.name)
def test_every_limit_is_a_variable(monkeypatch, limit):
    monkeypatch.setenv(f"GRADSERVE_{limit.name.upper()}", "7")

    assert getattr(load_settings().limits, limit.name) == 7


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("PORT", "9000", "port", 9000),
        ("HOST", "::1", "host", "::1"),
        ("CORS_ORIGINS", "https://a.example, https://b.example", "cors_origins", 2),
        ("ALLOWED_HOSTS", "a.example", "allowed_hosts", 1),
        ("HEADER_SECONDS", "0.5", "header_seconds", 0.5),
        ("LOG_LEVEL", "debug", "log_level", "debug"),
        ("PORT", "", "port", 8000),
    ],
)
def test_settings_are_variables(monkeypatch, name, value, field, expected):
    monkeypatch.setenv(f"GRADSERVE_{name}", value)

    found = getattr(load_settings(), field)
    assert (len(found) if isinstance(found, tuple) else found) == expected


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "PORT",
            "eighty",
            "GRADSERVE_PORT: found 'eighty', but input should be a valid integer",
        ),
        ("PORT", "65536", "GRADSERVE_PORT: found '65536', but .* less than or equal to 65535"),
        ("MAX_FLOPS", "-1", "GRADSERVE_MAX_FLOPS: found '-1', but .* greater than 0"),
        ("MAX_FLOPS", "inf", "GRADSERVE_MAX_FLOPS: found 'inf', but .* finite"),
        ("COMPUTE_SECONDS", "nan", "GRADSERVE_COMPUTE_SECONDS"),
        ("LOG_LEVEL", "loud", "GRADSERVE_LOG_LEVEL: found 'loud', but .* 'debug'"),
        ("LIMITS", "{}", "GRADSERVE_LIMITS"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch, name, value, text):
    monkeypatch.setenv(f"GRADSERVE_{name}", value)

    with pytest.raises(SettingsError, match=text):
        load_settings()


def test_a_flag_is_stronger_than_a_variable_and_named_when_bad(monkeypatch):
    monkeypatch.setenv("GRADSERVE_PORT", "9000")

    assert load_settings({"port": "9001", "host": None}).port == 9001
    with pytest.raises(SettingsError, match="--http-processes: found '0', but"):
        load_settings({"http_processes": "0"})


def test_variables_that_set_nothing_are_told_with_the_nearest_name(monkeypatch):
    monkeypatch.setenv("GRADSERVE_PROT", "1")

    assert unknown_variables() == [
        "GRADSERVE_PROT is not a setting; did you mean GRADSERVE_PORT?"
    ]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("example.org", False),
    ],
)
def test_loopback_is_told_from_what_others_can_reach(host, expected):
    settings = Settings(host=host)

    assert settings.is_loopback is expected
    assert bool(settings.accepted_hosts) is expected
    assert (host in settings.accepted_hosts) is expected


def test_settings_reach_other_processes_unchanged():
    settings = Settings(port=1, limits=Limits(max_variables=3))

    assert pickle.loads(pickle.dumps(settings)) == settings


def test_blas_has_one_thread_unless_the_environment_says_otherwise(monkeypatch):
    first, second = BLAS_VARIABLES
    monkeypatch.setenv(first, "4")
    monkeypatch.setenv(second, "")
    monkeypatch.delenv(second)

    keep_blas_on_one_thread()

    assert (os.environ[first], os.environ[second]) == ("4", "1")
