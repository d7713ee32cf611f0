"""A provider of one's own on top of a built-in one: PostgreSQL with settings that a team thinks about.

The built-in `Postgres` does everything but the difference: it makes the schema, gives the engine's
sessions the `settings`, audits, measures and removes. So a comparison takes a class for each variant,
and all stand in one table:

    duroxide-stress run --provider postgres --provider tuned_postgres:Asynchronous
"""

from __future__ import annotations

from typing import ClassVar

from duroxide_stress.providers.base import StoreAudit, StoreProblem
from duroxide_stress.providers.postgres import Postgres
from duroxide_stress.providers.postgres_server import open_database


class Asynchronous(Postgres):
    """Commits are acknowledged before they are on the disk. A crash of the server may lose the last
    of them, so this is a question to the checks as well: what was acknowledged is owed."""

    name = "postgres-async"
    label = "PostgreSQL, async commit"
    settings: ClassVar = {"synchronous_commit": "off"}

    def audit(self, address: str) -> StoreAudit:
        """The built-in questions, and one of our own: does the server vacuum by itself?"""
        found = super().audit(address)
        with open_database(address) as (database, _):
            (autovacuum,) = database.execute("SHOW autovacuum").fetchall()[0]
        wrong = () if autovacuum == "on" else (StoreProblem("autovacuum", f"it is {autovacuum}"),)
        return StoreAudit(
            asked=(*found.asked, "autovacuum"),
            problems=(*found.problems, *wrong),
            facts={**found.facts, **self.settings},
        )
