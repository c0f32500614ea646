"""Who may hold, propose and copy; and the door of a disposal. See disposal.sql."""

from pathlib import Path

from django.db import migrations

DOOR = Path(__file__).with_name("disposal.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0011_addenda_and_disposal"),
        ("chart", "0003_entered_in_error"),
        ("notify", "0003_without_a_case"),
        ("record", "0006_emptied_events"),
    ]
    operations = [migrations.RunSQL(DOOR, migrations.RunSQL.noop)]
