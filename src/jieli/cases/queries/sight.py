"""One case before one person at one instant: what several parts of a page need is read once."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Exists, OuterRef

from jieli.cases import access
from jieli.cases.models import Candidate, Case, Contact, Decision, Opinion, Request
from jieli.cases.queries.clock_strip import approval_of
from jieli.cases.queries.ladder import with_people
from jieli.chart.queries import Trend, trend
from jieli.directory.models import Approval, Practitioner


@dataclass
class Sight:
    case: Case
    me: Practitioner
    now: datetime

    @cached_property
    def standing(self) -> access.Standing:
        return access.standing_of(self.me, self.case, self.now)

    @cached_property
    def approval(self) -> Approval | None:
        return approval_of(self.case, self.now)

    @cached_property
    def trend(self) -> Trend:
        return trend(self.case.key)

    @cached_property
    def requests(self) -> list[Request]:
        """Oldest first, each with its list, its rings and whoever is live."""
        mine = self.case.requests.select_related("specialty", "accepted_by", "technique")
        made = Contact.objects.filter(request=OuterRef("pk"), failed=False)
        return list(with_people(mine.annotate(was_live=Exists(made))))

    def candidate(self, request: Request) -> Candidate | None:
        """This person's place on the list, if they may be asked at all."""
        for candidate in request.candidates.all():
            if candidate.practitioner_id == self.me.pk and candidate.barred != "own_case":
                return candidate
        return None

    @cached_property
    def asked(self) -> list[Request]:
        """The requests on whose list this person stands."""
        return [request for request in self.requests if self.candidate(request)]

    @cached_property
    def opinions(self) -> list[Opinion]:
        """Newest first."""
        return list(
            self.case.opinions.select_related(
                "author", "signature", "request", "acknowledged_by", "corrects"
            )
            .prefetch_related("watches")
            .order_by("-version")
        )

    @cached_property
    def decisions(self) -> list[Decision]:
        return list(
            self.case.decisions.select_related("author", "signature", "opinion__author", "corrects")
            .prefetch_related("alternatives")
            .order_by("-version")
        )
