"""Rooms are seen with their case and go with it. See rooms.sql."""

from pathlib import Path

from django.db import migrations

RULES = Path(__file__).with_name("rooms.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("cases", "0017_temporise"), ("rooms", "0001_initial")]
    operations = [migrations.RunSQL(RULES, migrations.RunSQL.noop)]
