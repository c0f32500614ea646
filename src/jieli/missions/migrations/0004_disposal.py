"""What missions say about a case goes when the case is disposed of. See disposal.sql."""

from pathlib import Path

from django.db import migrations

TRIGGER = Path(__file__).with_name("disposal.sql").read_text(encoding="utf-8")
BACK = "DROP TRIGGER IF EXISTS missions_disposed ON cases_case"


class Migration(migrations.Migration):
    dependencies = [("missions", "0003_one_journey_of_a_patient")]
    operations = [migrations.RunSQL(TRIGGER, BACK)]
