-- What was done at once is seen with its case, and goes with it. See row_security.sql, disposal.sql.
ALTER TABLE missions_temporised ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS of_my_cases ON missions_temporised;
DROP POLICY IF EXISTS runner ON missions_temporised;
CREATE POLICY of_my_cases ON missions_temporised TO jieli_web USING (jieli_sees_case(case_id));
CREATE POLICY runner ON missions_temporised TO jieli_runner USING (true);
REVOKE DELETE, TRUNCATE ON missions_temporised FROM jieli_web, jieli_runner;

CREATE OR REPLACE FUNCTION jieli_dispose_temporised() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
BEGIN
    DELETE FROM public.missions_temporised WHERE case_id = NEW.id;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION jieli_dispose_temporised() FROM PUBLIC;

DROP TRIGGER IF EXISTS temporised_disposed ON cases_case;
CREATE TRIGGER temporised_disposed AFTER UPDATE OF disposed_at ON cases_case
    FOR EACH ROW WHEN (OLD.disposed_at IS NULL AND NEW.disposed_at IS NOT NULL)
    EXECUTE FUNCTION jieli_dispose_temporised();
