"""An upload under way is its sender's alone, and only while they see the case."""

from django.db import migrations

POLICIES = """
ALTER TABLE chart_incoming ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS mine_in_my_cases ON chart_incoming;
DROP POLICY IF EXISTS runner ON chart_incoming;
CREATE POLICY mine_in_my_cases ON chart_incoming TO jieli_web USING (
    by_id = jieli_person() AND jieli_sees(case_key)
);
CREATE POLICY runner ON chart_incoming TO jieli_runner USING (true);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0008_row_security"),
        ("chart", "0002_in_pieces"),
    ]
    operations = [migrations.RunSQL(POLICIES, migrations.RunSQL.noop)]
