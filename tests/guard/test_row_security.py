"""Every table that bears a patient stands behind row-level security, for both roles."""

import pytest
from django.apps import apps
from django.db import connection

# Tables of these packages that bear no patient, and why.
WITHOUT = {
    "live_note": "says where something changed, not what",
    **dict.fromkeys(
        ("missions_hub", "missions_departure", "missions_road"), "a timetable names no patient"
    ),
    **dict.fromkeys(
        ("missions_vehicle", "missions_resource", "missions_slot", "missions_linktest"),
        "what a hospital has, whoever needs it",
    ),
    "lectures_lecture": "what is told about a lecture names no patient",
    "record_root": "a hash of a day; its leaves name cases and are seen with them",
}
PACKAGES = (
    "cases", "chart", "guidance", "lectures", "missions", "notify", "record", "live", "rooms",
)  # fmt: skip


def bearing() -> list[str]:
    tables = [m._meta.db_table for name in PACKAGES for m in apps.get_app_config(name).get_models()]
    return [table for table in [*tables, "directory_grant"] if table not in WITHOUT]


@pytest.mark.django_db
@pytest.mark.parametrize("table", bearing())
def test_a_table_that_bears_a_patient_has_policies_for_both_roles(table):
    with connection.cursor() as cursor:
        cursor.execute("SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", [table])
        assert cursor.fetchone() == (True,)
        cursor.execute(
            "SELECT DISTINCT unnest(roles)::text FROM pg_policies WHERE tablename = %s", [table]
        )
        assert {role for (role,) in cursor.fetchall()} == {"jieli_web", "jieli_runner"}


def test_the_list_of_exceptions_names_real_tables():
    known = {model._meta.db_table for model in apps.get_models()}
    assert set(WITHOUT) <= known
