-- What was done at once is seen with its case. See row_security.sql.
ALTER TABLE missions_temporised ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS of_my_cases ON missions_temporised;
DROP POLICY IF EXISTS runner ON missions_temporised;
CREATE POLICY of_my_cases ON missions_temporised TO jieli_web USING (jieli_sees_case(case_id));
CREATE POLICY runner ON missions_temporised TO jieli_runner USING (true);
REVOKE DELETE, TRUNCATE ON missions_temporised FROM jieli_web, jieli_runner;
