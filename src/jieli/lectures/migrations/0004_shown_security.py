"""Which case a lecture shows is seen with the case. See shown.sql."""

from pathlib import Path

from django.db import migrations

RULES = Path(__file__).with_name("shown.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("lectures", "0003_shown"), ("cases", "0018_rooms")]
    operations = [migrations.RunSQL(RULES, migrations.RunSQL.noop)]
