"""Forms of the second factor's pages."""

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from tenants.staff.services import LONGEST_REASON


class CodeForm(forms.Form):
    """One code: the app's six digits, or a recovery code."""

    code = forms.CharField(
        max_length=40,
        label="Code",
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false", "autocapitalize": "off"}
        ),
    )


class ReasonForm(forms.Form):
    """Why somebody's second factor is reset."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Who asked, and how you know that it is them.",
    )
