"""Who may import, and whose waiting workbook this is."""

from datetime import datetime
from uuid import UUID

from django.http import Http404

from jieli.directory.access import COORDINATING, organisations_of, today
from jieli.directory.models import Account, Practitioner
from jieli.exchange.models import Upload
from jieli.keys.seals import UnreadableBytes
from jieli.rules.refusal import Refused


def require_importer(person: Practitioner, now: datetime) -> None:
    """A coordinator or an administrator of at least one hospital; each row is judged again."""
    if not organisations_of(person, today(now), COORDINATING):
        raise Http404


def get_upload_of(account: Account, key: UUID, now: datetime) -> Upload:
    upload = Upload.objects.filter(account=account, key=key).first()
    if upload is None or not upload.is_kept(now):
        raise Http404
    if isinstance(upload.content, UnreadableBytes):
        raise Refused("The workbook that was kept cannot be opened any more. Choose it again.")
    return upload
