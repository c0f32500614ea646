"""What was done at once is seen with its case, and goes with it. See the two files."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__).parent
POLICIES = (HERE / "temporised.sql").read_text(encoding="utf-8")
TRIGGER = (HERE / "disposal.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("missions", "0005_slots_and_the_set_done_at_once")]
    operations = [
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
        migrations.RunSQL(TRIGGER, migrations.RunSQL.noop),
    ]
