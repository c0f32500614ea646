"""The one change that an event may see: its content goes in a disposal, its hash stays."""

from django.db import migrations

OPEN = """
CREATE OR REPLACE FUNCTION record_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('jieli.disposing', true) = OLD.chain_id::text
       AND NEW.data = '{}'::jsonb AND NEW.source = 'disposed'
       AND to_jsonb(NEW) - 'data' - 'source' = to_jsonb(OLD) - 'data' - 'source' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'record_event is append-only: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""
SHUT = """
CREATE OR REPLACE FUNCTION record_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'record_event is append-only: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("record", "0005_daily_root")]
    operations = [migrations.RunSQL(OPEN, SHUT)]
