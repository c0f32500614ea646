"""The partials of the case page, with what a case can hold."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string

from jieli.chart import queries
from tests.chart.conftest import dicom, photo
from tests.chart.test_actions import STORY, add, case, observe  # noqa: F401 - a fixture
from tests.chart.test_store import RAMP

pytestmark = pytest.mark.django_db


def test_vitals(case: dict[str, Any], now: datetime) -> None:  # noqa: F811
    observe(case, STORY, now - timedelta(minutes=30))
    observe(case, {"hr": "162", "dbp": "30"}, now)
    html = render_to_string("chart/vitals.html", {"trend": queries.trend(case["case_key"])})
    assert html.count('class="vital"') == 6
    assert '<div class="v">162<i>' in html
    assert 'class="off"' in html
    assert "style=" not in html
    assert "<script" not in html


def test_films_and_viewer(case: dict[str, Any]) -> None:  # noqa: F811
    add(case, photo(), "<b>腹部平片</b>")
    add(case, dicom(RAMP, PixelData=b"\0\0"), "CT")
    add(case, b"%PDF-1.4\n%%EOF", "")
    documents = queries.documents_of(case["case_key"])
    html = render_to_string("chart/films.html", {"documents": documents})
    assert html.count('class="film"') == 3
    assert html.count("/thumb/") == 1
    assert "<b>&lt;b&gt;腹部平片&lt;/b&gt;</b>" in html
    for document in documents:
        page = render_to_string("chart/viewer.html", {"document": document})
        assert f"/documents/{document.key}/original/" in page
        assert ("/screen/" in page) is document.has_picture
    assert not re.search(r"\son\w+=|style=", html)


@pytest.mark.parametrize("name", ["vitals", "films"])
def test_empty(name: str) -> None:
    trend = queries.Trend([], [], None, None, "")
    html = render_to_string(f"chart/{name}.html", {"trend": trend, "documents": []})
    assert 'class="empty"' in html
