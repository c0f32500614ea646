-- The gates of an operation are seen with its case. See row_security.sql.
ALTER TABLE chart_checklist ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS of_my_cases ON chart_checklist;
DROP POLICY IF EXISTS runner ON chart_checklist;
CREATE POLICY of_my_cases ON chart_checklist TO jieli_web USING (jieli_sees(case_key));
CREATE POLICY runner ON chart_checklist TO jieli_runner USING (true);
REVOKE DELETE, TRUNCATE ON chart_checklist FROM jieli_web, jieli_runner;
