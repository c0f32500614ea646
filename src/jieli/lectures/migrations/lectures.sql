-- A lecture names no patient; what is said and written in its room is for the staff of its alliance.

CREATE OR REPLACE FUNCTION jieli_hears(room bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
DECLARE
    day date := (nullif(current_setting('jieli.at', true), '')::timestamptz
                 AT TIME ZONE 'Asia/Shanghai')::date;
BEGIN
    RETURN EXISTS (
        SELECT FROM public.lectures_lecture l
          JOIN public.directory_membership m ON m.alliance_id = l.alliance_id
               AND (m.joined_on IS NULL OR m.joined_on <= day)
               AND (m.left_on IS NULL OR m.left_on > day)
          JOIN public.directory_role r ON r.organisation_id = m.organisation_id
               AND r.practitioner_id = public.jieli_person()
               AND (r.valid_from IS NULL OR r.valid_from <= day)
               AND (r.valid_to IS NULL OR r.valid_to >= day)
         WHERE l.room_id = jieli_hears.room);
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_room(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
DECLARE
    the_case uuid := (SELECT r.case_key FROM public.rooms_room r WHERE r.id = jieli_sees_room.id);
BEGIN
    IF the_case IS NULL THEN
        RETURN public.jieli_hears(jieli_sees_room.id);
    END IF;
    RETURN public.jieli_sees(the_case);
END $$;

-- The room of a lecture is made before the lecture: of itself it holds a title and nothing else.
ALTER POLICY of_my_cases ON rooms_room
    USING (jieli_sees(case_key) OR (kind = 'lecture' AND jieli_person() IS NOT NULL));
