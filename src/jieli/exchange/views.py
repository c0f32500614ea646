"""Parse, fetch (which authorises), one action, answer."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jieli.directory.access import get_organisation_to_coordinate, today
from jieli.directory.actions.importing import Tally
from jieli.directory.models import Organisation
from jieli.directory.views import Signed, signed
from jieli.exchange import access, actions
from jieli.exchange.actions import StillBad
from jieli.exchange.csv import preview as csv
from jieli.exchange.csv import writing as csv_writing
from jieli.exchange.csv.columns import KINDS as CSV_KINDS
from jieli.exchange.csv.preview import CsvPreview
from jieli.exchange.excel import writing
from jieli.exchange.excel.preview import Preview, preview
from jieli.exchange.excel.workbook import MOST_BYTES
from jieli.exchange.forms import CsvForm, UploadForm
from jieli.lectures.access import get_lecture_to_count
from jieli.lectures.queries import attendance as people_at
from jieli.missions.queries.timetables import there
from jieli.rules.refusal import Refused

SHOWN_BAD = 200
ROSTER_DAYS = 31


@require_http_methods(["GET", "HEAD", "POST"])
@signed
def import_page(request: Signed) -> HttpResponse:
    access.require_importer(request.me, request.now)
    if request.method != "POST":
        return render(request, "exchange/import.html", {"form": UploadForm()})
    form = UploadForm(request.POST, request.FILES)
    content = _content(form) if form.is_valid() else b""
    found = _preview(request, form, content) if form.is_valid() else None
    if found is None:
        return render(request, "exchange/import.html", {"form": form}, status=422)
    if found.bad:
        return _page(request, found, status=422)
    name = form.cleaned_data["file"].name
    kept = actions.keep_upload(request.user, name, content, now=request.now)  # type: ignore[arg-type]
    return HttpResponseRedirect(reverse("exchange:upload", args=[kept.key]), status=303)


def _content(form: UploadForm | CsvForm) -> bytes:
    """One byte more than allowed is enough to know."""
    return bytes(form.cleaned_data["file"].read(MOST_BYTES + 1))


def _preview(request: Signed, form: UploadForm, content: bytes) -> Preview | None:
    try:
        return preview(content, request.me, request.now)
    except Refused as refusal:
        form.add_error("file", _(refusal.sentence) % refusal.facts)
        return None


@require_safe
@signed
def upload(request: Signed, key: UUID) -> HttpResponse:
    access.require_importer(request.me, request.now)
    kept = access.get_upload_of(request.user, key, request.now)  # type: ignore[arg-type]
    found = preview(bytes(kept.content), request.me, request.now)
    if found.bad:
        return _page(request, found)
    tallies = actions.rehearse(found, by=request.me, now=request.now)
    return _page(request, found, upload=kept, tallies=tallies)


@require_POST
@signed
def confirmation(request: Signed, key: UUID) -> HttpResponse:
    access.require_importer(request.me, request.now)
    kept = access.get_upload_of(request.user, key, request.now)  # type: ignore[arg-type]
    try:
        tallies = actions.confirm_upload(kept, by=request.me, now=request.now)
    except StillBad as changed:
        return _page(request, changed.found, status=422)
    messages.success(request, _("Imported: %(said)s") % {"said": _said(tallies)})
    return HttpResponseRedirect(reverse("exchange:import"), status=303)


def _page(
    request: HttpRequest, found: Preview | CsvPreview, status: int = 200, **more: Any
) -> HttpResponse:
    bad = found.bad
    shown = {"found": found, "bad": bad[:SHOWN_BAD], "bad_count": len(bad), **more}
    return render(request, "exchange/preview.html", shown, status=status)


def _said(tallies: dict[str, Tally]) -> str:
    names = {"organisations": _("hospitals"), "people": _("people"), "roster": _("turns of duty")}
    return "; ".join(
        _("%(name)s %(added)s new, %(changed)s changed, %(same)s as before")
        % {"name": names[kind], "added": t.added, "changed": t.changed, "same": t.same}
        for kind, t in tallies.items()
        if t.added + t.changed + t.same + t.removed
    )


# -- timetables and what hospitals have ----------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed
def timetables(request: Signed) -> HttpResponse:
    access.require_importer(request.me, request.now)
    if request.method != "POST":
        return _timetables(request, CsvForm())
    form = CsvForm(request.POST, request.FILES)
    content = _content(form) if form.is_valid() else b""
    found = _csv_preview(request, form, content) if form.is_valid() else None
    if found is None:
        return _timetables(request, form, status=422)
    if found.bad:
        return _csv_page(request, found, status=422)
    name = form.cleaned_data["file"].name
    kept = actions.keep_upload(request.user, name, content, now=request.now)  # type: ignore[arg-type]
    return HttpResponseRedirect(reverse("exchange:csv_upload", args=[kept.key]), status=303)


def _csv_preview(request: Signed, form: CsvForm, content: bytes) -> CsvPreview | None:
    try:
        return csv.preview(content, request.me, request.now)
    except Refused as refusal:
        form.add_error("file", _(refusal.sentence) % refusal.facts)
        return None


def _timetables(request: Signed, form: CsvForm, status: int = 200) -> HttpResponse:
    shown = {"form": form, "there": there(today(request.now)), "kinds": CSV_KINDS}
    return render(request, "exchange/timetables.html", shown, status=status)


@require_safe
@signed
def csv_upload(request: Signed, key: UUID) -> HttpResponse:
    access.require_importer(request.me, request.now)
    kept = access.get_upload_of(request.user, key, request.now)  # type: ignore[arg-type]
    found = csv.preview(bytes(kept.content), request.me, request.now)
    if found.bad:
        return _csv_page(request, found)
    tally = actions.rehearse_csv(found, by=request.me, now=request.now)
    return _csv_page(request, found, upload=kept, tally=tally)


@require_POST
@signed
def csv_confirmation(request: Signed, key: UUID) -> HttpResponse:
    access.require_importer(request.me, request.now)
    kept = access.get_upload_of(request.user, key, request.now)  # type: ignore[arg-type]
    try:
        tally = actions.confirm_csv(kept, by=request.me, now=request.now)
    except StillBad as changed:
        return _csv_page(request, changed.found, status=422)
    words = _("Imported: %(added)s new, %(changed)s changed, %(same)s as before")
    said = {"added": tally.added, "changed": tally.changed, "same": tally.same}
    messages.success(request, words % said)
    return HttpResponseRedirect(reverse("exchange:timetables"), status=303)


def _csv_page(
    request: HttpRequest, found: Preview | CsvPreview, status: int = 200, **more: Any
) -> HttpResponse:
    bad = found.bad
    shown = {"found": found, "bad": bad[:SHOWN_BAD], "bad_count": len(bad), **more}
    return render(request, "exchange/csv_preview.html", shown, status=status)


@require_safe
@signed
def csv_template(request: Signed, file: str) -> HttpResponse:
    access.require_importer(request.me, request.now)
    found = next((each for each in CSV_KINDS if each.name == file), None)
    if found is None:
        raise Http404
    content = csv_writing.template(found, english=_english())
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="jieli-{file}.csv"'
    return response


@require_safe
@signed
def attendance(request: Signed, key: UUID) -> HttpResponse:
    lecture = get_lecture_to_count(request.me, key, request.now)
    headings = [_("Staff number"), _("Name"), _("Hospital"), _("From"), _("To"), _("Minutes")]
    rows = [
        (row.number, row.name, row.site, row.first.isoformat("T", "seconds"),
         row.last.isoformat("T", "seconds"), row.minutes)
        for row in people_at(lecture)
    ]  # fmt: skip
    content = csv_writing.table(headings, rows)
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="lecture-{key}.csv"'
    return response


# -- out ---------------------------------------------------------------------------------------


@require_safe
@signed
def template(request: Signed) -> HttpResponse:
    access.require_importer(request.me, request.now)
    return _workbook(writing.template(english=_english()), "jieli-template.xlsx")


@require_safe
@signed
def people(request: Signed) -> HttpResponse:
    site = _site(request)
    return _workbook(writing.people(site, english=_english()), f"{site.code}-people.xlsx")


@require_safe
@signed
def roster(request: Signed) -> HttpResponse:
    site = _site(request)
    start = _day(request)
    content = writing.roster(site, start, ROSTER_DAYS, english=_english())
    return _workbook(content, f"{site.code}-roster-{start}.xlsx")


def _site(request: Signed) -> Organisation:
    code = request.GET.get("organisation", "")
    return get_organisation_to_coordinate(request.me, code, today(request.now))


def _day(request: Signed) -> date:
    try:
        return date.fromisoformat(request.GET.get("from", ""))
    except ValueError:
        return today(request.now)


def _english() -> bool:
    return (get_language() or "").startswith("en")


def _workbook(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=writing.MIME)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
