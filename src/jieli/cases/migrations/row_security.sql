-- Row-level security: behind the application's own check, the database shows a web request only
-- the rows of cases that its person may see. The policies hold for the roles of the web processes
-- and the runners; the owner of the tables (migrations, backup, `jieli verify`) is above them.

-- ── who asks ────────────────────────────────────────────────────────────────

CREATE OR REPLACE FUNCTION jieli_person() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('jieli.person', true), '')::bigint $$;

CREATE OR REPLACE FUNCTION jieli_account() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('jieli.account', true), '')::bigint $$;

CREATE OR REPLACE FUNCTION jieli_sites(name text) RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(nullif(current_setting('jieli.' || name, true), ''), '{}')::bigint[] $$;

-- The person of this transaction, the instant, and the hospitals where their roles count.
CREATE OR REPLACE FUNCTION jieli_enter(
    account bigint, person bigint, at timestamptz, day date, treating text[], desk text[]
) RETURNS void LANGUAGE sql VOLATILE
AS $$
    WITH held AS (
        SELECT organisation_id AS site, kind FROM directory_role
         WHERE practitioner_id = person
           AND (valid_from IS NULL OR valid_from <= day) AND (valid_to IS NULL OR valid_to >= day)
    )
    SELECT set_config('jieli.account', coalesce(account::text, ''), true),
           set_config('jieli.person', coalesce(person::text, ''), true),
           set_config('jieli.at', at::text, true),
           set_config('jieli.treats', coalesce(
               (SELECT array_agg(DISTINCT site) FROM held WHERE kind = ANY (treating)), '{}'
           )::text, true),
           set_config('jieli.desks', coalesce(
               (SELECT array_agg(DISTINCT site) FROM held WHERE kind = ANY (desk)), '{}'
           )::text, true)
$$;

-- ── what they may see ───────────────────────────────────────────────────────
-- PL/pgSQL keeps its plans for the session; the owner's rights let it read every grant. Names are
-- written with their schema, and neither role may create objects, so that none can be put before.

