"""The rules for SQL that lets tables be distributed by organization, held against every migration and every statement of the source.

They are those of docs/scaling.md. A statement that may read across organizations stands in `ACROSS`, with its reason.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pglast
import pytest
from pglast import ast as sql
from pglast.enums import ConstrType
from pglast.visitors import Visitor

from baton.kernel.revisions import folder
from tests.scaling.sql import SOURCE, Statement, statements

SHARED = {
    "directory_people", "directory_memberships", "directory_credentials", "directory_addresses", "directory_resets", "log_cursors",
}  # fmt: skip
"""Tables that belong to no organization: asked by key before it is known, or the installation's own."""
VOLATILE = {"random", "clock_timestamp", "uuidv7", "gen_random_uuid", "nextval", "timeofday", "setval"}
ACROSS = {
    "activities/stream.py read": "the relay reads the log of all in the order of commits",
    "activities/seal.py step": "so does the sealer",
    "jobs/relay.py _listening": "the relay asks who listens to what",
    "jobs/lanes.py _prune": "the list of organizations, for work done for one after the other",
    "jobs/retention.py forget": "the same",
    "jobs/schedule.py fan_out": "the same",
    "jobs/worker.py organizations": "the same",
    "doors/import_file.py actor_in": "the operator's command line names an organization",
    "doors/metrics.py _gauges": "the operator's figures",
}
WAITING = {"due", "slots_due"}
"""What waits is found across organizations, a bounded number of each (kernel/fairness.py); it is then done inside one."""
FILES = sorted((folder() / "sql").glob("*.sql"))
ALL = statements()


def nodes(tree: Any, kind: type) -> list[Any]:
    """The nodes of a kind beneath a tree."""
    found: list[Any] = []

    class Gather(Visitor):
        def visit(self, ancestors: Any, node: Any) -> None:
            if isinstance(node, kind):
                found.append(node)

    Gather()(tree)
    return found


def migrated() -> Iterator[tuple[str, Any]]:
    for file in FILES:
        for each in pglast.parse_sql(file.read_text(encoding="utf-8")):
            yield file.name, each.stmt


def names(items: Any) -> list[str]:
    return [each.sval for each in items or ()]


TABLES = {
    str(stmt.relation.relname): {column.colname for column in nodes(stmt, sql.ColumnDef)}
    for _, stmt in migrated()
    if isinstance(stmt, sql.CreateStmt) and stmt.relation
}
TENANT = {name for name, columns in TABLES.items() if "org_id" in columns} - SHARED


def test_every_table_is_an_organizations_or_known_to_be_shared() -> None:
    """A table without organization can be no shard: it is named here, or it is a mistake."""
    assert set(TABLES) - TENANT == SHARED


def test_every_key_holds_the_organization() -> None:
    """Primary, unique and foreign keys of tenant tables contain org_id; nothing is SET NULL; no enum."""
    wrong = []
    for file, stmt in migrated():
        if isinstance(stmt, sql.CreateEnumStmt):
            wrong.append(f"{file}: an enum")
        table = getattr(getattr(stmt, "relation", None), "relname", "")
        unique = isinstance(stmt, sql.IndexStmt) and stmt.unique and table in TENANT
        if unique and "org_id" not in [each.name for each in stmt.indexParams]:
            wrong.append(f"{file}: unique index on {table} without org_id")
        if not isinstance(stmt, sql.CreateStmt | sql.AlterTableStmt) or table not in TENANT:
            continue
        for column in nodes(stmt, sql.ColumnDef):
            wrong += [
                f"{file}: {table}.{column.colname}"
                for each in column.constraints or ()
                if _breaks(each, [column.colname])
            ]
        own = [node for node in nodes(stmt, sql.Constraint) if node.keys or node.fk_attrs]
        wrong += [
            f"{file}: {table} ({', '.join(names(each.keys or each.fk_attrs))})" for each in own if _breaks(each, [])
        ]
    assert wrong == []


def _breaks(constraint: Any, column: list[str]) -> bool:
    keys = names(constraint.keys) or names(constraint.fk_attrs) or column
    if constraint.contype in (ConstrType.CONSTR_PRIMARY, ConstrType.CONSTR_UNIQUE):
        return "org_id" not in keys
    if constraint.contype == ConstrType.CONSTR_FOREIGN:
        leads_home = "org_id" in keys and "org_id" in (names(constraint.pk_attrs) or keys)
        return not leads_home or constraint.fk_del_action in ("n", "d") or constraint.pktable.relname in SHARED
    return False


def test_triggers_only_keep_the_log() -> None:
    """On shards a trigger sees its shard alone: the only ones refuse changes of what is append-only."""
    found = [
        (stmt.relation.relname, names(stmt.funcname)[-1])
        for _, stmt in migrated()
        if isinstance(stmt, sql.CreateTrigStmt) and stmt.relation
    ]
    assert {function for _, function in found} <= {"refuse_change"}
    assert {table for table, _ in found} >= {"activities", "lead_scores"}


def test_the_source_is_read() -> None:
    """Nearly every statement parses: what does not is put together in ways that the source alone does not tell."""
    unread = Counter(each.file for each in ALL if each.tree is None)
    assert len(ALL) > 500
    assert sum(unread.values()) <= len(ALL) // 50, unread


