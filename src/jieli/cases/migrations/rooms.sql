-- A room of a case is seen with the case; nobody changes or takes away a line of its log.

CREATE OR REPLACE FUNCTION jieli_sees_room(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN public.jieli_sees(
        (SELECT r.case_key FROM public.rooms_room r WHERE r.id = jieli_sees_room.id));
END $$;

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES
        ('rooms_room', 'jieli_sees(case_key)'),
        ('rooms_seat', 'jieli_sees_room(room_id)'),
        ('rooms_logline', 'jieli_sees_room(room_id)'),
        ('rooms_frame', 'jieli_sees_room(room_id)'),
        ('rooms_linkminute', 'jieli_sees_room(room_id)')
    ) AS tables (name, rule) LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one.name);
        EXECUTE format('DROP POLICY IF EXISTS of_my_cases ON %I', one.name);
        EXECUTE format('DROP POLICY IF EXISTS runner ON %I', one.name);
        EXECUTE format('CREATE POLICY of_my_cases ON %I TO jieli_web USING (%s)', one.name, one.rule);
        EXECUTE format('CREATE POLICY runner ON %I TO jieli_runner USING (true)', one.name);
    END LOOP;
END $$;

REVOKE DELETE, TRUNCATE ON rooms_room, rooms_seat, rooms_logline, rooms_frame, rooms_linkminute
    FROM jieli_web, jieli_runner;
REVOKE UPDATE ON rooms_logline, rooms_frame, rooms_linkminute FROM jieli_web, jieli_runner;

-- What a room holds goes with its case. Its pictures lie in the file store: they join the files
-- that a runner removes, unless another case has the same.
CREATE OR REPLACE FUNCTION jieli_dispose_room() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    mine bigint[] := ARRAY(
        SELECT r.id FROM public.rooms_room r JOIN public.cases_case c ON c.key = r.case_key
         WHERE c.id = NEW.case_id);
BEGIN
    NEW.files := NEW.files || ARRAY(
        SELECT DISTINCT f.sha256 FROM public.rooms_frame f WHERE f.room_id = ANY (mine)
           AND NOT EXISTS (SELECT FROM public.rooms_frame o
                            WHERE o.sha256 = f.sha256 AND o.room_id <> ALL (mine))
           AND NOT EXISTS (SELECT FROM public.chart_document d
                            WHERE f.sha256 IN (d.sha256, d.original_sha256)));
    DELETE FROM public.rooms_linkminute WHERE room_id = ANY (mine);
    DELETE FROM public.rooms_frame WHERE room_id = ANY (mine);
    DELETE FROM public.rooms_logline WHERE room_id = ANY (mine);
    DELETE FROM public.rooms_seat WHERE room_id = ANY (mine);
    DELETE FROM public.rooms_room WHERE id = ANY (mine);
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION jieli_dispose_room() FROM PUBLIC;

DROP TRIGGER IF EXISTS room_disposed ON cases_disposal;
CREATE TRIGGER room_disposed BEFORE UPDATE OF confirmed_at ON cases_disposal
    FOR EACH ROW WHEN (OLD.confirmed_at IS NULL AND NEW.confirmed_at IS NOT NULL)
    EXECUTE FUNCTION jieli_dispose_room();
