"""Guidance is seen with its case, and goes with it. See the two files."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__).parent
POLICIES = (HERE / "row_security.sql").read_text(encoding="utf-8")
TRIGGER = (HERE / "disposal.sql").read_text(encoding="utf-8")
BACK = "DROP TRIGGER IF EXISTS guidance_disposed ON cases_case"


class Migration(migrations.Migration):
    dependencies = [("guidance", "0001_initial"), ("cases", "0017_temporise")]
    operations = [
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
        migrations.RunSQL(TRIGGER, BACK),
    ]
