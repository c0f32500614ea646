-- Recordings are seen with their room. Whoever recorded may still send what was recorded while
-- they could see the case, for two weeks; that gives them their own rows and no picture.

CREATE OR REPLACE FUNCTION jieli_saw(case_key uuid, at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 30 AS $$
BEGIN
    RETURN at > nullif(current_setting('jieli.at', true), '')::timestamptz - interval '14 days'
       AND EXISTS (
        SELECT FROM public.directory_grant g
         WHERE g.case_key = jieli_saw.case_key
           AND g.since <= jieli_saw.at + interval '2 minutes'
           AND (g.until IS NULL OR g.until > jieli_saw.at)
           AND (g.practitioner_id = public.jieli_person()
                OR (g.why = 'treating' AND g.organisation_id = ANY (public.jieli_sites('treats')))
                OR (g.why = 'desk' AND g.organisation_id = ANY (public.jieli_sites('desks')))));
END $$;

-- One's own seat, for what was recorded on it at that instant. Nothing of the case or the room.
CREATE OR REPLACE FUNCTION jieli_recorded(seat uuid, at timestamptz)
RETURNS TABLE (seat_id bigint, room_id bigint, role varchar)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 AS $$
BEGIN
    RETURN QUERY
    SELECT s.id, s.room_id, s.role FROM public.rooms_seat s
      JOIN public.rooms_room r ON r.id = s.room_id
     WHERE s.key = jieli_recorded.seat AND s.practitioner_id = public.jieli_person()
       AND s.asked_at <= jieli_recorded.at + interval '2 minutes'
       AND public.jieli_saw(r.case_key, jieli_recorded.at);
END $$;

CREATE OR REPLACE FUNCTION jieli_recorded_in(room bigint, at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 35 AS $$
BEGIN
    RETURN public.jieli_saw(
        (SELECT r.case_key FROM public.rooms_room r WHERE r.id = jieli_recorded_in.room), at);
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_recording(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 35 AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.rooms_recording r WHERE r.id = jieli_sees_recording.id
           AND (public.jieli_sees_room(r.room_id)
                OR (r.by_id = public.jieli_person()
                    AND public.jieli_recorded_in(r.room_id, r.started_at))));
END $$;

-- Staff of a hospital in an alliance with the one that made a clip.
CREATE OR REPLACE FUNCTION jieli_allied(site bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 30 AS $$
DECLARE at date := (nullif(current_setting('jieli.at', true), '')::timestamptz
                    AT TIME ZONE 'Asia/Shanghai')::date;
BEGIN
    RETURN jieli_allied.site = ANY (public.jieli_sites('treats')) OR EXISTS (
        SELECT FROM public.directory_membership mine
          JOIN public.directory_membership theirs ON theirs.alliance_id = mine.alliance_id
         WHERE mine.organisation_id = ANY (public.jieli_sites('treats'))
           AND theirs.organisation_id = jieli_allied.site
           AND (mine.left_on IS NULL OR mine.left_on > at)
           AND (theirs.left_on IS NULL OR theirs.left_on > at));
END $$;

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES
        ('rooms_recording', 'jieli_sees_room(room_id) OR (by_id = jieli_person()'
                            ' AND jieli_recorded_in(room_id, started_at))'),
        ('rooms_chunk', 'jieli_sees_recording(recording_id)'),
        ('rooms_clipsource', 'jieli_sees(case_key)'),
        ('rooms_teachingclip', 'jieli_allied(organisation_id)'),
        ('rooms_leftover', 'false')
    ) AS tables (name, rule) LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one.name);
        EXECUTE format('DROP POLICY IF EXISTS of_my_cases ON %I', one.name);
        EXECUTE format('DROP POLICY IF EXISTS runner ON %I', one.name);
        EXECUTE format('CREATE POLICY of_my_cases ON %I TO jieli_web USING (%s)', one.name, one.rule);
        EXECUTE format('CREATE POLICY runner ON %I TO jieli_runner USING (true)', one.name);
        EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM jieli_web, jieli_runner', one.name);
    END LOOP;
END $$;

REVOKE UPDATE ON rooms_chunk, rooms_clipsource FROM jieli_web, jieli_runner;
REVOKE UPDATE ON rooms_recording, rooms_teachingclip FROM jieli_web;
GRANT UPDATE (ends_at, heard_at, chunks, size, length, ended_at, head, kept_at)
    ON rooms_recording TO jieli_web;
GRANT UPDATE (withdrawn_at, withdrawn_why) ON rooms_teachingclip TO jieli_web;
REVOKE INSERT ON rooms_leftover FROM jieli_web, jieli_runner;
GRANT DELETE ON rooms_leftover TO jieli_runner;

-- After the three years of the law, and not while anything holds the case: by the database's clock.
CREATE OR REPLACE FUNCTION jieli_let_recordings_go(of_case uuid) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    today date := (now() AT TIME ZONE 'Asia/Shanghai')::date;
    last_visit timestamptz;
    still_open boolean;
    mine bigint[];
BEGIN
    SELECT bool_or(k.status <> 'closed'), max(greatest(k.closed_at, (
               SELECT max(o.occurred_at) FROM public.cases_outcome o WHERE o.case_id = k.id)))
      INTO still_open, last_visit
      FROM public.cases_case c JOIN public.cases_case k
        ON k.patient_id = c.patient_id AND k.organisation_id = c.organisation_id
     WHERE c.key = of_case;
    IF still_open IS NOT FALSE OR last_visit IS NULL
       OR today <= ((last_visit AT TIME ZONE 'Asia/Shanghai')::date + interval '3 years')::date
       OR EXISTS (SELECT FROM public.cases_hold h JOIN public.cases_case c ON c.id = h.case_id
                   WHERE c.key = of_case AND h.ended_at IS NULL) THEN
        RETURN 0;
    END IF;
    mine := ARRAY(SELECT x.id FROM public.rooms_recording x JOIN public.rooms_room r ON r.id = x.room_id
                   WHERE r.case_key = of_case AND x.gone_at IS NULL
                     AND (x.started_at AT TIME ZONE 'Asia/Shanghai')::date + interval '3 years' < today);
    INSERT INTO public.rooms_leftover (folder)
    SELECT x.key FROM public.rooms_recording x WHERE x.id = ANY (mine) ON CONFLICT DO NOTHING;
    DELETE FROM public.rooms_chunk WHERE recording_id = ANY (mine);
    UPDATE public.rooms_recording SET gone_at = now() WHERE id = ANY (mine);
    RETURN coalesce(cardinality(mine), 0);
END $$;
REVOKE ALL ON FUNCTION jieli_let_recordings_go(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jieli_let_recordings_go(uuid) TO jieli_runner;

-- Recordings go with their case, before its room does (triggers fire in the order of their names);
-- their folders wait for a runner. A teaching clip stays, and nobody knows any more whence it is.
CREATE OR REPLACE FUNCTION jieli_dispose_recordings() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    mine bigint[] := ARRAY(
        SELECT x.id FROM public.rooms_recording x
          JOIN public.rooms_room r ON r.id = x.room_id
          JOIN public.cases_case c ON c.key = r.case_key
         WHERE c.id = NEW.case_id);
BEGIN
    INSERT INTO public.rooms_leftover (folder)
    SELECT x.key FROM public.rooms_recording x WHERE x.id = ANY (mine) ON CONFLICT DO NOTHING;
    DELETE FROM public.rooms_clipsource s USING public.cases_case c
     WHERE c.id = NEW.case_id AND s.case_key = c.key;
    DELETE FROM public.rooms_chunk WHERE recording_id = ANY (mine);
    DELETE FROM public.rooms_recording WHERE id = ANY (mine);
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION jieli_dispose_recordings() FROM PUBLIC;

DROP TRIGGER IF EXISTS recordings_disposed ON cases_disposal;
CREATE TRIGGER recordings_disposed BEFORE UPDATE OF confirmed_at ON cases_disposal
    FOR EACH ROW WHEN (OLD.confirmed_at IS NULL AND NEW.confirmed_at IS NOT NULL)
    EXECUTE FUNCTION jieli_dispose_recordings();
