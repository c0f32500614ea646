"""Roots are made by runners and changed by nobody; a leaf names a case, so it is seen with it."""

from django.db import migrations

POLICIES = """
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON record_root, record_leaf FROM jieli_web;
REVOKE UPDATE, DELETE, TRUNCATE ON record_root, record_leaf FROM jieli_runner;
ALTER TABLE record_root ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS anybody ON record_root;
DROP POLICY IF EXISTS runner ON record_root;
CREATE POLICY anybody ON record_root FOR SELECT TO jieli_web USING (jieli_person() IS NOT NULL);
CREATE POLICY runner ON record_root TO jieli_runner USING (true);
ALTER TABLE record_leaf ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS of_my_cases ON record_leaf;
DROP POLICY IF EXISTS runner ON record_leaf;
CREATE POLICY of_my_cases ON record_leaf FOR SELECT TO jieli_web USING (jieli_sees(subject));
CREATE POLICY runner ON record_leaf TO jieli_runner USING (true);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0009_incoming_security"),
        ("record", "0005_daily_root"),
    ]
    operations = [migrations.RunSQL(POLICIES, migrations.RunSQL.noop)]
