"""A board's figures and one page of it, counted where the rows are.

Handing every case of a large board over, to count it elsewhere, took longer than finding it:
of a thousand cases the page needs thirty and eight figures.
"""

from django.db import migrations

PAGE = """
CREATE OR REPLACE FUNCTION jieli_board_page(
    since timestamptz, ours bigint[], awaited bigint[], shown text, size integer, page integer
) RETURNS TABLE (
    ids bigint[], every bigint, mine bigint, our bigint, unread bigint, breach bigint,
    ringing bigint, undecided bigint, closed bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 AS $$
DECLARE
    at timestamptz := nullif(current_setting('jieli.at', true), '')::timestamptz;
    me bigint := public.jieli_person();
    treats bigint[] := public.jieli_sites('treats');
    desks bigint[] := public.jieli_sites('desks');
BEGIN
    RETURN QUERY
    WITH granted AS (
        SELECT g.case_key FROM public.directory_grant g
         WHERE g.practitioner_id = me AND (g.until IS NULL OR g.until > at)
         UNION
        SELECT g.case_key FROM public.directory_grant g
         WHERE g.organisation_id = ANY (desks) AND g.why = 'desk'
           AND (g.until IS NULL OR g.until > at)
    ), seen AS MATERIALIZED (
        SELECT c.id, c.status = 'open' AS opened, c.next_limit_at,
               c.id = ANY (awaited) OR (c.unread AND c.in_charge_id = me) AS mine,
               c.organisation_id = ANY (ours) AS our, coalesce(c.late_at <= at, false) AS breach,
               c.ringing, c.unread, c.undecided
          FROM public.cases_case c
         WHERE (c.status = 'open' OR c.closed_at > since)
           AND (c.key IN (SELECT case_key FROM granted)
                -- These never end, so a hospital has one for each case it ever had: asked per case.
                OR EXISTS (SELECT FROM public.directory_grant g
                            WHERE g.case_key = c.key AND g.organisation_id = ANY (treats)
                              AND g.why = 'treating' AND (g.until IS NULL OR g.until > at)))
    )
    SELECT (SELECT coalesce(array_agg(p.id), '{}') FROM (
                SELECT s.id FROM seen s
                 WHERE CASE shown
                       WHEN 'all' THEN s.opened
                       WHEN 'mine' THEN s.opened AND s.mine
                       WHEN 'ours' THEN s.opened AND s.our
                       WHEN 'unread' THEN s.opened AND s.unread
                       WHEN 'breach' THEN s.opened AND s.breach
                       WHEN 'ringing' THEN s.opened AND s.ringing
                       WHEN 'undecided' THEN s.opened AND s.undecided
                       ELSE NOT s.opened END
                 ORDER BY s.next_limit_at NULLS LAST, s.id
                 LIMIT size OFFSET (page - 1) * size) p),
           count(*) FILTER (WHERE s.opened),
           count(*) FILTER (WHERE s.opened AND s.mine),
           count(*) FILTER (WHERE s.opened AND s.our),
           count(*) FILTER (WHERE s.opened AND s.unread),
           count(*) FILTER (WHERE s.opened AND s.breach),
           count(*) FILTER (WHERE s.opened AND s.ringing),
           count(*) FILTER (WHERE s.opened AND s.undecided),
           count(*) FILTER (WHERE NOT s.opened)
      FROM seen s;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0015_definitive_care")]
    operations = [migrations.RunSQL(PAGE, migrations.RunSQL.noop)]
