"""Every address, every role, own, asked, neighbouring and foreign hospital: who is let in, exactly.

An address that is not in the table fails: whoever adds one says here who may.
"""

import copy
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from jieli.cases import actions
from jieli.cases.actions import Advice, Choice
from jieli.cases.models import Disposal, Hold, PatientCopy
from jieli.chart.actions import announce_file, keep_file
from jieli.chart.models import Checklist, Observation, Procedure
from jieli.directory.actions.services import open_service
from jieli.directory.models import Alliance, DutySwap, Membership, Organisation, Role
from jieli.exchange.excel.writing import template
from jieli.exchange.models import Upload
from jieli.guidance.models import GuidanceSession
from jieli.lectures.models import Lecture
from jieli.missions.models import Mission
from jieli.rooms import recordings, store
from jieli.rooms.actions import freeze, open_lecture_room
from jieli.rooms.models import ClipSource, Recording, TeachingClip
from jieli.rules.recordings import Chunk
from jieli.stories.models import DemoTime
from jieli.web.now import wall
from tests.cases.world import PASSWORD, World, minutes
from tests.chart.conftest import photo
from tests.rooms.reels import Reel
from tests.web.signin.people import with_passkey

pytestmark = [pytest.mark.django_db]

TREATING = {"doctor", "nurse", "expert", "coordinator", "duty_officer", "director"}
DESK = {"coordinator", "duty_officer", "director"}
DECIDING = {"doctor", "expert", "director"}
OFFICE = {"coordinator", "director"}  # of records: holds, disposals, copies
KEEPING = {"coordinator", "admin"}  # of rosters, agreements, people
KINDS = [str(kind) for kind in Role.Kind.values]
SITES = ("treating", "asked", "alliance", "other")


@dataclass(frozen=True)
class Seat:
    """Somebody with one role at one hospital; `rung` is the expert whom the request called."""

    site: str
    kind: str
    rung: bool = False

    def __str__(self) -> str:
        return f"{self.kind} at {self.site}" + (" who was rung" if self.rung else "")


def case(seat: Seat) -> bool:
    """May see the case."""
    treats = seat.site == "treating" and seat.kind in TREATING
    return treats or (seat.site == "asked" and seat.kind in DESK) or seat.rung


def treating(seat: Seat) -> bool:
    return seat.site == "treating" and seat.kind in TREATING


def deciding(seat: Seat) -> bool:
    return seat.site == "treating" and seat.kind in DECIDING


def asked(seat: Seat) -> bool:
    return seat.rung


def at_hub(seat: Seat) -> bool:
    """May count what the hospital that is asked has."""
    return seat.site == "asked" and seat.kind in TREATING


def anybody(seat: Seat) -> bool:
    return True


def nobody(seat: Seat) -> bool:
    return False


def somewhere(seat: Seat) -> bool:
    return seat.kind in TREATING


def allied(seat: Seat) -> bool:
    """Works with patients at a hospital of the alliance."""
    return seat.kind in TREATING and seat.site != "other"


def keeper(seat: Seat) -> bool:
    return seat.kind in KEEPING


def answerable(seat: Seat) -> bool:
    """For the pager: a coordinator, director, duty officer or administrator, wherever."""
    return seat.kind in DESK | KEEPING


def own_desk(seat: Seat) -> bool:
    return seat.site == "treating" and seat.kind in DESK


def uploader(seat: Seat) -> bool:
    """Looked at a workbook and did not confirm it yet; nobody else sees it."""
    return (seat.site, seat.kind) == ("asked", "coordinator")


def keeper_there(seat: Seat) -> bool:
    """Keeps the roster of the hospital that is asked, whose turn it is."""
    return seat.site == "asked" and seat.kind in KEEPING


