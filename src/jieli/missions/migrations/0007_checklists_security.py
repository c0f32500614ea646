"""The gates of an operation are seen with its case, and go with it. See the two files."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__).parent
POLICIES = (HERE / "checklists.sql").read_text(encoding="utf-8")
TRIGGER = (HERE / "disposal.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("missions", "0006_temporised_security"), ("chart", "0006_checklist")]
    operations = [
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
        migrations.RunSQL(TRIGGER, migrations.RunSQL.noop),
    ]
