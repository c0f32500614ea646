"""Running numbers of cases: a sequence never waits for another transaction."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE cases_case_number", "DROP SEQUENCE cases_case_number"
        )
    ]
