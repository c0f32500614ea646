"""Recordings are seen with their room and go with their case. See recordings.sql."""

from pathlib import Path

from django.db import migrations

RULES = Path(__file__).with_name("recordings.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("cases", "0018_rooms"), ("rooms", "0002_recordings")]
    operations = [migrations.RunSQL(RULES, migrations.RunSQL.noop)]
