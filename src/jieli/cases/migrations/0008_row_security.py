"""The policies of row-level security, and the roles for which they hold. See row_security.sql."""

from pathlib import Path

from django.db import migrations

POLICIES = Path(__file__).with_name("row_security.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0007_break_glass"),
        ("chart", "0001_initial"),
        ("directory", "0003_glass"),
        ("notify", "0002_rounds_and_reports"),
        ("record", "0003_reading"),
    ]
    operations = [migrations.RunSQL(POLICIES, migrations.RunSQL.noop)]
