-- Holds, disposals and copies: who may write them, and the one door through which the content of
-- a case leaves. The rules stand in rules/retention.py as well; here nobody can go round them.

-- ── the records office ──────────────────────────────────────────────────────

CREATE OR REPLACE FUNCTION jieli_office(site bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER COST 25 AS $$
DECLARE today date := (now() AT TIME ZONE 'Asia/Shanghai')::date;
BEGIN
    RETURN EXISTS (
        SELECT FROM public.directory_role r
         WHERE r.practitioner_id = public.jieli_person() AND r.organisation_id = site
           AND r.kind IN ('coordinator', 'director')
           AND (r.valid_from IS NULL OR r.valid_from <= today)
           AND (r.valid_to IS NULL OR r.valid_to >= today));
END $$;

DO $$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['cases_hold', 'cases_disposal', 'cases_patientcopy'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('DROP POLICY IF EXISTS of_my_site ON %I', one);
        EXECUTE format('DROP POLICY IF EXISTS written_by_its_office ON %I', one);
        EXECUTE format('DROP POLICY IF EXISTS ended_by_its_office ON %I', one);
        EXECUTE format('DROP POLICY IF EXISTS runner ON %I', one);
        EXECUTE format('CREATE POLICY of_my_site ON %I FOR SELECT TO jieli_web'
                       ' USING (organisation_id = ANY (jieli_sites(''treats'')))', one);
        EXECUTE format('CREATE POLICY runner ON %I TO jieli_runner USING (true)', one);
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM jieli_web', one);
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %I FROM jieli_runner', one);
    END LOOP;
END $$;

CREATE POLICY written_by_its_office ON cases_hold FOR INSERT TO jieli_web WITH CHECK (
    by_id = jieli_person() AND ended_at IS NULL AND jieli_office(organisation_id)
    AND jieli_sees_case(case_id)
);
CREATE POLICY ended_by_its_office ON cases_hold FOR UPDATE TO jieli_web
    USING (ended_at IS NULL AND jieli_office(organisation_id))
    WITH CHECK (ended_by_id = jieli_person());
GRANT UPDATE (ended_at, ended_by_id, end_why) ON cases_hold TO jieli_web;

CREATE POLICY written_by_its_office ON cases_disposal FOR INSERT TO jieli_web WITH CHECK (
    proposed_by_id = jieli_person() AND confirmed_at IS NULL AND refused_at IS NULL
    AND jieli_office(organisation_id) AND jieli_sees_case(case_id)
);
CREATE POLICY ended_by_its_office ON cases_disposal FOR UPDATE TO jieli_web
    USING (confirmed_at IS NULL AND refused_at IS NULL AND jieli_office(organisation_id))
    WITH CHECK (refused_by_id = jieli_person());
GRANT UPDATE (refused_at, refused_by_id) ON cases_disposal TO jieli_web;
GRANT UPDATE (files) ON cases_disposal TO jieli_runner;

CREATE POLICY written_by_its_office ON cases_patientcopy FOR INSERT TO jieli_web WITH CHECK (
    by_id = jieli_person() AND jieli_office(organisation_id)
);

-- What is written about a patient is deleted by nobody but the door below.
REVOKE DELETE, TRUNCATE ON
    cases_case, cases_request, cases_candidate, cases_ring, cases_contact, cases_clock,
    cases_handover, cases_note, cases_opinion, cases_watch, cases_decision, cases_alternative,
    cases_outcome, cases_outcomedue, cases_breakglass, chart_patient, chart_identifier,
    chart_observation, chart_document, chart_consent, record_chain, directory_grant
    FROM jieli_web, jieli_runner;

-- ── the door ────────────────────────────────────────────────────────────────
-- Called by the second of two people, after their event `case_disposed` was written. It judges by
-- the database's own clock: whoever has a web process in hand can say any instant, but not that.

CREATE OR REPLACE FUNCTION jieli_dispose(disposal bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    me bigint := public.jieli_person();
    today date := (now() AT TIME ZONE 'Asia/Shanghai')::date;
    d public.cases_disposal;
    c public.cases_case;
    last public.record_event;
    still_open boolean;
    last_visit timestamptz;
    blank bigint;
    signatures bigint[];
    alone text[];
BEGIN
    SELECT * INTO d FROM public.cases_disposal WHERE id = disposal FOR UPDATE;
    SELECT * INTO c FROM public.cases_case WHERE id = d.case_id FOR UPDATE;
    IF d.id IS NULL OR d.confirmed_at IS NOT NULL OR d.refused_at IS NOT NULL THEN
        RAISE EXCEPTION 'no proposal waits' USING ERRCODE = 'JD001';
    END IF;
    IF me IS NULL OR me = d.proposed_by_id OR NOT public.jieli_office(d.organisation_id) THEN
        RAISE EXCEPTION 'another person of the office must confirm' USING ERRCODE = 'JD001';
    END IF;
    IF c.status <> 'closed' OR c.disposed_at IS NOT NULL OR c.organisation_id <> d.organisation_id THEN
        RAISE EXCEPTION 'the case is open, gone, or of another hospital' USING ERRCODE = 'JD001';
    END IF;
    IF EXISTS (SELECT FROM public.cases_hold h WHERE h.case_id = c.id AND h.ended_at IS NULL) THEN
        RAISE EXCEPTION 'a hold keeps the case' USING ERRCODE = 'JD001';
    END IF;
    SELECT bool_or(k.status <> 'closed'), max(greatest(k.closed_at, (
               SELECT max(o.occurred_at) FROM public.cases_outcome o WHERE o.case_id = k.id)))
      INTO still_open, last_visit
      FROM public.cases_case k
     WHERE k.patient_id = c.patient_id AND k.organisation_id = c.organisation_id;
    IF still_open OR last_visit IS NULL OR today <= ((last_visit AT TIME ZONE 'Asia/Shanghai')::date
           + make_interval(years => CASE c.setting WHEN 'outpatient' THEN 15 ELSE 30 END))::date THEN
        RAISE EXCEPTION 'the case is not due' USING ERRCODE = 'JD001';
    END IF;
    SELECT * INTO last FROM public.record_event WHERE chain_id = c.chain_id ORDER BY seq DESC LIMIT 1;
    IF last.verb IS DISTINCT FROM 'case_disposed' OR last.actor_id IS DISTINCT FROM me THEN
        RAISE EXCEPTION 'the record does not say so' USING ERRCODE = 'JD001';
    END IF;

    -- files that no other case names; a runner removes them
    SELECT coalesce(array_agg(DISTINCT f.sha), '{}') INTO alone FROM (
        SELECT sha256 AS sha FROM public.chart_document WHERE case_key = c.key
        UNION SELECT original_sha256 FROM public.chart_document WHERE case_key = c.key
    ) f WHERE f.sha <> '' AND NOT EXISTS (
        SELECT FROM public.chart_document o WHERE o.case_key <> c.key
           AND f.sha IN (o.sha256, o.original_sha256));

    -- what was told
    DELETE FROM public.notify_attempt a USING public.notify_message m, public.record_event e
     WHERE a.message_id = m.id AND m.event_id = e.id AND e.chain_id = c.chain_id;
    DELETE FROM public.notify_message m USING public.record_event e
     WHERE m.event_id = e.id AND e.chain_id = c.chain_id;

    -- what was asked, advised and decided
    SELECT array_agg(s.id) INTO signatures FROM (
        SELECT signature_id AS id FROM public.cases_opinion WHERE case_id = c.id
        UNION SELECT signature_id FROM public.cases_decision WHERE case_id = c.id) s;
    DELETE FROM public.cases_alternative a USING public.cases_decision x
     WHERE a.decision_id = x.id AND x.case_id = c.id;
    DELETE FROM public.cases_watch w USING public.cases_opinion o
     WHERE w.opinion_id = o.id AND o.case_id = c.id;
    DELETE FROM public.cases_decision WHERE case_id = c.id;
    DELETE FROM public.cases_opinion WHERE case_id = c.id;
    DELETE FROM public.record_signature WHERE id = ANY (signatures);
    DELETE FROM public.cases_clock WHERE case_id = c.id;
    DELETE FROM public.cases_contact x USING public.cases_request r
     WHERE x.request_id = r.id AND r.case_id = c.id;
    DELETE FROM public.cases_ring x USING public.cases_request r
     WHERE x.request_id = r.id AND r.case_id = c.id;
    DELETE FROM public.cases_candidate x USING public.cases_request r
     WHERE x.request_id = r.id AND r.case_id = c.id;
    DELETE FROM public.cases_request WHERE case_id = c.id;
    DELETE FROM public.cases_handover WHERE case_id = c.id;
    DELETE FROM public.cases_note WHERE case_id = c.id;
    DELETE FROM public.cases_outcome WHERE case_id = c.id;
    DELETE FROM public.cases_outcomedue WHERE case_id = c.id;
    DELETE FROM public.cases_breakglass WHERE case_id = c.id;
    UPDATE public.cases_hold SET why = '', end_why = '' WHERE case_id = c.id;

    -- the chart, and who read it
    DELETE FROM public.chart_incoming WHERE case_key = c.key;
    DELETE FROM public.chart_observation WHERE case_key = c.key;
    DELETE FROM public.chart_document WHERE case_key = c.key;
    DELETE FROM public.chart_consent WHERE case_key = c.key;
    DELETE FROM public.record_reading WHERE case_key = c.key OR listed = ARRAY[c.key];
    UPDATE public.record_reading SET listed = array_remove(listed, c.key)
     WHERE listed @> ARRAY[c.key];
    DELETE FROM public.directory_grant WHERE case_key = c.key;

    -- the patient: the row of the case names nobody any more
    INSERT INTO public.chart_patient (key, name, unknown, sex, age_text, language, organisation_id)
    VALUES (gen_random_uuid(), '', true, 'unknown', '', '', c.organisation_id) RETURNING id INTO blank;
    UPDATE public.cases_case SET patient_id = blank, problem = '', closed_reason = '',
           department_id = NULL, disposed_at = now() WHERE id = c.id;
    IF NOT EXISTS (SELECT FROM public.cases_case WHERE patient_id = c.patient_id) THEN
        DELETE FROM public.cases_patientcopy WHERE patient_id = c.patient_id;
        DELETE FROM public.chart_identifier WHERE patient_id = c.patient_id;
        DELETE FROM public.chart_observation WHERE patient_id = c.patient_id;
        DELETE FROM public.chart_document WHERE patient_id = c.patient_id;
        DELETE FROM public.chart_consent WHERE patient_id = c.patient_id;
        DELETE FROM public.chart_patient WHERE id = c.patient_id;
    END IF;

    -- the events keep their hashes
    PERFORM set_config('jieli.disposing', c.chain_id::text, true);
    UPDATE public.record_event SET data = '{}', source = 'disposed'
     WHERE chain_id = c.chain_id AND seq < last.seq;
    PERFORM set_config('jieli.disposing', '', true);
    UPDATE public.cases_disposal SET confirmed_by_id = me, files = alone,
           confirmed_at = coalesce(nullif(current_setting('jieli.at', true), '')::timestamptz, now())
     WHERE id = d.id;
END $$;
REVOKE ALL ON FUNCTION jieli_dispose(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jieli_dispose(bigint) TO jieli_web;
