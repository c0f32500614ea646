"""Things that a treatment needs and a site has or lacks: code, Chinese, English."""

from collections.abc import Mapping

KINDS: Mapping[str, tuple[str, str]] = {
    "theatre": ("手术间", "Operating theatre"),
    "icu_bed": ("重症床位", "Intensive care bed"),
    "nicu_bed": ("新生儿重症床位", "Neonatal intensive care bed"),
    "ventilator": ("呼吸机", "Ventilator"),
    "incubator": ("暖箱", "Incubator"),
    "blood": ("备血", "Blood"),
    "hp_unit": ("血液灌流机", "Haemoperfusion machine"),
    "hp_cartridge": ("灌流器", "Haemoperfusion cartridge"),
    "crrt": ("连续肾脏替代机", "CRRT machine"),
    "ecmo": ("体外膜肺", "ECMO"),
    "dsa": ("血管造影机", "Angiography suite"),
    "laparoscope": ("腹腔镜", "Laparoscope"),
}
FRESH_HOURS = 12  # a confirmation older than this is shown as old; proposal [P]
