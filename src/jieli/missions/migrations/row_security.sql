-- Sheets and missions are seen with their case. Two figures over all missions are answered by the
-- database itself, without saying about whom: who is away when, and how long legs took.

CREATE OR REPLACE FUNCTION jieli_sees_mission(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN public.jieli_sees_case(
        (SELECT m.case_id FROM public.missions_mission m WHERE m.id = jieli_sees_mission.id));
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_procedure(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN public.jieli_sees(
        (SELECT p.case_key FROM public.chart_procedure p WHERE p.id = jieli_sees_procedure.id));
END $$;

-- When these people are away with a team.
CREATE OR REPLACE FUNCTION jieli_away(people bigint[], during tstzrange)
RETURNS TABLE (person bigint, period tstzrange)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 AS $$
BEGIN
    RETURN QUERY
    SELECT m.practitioner_id, m.period FROM public.missions_member m
     WHERE m.practitioner_id = ANY (people) AND m.left_at IS NULL AND m.period && during;
END $$;

-- How long legs of a kind took on a route: how many, mean and variance of the logarithm of minutes.
CREATE OR REPLACE FUNCTION jieli_leg_times(kinds text[], routes text[])
RETURNS TABLE (kind varchar, route varchar, times bigint, mean_log double precision,
               variance_log double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 AS $$
BEGIN
    RETURN QUERY
    SELECT l.kind, l.route, count(*),
           avg(ln(extract(epoch FROM l.ended_at - l.started_at)::double precision / 60)),
           coalesce(var_samp(ln(extract(epoch FROM l.ended_at - l.started_at)::double precision / 60)), 0)
      FROM public.missions_leg l
     WHERE l.kind = ANY (kinds) AND l.route = ANY (routes)
       AND l.ended_at > l.started_at + interval '30 seconds'
     GROUP BY l.kind, l.route;
END $$;

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES
        ('missions_sheet', 'jieli_sees_case(case_id)'),
        ('missions_correction', 'jieli_sees_case(case_id)'),
        ('missions_mission', 'jieli_sees_case(case_id)'),
        ('missions_choice', 'jieli_sees_decision(decision_id)'),
        ('missions_assent', 'jieli_sees_decision(decision_id)'),
        ('missions_member', 'jieli_sees_mission(mission_id)'),
        ('missions_leg', 'jieli_sees_mission(mission_id)'),
        ('missions_paper', 'jieli_sees_mission(mission_id)'),
        ('missions_kititem', 'jieli_sees_mission(mission_id)'),
        ('missions_cover', 'jieli_sees_mission(mission_id)'),
        ('missions_emergencyprivilege', 'jieli_sees_mission(mission_id)'),
        ('missions_entry', 'jieli_sees_mission(mission_id)'),
        ('chart_procedure', 'jieli_sees(case_key)'),
        ('chart_procedure_techniques', 'jieli_sees_procedure(procedure_id)')
    ) AS tables (name, rule) LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one.name);
        EXECUTE format('DROP POLICY IF EXISTS of_my_cases ON %I', one.name);
        EXECUTE format('DROP POLICY IF EXISTS runner ON %I', one.name);
        EXECUTE format('CREATE POLICY of_my_cases ON %I TO jieli_web USING (%s)', one.name, one.rule);
        EXECUTE format('CREATE POLICY runner ON %I TO jieli_runner USING (true)', one.name);
        EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM jieli_web, jieli_runner', one.name);
    END LOOP;
END $$;

-- A version of a sheet is never changed.
REVOKE UPDATE ON missions_sheet, missions_choice, missions_assent FROM jieli_web, jieli_runner;
