"""Rooms of lectures are seen by the staff of their alliance. See lectures.sql."""

from pathlib import Path

from django.db import migrations

RULES = Path(__file__).with_name("lectures.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("lectures", "0001_initial"), ("cases", "0018_rooms")]
    operations = [migrations.RunSQL(RULES, migrations.RunSQL.noop)]
