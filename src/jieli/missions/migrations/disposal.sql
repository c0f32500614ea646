-- When a case is disposed of, what missions and the sheet say about it goes with it. `cases` does
-- not know these tables, so they listen to the row of the case. See cases/migrations/disposal.sql.

CREATE OR REPLACE FUNCTION jieli_dispose_missions() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    mine bigint[] := ARRAY(SELECT m.id FROM public.missions_mission m WHERE m.case_id = NEW.id);
    sheets bigint[] := ARRAY(SELECT s.id FROM public.missions_sheet s WHERE s.case_id = NEW.id);
BEGIN
    DELETE FROM public.missions_choice WHERE sheet_id = ANY (sheets);
    DELETE FROM public.missions_assent a
     WHERE NOT EXISTS (SELECT FROM public.cases_decision d WHERE d.id = a.decision_id);
    DELETE FROM public.missions_correction WHERE case_id = NEW.id;
    DELETE FROM public.missions_temporised WHERE case_id = NEW.id;  -- there since 0005
    DELETE FROM public.missions_sheet WHERE case_id = NEW.id;
    DELETE FROM public.missions_member WHERE mission_id = ANY (mine);
    DELETE FROM public.missions_leg WHERE mission_id = ANY (mine);
    DELETE FROM public.missions_paper WHERE mission_id = ANY (mine);
    DELETE FROM public.missions_kititem WHERE mission_id = ANY (mine);
    DELETE FROM public.missions_cover WHERE mission_id = ANY (mine);
    DELETE FROM public.missions_emergencyprivilege WHERE mission_id = ANY (mine);
    DELETE FROM public.missions_entry WHERE mission_id = ANY (mine);
    DELETE FROM public.missions_mission WHERE id = ANY (mine);
    DELETE FROM public.chart_procedure_techniques t USING public.chart_procedure p
     WHERE p.id = t.procedure_id AND p.case_key = NEW.key;
    DELETE FROM public.chart_checklist WHERE case_key = NEW.key;  -- there since chart 0006
    DELETE FROM public.chart_procedure WHERE case_key = NEW.key;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION jieli_dispose_missions() FROM PUBLIC;

DROP TRIGGER IF EXISTS missions_disposed ON cases_case;
CREATE TRIGGER missions_disposed AFTER UPDATE OF disposed_at ON cases_case
    FOR EACH ROW WHEN (OLD.disposed_at IS NULL AND NEW.disposed_at IS NOT NULL)
    EXECUTE FUNCTION jieli_dispose_missions();