# Name of the address -> who is let in. Several methods with one rule stand in one line; where
# they differ, "GET name" and "POST name". What a rule refuses afterwards (409, 422) was let in.
RULES = {
    # everybody who is signed in: their own things, lists of what they may see, machines
    **dict.fromkeys(
        ["home", "board", "board_lines", "signin", "signout", "zone", "set_language", "healthz",
         "directory:telephones_data", "metrics", "pager:banner",
         "readyz", "worker", "offline", "seal", "cases:cases", "cases:my_rings",
         "cases:my_advice", "cases:open_cases",
         "missions:missions", "lectures:lectures",
         "directory:duty", "directory:presence_board", "directory:telephones", "directory:me",
         "directory:presence", "directory:channels", "notify:inbox", "exchange:roster_import",
         # the door: whoever stands before it, and what is one's own behind it
         "account_login", "mfa_login_webauthn", "mfa_authenticate", "code_passkey", "invitation",
         "invitation_link", "again", "again_passkey", "security", "passkeys", "authenticator_app",
         "authenticator_app_removal", "recovery_codes", "password", "other_sessions_end"],
        anybody,
    ),
    # without a provider nobody is led there
    **dict.fromkeys(["openid_connect_login", "openid_connect_callback"], nobody),
    "service": nobody,  # only with a token: a session is none
    "notify:attempt": nobody,  # only with the gateway's signature
    # a person's own rows
    **dict.fromkeys(
        ["directory:channel_place", "directory:channel_removal", "directory:channel_test",
         "directory:channel_proof", "notify:reading", "cases:ring", "cases:ringing",
         "cases:upload", "cases:upload_document", "passkey_removal", "session_end"],
        asked,
    ),
    # the case
    **dict.fromkeys(
        ["cases:case", "cases:case_part", "cases:events", "cases:messages", "cases:documents",
         "cases:uploads",
         "cases:measurements", "cases:handover",
         "cases:document", "cases:document_file", "cases:urgency", "cases:export_json",
         "cases:export_pdf", "cases:verification", "cases:acceptance", "cases:refusal",
         "cases:room", "cases:room_seats", "rooms:frame",
         "cases:referral", "cases:contact", "cases:appointment", "cases:request_rings",
         # a team that is planned: the step is its approval, by either side, or a word about a leg
         "missions:mission", "missions:mission_part", "missions:papers_pdf", "missions:under_way",
         "missions:step", "missions:step_of_row", "missions:new_dispatch",
         "missions:sheet", "missions:sheet_part", "missions:plan_anew", "missions:correction",
         "missions:correction_undone", "missions:team", "missions:gates",
         "GET guidance:sessions", "guidance:of_case", "guidance:session", "guidance:panel",
         "guidance:strip", "guidance:checks", "GET guidance:entries"],
        case,
    ),
    # the theatre plans and runs it, who guides says to be there, both write the log
    **dict.fromkeys(
        ["POST guidance:sessions", "guidance:check", "guidance:mdt", "guidance:exception",
         "guidance:move", "guidance:link"],
        treating,
    ),
    "guidance:filing": own_desk,
    "guidance:attendance": asked,
    "POST guidance:entries": lambda seat: treating(seat) or seat.rung,
    "guidance:entry_error": lambda seat: treating(seat) or seat.rung,
    **dict.fromkeys(
        ["cases:handovers", "cases:observations", "cases:consents", "cases:care", "cases:closure",
         "cases:outcomes", "cases:clock_pause", "cases:clock_reason", "cases:withdrawal",
         "cases:acknowledgement", "cases:readings", "cases:measurement_error",
         "cases:document_error", "cases:handover_error", "missions:new_transfer",
         "missions:family_told", "missions:temporised",
         "missions:new_procedure", "missions:procedure_end", "missions:gate",
         "missions:gate_error"],
        treating,
    ),
    # what rooms recorded: sent by whose seat it is, looked at with the case
    **dict.fromkeys(["rooms:recordings", "rooms:recording", "rooms:chunk"], asked),
    **dict.fromkeys(
        ["cases:recordings", "cases:recordings_data", "rooms:recording_file"], case
    ),
    "cases:recording_download": (
        lambda seat: seat.site in ("treating", "asked") and seat.kind in OFFICE
    ),
    **dict.fromkeys(["cases:clips", "cases:clip_withdrawal"], treating),
    "cases:clip_library": somewhere,
    **dict.fromkeys(["cases:clip", "rooms:clip_file"], allied),
    # the records office of the treating hospital
    **dict.fromkeys(
        ["cases:patient_copies", "cases:patient_copy", "cases:patient_copy_pdf",
         "cases:patient_copy_json", "cases:office_hold_end", "cases:office_confirmation",
         "cases:office_refusal"],
        lambda seat: seat.site == "treating" and seat.kind in OFFICE,
    ),
    **dict.fromkeys(
        ["cases:office", "cases:office_holds", "cases:office_disposals"],
        lambda seat: seat.kind in OFFICE,
    ),
    **dict.fromkeys(["cases:new_decision", "missions:choice"], deciding),
    "missions:assent": asked,
    **dict.fromkeys(["rooms:ticket", "rooms:frames"], asked),  # whose seat it is
    # a lecture of the hospital that is asked, for its alliance; the expert who is rung planned it
    **dict.fromkeys(
        ["lectures:lecture", "lectures:door", "lectures:seats"], lambda seat: seat.site != "other"
    ),
    **dict.fromkeys(["lectures:speaking", "lectures:end"], asked),
    **dict.fromkeys(
        ["lectures:attendance", "exchange:attendance"],
        lambda seat: seat.rung or (seat.site == "asked" and seat.kind in OFFICE),
    ),
    "lectures:new_lecture": lambda seat: seat.kind in TREATING,
    "missions:joint": lambda seat: seat.kind in DESK,
    "cases:new_opinion": asked,
    "cases:new_case": lambda seat: seat.kind in {"doctor", "nurse", "expert", "coordinator"},
    "cases:glass": somewhere,
    "cases:glass_review": own_desk,
    # how the pager is
    **dict.fromkeys(["pager:pager", "pager:live", "pager:probes"], answerable),
    # the record as a whole
    **dict.fromkeys(
        ["record:roots", "record:roots_export"],
        lambda seat: seat.kind in {"director", "quality_officer", "admin"},
    ),
    # the directory
    "directory:turns": keeper_there,
    "directory:turn": lambda seat: keeper_there(seat) or seat.rung,
    "directory:turn_swaps": lambda seat: keeper_there(seat) or seat.rung,
    **dict.fromkeys(
        ["directory:turn_removal", "directory:swap_approval", "directory:swap_refusal"],
        keeper_there,
    ),
    **dict.fromkeys(
        ["directory:agreements", "exchange:import", "exchange:template"], keeper
    ),
    **dict.fromkeys(
        ["directory:agreement_signature", "directory:agreement_end"],
        lambda seat: seat.site in ("treating", "asked") and seat.kind in KEEPING,
    ),
    **dict.fromkeys(["exchange:people", "exchange:roster"], keeper_there),
    # who works there
    **dict.fromkeys(["staff", "newcomer", "invitation_shown"], keeper),
    **dict.fromkeys(["invitations", "departure"], keeper_there),
    "account": nobody,  # it opens the door of single sign-on, and there is none here
    "services": lambda seat: seat.kind == "admin",
    "service_end": lambda seat: (seat.site, seat.kind) == ("asked", "admin"),
    **dict.fromkeys(["exchange:upload", "exchange:confirmation"], uploader),
    # timetables, and who has what
    **dict.fromkeys(["exchange:timetables", "exchange:csv_template"], keeper),
    **dict.fromkeys(["exchange:csv_upload", "exchange:csv_confirmation"], uploader),
    "missions:resources": anybody,
    "missions:new_resource": nobody,  # without a hospital of one's own in the form
    "missions:new_slot": nobody,  # the same
    **dict.fromkeys(["missions:resource", "missions:vehicle", "missions:slot"], at_hub),
}  # fmt: skip


