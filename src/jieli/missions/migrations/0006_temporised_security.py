"""What was done at once is seen with its case, and goes with it. See temporised.sql."""

from pathlib import Path

from django.db import migrations

POLICIES = Path(__file__).with_name("temporised.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("missions", "0005_slots_and_the_set_done_at_once")]
    operations = [migrations.RunSQL(POLICIES, migrations.RunSQL.noop)]
