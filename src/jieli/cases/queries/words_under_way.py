"""The words of missions, here because the record of a case tells what they did."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

KINDS: Mapping[str, object] = {
    "dispatch": _("Team under way"),
    "transfer": _("Transfer of the patient"),
    "return": _("Return to the county hospital"),
}
STATUSES: Mapping[str, object] = {
    "planned": _("planned"),
    "approved": _("approved"),
    "under_way": _("under way"),
    "on_site": _("on site"),
    "returning": _("returning"),
    "closed": _("ended"),
    "cancelled": _("cancelled"),
}
PATIENT_STATUSES: Mapping[str, object] = {
    "planned": _("waiting for the destination"),
    "approved": _("accepted"),
    "on_site": _("arrived"),
}
PARTS: Mapping[str, object] = {
    "operator": _("operator"),
    "anaesthetist": _("anaesthetist"),
    "nurse": _("nurse"),
    "neonatologist": _("neonatologist"),
    "intensivist": _("intensivist"),
    "physician": _("physician"),
    "driver": _("driver"),
}
MODES: Mapping[str, object] = {
    "independent": _("independent"),
    "onsite_guided": _("guided on site"),
    "remote_guided": _("guided from afar"),
    "visitor_performed": _("done by a visitor"),
}
GATES: Mapping[str, object] = {
    "sign_in": _("Sign in, before anaesthesia"),
    "time_out": _("Time out, before the incision"),
    "sign_out": _("Sign out, before leaving"),
}
PAPERS: Mapping[str, object] = {
    "invitation": _("Letter of invitation"),
    "home_approval": _("Written approval of the home hospital"),
    "privilege_filing": _("Filing of the emergency privilege"),
    "family_consent": _("Consent of the patient or family"),
    "return_report": _("Report after the return"),
    "transfer_consent": _("Written consent to the transfer"),
    "transfer_record": _("Record of the transfer"),
}
ENTRIES: Mapping[str, object] = {
    "position": _("where we are"),
    "observed": _("seen"),
    "treated": _("done"),
    "event": _("something happened"),
    "contact": _("spoke with"),
    "handed_over": _("handed over"),
    "task": _("still to do"),
    "refused": _("could not take the patient"),
}
ESCORTS: Mapping[str, object] = {
    "nurse": _("nurse"),
    "doctor": _("doctor and nurse"),
    "critical_care_team": _("critical care team"),
    "retrieval_team": _("retrieval team"),
}
KIT: Mapping[str, object] = {  # of rules.transport
    "monitor": _("monitor"),
    "oxygen": _("oxygen for twice the way"),
    "suction": _("suction"),
    "records": _("copy of the record and images"),
    "bag_mask": _("bag and mask"),
    "airway_set": _("airway set"),
    "ventilator": _("transport ventilator"),
    "infusion_pumps": _("infusion pumps"),
    "emergency_drugs": _("emergency drugs"),
    "blood": _("blood"),
    "second_oxygen": _("second oxygen supply"),
    "incubator": _("transport incubator"),
}
KIT_STATES: Mapping[str, object] = {
    "open": _("not packed"),
    "packed": _("packed"),
    "host": _("provided there"),
    "missing": _("missing"),
}
SIDES: Mapping[str, object] = {
    "home": _("for the hospital that sends the team"),
    "host": _("for the hospital that treats"),
}
WHY_ENDED: Mapping[str, object] = {
    "operated": _("operated here"),
    "died": _("the patient has died"),
    "discharged": _("the patient went home"),
}
LEGS: Mapping[str, object] = {
    "approval": _("approval"),
    "prepare": _("preparation"),
    "road": _("road"),
    "flight": _("flight"),
    "train": _("train"),
    "ferry": _("ferry"),
    "helicopter": _("helicopter"),
    "transfer": _("change"),
    "reception": _("reception there"),
}
