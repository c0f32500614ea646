-- Guidance is seen with its case. What was answered before a start is never changed.

CREATE OR REPLACE FUNCTION jieli_sees_guidance(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN public.jieli_sees_case((SELECT s.case_id FROM public.guidance_guidancesession s
                                    WHERE s.id = jieli_sees_guidance.id));
END $$;

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES
        ('guidance_guidancesession', 'jieli_sees_case(case_id)'),
        ('guidance_guidancesession_techniques', 'jieli_sees_guidance(guidancesession_id)'),
        ('guidance_precheck', 'jieli_sees_guidance(session_id)'),
        ('guidance_mdtpaper', 'jieli_sees_guidance(session_id)'),
        ('guidance_lifeexception', 'jieli_sees_guidance(session_id)'),
        ('guidance_guidestay', 'jieli_sees_guidance(session_id)'),
        ('guidance_linkgap', 'jieli_sees_guidance(session_id)'),
        ('guidance_guidanceentry', 'jieli_sees_guidance(session_id)')
    ) AS tables (name, rule) LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one.name);
        EXECUTE format('DROP POLICY IF EXISTS of_my_cases ON %I', one.name);
        EXECUTE format('DROP POLICY IF EXISTS runner ON %I', one.name);
        EXECUTE format('CREATE POLICY of_my_cases ON %I TO jieli_web USING (%s)', one.name, one.rule);
        EXECUTE format('CREATE POLICY runner ON %I TO jieli_runner USING (true)', one.name);
        EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM jieli_web, jieli_runner', one.name);
    END LOOP;
END $$;

REVOKE UPDATE ON guidance_precheck, guidance_mdtpaper, guidance_guidancesession_techniques
    FROM jieli_web, jieli_runner;
