"""Loads CSV files into DuckDB as `schema.sql` says: primary keys, foreign keys and CHECKs hold for every row.

That DuckDB looks is shown as well: a table twice, a table before those it refers to, and the opposite of each CHECK are refused.
Frictionless must see a row that stands twice and a cell of another type.
"""
import re

import duckdb
import frictionless

SELF = re.compile(r',?\n  FOREIGN KEY \([^)]*\) REFERENCES ("[^"]+") \([^)]*\)')


def tables(folder):
    """The statements of the tables in their order. DuckDB refuses rows of one statement that refer to each other, so references of
    a table to itself are left out; the judge of keys looks at them."""
    for statement in (folder / "schema.sql").read_text().split(");\n"):
        name = re.search(r'CREATE TABLE ("[^"]+")', statement)
        if name:
            yield name[1].strip('"'), SELF.sub(lambda key: "" if key[1] == name[1] else key[0], statement) + ");"


def load(db, folder, name):
    db.execute(f"""INSERT INTO "{name}" SELECT * FROM read_csv('{folder / name}.csv', header = true, all_varchar = true)""")


def refused(act):
    try:
        act()
    except duckdb.ConstraintException:
        return True
    return False


def schema(folder):
    """What is wrong, and how many constraints were seen to hold and to be looked at."""
    wrong, seen, db = [], 0, duckdb.connect()
    for name, statement in tables(folder):
        filled = len((folder / f"{name}.csv").read_text().split("\n", 2)) > 2
        db.execute(statement)
        try:
            load(db, folder, name)
        except duckdb.Error as error:
            wrong.append(f"{name}: {error}")
            continue
        if filled and "PRIMARY KEY" in statement:
            seen += 1
            if not refused(lambda: load(db, folder, name)):
                wrong.append(f"{name}: its rows are taken twice")
        for reference in re.findall(r'FOREIGN KEY .* REFERENCES ("[^"]+")', statement) if filled else []:
            seen += 1
            alone = duckdb.connect()
            for other, theirs in tables(folder):
                if other == name:
                    break
                alone.execute(theirs)
            alone.execute(statement)
            rows = db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            if rows and not refused(lambda: load(alone, folder, name)):
                wrong.append(f"{name}: it is taken before {reference}")
            break
        columns = re.sub(r",?\n  (PRIMARY KEY|FOREIGN KEY|UNIQUE|CONSTRAINT) .*", "", statement).removesuffix(");").rstrip().rstrip(",")
        for unique, column in re.findall(r'(UNIQUE \(("[^"]+")\))', statement) if filled else []:
            seen += 1
            alone = duckdb.connect()
            alone.execute(columns + f",\n  {unique});")
            load(alone, folder, name)
            values = alone.execute(f'SELECT count({column}) FROM "{name}"').fetchone()[0]
            if values and not refused(lambda: load(alone, folder, name)):
                wrong.append(f"{name}: {unique} takes values twice")
        for check in re.findall(r'CONSTRAINT "[^"]+" CHECK \(.*\)', statement):
            seen += 1
            opposite = re.sub(r"CHECK (\(.*\))$", r"CHECK (NOT \1)", check)
            other = duckdb.connect()
            other.execute(columns + f",\n  {opposite.rstrip(',')});")
            if filled and not refused(lambda: load(other, folder, name)):
                wrong.append(f"{name}: the opposite of {check} is taken")
    return wrong, seen


def planted(folder):
    """Frictionless finds a row that stands twice, and a text where a number belongs."""
    wrong = []
    table = frictionless.Package(str(folder / "datapackage.json")).get_resource("person")
    file = folder / table.path
    whole = file.read_text()
    lines = whole.splitlines(keepends=True)
    for what, text in [("a row that stands twice", whole + lines[1]), ("a text for a number", whole + "x" + lines[1])]:
        file.write_text(text)
        if frictionless.validate(str(folder / "datapackage.json")).valid:
            wrong.append(f"Frictionless does not see {what} in {file}")
    file.write_text(whole)
    return wrong
