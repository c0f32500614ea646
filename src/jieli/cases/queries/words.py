"""The words of the spine in both languages: clocks, urgency, lines, answers, options."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from jieli.rules.vitals import VITALS

CLOCKS: Mapping[str, object] = {
    "accept": _("Expert answers"),
    "expert_live": _("Expert live"),
    "opinion": _("Opinion signed"),
    "read_and_understood": _("Opinion read and understood"),
    "decision": _("Decision signed"),
    "consent_to_remote_consult": _("Consent to remote consult"),
    "consent_to_operation": _("Consent to operation"),
    "schedule": _("Meeting scheduled"),
    "temporise": _("Done at once"),
    "definitive_care": _("Definitive care"),
}
CLOCK_SINCE: Mapping[str, object] = {
    "accept": _("since the request"),
    "expert_live": _("since the request"),
    "opinion": _("since the request"),
    "read_and_understood": _("since the signature"),
    "decision": _("since it was read"),
    "consent_to_remote_consult": _("since the request, in parallel"),
    "consent_to_operation": _("since the decision, measured only"),
    "schedule": _("since the request"),
    "temporise": _("since the options were compared"),
    "definitive_care": _("since the indication was signed"),
}
ROOM_ROLES: Mapping[str, object] = {
    "operator": _("operator in the room"),
    "expert": _("expert in the room"),
    "bedside": _("person with the patient"),
    "anaesthesia": _("anaesthesia in the room"),
    "nurse": _("circulating nurse in the room"),
    "coordinator": _("coordinator in the room"),
    "learner": _("learner in the room"),
}
STATES: Mapping[str, object] = {
    "ok": _("Within limit"),
    "warn": _("Near the limit"),
    "breach": _("Past the limit"),
    "met": _("Done in time"),
    "late": _("Done late"),
    "ring": _("Ringing"),
}
URGENCY: Mapping[str, object] = {
    "U0": _("Arrest or massive bleeding"),
    "U1": _("Emergency"),
    "U2": _("Expedited"),
    "U3": _("Ordinary"),
    "U4": _("Planned"),
}
LINES: Mapping[str, object] = {
    "expert": _("first line"),
    "officer": _("duty officer"),
    "second": _("second line"),
    "director": _("director"),
}
ANSWERS: Mapping[str, object] = {
    "accepted": _("Accepted"),
    "declined": _("Declined"),
    "passed": _("Passed on"),
    "no_answer": _("No answer"),
    "withdrawn": _("Ended"),
    "": _("Ringing"),
}
REASONS: Mapping[str, object] = {
    "operating": _("operating"),
    "not_my_specialty": _("not my specialty"),
    "cannot_within_30": _("cannot be online within 30 min"),
    "fatigue": _("too tired to be safe"),
    "other": _("another reason"),
}
GLASS_REASONS: Mapping[str, object] = {
    "emergency": _("emergency, no time to be invited"),
    "on_the_way": _("the patient is on the way to us"),
    "covering": _("covering for a colleague"),
    "other": _("another reason"),
}
VERDICTS: Mapping[str, object] = {
    "justified": _("justified"),
    "not_justified": _("not justified"),
}
BARS: Mapping[str, object] = {
    "own_case": _("raised this case"),
    "operating": _("operating"),
    "abroad": _("abroad"),
    "resting": _("resting after a night"),
    "agreement_expired": _("the agreement has expired"),
    "agreement_mode": _("the agreement does not allow this"),
    "privilege": _("no valid privilege for the technique"),
    "practice": _("fewer than 3 years of practice"),
    "licence": _("the hospital is not licensed for the specialty"),
}
INDICATIONS: Mapping[str, object] = {
    "confirmed": _("Indicated"),
    "not_indicated": _("Not indicated now, observe"),
    "undetermined": _("Cannot be judged yet"),
}
OPTIONS: Mapping[str, object] = {
    "LOCAL": _("Operate here"),
    "LIVE": _("Operate here under live guidance"),
    "DISPATCH": _("Bring an expert team"),
    "TRANSFER": _("Move the patient"),
    "RENDEZVOUS": _("Meet half way"),
    "STAGED": _("Temporise first"),
    "OBSERVE": _("No intervention now, observe"),
}
OUTCOMES: Mapping[str, object] = {
    "better": _("Better"),
    "same": _("Unchanged"),
    "worse": _("Worse"),
    "transferred": _("Transferred"),
    "discharged": _("Discharged"),
    "died": _("Died"),
    "lost": _("Lost to follow-up"),
}
CHANNELS: Mapping[str, object] = {
    "video": _("video"),
    "telephone": _("telephone"),
    "on_site": _("at the bedside"),
}
TRIED: Mapping[str, object] = {
    "in_app": _("in the app"),
    "gateway": _("voice or SMS"),
    "apprise": _("WeCom or DingTalk"),
    "email": _("e-mail"),
}
PAUSES: Mapping[str, object] = {
    "patient_refused": _("The patient refuses"),
    "patient_unstable_procedure_first": _("Unstable: another procedure comes first"),
    "family_decision": _("The family is deciding"),
}


ISBAR: Mapping[str, object] = {
    "situation": _("Current state"),
    "onset_text": _("Onset"),
    "airway": _("Airway and breathing"),
    "gestation_and_weight": _("Gestation and weight"),
    "diagnoses": _("Diagnoses"),
    "history": _("History"),
    "allergies": _("Allergies"),
    "pregnancy": _("Pregnancy"),
    "medicines": _("Medicines"),
    "results": _("Results"),
    "infection": _("Infection"),
    "language": _("Language"),
    "guardian": _("Guardian"),
    "resuscitation": _("Resuscitation"),
    "assessment": _("Assessment"),
    "differential": _("Differential"),
    "danger_signs": _("Danger signs"),
    "worry": _("What worries you"),
    "done": _("Done so far"),
    "risks": _("Risks"),
    "ask": _("Question"),
    "by_when": _("By when"),
    "watch": _("Watch until then"),
}
SEXES: Mapping[str, object] = {"male": _("male"), "female": _("female"), "unknown": ""}
NUMBERS: Mapping[str, object] = {
    "national_id": _("Identity card"),
    "hospital_number": _("Hospital number"),
    "insurance": _("Insurance number"),
}
FILES: Mapping[str, object] = {"photo": _("Photo"), "pdf": _("PDF"), "dicom": _("DICOM image")}
CONSENTS: Mapping[str, object] = {
    "remote_consult": _("Consent to remote consult"),
    "operation": _("Consent to operation"),
}
CONSENT_ANSWERS: Mapping[str, object] = {"given": _("Given"), "refused": _("Refused")}
RELATIONS: Mapping[str, object] = {
    "self": _("the patient"),
    "parent": _("parent"),
    "spouse": _("spouse"),
    "child": _("child of the patient"),
    "guardian": _("guardian"),
    "agent": _("authorised agent"),
}
SETTINGS: Mapping[str, object] = {
    "inpatient": _("in-patient"),
    "outpatient": _("out-patient"),
}
VITAL_NAMES: Mapping[str, object] = {code: _(row.label) for code, row in VITALS.items()}


def word(table: Mapping[str, object], code: object) -> str:
    """The word for a code in the reader's language; an unknown code is shown as it is."""
    return str(table.get(str(code), code if code is not None else ""))


PICTURES: Mapping[str, object] = {  # of rules.recordings.SOURCES
    "field": _("Operating field"),
    "endoscope": _("Endoscope"),
    "monitor": _("Monitor"),
    "overview": _("Overview of the room"),
    "face": _("Person"),
    "screen": _("Screen"),
    "voice": _("Voices"),
}
