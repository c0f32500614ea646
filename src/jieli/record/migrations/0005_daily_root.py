"""Roots and their leaves; the database itself refuses to change or delete one."""

import django.db.models.deletion
from django.db import migrations, models

FORBID = """
CREATE FUNCTION record_root_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER record_root_append_only BEFORE UPDATE OR DELETE ON record_root
    FOR EACH ROW EXECUTE FUNCTION record_root_is_append_only();
CREATE TRIGGER record_leaf_append_only BEFORE UPDATE OR DELETE ON record_leaf
    FOR EACH ROW EXECUTE FUNCTION record_root_is_append_only();
"""
ALLOW = """
DROP TRIGGER record_leaf_append_only ON record_leaf;
DROP TRIGGER record_root_append_only ON record_root;
DROP FUNCTION record_root_is_append_only();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('record', '0004_event_age'),
    ]

    operations = [
        migrations.CreateModel(
            name='Root',
            fields=[
                ('number', models.PositiveIntegerField(primary_key=True, serialize=False)),
                ('day', models.DateField(unique=True)),
                ('made_at', models.DateTimeField()),
                ('days', models.PositiveIntegerField(default=1)),
                ('previous', models.CharField(blank=True, max_length=64, unique=True)),
                ('leaves_count', models.PositiveIntegerField()),
                ('leaves_hash', models.CharField(max_length=64)),
                ('hash', models.CharField(max_length=64)),
                ('signature', models.CharField(max_length=128)),
                ('key', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='Leaf',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.UUIDField()),
                ('name', models.CharField(blank=True, max_length=40)),
                ('length', models.PositiveIntegerField()),
                ('head', models.BinaryField()),
                ('marks', models.BinaryField()),
                ('chain', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='record.chain')),
                ('root', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='leaf_rows', to='record.root')),
            ],
            options={
                'indexes': [models.Index(fields=['root', 'chain'], name='leaf_of_root')],
                'constraints': [models.UniqueConstraint(fields=('chain', 'length'), name='leaf_once')],
            },
        ),
        migrations.RunSQL(FORBID, ALLOW),
    ]
