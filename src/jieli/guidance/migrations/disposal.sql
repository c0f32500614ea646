-- When a case is disposed of, what guidance says about it goes with it. `cases` does not know these
-- tables, so they listen to the row of the case. See cases/migrations/disposal.sql.

CREATE OR REPLACE FUNCTION jieli_dispose_guidance() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    mine bigint[] := ARRAY(
        SELECT s.id FROM public.guidance_guidancesession s WHERE s.case_id = NEW.id);
BEGIN
    DELETE FROM public.guidance_precheck WHERE session_id = ANY (mine);
    DELETE FROM public.guidance_mdtpaper WHERE session_id = ANY (mine);
    DELETE FROM public.guidance_lifeexception WHERE session_id = ANY (mine);
    DELETE FROM public.guidance_guidestay WHERE session_id = ANY (mine);
    DELETE FROM public.guidance_linkgap WHERE session_id = ANY (mine);
    DELETE FROM public.guidance_guidanceentry WHERE session_id = ANY (mine);
    DELETE FROM public.guidance_guidancesession_techniques WHERE guidancesession_id = ANY (mine);
    DELETE FROM public.guidance_guidancesession WHERE id = ANY (mine);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION jieli_dispose_guidance() FROM PUBLIC;

DROP TRIGGER IF EXISTS guidance_disposed ON cases_case;
CREATE TRIGGER guidance_disposed AFTER UPDATE OF disposed_at ON cases_case
    FOR EACH ROW WHEN (OLD.disposed_at IS NULL AND NEW.disposed_at IS NOT NULL)
    EXECUTE FUNCTION jieli_dispose_guidance();