def each_statement(kind: type | tuple[type, ...] = sql.Node) -> Iterator[tuple[Statement, Any]]:
    for statement in ALL:
        for raw in statement.tree or ():
            if isinstance(raw.stmt, kind):
                yield statement, raw.stmt


def told(statement: Statement) -> str:
    return f"{statement.file}:{statement.line} {statement.function}"


def test_no_merge_and_no_set_config() -> None:
    """Citus knows no MERGE between rows like ours, and tells shards nothing of set_config(): there would be no rows."""
    wrong = [told(s) for s, tree in each_statement() if nodes(tree, sql.MergeStmt)]
    wrong += [told(s) for s, tree in each_statement() if "set_config" in _called(tree)]
    assert wrong == []
    for file in FILES:
        assert not re.search(r"\bset_config\s*\(", file.read_text(encoding="utf-8")), file.name


def _called(tree: Any) -> set[str]:
    return {names(each.funcname)[-1] for each in nodes(tree, sql.FuncCall)}


def test_updates_are_the_same_on_every_copy() -> None:
    """What an UPDATE sets is no volatile function: it comes as a parameter."""
    wrong = []
    for statement, tree in each_statement():
        for update in nodes(tree, sql.UpdateStmt) + nodes(tree, sql.OnConflictClause):
            wrong += [told(statement) for target in update.targetList or () if _called(target) & VOLATILE]
    assert wrong == []


def test_one_change_a_statement() -> None:
    """Plain statements one after the other, no chains of changes in WITH: those make a plan for each shard and step."""
    wrong = []
    for statement, tree in each_statement():
        changes = [node for kind in (sql.InsertStmt, sql.UpdateStmt, sql.DeleteStmt) for node in nodes(tree, kind)]
        if len(changes) > 1:
            wrong.append(told(statement))
    assert wrong == []


def test_every_statement_names_the_organization() -> None:
    """Each tenant table of a statement is bound to org_id in that statement: so it goes to one shard, whatever row security adds."""
    unnamed = [statement for statement, tree in each_statement() if unbound(tree) and not _put_together(statement)]
    across = {f"{s.file.removeprefix('baton/')} {s.function}" for s in unnamed if s.function not in WAITING}
    assert across == set(ACROSS)


def _put_together(statement: Statement) -> bool:
    """Whether its conditions are put to it elsewhere: by `newest`, or as a list that begins with the organization."""
    file = (SOURCE / statement.file).read_text(encoding="utf-8")
    listed = "org_id = $1" in statement.around or "tests: str" in statement.around or "import matching" in file
    handed_on = "newest(" in statement.around and "WHERE" not in statement.text
    return handed_on or (statement.chosen and listed)


def unbound(tree: Any) -> set[str]:
    """The tenant tables that a statement reads or changes without a word of their organization."""
    missing: set[str] = set()
    for level in [node for kind in (sql.SelectStmt, sql.UpdateStmt, sql.DeleteStmt) for node in nodes(tree, kind)]:
        ours = _tables(level)
        bound = _bound(level)
        for alias, table in ours.items():
            if alias not in bound and not ("" in bound and len(ours) == 1):
                missing.add(table)
    return missing


def _tables(level: Any) -> dict[str, str]:
    """Alias → tenant table, of this level alone."""
    found: dict[str, str] = {}
    pending = [*(getattr(level, "fromClause", None) or ()), *(getattr(level, "usingClause", None) or ())]
    if relation := getattr(level, "relation", None):
        pending.append(relation)
    while pending:
        node = pending.pop()
        if isinstance(node, sql.JoinExpr):
            pending += [node.larg, node.rarg]
        elif isinstance(node, sql.RangeVar) and node.relname in TENANT and not node.schemaname:
            found[str(node.alias.aliasname if node.alias else node.relname)] = str(node.relname)
    return found


def _bound(level: Any) -> set[str]:
    """The aliases whose org_id the conditions of this level speak of; "" for one without alias, all of a USING (org_id, …)."""
    bound: set[str] = set()
    conditions = [level.whereClause] if level.whereClause else []
    pending = [*(getattr(level, "fromClause", None) or ()), *(getattr(level, "usingClause", None) or ())]
    while pending:
        node = pending.pop()
        if isinstance(node, sql.JoinExpr):
            pending += [node.larg, node.rarg]
            conditions += [node.quals] if node.quals else []
            if "org_id" in names(node.usingClause):
                bound |= set(_tables(level))
    for condition in conditions:
        for column in nodes(condition, sql.ColumnRef):
            parts = [str(each.sval) for each in column.fields or () if isinstance(each, sql.String)]
            if parts and parts[-1] == "org_id":
                bound.add(parts[0] if len(parts) > 1 else "")
    return bound


@pytest.mark.parametrize(
    "wrong",
    [
        "SELECT * FROM leads WHERE id = $1",
        "SELECT * FROM leads l JOIN stages s ON s.id = l.stage_id WHERE l.org_id = $1",
        "UPDATE leads SET name = $1 WHERE id = $2",
        "DELETE FROM tasks t USING leads l WHERE t.org_id = $1 AND l.id = t.lead_id",
        "SELECT (SELECT count(*) FROM tasks t WHERE t.lead_id = l.id) FROM leads l WHERE l.org_id = $1",
    ],
)
def test_the_check_finds_what_it_should(wrong: str) -> None:
    """A statement that forgets an organization is found."""
    assert unbound(pglast.parse_sql(wrong)[0].stmt)
