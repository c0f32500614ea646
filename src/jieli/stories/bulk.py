"""Many rows at once: COPY, without looking up every foreign key, indexes made afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

Row = tuple[Any, ...]
Tables = dict[str, list[Row]]

COLUMNS: dict[str, str] = {
    "directory_alliance": "id code name telephone last_case_at",
    "directory_organisation": "id code name name_en sort_key tier division_code latitude longitude "
    "zone telephone",
    "directory_membership": "id alliance_id organisation_id",
    "directory_department": "id organisation_id name telephone",
    "directory_department_specialties": "id department_id specialty_id",
    "directory_account": "id login password is_active",
    "directory_practitioner": "id key account_id number name name_en sort_key title telephone "
    "languages practising_since rings_answered answer_seconds",
    "directory_role": "id practitioner_id organisation_id department_id specialty_id kind",
    "directory_presence": "practitioner_id state last_seen_at",
    "directory_channel": '"id" practitioner_id kind address rings "order" proven_at last_error',
    "directory_agreement": "id alliance_id from_organisation_id to_organisation_id kind modes "
    "emergency_privilege_hours signed",
    "directory_duty": "id organisation_id specialty_id line practitioner_id period note",
    "record_chain": "id subject length head",
    "record_event": "id chain_id seq verb actor_id data source occurred_at recorded_at hash",
    "record_signature": "id key practitioner_id provider content_hash content signed_at",
    "chart_patient": "id key name unknown sex age_text language organisation_id",
    "chart_identifier": "id patient_id kind value mark",
    "cases_case": "id key number chain_id alliance_id organisation_id patient_id problem urgency "
    "anchor_at status opened_at opened_by_id in_charge_id closed_at closed_reason next_limit_at",
    "cases_request": "id key case_id specialty_id urgency status callback raised_at raised_by_id "
    "exception_reason accepted_by_id accepted_at round lapses due_at",
    "cases_candidate": "id request_id practitioner_id organisation_id line position score barred",
    "cases_ring": "id key request_id practitioner_id line round silent started_at ends_at answer "
    "answered_at reason",
    "cases_contact": "id request_id practitioner_id channel failed note occurred_at recorded_at "
    "by_id",
    "cases_clock": "id case_id request_id name about started_at target_at hard_at stopped_at "
    "stopped_by_id stage owes due_at pause_code late_reason lapses",
    "cases_opinion": "id key case_id request_id version author_id indication assessment "
    "recommendation by_when looked_at signature_id signed_at acknowledged_at acknowledged_by_id "
    "disagreement",
    "cases_decision": "id key case_id opinion_id version author_id chosen text reason "
    "signature_id signed_at",
    "directory_grant": "id case_key patient_key practitioner_id organisation_id why since until",
}


def copy(link: psycopg.Connection[Any], tables: Tables) -> None:
    with link.cursor() as cursor:
        for table, rows in tables.items():
            columns = COLUMNS[table].replace(" ", ", ").replace('"id"', "id")
            statement = f"COPY {table} ({columns}) FROM STDIN"  # names of ours only
            with cursor.copy(statement.encode()) as stream:
                stream.write("".join(map(_line, rows)))


def _line(row: Row) -> str:
    return "\t".join([_cell(value) for value in row]) + "\n"


def _cell(value: Any) -> str:
    """One value in COPY's text form."""
    if value is None:
        return r"\N"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, bytes):
        return r"\\x" + value.hex()
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False).replace("\\", "\\\\")
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


# -- the database around it ------------------------------------------------------------------------


def first_ids(link: psycopg.Connection[Any]) -> dict[str, int]:
    found = {}
    for table in COLUMNS:
        key = "practitioner_id" if table == "directory_presence" else "id"
        statement = sql.SQL("SELECT coalesce(max({}), 0) + 1 FROM {}").format(
            sql.Identifier(key), sql.Identifier(table)
        )
        row = link.execute(statement).fetchone()
        found[table] = int(row[0]) if row else 1
    return found


def trust_rows(link: psycopg.Connection[Any]) -> bool:
    """No look-up per foreign key while copying: the rows are right by the way they are made."""
    try:
        with link.transaction():
            link.execute("SET session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def drop_indexes(link: psycopg.Connection[Any], tables: Iterable[str]) -> list[str]:
    """The indexes that only make reading fast; how to make them again."""
    rows = link.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " WHERE i.indrelid::regclass::text = ANY(%s) AND NOT i.indisunique"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
        [list(tables)],
    ).fetchall()
    for name, _definition in rows:
        link.execute(f"DROP INDEX {name}".encode())
    return [definition for _name, definition in rows]


def set_sequences(link: psycopg.Connection[Any]) -> None:
    """The next row that a person makes comes after all of these."""
    for table in COLUMNS:
        if table == "directory_presence":
            continue
        statement = sql.SQL(
            "SELECT setval(pg_get_serial_sequence({}, 'id'), greatest(max(id), 1)) FROM {}"
        ).format(sql.Literal(table), sql.Identifier(table))
        link.execute(statement)
