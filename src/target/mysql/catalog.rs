//! Queries of `information_schema` for the tables of a database.

/// A row for each column of each table of a database: table, column, type, type as shown, whether it may be null, is filled in, is
/// computed, and whether the table has foreign keys.
pub(super) const TABLES: &str = "\
SELECT t.table_name, c.column_name, lower(c.data_type), c.column_type, c.is_nullable = 'YES', \
  c.column_default IS NOT NULL OR c.extra LIKE '%auto_increment%', coalesce(c.generation_expression, '') <> '', \
  EXISTS (SELECT 1 FROM information_schema.table_constraints k \
    WHERE k.table_schema = t.table_schema AND k.table_name = t.table_name AND k.constraint_type = 'FOREIGN KEY') \
FROM information_schema.tables t \
LEFT JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name \
WHERE t.table_schema = ? AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') \
ORDER BY CAST(t.table_name AS BINARY), c.ordinal_position";

/// The number of tables of users in two databases.
pub(super) const COUNT: &str = "\
SELECT count(*) FROM information_schema.tables \
WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND table_schema IN (?, ?)";

/// The number of tables of users in all databases.
pub(super) const COUNT_ALL: &str = "\
SELECT count(*) FROM information_schema.tables \
WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') \
AND table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')";

/// The bytes of tables of a database with their indexes.
pub(super) const BYTES: &str = "\
SELECT coalesce(sum(data_length + index_length), 0) FROM information_schema.tables \
WHERE table_schema = ? AND table_name IN ({names})";

/// The columns of a key of a table, in their order.
pub(super) const KEY: &str = "\
SELECT column_name FROM information_schema.statistics \
WHERE table_schema = ? AND table_name = ? AND index_name = ? ORDER BY seq_in_index";

/// The columns of the foreign keys of a table, with those that they refer to: name, column, database, table, column.
pub(super) const FOREIGN_KEYS: &str = "\
SELECT constraint_name, column_name, referenced_table_schema, referenced_table_name, referenced_column_name \
FROM information_schema.key_column_usage \
WHERE table_schema = ? AND table_name = ? AND referenced_table_name IS NOT NULL \
ORDER BY constraint_name, ordinal_position";

/// The number of constraints of a database, a table, a name and a kind.
pub(super) const CONSTRAINT: &str = "\
SELECT count(*) FROM information_schema.table_constraints \
WHERE constraint_schema = ? AND table_name = ? AND constraint_name = ? AND constraint_type = ?";

/// The foreign keys that reach the tables of a database: database and name of the table that has one, the table that it refers to, and
/// whether rows go or change with the row that they refer to.
pub(super) const REFERENCES: &str = "\
SELECT k.constraint_schema, k.table_name, k.referenced_table_name, k.delete_rule NOT IN ('RESTRICT', 'NO ACTION') \
FROM information_schema.referential_constraints k WHERE k.unique_constraint_schema = ?";
