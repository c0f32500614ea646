"""Room for sealed text, and the mark under which a number is found. Nothing is rewritten."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("chart", "0003_entered_in_error"), ("keys", "0001_initial")]
    operations = [
        migrations.RemoveIndex("identifier", "identifier_value"),
        migrations.AddField("identifier", "mark", models.BinaryField(null=True)),
        migrations.AlterField("identifier", "value", models.TextField(max_length=60)),
        migrations.AddIndex(
            "identifier",
            models.Index(fields=["mark"], condition=~Q(mark=None), name="identifier_mark"),
        ),
        migrations.AddIndex(
            "identifier",
            models.Index(fields=["value"], condition=Q(mark=None), name="identifier_unmarked"),
        ),
    ]