def addresses() -> Iterator[tuple[str, str]]:
    def below(patterns: Any, prefix: str, space: str) -> Iterator[tuple[str, str]]:
        for entry in patterns:
            if isinstance(entry, URLResolver):
                inner = f"{entry.namespace}:" if entry.namespace else ""
                yield from below(entry.url_patterns, prefix + str(entry.pattern), space + inner)
            elif isinstance(entry, URLPattern):
                yield f"{space}{entry.name}", prefix + str(entry.pattern)

    found = below(get_resolver().url_patterns, "/", "")
    return ((name, route) for name, route in found if not route.startswith("/demo/"))


OF_ONE_HOSPITAL = {"/duty/turns/", "/directory/people.xlsx", "/directory/roster.xlsx"}


class Place:
    """Rows for every address, and a person for every seat."""

    def __init__(self) -> None:
        world = World()
        self.world = world
        sites = {
            "treating": world.county,
            "asked": world.hub,
            "alliance": Organisation.objects.get(code="far"),
            "other": Organisation.objects.create(code="foreign", name="外院", tier="county"),
        }
        other = Alliance.objects.create(code="other", name="别的医联体")
        Membership.objects.create(alliance=other, organisation=sites["other"])
        request = world.raised("U1")
        actions.accept(request, by=world.alice, now=minutes(1))
        advice = Advice("confirmed", "肠闭锁")
        opinion = actions.sign_opinion(
            request, advice, by=world.alice, secret=PASSWORD, now=minutes(9)
        )
        ringing = world.raised("U1", minutes(49.9))
        actions.ring_person(ringing, by=world.doctor, person=world.alice, now=minutes(49.95))
        ring = ringing.rings.filter(practitioner=world.alice).latest("id")
        self.rows = self._rows(request, opinion, ringing, ring)
        self.clients: dict[Seat, Client] = {}
        for site, organisation in sites.items():
            for kind in KINDS:
                person = world.person(f"{site}-{kind}", organisation, kind)
                self._sit(Seat(site, kind), person)
        self._sit(Seat("asked", "expert", rung=True), world.alice)
        with_passkey(self.clients[Seat("asked", "expert", rung=True)])
        self.rows["/passkeys/<int:passkey>"] = Authenticator.objects.get(type="webauthn").pk
        account = world.people["asked-coordinator"].account
        book = template(english=False)
        upload = Upload.objects.create(account=account, name="x", content=book, at=minutes(50))
        self.rows["/import/<uuid:key>"] = self.rows["/timetables/<uuid:key>"] = upload.key

    def _sit(self, seat: Seat, person: Any) -> None:
        client = Client(raise_request_exception=False)
        client.force_login(person.account)
        session = client.session  # asked for the password just now, or each would be sent there
        session["jieli_proof"] = [person.account_id, "password", wall().timestamp(), ""]
        session.save()
        self.clients[seat] = client

    def _decided(self, request: Any, opinion: Any) -> UUID:
        """The treating side has read the opinion and decided."""
        by = self.world.doctor
        actions.acknowledge(opinion, by=by, now=minutes(10))
        choice = Choice("DISPATCH", "立即派队")
        decision = actions.sign_decision(
            request.case, choice, opinion=opinion, by=by, secret=PASSWORD, now=minutes(12)
        )
        return decision.key

    def _rows(self, request: Any, opinion: Any, ringing: Any, ring: Any) -> dict[str, str]:
        """What stands for a converter, by the beginning of the route that it is in."""
        world, turn = self.world, self.world.hub.duties.get(practitioner=self.world.alice)
        swap = DutySwap.objects.create(
            duty=turn, to=world.bob, asked_by=world.alice, asked_at=minutes(1)
        )
        channel = world.alice.channels.create(kind="in_app", order=9)
        message = ring.practitioner.messages.latest("id")
        glass = request.case.broken.create(
            organisation=world.county, by=world.outsider, code="other", reason="电话不通，急",
            at=minutes(1), until=minutes(200),
        )  # fmt: skip
        kept = keep_file(SimpleUploadedFile("x.jpg", photo()))
        document = actions.add_document(
            request.case, kept, title="x", by=world.doctor, now=minutes(2)
        )
        device = UserSession.objects.create(
            user=world.alice.account, session_key="elsewhere", ip="127.0.0.1", user_agent=""
        )
        service, _token = open_service(
            world.hub, by=world.alice, name="x", scopes=["fhir.read"], days=9, now=minutes(2)
        )
        incoming = announce_file(
            request.case.key, name="x", size=9, sha256="0" * 64, by=world.alice, now=minutes(2)
        )
        actions.observe(request.case, {"hr": "160"}, by=world.doctor, now=minutes(2))
        actions.save_handover(request.case, {"ask": "x"}, by=world.doctor, now=minutes(2))
        value = Observation.objects.get(case_key=request.case.key)
        office = {"case": request.case, "organisation": world.county}
        held = Hold.objects.create(**office, why="诉讼", by=world.doctor, since=minutes(2))
        proposed = Disposal.objects.create(
            **office, number=request.case.number, due_on=minutes(2).date(),
            proposed_by=world.doctor, proposed_at=minutes(2),
        )  # fmt: skip
        copy = PatientCopy.objects.create(
            patient=request.case.patient, organisation=world.county, given_to="x",
            relation="self", by=world.doctor, at=minutes(40),
        )  # fmt: skip
        mission = Mission.objects.create(
            number="M", case=request.case, kind="dispatch", template="DISPATCH", start=world.hub,
            end=world.county, planned_by=world.doctor, planned_at=minutes(40),
        )  # fmt: skip
        leg = mission.legs.create(position=0, kind="road", name="x")
        operation = Procedure.objects.create(
            patient=request.case.patient, case_key=request.case.key, organisation=world.county,
            name="x", operator=world.doctor, started_at=minutes(40), recorded_at=minutes(40),
            by=world.doctor,
        )  # fmt: skip
        signed = Checklist.objects.create(
            patient=request.case.patient, case_key=request.case.key, gate="sign_in", operation=1,
            content="x", answers={}, occurred_at=minutes(40), recorded_at=minutes(40),
            by=world.doctor,
        )  # fmt: skip
        seat, _ticket = actions.join_room(request.case, "expert", by=world.alice, now=minutes(45))
        still = keep_file(SimpleUploadedFile("y.jpg", photo()))
        frame = freeze(seat, uuid4(), "f", still, now=minutes(46))
        hall = open_lecture_room("x", by=world.alice, now=minutes(40))
        Lecture.objects.create(
            room=hall, host=world.hub, alliance=world.alliance, starts_at=minutes(50),
            ends_at=minutes(90),
        )  # fmt: skip
        guided = GuidanceSession.objects.create(
            case=request.case, number=1, organisation=world.county, name="x",
            operator=world.doctor, guide=world.alice, planned_by=world.doctor,
            planned_at=minutes(40), status="running", started_at=minutes(41),
        )  # fmt: skip
        guided.entries.create(
            number=1, kind="advice", client_key=UUID(int=1), occurred_at=minutes(42),
            recorded_at=minutes(42), by=world.doctor,
        )  # fmt: skip
        recording, clip = self._recorded(request.case, seat)
        return {
            "/lectures/<uuid:key>": hall.key,
            "/rooms/<uuid:key>": hall.key,
            "/recordings/<uuid:key>": recording.key,
            "/recordings/<uuid:recording>": recording.key,
            "/chunks/<int:number>": 0,
            "/clips/<uuid:key>": clip.key,
            "/rooms/seats/<uuid:key>": seat.key,
            "/frames/<uuid:frame>": uuid4(),
            "/rooms/frames/<uuid:key>": frame.key,
            "/guidance/<uuid:key>": guided.key,
            "/<slug:item>": "stop",
            "/<slug:move>": "stop",
            "/entries/<int:number>": 1,
            "/gates/<uuid:key>": signed.key,
            "/<slug:gate>": "time_out",
            "/missions/<uuid:key>/live/<slug:part>": f"{mission.key}/live/head",
            "/missions/<uuid:key>": mission.key,
            "/procedures/<uuid:key>": operation.key,
            "/<slug:noun>/<int:row>": f"legs/{leg.pk}",
            "/<slug:noun>": "approval",
            "/measurements/<int:pk>": value.pk,
            "/handovers/<int:version>": 1,
            "/office/holds/<int:pk>": held.pk,
            "/office/disposals/<int:pk>": proposed.pk,
            "/office/copies/<uuid:copy>": copy.key,
            "/uploads/<uuid:upload>": incoming.key,
            "/offline/<slug:language>": "en",
            "/cases/<uuid:key>": request.case.key,
            "/requests/<uuid:key>": ringing.key,
            "/rings/<uuid:key>": ring.key,
            "/opinions/<uuid:key>": opinion.key,
            "/decisions/<uuid:key>": self._decided(request, opinion),
            "/glass/<int:pk>": glass.pk,
            "/clocks/<int:pk>": request.case.clocks.get(name="expert_live").pk,
            "/documents/<uuid:document>": document.key,
            "/turns/<int:turn>": turn.pk,
            "/swaps/<int:swap>": swap.pk,
            "/agreements/<int:agreement>": world.agreement.pk,
            "/channels/<int:channel>": channel.pk,
            "/inbox/<uuid:key>": message.key,
            "/attempts/<uuid:key>": message.key,
            "/<slug:part>": "clocks",
            "/<slug:size>": "original",
            "/probes/<slug:transport>": "voice",
            "/sso/<slug:provider_id>": "hospital",
            "/invitations/<str:token>": "x" * 40,
            "/sessions/<int:session>": device.pk,
            "/staff/<uuid:person>": world.alice.key,
            "/services/<int:number>": service.pk,
            "/<slug:file>": "hubs",
            "/resources/<slug:site>": world.hub.code,
            "/<slug:kind>": "theatre",
            "/slots/<int:slot>": world.hub.slots.create(starts_at=minutes(60)).pk,
            "/vehicles/<int:vehicle>": world.hub.vehicles.create(name="x", kind="ambulance").pk,
        }

    def _recorded(self, case: Any, seat: Any) -> tuple[Recording, TeachingClip]:
        """The expert who was rung keeps a copy, and a clip was cut."""
        reel = Reel(Client(), seat, minute=46, copy=True)
        told = recordings.Told(reel.key, "x", "field", reel.mime, True, minutes(46))
        run = recordings.announce(seat, told, by=self.world.alice, now=minutes(47))
        content = reel.chunks[0]
        chunk = Chunk(
            0, len(content), hashlib.sha256(content).hexdigest(), "", minutes(46), minutes(46.1)
        )
        recordings.receive(run, chunk, io.BytesIO(content), now=minutes(47))
        clip = TeachingClip(
            title="x", organisation=self.world.county, made_by=self.world.doctor,
            made_at=minutes(43), ms=1, mime="video/webm",
        )  # fmt: skip
        clip.size, clip.sha256 = store.place_clip(clip.key, [content])
        clip.save()
        ClipSource.objects.create(clip=clip, case_key=case.key, recording=run, begin_ms=0, end_ms=1)
        return run, clip

    def path(self, route: str) -> str:
        for part, value in self.rows.items():
            route = route.replace(part, part[: part.index("<")] + str(value))
        assert "<" not in route, f"say in _rows which row stands in {route}"
        return route + ("?organisation=hub" if route in OF_ONE_HOSPITAL else "")


