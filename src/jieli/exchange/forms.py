from django import forms
from django.utils.translation import gettext_lazy as _


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Workbook (.xlsx)"),
        widget=forms.FileInput(attrs={"class": "inp", "accept": ".xlsx"}),
        error_messages={
            "required": _("Choose a workbook first."),
            "empty": _("This file is empty. Choose another one."),
        },
    )


class CsvForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.FileInput(attrs={"class": "inp", "accept": ".csv,text/csv"}),
        error_messages={
            "required": _("Choose a file first."),
            "empty": _("This file is empty. Choose another one."),
        },
    )
