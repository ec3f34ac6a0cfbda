//! Queries of the catalogue of `PostgreSQL` for the tables of a schema.

/// A row for each column of each table of the schema: table, column, type below its domain, type as shown, null, filled, generated,
/// and whether the table has foreign keys.
pub(super) const TABLES: &str = "\
SELECT c.relname::text, a.attname::text, \
  CASE WHEN b.typtype = 'e' THEN 'enum' WHEN b.typtype = 'd' THEN 'domain' ELSE b.typname::text END, \
  format_type(a.atttypid, a.atttypmod), \
  NOT (a.attnotnull OR t.typnotnull), a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL, a.attgenerated <> '', \
  EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f') \
FROM pg_class c \
JOIN pg_namespace n ON n.oid = c.relnamespace \
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
LEFT JOIN pg_type t ON t.oid = a.atttypid \
LEFT JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END \
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
ORDER BY c.relname, a.attnum";

/// The number of tables of users in all schemas, and of views that hold or reach rows of others.
pub(super) const COUNT: &str = "\
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
WHERE c.relkind IN ('r', 'p', 'f', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'";

/// The bytes of tables with their indexes.
pub(super) const BYTES: &str = "\
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c \
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relname IN ({names})";

/// The columns of numbers of a table whose next value comes from a sequence, with the sequence.
pub(super) const SEQUENCES: &str = "\
SELECT DISTINCT a.attname::text, s.oid::regclass::text \
FROM pg_attribute a \
JOIN pg_class c ON c.oid = a.attrelid \
JOIN pg_namespace n ON n.oid = c.relnamespace \
JOIN pg_type t ON t.oid = a.atttypid AND t.typcategory = 'N' \
LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum \
JOIN pg_depend d ON (d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass) \
  OR (d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid \
      AND d.refobjsubid = a.attnum AND d.deptype = 'i') \
JOIN pg_class s ON s.relkind = 'S' AND s.oid IN (d.refobjid, d.objid) \
WHERE n.nspname = current_schema() AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped";

/// The foreign keys that leave or reach the tables of the schema: both tables, and whether a row goes or changes with the other.
pub(super) const REFERENCES: &str = "\
SELECT c.relname::text, p.relname::text, k.confdeltype IN ('c', 'n', 'd') \
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid \
JOIN pg_namespace n ON n.oid = p.relnamespace \
WHERE k.contype = 'f' AND n.nspname = current_schema() AND k.conparentid = 0";

/// The foreign keys of a table: the name, and a statement that counts the rows that break it.
pub(super) const FOREIGN_KEYS: &str = "\
SELECT k.conname::text, format('SELECT count(*) FROM %s c WHERE %s AND NOT EXISTS (SELECT 1 FROM %s p WHERE %s)', \
  k.conrelid::regclass, \
  (SELECT string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') FROM unnest(k.conkey) u(x) \
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.x), \
  k.confrelid::regclass, \
  (SELECT string_agg(format('p.%I = c.%I', b.attname, a.attname), ' AND ') FROM unnest(k.conkey, k.confkey) u(x, y) \
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.x \
    JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.y)) \
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
WHERE k.contype = 'f' AND n.nspname = current_schema() AND c.relname = ?";
