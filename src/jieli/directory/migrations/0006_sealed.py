"""Room for sealed text. From varchar to text PostgreSQL rewrites nothing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("directory", "0005_account_events_append_only"), ("keys", "0001_initial")]
    operations = [
        migrations.AlterField("channel", "address", models.TextField(blank=True, max_length=400)),
        migrations.AlterField(
            "practitioner", "telephone", models.TextField(blank=True, max_length=40)
        ),
    ]
