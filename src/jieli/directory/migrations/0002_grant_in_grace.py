"""Grants that end: without this a board reads every grant that its hospital ever had."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("directory", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(
                condition=models.Q(("until", None), _negated=True),
                fields=["organisation", "until"],
                name="grant_site_grace",
            ),
        ),
    ]
