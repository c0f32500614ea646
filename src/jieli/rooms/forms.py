"""What a page in a room sends by form."""

from datetime import UTC, datetime

from django import forms

from jieli.rooms.recordings import Told


class RunForm(forms.Form):
    """One run of a browser's recorder, as it is announced."""

    key = forms.UUIDField()
    feed = forms.CharField(max_length=40)
    source = forms.CharField(max_length=12)
    mime = forms.CharField(max_length=80)
    copy = forms.BooleanField(required=False)
    started = forms.IntegerField(min_value=10**12, max_value=4 * 10**12)  # ms since 1970

    @property
    def started_at(self) -> datetime | None:
        text = str(self.data.get("started", ""))
        known = text.isdecimal() and 10**12 < int(text) < 4 * 10**12
        return datetime.fromtimestamp(int(text) / 1000, UTC) if known else None

    def told(self) -> Told:
        said = self.cleaned_data
        at = datetime.fromtimestamp(said["started"] / 1000, UTC)
        return Told(said["key"], said["feed"], said["source"], said["mime"], said["copy"], at)
