"""Which keys were used, and whether numbers are sealed here yet (see keys.phase).

A database that an older version has filled goes on in plain text until `jieli seal`: older
processes, which cannot read sealed numbers, may still run beside it.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

SAY = """
CREATE FUNCTION jieli_numbers_are_sealed() RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT {}'
"""


def say(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('directory_practitioner') IS NOT NULL")
        filled = cursor.fetchone()[0]
        if filled:
            cursor.execute("SELECT EXISTS (SELECT FROM directory_practitioner)")
            filled = cursor.fetchone()[0]
        cursor.execute(SAY.format("false" if filled else "true"))


def unsay(apps, schema_editor):
    schema_editor.execute("DROP FUNCTION jieli_numbers_are_sealed()")


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="NumberKey",
            fields=[
                ("key_id", models.CharField(max_length=8, primary_key=True, serialize=False)),
                (
                    "since",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.RunPython(say, unsay),
    ]
