"""How long the stretches of a way take: priors, and what the product's own history makes of them.

Minutes. A stretch is a lognormal with a median and a sigma (of the logarithm); sigma 0 is exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt

PRIOR_WEIGHT = 10  # stretches that went: how much the prior counts against them
SIGMA_LIMITS = (0.02, 1.5)  # what a history may make of a sigma
SOURCE = "planner.md section 1, proposal [P]"


@dataclass(frozen=True, slots=True)
class Prior:
    """Minutes and sigma of a kind of stretch. `on_path`: counts in the deterministic path."""

    median: float
    sigma: float
    on_path: bool = True
    learns: bool = True
    source: str = SOURCE


KINDS: Mapping[str, Prior] = {
    "call_out": Prior(10, 0.0, learns=False),  # the decision is taken, people are told
    "preparation": Prior(60, 0.25),  # of the operator: home, instruments, hand-over of the list
    "preparation_anaesthetist": Prior(75, 0.25),
    "preparation_local": Prior(30, 0.30),  # a team that is in the house or on call for it
    "preparation_patient": Prior(90, 0.30),  # before an aircraft takes a patient
    "preparation_vehicle": Prior(30, 0.30),
    "link": Prior(15, 0.30),  # camera, sound and a first look
    "road": Prior(60, 0.20),
    "wait": Prior(0, 0.0, learns=False),
    "wait_list": Prior(0, 0.0, learns=False),  # for a free place on an operating list
    "flight": Prior(180, 0.0, learns=False),  # the block is the timetable's
    "train": Prior(180, 0.0, learns=False),
    "ferry": Prior(180, 0.0, learns=False),
    "air": Prior(110, 0.10),  # an aircraft of its own, by its speed
    "delay": Prior(20, 0.5, on_path=False),
    "delay_train": Prior(5, 0.5, on_path=False),
    "delay_ferry": Prior(15, 0.5, on_path=False),
    "handover": Prior(15, 0.30),
    "to_incision": Prior(80, 0.25),  # a team that comes to a house it does not know
    "to_incision_received": Prior(60, 0.30),  # where the patient is expected
}
DELAYS: Mapping[str, str] = {"flight": "delay", "train": "delay_train", "ferry": "delay_ferry"}
PREPARATIONS: Mapping[str, str] = {
    "operator": "preparation",
    "anaesthetist": "preparation_anaesthetist",
}


@dataclass(frozen=True, slots=True)
class Samples:
    """How often a stretch went, with mean and variance of the logarithm of its minutes."""

    times: int = 0
    mean_log: float = 0.0
    variance_log: float = 0.0


@dataclass(frozen=True, slots=True)
class Time:
    """Median in minutes, sigma, and from how many stretches besides the prior."""

    median: float
    sigma: float
    times: int = 0


def learned(prior: Time, samples: Samples | None) -> Time:
    """Prior and history pooled on the logarithms; with no history the prior itself."""
    if samples is None or samples.times <= 0 or prior.median <= 0:
        return prior
    centre, many = log(prior.median), samples.times
    whole = PRIOR_WEIGHT + many
    mean = (PRIOR_WEIGHT * centre + many * samples.mean_log) / whole
    within = (PRIOR_WEIGHT * prior.sigma**2 + many * samples.variance_log) / whole
    between = PRIOR_WEIGHT * many * (samples.mean_log - centre) ** 2 / whole**2
    low, high = SIGMA_LIMITS
    return Time(exp(mean), min(max(sqrt(within + between), low), high), many)


def prior(kind: str) -> Time:
    """Raises KeyError for a kind that is not in the table."""
    known = KINDS[kind]
    return Time(known.median, known.sigma)
