"""The board counts what was closed in the last day: without this it reads every case there is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_number")]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at", None), _negated=True),
                fields=["closed_at"],
                name="case_closed",
            ),
        ),
    ]
