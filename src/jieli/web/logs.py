"""Logs: one JSON object a line, with the request's id and never with patient data.

What a line says is fixed text plus ids. The query string and the body of a request, and the
values inside a database error, may name a patient: they are left out here, once, for everybody.
"""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

current_request: ContextVar[str] = ContextVar("current_request", default="")
access = logging.getLogger("jieli.access")

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET = re.compile(r"/signin/invitations/[^/]+/?")  # whoever reads a log must not use the link
_CLEAN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "says": record.getMessage(),
        }
        if request := current_request.get():
            line["request"] = request
        for name, value in vars(record).items():
            # Django hangs the whole request on some records; only plain values are ours.
            if name not in _STANDARD and isinstance(value, str | int | float | bool):
                line[name] = value
        if record.exc_info and record.exc_info[1]:
            line["error"] = describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def describe(fault: BaseException) -> dict[str, Any]:
    """Kind and place of an error, without its text: that may quote what a person typed."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = [f"{f.filename.rpartition('/jieli/')[2]}:{f.lineno} {f.name}" for f in frames]
    described: dict[str, Any] = {"kind": type(fault).__qualname__, "where": place[-12:]}
    state = getattr(fault, "sqlstate", None) or getattr(fault.__cause__, "sqlstate", None)
    if state:
        described["sqlstate"] = state
    return described


def request_id(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: gives each request an id, tells it to the client, logs one line at the end."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        identity = given if _CLEAN_ID.fullmatch(given) else uuid.uuid4().hex
        token = current_request.set(identity)
        began = time.perf_counter()
        try:
            response = get_response(request)
            response["X-Request-ID"] = identity
            if not request.path.startswith("/static/"):
                access.info(
                    "%s %s %s",
                    request.method,
                    _SECRET.sub("/signin/invitations/…/", request.path),
                    response.status_code,
                    extra={"ms": round((time.perf_counter() - began) * 1000, 1)},
                )
            return response
        finally:
            current_request.reset(token)

    return middleware


def configuration(level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "jieli.web.logs.JsonLines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Our own access line replaces these; theirs print query strings.
            "uvicorn.access": {"handlers": [], "propagate": False, "level": "ERROR"},
            "uvicorn": {"handlers": [], "propagate": True, "level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "django.server": {"handlers": [], "propagate": False},
        },
    }
