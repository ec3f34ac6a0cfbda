"""Books captures and refunds of card payments: the application under test of docs/use/e2e.md.

python3 booking.py take BOOKS FOLDER [RULE]   takes a processor's files; with a rule, forgets that one: a planted bug
python3 booking.py export BOOKS TABLE         prints what it holds as CSV: capture, refund, or answered
python3 booking.py left BOOKS CAPTURE         prints what is left of a capture after its refunds
"""
import csv, datetime, sqlite3, sys

def time(text):
    return datetime.datetime.fromisoformat(text.rstrip("Z"))

def wrong(one, table, row):
    """Each rule that a row breaks, with the answer to it; `one` gives the first row of a query."""
    amount = int(row.get("amount") or 0)
    if table == "capture":
        if one("SELECT 1 FROM capture WHERE capture_id = ?", row["capture_id"]):
            yield "twice", 409
        allowed, expires = one("SELECT amount, expires_at FROM authorization WHERE auth_id = ?", row["auth_id"])
        others = "SELECT coalesce(sum(amount), 0) FROM capture WHERE auth_id = ? AND capture_id <> ?"
        if (one(others, row["auth_id"], row["capture_id"])[0] + amount) * 100 > int(allowed) * 120:  # with a tip
            yield "above", 422
        if time(row["captured_at"]) > time(expires):
            yield "late", 422
    if table == "refund":
        capture = one("SELECT amount FROM capture WHERE capture_id = ?", row["capture_id"])
        if not capture:
            yield "unknown", 404
        elif amount > int(capture[0] or 0):
            yield "refund", 422
    if table != "authorization" and amount <= 0:
        yield "amount", 422

def take(db, folder, bug=None):
    db.execute("CREATE TABLE answered (of, key, http)")
    for table in ("authorization", "capture", "refund"):
        with open(f"{folder}/{table}.csv", newline="") as file:
            rows = csv.DictReader(file)
            db.execute(f"CREATE TABLE {table} ({','.join(rows.fieldnames)})")
            db.execute(f"CREATE INDEX {table}_key ON {table} ({rows.fieldnames[0]})")
            for row in rows:
                one = lambda sql, *values: db.execute(sql, values).fetchone()
                http = next((code for rule, code in wrong(one, table, row) if rule != bug), 201)
                if bug == "cents" and row.get("amount"):
                    row["amount"] = int(int(row["amount"]) / 100 * 100)  # 4.35 * 100 is 434.99999999999994
                cells = [cell or None for cell in row.values()]
                if http == 201:
                    db.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(cells))})", cells)
                db.execute("INSERT INTO answered VALUES (?, ?, ?)", (table, cells[0], http))

def export(db, table):
    held = db.execute(f"SELECT * FROM {table}")
    csv.writer(sys.stdout).writerows([[column[0] for column in held.description], *held])

def left(db, capture):
    back = "(SELECT coalesce(sum(amount), 0) FROM refund WHERE capture_id = ?1)"
    print(db.execute(f"SELECT amount - {back} FROM capture WHERE capture_id = ?1", [capture]).fetchone()[0])

command, books, *others = sys.argv[1:]
with sqlite3.connect(books) as db:
    {"take": take, "export": export, "left": left}[command](db, *others)
