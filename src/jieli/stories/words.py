"""The words a story may use for specialties, roles and people that it does not name itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

# code: (Chinese, English). British spelling is the code; `specialty` accepts the others.
SPECIALTIES: dict[str, tuple[str, str]] = {
    "paediatric-surgery": ("儿普外", "Paediatric surgery"),
    "neonatology": ("新生儿科", "Neonatology"),
    "neonatal-anaesthesia": ("新生儿麻醉", "Neonatal anaesthesia"),
    "anaesthesia": ("麻醉科", "Anaesthesia"),
    "paediatrics": ("儿科", "Paediatrics"),
    "paediatric-intensive-care": ("儿童重症", "Paediatric intensive care"),
    "obstetrics": ("产科", "Obstetrics"),
    "gynaecology": ("妇科", "Gynaecology"),
    "reproductive-medicine": ("生殖医学", "Reproductive medicine"),
    "cardiology": ("心内科", "Cardiology"),
    "interventional-cardiology": ("心内介入", "Interventional cardiology"),
    "cardiac-surgery": ("心外科", "Cardiac surgery"),
    "neurology": ("神经内科", "Neurology"),
    "interventional-neurology": ("神经介入", "Interventional neurology"),
    "neurosurgery": ("神经外科", "Neurosurgery"),
    "emergency-medicine": ("急诊科", "Emergency medicine"),
    "prehospital-care": ("院前急救", "Pre-hospital care"),
    "toxicology": ("毒物组", "Toxicology"),
    "orthopaedics": ("骨科", "Orthopaedics"),
    "spine-surgery": ("脊柱外科", "Spine surgery"),
    "bone-tumour-surgery": ("骨肿瘤科", "Bone tumour surgery"),
    "osteoporosis": ("骨质疏松科", "Osteoporosis"),
    "general-surgery": ("普外科", "General surgery"),
    "hepatobiliary-surgery": ("肝胆外科", "Hepatobiliary surgery"),
    "colorectal-surgery": ("肛肠科", "Colorectal surgery"),
    "thoracic-surgery": ("胸外科", "Thoracic surgery"),
    "vascular-surgery": ("血管外科", "Vascular surgery"),
    "hand-surgery": ("手外科", "Hand surgery"),
    "urology": ("泌尿外科", "Urology"),
    "plastic-surgery": ("整形外科", "Plastic surgery"),
    "burn-surgery": ("烧伤科", "Burn surgery"),
    "transplant-surgery": ("移植科", "Transplant surgery"),
    "breast-surgery": ("乳腺外科", "Breast surgery"),
    "trauma-surgery": ("创伤外科", "Trauma surgery"),
    "maxillofacial-surgery": ("口腔颌面外科", "Maxillofacial surgery"),
    "dentistry": ("口腔科", "Dentistry"),
    "ent": ("耳鼻喉科", "Ear, nose and throat"),
    "ophthalmology": ("眼科", "Ophthalmology"),
    "dermatology": ("皮肤科", "Dermatology"),
    "intensive-care": ("重症医学科", "Intensive care"),
    "respiratory-medicine": ("呼吸科", "Respiratory medicine"),
    "gastroenterology": ("消化科", "Gastroenterology"),
    "nephrology": ("肾内科", "Nephrology"),
    "haematology": ("血液科", "Haematology"),
    "endocrinology": ("内分泌科", "Endocrinology"),
    "rheumatology": ("风湿科", "Rheumatology"),
    "infectious-diseases": ("感染科", "Infectious diseases"),
    "oncology": ("肿瘤科", "Oncology"),
    "radiotherapy": ("放疗科", "Radiotherapy"),
    "geriatrics": ("老年科", "Geriatrics"),
    "psychiatry": ("精神科", "Psychiatry"),
    "rehabilitation": ("康复科", "Rehabilitation"),
    "pain-medicine": ("疼痛科", "Pain medicine"),
    "internal-medicine": ("内科", "Internal medicine"),
    "general-practice": ("全科", "General practice"),
    "chinese-medicine": ("中医科", "Chinese medicine"),
    "radiology": ("放射科", "Radiology"),
    "interventional-radiology": ("介入科", "Interventional radiology"),
    "ultrasound": ("超声科", "Ultrasound"),
    "nuclear-medicine": ("核医学科", "Nuclear medicine"),
    "pathology": ("病理科", "Pathology"),
    "laboratory-medicine": ("检验科", "Laboratory medicine"),
    "pharmacy": ("药学部", "Pharmacy"),
    "operating-theatre": ("手术室", "Operating theatre"),
    "medical-genetics": ("医学遗传科", "Medical genetics"),
    "clinical-nutrition": ("营养科", "Clinical nutrition"),
    "blood-purification": ("血液净化", "Blood purification"),
}

# Other names for the same specialty, after spelling has been made British.
_SAME = {
    "paediatric-general-surgery": "paediatric-surgery",
    "neonatal-surgery": "paediatric-surgery",
    "newborn-medicine": "neonatology",
    "anaesthesiology": "anaesthesia",
    "anaesthetics": "anaesthesia",
    "paediatric-anaesthesia": "neonatal-anaesthesia",
    "obstetrics-gynaecology": "obstetrics",
    "obstetrics-and-gynaecology": "obstetrics",
    "obgyn": "obstetrics",
    "maternity": "obstetrics",
    "emergency": "emergency-medicine",
    "ed": "emergency-medicine",
    "icu": "intensive-care",
    "critical-care": "intensive-care",
    "picu": "paediatric-intensive-care",
    "nicu": "neonatology",
    "poisoning": "toxicology",
    "orthopaedic-surgery": "orthopaedics",
    "trauma": "trauma-surgery",
    "surgery": "general-surgery",
    "medicine": "internal-medicine",
    "burns": "burn-surgery",
    "stroke": "neurology",
    "neurointervention": "interventional-neurology",
    "interventional-neuroradiology": "interventional-neurology",
    "pulmonology": "respiratory-medicine",
    "otolaryngology": "ent",
    "otorhinolaryngology": "ent",
    "cardiothoracic-surgery": "cardiac-surgery",
    "proctology": "colorectal-surgery",
    "imaging": "radiology",
    "rehabilitation-medicine": "rehabilitation",
    "infectious-disease": "infectious-diseases",
    "radiation-oncology": "radiotherapy",
    "laboratory": "laboratory-medicine",
    "genetics": "medical-genetics",
    "nutrition": "clinical-nutrition",
    "dialysis": "blood-purification",
    "haemodialysis": "blood-purification",
    "family-medicine": "general-practice",
    "oral-surgery": "maxillofacial-surgery",
    "stomatology": "dentistry",
    "bone-tumour": "bone-tumour-surgery",
    "spine": "spine-surgery",
    "operating-room": "operating-theatre",
    "tcm": "chinese-medicine",
    "traditional-chinese-medicine": "chinese-medicine",
}

_BRITISH = (
    (r"pediatr", "paediatr"),
    (r"anesthe", "anaesthe"),
    (r"gynec", "gynaec"),
    (r"orthoped", "orthopaed"),
    (r"hemato", "haemato"),
    (r"hemodia", "haemodia"),
    (r"tumor", "tumour"),
    (r"theater", "theatre"),
)

# What a specialist is called, where it is not made of the specialty's own name.
_NOUNS = {
    "neonatologist": "neonatology",
    "paediatrician": "paediatrics",
    "anaesthetist": "anaesthesia",
    "anaesthesiologist": "anaesthesia",
    "neonatal-anaesthetist": "neonatal-anaesthesia",
    "neonatal-anaesthesiologist": "neonatal-anaesthesia",
    "paediatric-anaesthetist": "neonatal-anaesthesia",
    "paediatric-anaesthesiologist": "neonatal-anaesthesia",
    "obstetrician": "obstetrics",
    "gynaecologist": "gynaecology",
    "obstetrician-gynaecologist": "obstetrics",
    "midwife": "obstetrics",
    "cardiologist": "cardiology",
    "interventional-cardiologist": "interventional-cardiology",
    "electrophysiologist": "interventional-cardiology",
    "neurologist": "neurology",
    "stroke-neurologist": "neurology",
    "interventional-neurologist": "interventional-neurology",
    "neurointerventionist": "interventional-neurology",
    "toxicologist": "toxicology",
    "orthopaedist": "orthopaedics",
    "urologist": "urology",
    "intensivist": "intensive-care",
    "paediatric-intensivist": "paediatric-intensive-care",
    "radiologist": "radiology",
    "interventional-radiologist": "interventional-radiology",
    "sonographer": "ultrasound",
    "pathologist": "pathology",
    "oncologist": "oncology",
    "radiotherapist": "radiotherapy",
    "ophthalmologist": "ophthalmology",
    "otolaryngologist": "ent",
    "dermatologist": "dermatology",
    "dentist": "dentistry",
    "pulmonologist": "respiratory-medicine",
    "respirologist": "respiratory-medicine",
    "gastroenterologist": "gastroenterology",
    "nephrologist": "nephrology",
    "haematologist": "haematology",
    "endocrinologist": "endocrinology",
    "rheumatologist": "rheumatology",
    "geriatrician": "geriatrics",
    "psychiatrist": "psychiatry",
    "rehabilitation-physician": "rehabilitation",
    "proctologist": "colorectal-surgery",
    "internist": "internal-medicine",
    "general-practitioner": "general-practice",
    "gp": "general-practice",
    "village-doctor": "general-practice",
    "pharmacist": "pharmacy",
    "geneticist": "medical-genetics",
    "dietitian": "clinical-nutrition",
    "perfusionist": "cardiac-surgery",
    "paramedic": "prehospital-care",
    "neurosurgeon": "neurosurgery",
    "interventional-neuroradiologist": "interventional-neurology",
    "neuroradiologist": "radiology",
    "hepatologist": "gastroenterology",
    "surgeon": "general-surgery",
}

# Roles that are an office and not a specialty: kind of directory.Role.
_OFFICES = {
    "duty-officer": "duty_officer",
    "medical-affairs-duty-officer": "duty_officer",
    "duty": "duty_officer",
    "coordinator": "coordinator",
    "medical-affairs": "coordinator",
    "director": "director",
    "deputy-director": "director",
    "president": "director",
    "chief": "director",
    "quality-officer": "quality_officer",
    "qc-officer": "quality_officer",
    "programme-manager": "programme_manager",
    "program-manager": "programme_manager",
    "admin": "admin",
    "administrator": "admin",
    "it": "admin",
    "nurse": "nurse",
    "head-nurse": "nurse",
    "stoma-nurse": "nurse",
    "scrub-nurse": "nurse",
    "triage-nurse": "nurse",
    "resident": "doctor",
    "doctor": "doctor",
    "physician": "doctor",
    "county-doctor": "doctor",
    "attending": "doctor",
    "intern": "doctor",
    "ethics": "admin",
    "outsider": "doctor",
    "parent": "family",
    "mother": "family",
    "father": "family",
    "guardian": "family",
    "family": "family",
    "patient": "family",
    "interpreter": "admin",
}
_JUNIOR_WORDS = ("doctor", "resident", "attending")
_DOCTOR_WORDS = ("physician", "specialist", "expert", "consultant", *_JUNIOR_WORDS)


@dataclass(frozen=True)
class Role:
    """What a role word means: an office, or a doctor or nurse of a specialty."""

    kind: str  # directory.Role.Kind; "expert" for every specialist; "family" works nowhere
    specialty: str | None = None
    outside: bool = False  # belongs to a hospital that has nothing to do with the case


def british(word: str) -> str:
    """Lower case, hyphens, British spelling: the form of all tables above."""
    text = re.sub(r"[\s_]+", "-", word.strip().lower())
    for american, spelling in _BRITISH:
        text = re.sub(rf"(?<![a-z]){american}", spelling, text)
    return text


def specialty(word: str) -> str | None:
    """The code of a specialty, from its code, an American spelling, or its Chinese name."""
    text = british(word)
    for code, (chinese, english) in SPECIALTIES.items():
        names = {code, chinese, chinese.removesuffix("科"), british(english)}
        if text in names or text.removesuffix("科") in names:
            return code
    return _SAME.get(text)


def role(word: str) -> Role | None:
    """What a role word means, or None when nobody knows it."""
    text = british(word)
    if text in _OFFICES:
        return Role(_OFFICES[text], outside=text == "outsider")
    if text in _NOUNS:
        return Role("nurse" if text == "midwife" else "expert", _NOUNS[text])
    return _role_of_parts(text)


def _role_of_parts(text: str) -> Role | None:
    """burn-surgeon, icu-nurse, paediatric-resident, consultant-urologist, 新生儿科医师."""
    stem, _, last = text.rpartition("-")
    if last == "surgeon" and (code := specialty(f"{stem}-surgery") or specialty(stem)):
        return Role("expert", code)
    if last == "nurse":
        return Role("nurse", specialty(stem))
    if last in _DOCTOR_WORDS and (code := specialty(stem) or specialty(f"{stem}s")):
        return Role("doctor" if last in _JUNIOR_WORDS else "expert", code)
    first, _, rest = text.partition("-")
    if rest and first in (*_DOCTOR_WORDS, "senior", "chief", "aid", "remote", "local", "visiting"):
        return role(rest)
    if code := specialty(re.sub(r"(主任|副主任|主治|住院)*(医师|医生|专家|主任)$", "", text)):
        return Role("expert", code)
    return None


# -- people that a story may use without naming them ---------------------------------------------


@dataclass(frozen=True)
class StandIn:
    """Somebody of the demo alliance who plays a part that the file does not cast."""

    role: str
    side: str  # asking | asked | outside
    name: str  # used when the alliance has nobody of this kind at that hospital


STAND_INS = {
    "DUTY": StandIn("duty-officer", "asked", "值班员"),
    "OUTSIDER": StandIn("outsider", "outside", "外院医师"),
    "RES": StandIn("neonatologist", "asking", "县医院医师"),
    "DOC": StandIn("doctor", "asking", "县医院医师"),
    "NURSE": StandIn("nurse", "asking", "护士"),
    "NICU": StandIn("neonatologist", "asking", "新生儿病房"),
    "OR": StandIn("operating-theatre-nurse", "asking", "手术室"),
    "ADMIN": StandIn("coordinator", "asking", "医务科"),
    "ETHICS": StandIn("ethics", "asking", "伦理秘书"),
    "GUARD": StandIn("guardian", "asking", "父母"),
    "COORD": StandIn("coordinator", "asked", "医务部"),
    "DIRECTOR": StandIn("director", "asked", "值班院长"),
    "SURG": StandIn("paediatric-surgeon", "asked", "儿外专家"),
    "ANES": StandIn("neonatal-anaesthetist", "asked", "麻醉专家"),
    "QC": StandIn("quality-officer", "asked", "质控员"),
}


def stand_in(code: str) -> StandIn | None:
    """DUTY, OUTSIDER2, NICU_B …: the part, whatever number the file hangs on it."""
    return STAND_INS.get(re.sub(r"[-_]?(\d+|[A-Z])$", "", code)) or STAND_INS.get(code)
