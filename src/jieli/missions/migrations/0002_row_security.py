"""Sheets, missions and procedures are seen with their case. See row_security.sql."""

from pathlib import Path

from django.db import migrations

POLICIES = Path(__file__).with_name("row_security.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("missions", "0001_initial"),
        ("cases", "0015_definitive_care"),
        ("chart", "0005_procedure"),
    ]
    operations = [migrations.RunSQL(POLICIES, migrations.RunSQL.noop)]