CREATE OR REPLACE FUNCTION jieli_sees(case_key uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 20 AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.directory_grant g
         WHERE g.case_key = jieli_sees.case_key
           AND (g.until IS NULL OR g.until > nullif(current_setting('jieli.at', true), '')::timestamptz)
           AND (g.practitioner_id = public.jieli_person()
                OR (g.why = 'treating' AND g.organisation_id = ANY (public.jieli_sites('treats')))
                OR (g.why = 'desk' AND g.organisation_id = ANY (public.jieli_sites('desks')))));
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_case(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN public.jieli_sees((SELECT c.key FROM public.cases_case c WHERE c.id = jieli_sees_case.id));
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_request(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN public.jieli_sees((
        SELECT c.key FROM public.cases_request r JOIN public.cases_case c ON c.id = r.case_id
         WHERE r.id = jieli_sees_request.id));
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_chain(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN public.jieli_sees(
        (SELECT c.subject FROM public.record_chain c WHERE c.id = jieli_sees_chain.id));
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_event(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN public.jieli_sees_chain(
        (SELECT e.chain_id FROM public.record_event e WHERE e.id = jieli_sees_event.id));
END $$;

-- A patient belongs to the people of the hospital that registered them, and to those of a case.
CREATE OR REPLACE FUNCTION jieli_sees_patient(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 30 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.chart_patient p WHERE p.id = jieli_sees_patient.id
                      AND p.organisation_id = ANY (public.jieli_sites('treats')))
        OR EXISTS (SELECT FROM public.cases_case c WHERE c.patient_id = jieli_sees_patient.id
                      AND public.jieli_sees(c.key));
END $$;

-- Who advised keeps the opinion and the outcome after their access has ended.
CREATE OR REPLACE FUNCTION jieli_advised(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.cases_opinion o WHERE o.case_id = jieli_advised.id
                      AND o.author_id = public.jieli_person());
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_opinion(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.cases_opinion o WHERE o.id = jieli_sees_opinion.id
                      AND (o.author_id = public.jieli_person() OR public.jieli_sees_case(o.case_id)));
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_decision(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 25 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.cases_decision d WHERE d.id = jieli_sees_decision.id
                      AND public.jieli_sees_case(d.case_id));
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_signature(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 30 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.cases_opinion o WHERE o.signature_id = jieli_sees_signature.id
                      AND public.jieli_sees_case(o.case_id))
        OR EXISTS (SELECT FROM public.cases_decision d WHERE d.signature_id = jieli_sees_signature.id
                      AND public.jieli_sees_case(d.case_id));
END $$;

CREATE OR REPLACE FUNCTION jieli_sees_message(id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 30 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.notify_message m WHERE m.id = jieli_sees_message.id
                      AND (m.practitioner_id = public.jieli_person()
                           OR public.jieli_sees_event(m.event_id)));
END $$;

-- The first grant of a case is written before the case itself, by its own hospital.
CREATE OR REPLACE FUNCTION jieli_is_new(case_key uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER COST 25 AS $$
BEGIN
    RETURN NOT EXISTS (SELECT FROM public.cases_case c WHERE c.key = jieli_is_new.case_key);
END $$;

-- ── figures over cases that the asker may not see ───────────────────────────
-- Ranking who is asked needs how often somebody advised and rang, not about whom.

CREATE OR REPLACE FUNCTION jieli_history(
    people bigint[], specialty bigint, enough integer, site bigint, since timestamptz
) RETURNS TABLE (person bigint, alike bigint, at_site boolean, rung bigint, last_rung timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 AS $$
BEGIN
    RETURN QUERY
    SELECT p.id,
           (SELECT count(*) FROM (
                SELECT FROM public.cases_opinion o
                  JOIN public.cases_request r ON r.id = o.request_id
                 WHERE o.author_id = p.id AND r.specialty_id = specialty LIMIT enough) n),
           (SELECT true FROM public.cases_opinion o JOIN public.cases_case c ON c.id = o.case_id
             WHERE o.author_id = p.id AND c.organisation_id = site LIMIT 1),
           ring.n, ring.last
      FROM unnest(people) AS p (id), LATERAL (
           SELECT count(*) AS n, max(started_at) AS last FROM public.cases_ring
            WHERE practitioner_id = p.id AND started_at > since) ring;
END $$;

-- ── the roles ───────────────────────────────────────────────────────────────
-- Made here when the installation has not made them with logins of their own.

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['jieli_web', 'jieli_runner'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database's turn
            END;
        END IF;
        IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', name, current_user);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', name);
        EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO %I', name);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public'
                       ' GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', name);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public'
                       ' GRANT USAGE, SELECT ON SEQUENCES TO %I', name);
        EXECUTE format('REVOKE UPDATE, DELETE ON record_event, record_signature FROM %I', name);
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM %I', name);
    END LOOP;
END $$;

-- ── the policies ────────────────────────────────────────────────────────────

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES
        ('cases_case', 'jieli_sees(key) OR jieli_advised(id)'),
        ('cases_request', 'jieli_sees_case(case_id) OR jieli_advised(case_id)'),
        ('cases_clock', 'jieli_sees_case(case_id)'),
        ('cases_handover', 'jieli_sees_case(case_id)'),
        ('cases_note', 'jieli_sees_case(case_id)'),
        ('cases_opinion', 'author_id = jieli_person() OR jieli_sees_case(case_id)'),
        ('cases_decision', 'jieli_sees_case(case_id)'),
        ('cases_outcome', 'jieli_sees_case(case_id) OR jieli_advised(case_id)'),
        ('cases_outcomedue', 'jieli_sees_case(case_id)'),
        ('cases_candidate', 'jieli_sees_request(request_id)'),
        ('cases_ring', 'jieli_sees_request(request_id)'),
        ('cases_contact', 'jieli_sees_request(request_id)'),
        ('cases_watch', 'jieli_sees_opinion(opinion_id)'),
        ('cases_alternative', 'jieli_sees_decision(decision_id)'),
        ('chart_patient',
         'organisation_id = ANY (jieli_sites(''treats'')) OR jieli_sees_patient(id)'),
        ('chart_identifier', 'jieli_sees_patient(patient_id)'),
        ('chart_observation', 'jieli_sees(case_key)'),
        ('chart_document', 'jieli_sees(case_key)'),
        ('chart_consent', 'jieli_sees(case_key)'),
        ('record_chain', 'jieli_sees(subject)'),
        ('record_event', 'jieli_sees_chain(chain_id)'),
        ('record_signature', 'practitioner_id = jieli_person() OR jieli_sees_signature(id)'),
        ('notify_message', 'practitioner_id = jieli_person() OR jieli_sees_event(event_id)'),
        ('notify_attempt', 'jieli_sees_message(message_id)'),
        ('record_idempotencykey', 'account_id IS NULL OR account_id = jieli_account()')
    ) AS tables (name, rule) LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one.name);
        EXECUTE format('DROP POLICY IF EXISTS of_my_cases ON %I', one.name);
        EXECUTE format('DROP POLICY IF EXISTS runner ON %I', one.name);
        EXECUTE format('CREATE POLICY of_my_cases ON %I TO jieli_web USING (%s)', one.name, one.rule);
        EXECUTE format('CREATE POLICY runner ON %I TO jieli_runner USING (true)', one.name);
    END LOOP;
END $$;

ALTER TABLE directory_grant ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS mine ON directory_grant;
DROP POLICY IF EXISTS first_of_a_case ON directory_grant;
DROP POLICY IF EXISTS runner ON directory_grant;
CREATE POLICY mine ON directory_grant TO jieli_web USING (
    practitioner_id = jieli_person()
    OR organisation_id = ANY (jieli_sites('treats'))
    OR organisation_id = ANY (jieli_sites('desks'))
    OR jieli_sees(case_key)
) WITH CHECK (jieli_sees(case_key));
CREATE POLICY first_of_a_case ON directory_grant FOR INSERT TO jieli_web WITH CHECK (
    why = 'treating' AND organisation_id = ANY (jieli_sites('treats')) AND jieli_is_new(case_key)
);
CREATE POLICY runner ON directory_grant TO jieli_runner USING (true);

-- Who read what: added and never changed; seen by the reader, and by whoever sees the case.

CREATE OR REPLACE FUNCTION jieli_sees_any(keys uuid[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 100 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM unnest(keys) AS k (key) WHERE public.jieli_sees(k.key));
END $$;

REVOKE UPDATE, DELETE ON record_reading FROM jieli_web, jieli_runner;
ALTER TABLE record_reading ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS reader_or_case ON record_reading;
DROP POLICY IF EXISTS runner ON record_reading;
CREATE POLICY reader_or_case ON record_reading TO jieli_web USING (
    practitioner_id = jieli_person() OR jieli_sees(case_key) OR jieli_sees_any(listed)
) WITH CHECK (practitioner_id = jieli_person());
CREATE POLICY runner ON record_reading TO jieli_runner USING (true);

-- ── breaking the glass ──────────────────────────────────────────────────────
-- The one way to a case without a grant: by its number, inside an alliance of one's own hospitals.

CREATE OR REPLACE FUNCTION jieli_break_glass(case_number text, until timestamptz) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    found record;
    at timestamptz := nullif(current_setting('jieli.at', true), '')::timestamptz;
BEGIN
    SELECT c.key, p.key AS patient INTO found
      FROM public.cases_case c JOIN public.chart_patient p ON p.id = c.patient_id
     WHERE c.number = case_number AND EXISTS (
           SELECT FROM public.directory_membership mine
             JOIN public.directory_membership theirs ON theirs.alliance_id = mine.alliance_id
            WHERE mine.organisation_id = ANY (public.jieli_sites('treats'))
              AND theirs.organisation_id = c.organisation_id
              AND (mine.left_on IS NULL OR mine.left_on > at)
              AND (theirs.left_on IS NULL OR theirs.left_on > at));
    IF found.key IS NULL OR public.jieli_person() IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.directory_grant AS g
           (case_key, patient_key, practitioner_id, why, since, until)
    VALUES (found.key, found.patient, public.jieli_person(), 'glass', at, jieli_break_glass.until)
        ON CONFLICT (case_key, practitioner_id, why) WHERE practitioner_id IS NOT NULL
        DO UPDATE SET until = greatest(g.until, excluded.until);
    RETURN found.key;
END $$;

ALTER TABLE cases_breakglass ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS mine_or_of_my_site ON cases_breakglass;
DROP POLICY IF EXISTS runner ON cases_breakglass;
CREATE POLICY mine_or_of_my_site ON cases_breakglass TO jieli_web USING (
    by_id = jieli_person() OR organisation_id = ANY (jieli_sites('treats'))
);
CREATE POLICY runner ON cases_breakglass TO jieli_runner USING (true);

-- A gateway reports what became of an attempt, and proves itself by a signature. It then acts with
-- the rights of the person whom it rang, and learns nothing but who that is.

CREATE OR REPLACE FUNCTION jieli_rung_by(attempt uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER COST 25 AS $$
BEGIN
    RETURN (SELECT m.practitioner_id FROM public.notify_attempt a
              JOIN public.notify_message m ON m.id = a.message_id
             WHERE a.key = attempt);
END $$;
