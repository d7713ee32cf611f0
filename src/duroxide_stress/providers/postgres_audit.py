"""What a Duroxide schema on PostgreSQL is asked at rest: whether anything is left over in it.

Duroxide's Postgres schema declares no foreign keys, so the database itself would not notice orphans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from duroxide_stress.providers.base import StoreAudit, StoreProblem
from duroxide_stress.providers.postgres_server import open_database
from duroxide_stress.providers.postgres_url import Address
from duroxide_stress.providers.postgres_watch import SIZE_BYTES

if TYPE_CHECKING:
    import psycopg

MAX_ROWS_SHOWN = 1_000

QUESTIONS: dict[str, LiteralString] = {
    # A message whose time has not come (a timer that lost its race) is at rest.
    "queues_empty": """
        SELECT instance_id, queue || ': ' || left(work_item, 200),
          CASE WHEN lock_token IS NULL THEN 'unserved'
               WHEN locked_until <= extract(epoch FROM clock_timestamp()) * 1000
               THEN 'lock expired' ELSE 'locked' END,
          attempt_count, (extract(epoch FROM visible_at) * 1000)::bigint
        FROM (SELECT 'orchestrator_queue' AS queue, instance_id, work_item, lock_token,
                     locked_until, attempt_count, visible_at FROM orchestrator_queue
              UNION ALL
              SELECT 'worker_queue', instance_id, work_item, lock_token,
                     locked_until, attempt_count, visible_at FROM worker_queue) AS queues
        WHERE lock_token IS NOT NULL OR visible_at <= clock_timestamp()""",
    "no_lock_left": """
        SELECT instance_id, 'locked until ' || locked_until,
          CASE WHEN locked_until <= extract(epoch FROM clock_timestamp()) * 1000
               THEN 'lock expired' ELSE 'locked' END, 0, 0
        FROM instance_locks""",
    "no_orphan_rows": """
        SELECT instance_id, 'execution ' || execution_id || ' of no instance', '', 0, 0
        FROM executions LEFT JOIN instances USING (instance_id)
        WHERE instances.instance_id IS NULL
        UNION ALL
        SELECT DISTINCT instance_id, 'history of no execution ' || history.execution_id, '', 0, 0
        FROM history LEFT JOIN executions USING (instance_id, execution_id)
        WHERE executions.instance_id IS NULL
        UNION ALL
        SELECT instance_id, 'key ' || key || ' of no instance', '', 0, 0
        FROM (SELECT instance_id, key FROM kv_store
              UNION SELECT instance_id, key FROM kv_delta) AS keys
        LEFT JOIN instances USING (instance_id)
        WHERE instances.instance_id IS NULL""",
    "current_execution_exists": """
        SELECT instances.instance_id, 'no execution ' || current_execution_id, '', 0, 0
        FROM instances LEFT JOIN executions
        ON (executions.instance_id, execution_id) = (instances.instance_id, current_execution_id)
        WHERE executions.instance_id IS NULL""",
}
"""Each question is a query whose rows (instance, what is wrong, state of its lock, attempts, visible
since in ms) are the problems."""

TABLES = ("instances", "executions", "history", "instance_locks", "orchestrator_queue",
          "worker_queue")  # fmt: skip


def audit_schema(address: str) -> StoreAudit:
    """Ask the schema through a session that the engine knows nothing of.

    Facts: `server_version`; `database_bytes`, the schema's tables with their indexes; `rows.<table>`;
    `wal_bytes`, what the server wrote to its write-ahead log since the schema was made. The last is
    the whole server's: on a server with other tenants their writes count in it.
    """
    import psycopg

    try:
        with open_database(address) as (database, _):
            problems = [
                StoreProblem(what, detail, instance, *of)
                for what, question in QUESTIONS.items()
                for instance, detail, *of in database.execute(question).fetchmany(MAX_ROWS_SHOWN)
            ]
            facts = _facts(database, Address.read(address))
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
        return StoreAudit(asked=("open",), problems=(StoreProblem("open", str(error)),))
    return StoreAudit(asked=("open", *QUESTIONS), problems=tuple(problems), facts=facts)


def wal_position(database: psycopg.Connection[Any]) -> str:
    """Where the server's write-ahead log ends; empty where it does not say, as some hosted ones."""
    import psycopg

    try:
        return str(_one(database, "SELECT pg_current_wal_lsn()"))
    except psycopg.Error:
        return ""


def _facts(database: psycopg.Connection[Any], at: Address) -> dict[str, int | float | str]:
    from psycopg import sql

    facts: dict[str, int | float | str] = {
        "server_version": str(_one(database, "SHOW server_version")),
        "database_bytes": int(_one(database, SIZE_BYTES, at.schema)),
    }
    for table in TABLES:
        count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        facts[f"rows.{table}"] = int(_one(database, count))
    if at.wal_start and (now := wal_position(database)):
        written = "SELECT pg_wal_lsn_diff(%s, %s)::bigint"
        facts["wal_bytes"] = int(_one(database, written, now, at.wal_start))
    return facts


def _one(database: psycopg.Connection[Any], query: Any, *values: str) -> Any:
    row = database.execute(query, values or None).fetchone()
    assert row is not None
    return row[0]
