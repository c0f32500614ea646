"""Lectures: the list, one that is planned, its page, the door of its room, who was there."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from jieli.cases.views import Signed, see_other
from jieli.lectures import access, actions, queries
from jieli.lectures.forms import LectureForm, SpeakForm
from jieli.lectures.models import Lecture
from jieli.rooms.views import admitted, refused
from jieli.rules.refusal import Refused


@require_GET
def lectures(request: Signed) -> HttpResponse:
    context = queries.lectures_page(request.me, request.now)
    context["may_plan"] = access.hosts_of(request.me, request.now).exists()
    return render(request, "lectures/list.html", context)


@require_http_methods(["GET", "POST"])
def new_lecture(request: Signed) -> HttpResponse:
    access.get_hosts(request.me, request.now)
    form = LectureForm(request.me, request.now, request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = actions.plan_lecture(form.plan, by=request.me, now=request.now)
        return to_lecture(made)
    status = 422 if request.method == "POST" else 200
    return render(request, "lectures/new.html", {"form": form}, status=status)


def to_lecture(lecture: Lecture) -> HttpResponse:
    return see_other(f"/lectures/{lecture.room.key}/")


@require_GET
def lecture(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_lecture_for(request.me, key, request.now)
    page = queries.lecture_page(found, request.me, request.now)
    return render(request, "lectures/lecture.html", page)


@require_GET
def door(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_lecture_for(request.me, key, request.now)
    return render(request, "rooms/room.html", queries.door(found, request.me))


@require_POST
def seats(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_lecture_for(request.me, key, request.now)
    try:
        seat, ticket = actions.join_lecture(found, by=request.me, now=request.now)
    except Refused as refusal:
        return refused(refusal)
    return admitted(seat, ticket)


@require_POST
def speaking(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_lecture_to_lead(request.me, key, request.now)
    form = SpeakForm(request.POST)
    if not form.is_valid():
        raise Refused("This person is not in the lecture any more.")
    actions.let_speak(found, form.cleaned_data["seat"], on=form.cleaned_data["on"])
    return to_lecture(found)


@require_POST
def end(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_lecture_to_lead(request.me, key, request.now)
    actions.end_lecture(found, now=request.now)
    return to_lecture(found)


@require_GET
def attendance(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_lecture_to_count(request.me, key, request.now)
    rows = queries.attendance(found)
    return render(request, "lectures/attendance.html", {"lecture": found, "rows": rows})