@pytest.fixture
def place(settings, tmp_path) -> Place:
    settings.JIELI_DEMO = True
    settings.MEDIA_ROOT = tmp_path
    DemoTime.objects.create(shown_at=minutes(50), real_at=minutes(50), speed=0)
    return Place()


def test_every_address_is_in_the_table():
    named = {name.removeprefix("GET ").removeprefix("POST ") for name in RULES}
    assert {name for name, _route in addresses()} == named


def test_exactly_the_permitted_ones_answer(place):
    wrong = []
    for name, route in addresses():
        path = place.path(route)
        for method in ("GET", "POST"):
            rule = RULES.get(f"{method} {name}") or RULES[name]
            for seat, client in place.clients.items():
                session = copy.deepcopy(client.cookies)
                with transaction.atomic():
                    answer = client.generic(method, path)
                    transaction.set_rollback(True)
                client.cookies = session  # also after signing out
                status = answer.status_code
                if status == 405:
                    break
                sent_away = answer.headers.get("Location", "").startswith("/signin/?")
                let_in = status not in (403, 404) and not sent_away
                let_in &= "WWW-Authenticate" not in answer.headers
                if let_in != rule(seat) or status >= 500:
                    wrong.append(f"{method} {path} ({name}): {seat} got {status}")
    assert not wrong, "\n".join(wrong)
