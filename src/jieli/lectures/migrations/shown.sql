-- Which case a lecture shows is seen with the case; its audience learns nothing of it.
ALTER TABLE lectures_shown ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS of_my_cases ON lectures_shown;
DROP POLICY IF EXISTS runner ON lectures_shown;
CREATE POLICY of_my_cases ON lectures_shown TO jieli_web USING (jieli_sees(case_key));
CREATE POLICY runner ON lectures_shown TO jieli_runner USING (true);
REVOKE DELETE, TRUNCATE ON lectures_shown FROM jieli_web, jieli_runner;

CREATE OR REPLACE FUNCTION jieli_dispose_shown() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
BEGIN
    DELETE FROM public.lectures_shown WHERE case_key = NEW.key;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION jieli_dispose_shown() FROM PUBLIC;

DROP TRIGGER IF EXISTS shown_disposed ON cases_case;
CREATE TRIGGER shown_disposed AFTER UPDATE OF disposed_at ON cases_case
    FOR EACH ROW WHEN (OLD.disposed_at IS NULL AND NEW.disposed_at IS NOT NULL)
    EXECUTE FUNCTION jieli_dispose_shown();
