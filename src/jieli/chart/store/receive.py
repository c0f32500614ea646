"""Taking one file from a request: too large is refused before and while it is read."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from jieli.rules import uploads
from jieli.rules.refusal import Refused

View = Callable[..., HttpResponseBase]
_MARK = "jieli.upload_too_large"


class LimitedUpload(TemporaryFileUploadHandler):
    """Streams to a temporary file and stops reading at the limit; what was written is removed.

    It stands in the settings, because tokens and idempotency keys are read before any view.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803 - Django's name
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> tuple[QueryDict, MultiValueDict[str, Any]] | None:
        """A body that cannot hold an allowed file is not read at all."""
        if not uploads.body_too_large(content_length):
            return None
        META[_MARK] = True
        return QueryDict(encoding=encoding), MultiValueDict()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > uploads.FILE_LIMIT:
            if self.request is not None:
                self.request.META[_MARK] = True
            raise StopUpload(connection_reset=True)
        super().receive_data_chunk(raw_data, start)


def takes_file(view: View) -> View:
    """For a view that receives a file. The token is checked after the size, not before.

    Checking the token first would read the whole body to find it.
    """
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            if uploads.body_too_large(int(request.META.get("CONTENT_LENGTH") or 0)):
                raise Refused(uploads.TOO_LARGE)
            if not hasattr(request, "_files"):  # nobody has read the body yet
                request.upload_handlers = [LimitedUpload(request)]
        return protected(request, *args, **kwargs)

    return limited


def file_of(request: HttpRequest, field: str = "file") -> UploadedFile:
    """The one file of the form, or a refusal that says what to do."""
    files = request.FILES.getlist(field)
    if request.META.get(_MARK):
        raise Refused(uploads.TOO_LARGE)
    if len(files) != 1:
        raise Refused("Choose one file.")
    uploads.check_size(files[0].size)
    return files[0]
