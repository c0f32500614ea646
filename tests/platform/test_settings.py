"""Settings come from the environment; what cannot be understood stops the start."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jieli.web import settings

SHOW = "from jieli.web import settings as s; print({})"


def read(what: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("JIELI_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, "-c", SHOW.format(what)],
        env={**clean, "JIELI_HOME": str(home), **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JIELI_TLS", "ja"),
        ("JIELI_DEMO", "2"),
        ("JIELI_WEB_THREADS", "many"),
        ("JIELI_DB_POOL", "-1"),
        ("DATABASE_URL", "mysql://localhost/jieli"),
        ("JIELI_LANGUAGE", "de"),
    ],
)
def test_a_value_that_is_not_understood_stops_the_start(
    tmp_path: Path, name: str, value: str
) -> None:
    done = read("1", tmp_path, **{name: value})
    assert done.returncode != 0
    assert f"{name}={value!r} cannot be used" in done.stderr


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p%40ss@db.example:5433/x", "('db.example', '5433', 'u', 'p@ss', 'x')"),
        ("postgresql://u@/x?host=/run/pg", "('/run/pg', '', 'u', '', 'x')"),
    ],
)
def test_a_database_url_is_read(tmp_path: Path, url: str, expected: str) -> None:
    what = "tuple(s.DATABASES['default'][k] for k in ('HOST', 'PORT', 'USER', 'PASSWORD', 'NAME'))"
    assert read(what, tmp_path, DATABASE_URL=url).stdout.strip() == expected


def test_the_secret_is_made_once_and_ours_alone(tmp_path: Path) -> None:
    first = read("s.SECRET_KEY", tmp_path).stdout
    assert len(first) > 50
    assert read("s.SECRET_KEY", tmp_path).stdout == first
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["secret-key"]


def test_cookies_are_secure_behind_tls(tmp_path: Path) -> None:
    what = "(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0)"
    assert read(what, tmp_path, JIELI_TLS="1").stdout.strip() == "(True, True, True)"


def test_every_setting_says_what_it_is_for() -> None:
    names = [setting.name for setting in settings.CATALOGUE]
    assert len(names) == len(set(names))
    assert all(setting.doc.endswith(".") for setting in settings.CATALOGUE)


def test_the_content_security_policy_allows_nothing_inline() -> None:
    assert "unsafe" not in settings.CONTENT_SECURITY_POLICY
    assert "default-src 'self'" in settings.CONTENT_SECURITY_POLICY
