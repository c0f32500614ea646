"""The database itself refuses to change or delete what happened to an account."""

from django.db import migrations

FORBID = """
CREATE FUNCTION directory_accountevent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'directory_accountevent is append-only: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER directory_accountevent_append_only BEFORE UPDATE OR DELETE ON directory_accountevent
    FOR EACH ROW EXECUTE FUNCTION directory_accountevent_is_append_only();
"""
ALLOW = """
DROP TRIGGER directory_accountevent_append_only ON directory_accountevent;
DROP FUNCTION directory_accountevent_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0004_accounts")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
