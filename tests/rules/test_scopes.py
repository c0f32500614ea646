import pytest

from jieli.rules.scopes import SCOPES, allows, unknown


@pytest.mark.parametrize(
    ("held", "needed", "may"),
    [
        (["fhir.read"], "fhir.read", True),
        (["fhir.read"], "fhir.write", False),
        (["fhir.write"], "fhir.read", False),  # nothing contains another
        (["fhir.read"], "", True),
        ([], "fhir.read", False),
    ],
)
def test_a_scope_opens_its_own_door_only(held, needed, may):
    assert allows(held, needed) is may


def test_unknown_words_are_named():
    assert unknown([SCOPES[0], "everything"]) == {"everything"}
