"""Judges facts with two owners by DuckDB: the bank fixture, where payments are dealt to merchants.

usage: bank.py PLACEBO SCRATCH PAYMENTS
"""
import pathlib
import shutil
import subprocess
import sys

import duckdb

LIMIT = -500

# Each query counts rows that break a rule.
RULES = {
    "as many payments as asked for": "SELECT abs(count(*) - {payments}) FROM payment",
    "a balance is the one before less the amount, with what the bank covered": """
        SELECT count(*) FROM (
            SELECT p.*, a.start, lag(balance) OVER (PARTITION BY account_id ORDER BY paid_at, rank) AS last
            FROM (SELECT *, file_row_number AS rank FROM payment) p JOIN account a USING (account_id))
        WHERE coalesce(last, start) <> before OR balance <> before - amount + covered OR covered < 0
           OR (covered > 0 AND balance <> {limit})""",
    "no balance is below the limit": "SELECT count(*) FROM payment WHERE balance < {limit}",
    "every payment is in one batch": """
        SELECT count(*) FROM payment p LEFT JOIN settlement_batch b USING (batch_id)
        WHERE b.batch_id IS NULL OR b.merchant_id <> p.merchant_id OR b.day <> CAST(p.paid_at AS date)""",
    "one batch for each merchant and day": "SELECT count(*) - count(DISTINCT (merchant_id, day)) FROM settlement_batch",
    "a batch sums its payments": """
        SELECT count(*) FROM settlement_batch b LEFT JOIN (
            SELECT batch_id, sum(amount) AS total, count(*) AS n FROM payment GROUP BY batch_id) p USING (batch_id)
        WHERE p.total IS NULL OR p.total <> b.total OR p.n <> b.payments""",
    "batches are numbered by day without a gap": """
        SELECT count(*) FROM (SELECT number, row_number() OVER (PARTITION BY merchant_id ORDER BY day) AS n FROM settlement_batch)
        WHERE number <> n""",
    "numbers per merchant have no gap": """
        SELECT count(*) FROM (SELECT merchant_id, min(number) AS low, max(number) AS high, count(DISTINCT number) AS n, count(*) AS m
            FROM payment GROUP BY merchant_id) WHERE low <> 1 OR high <> n OR n <> m""",
    "the merchant's ledger has its payments, each once, in the order of time": """
        SELECT count(*) FROM payment p FULL JOIN (
            SELECT *, lag(paid_at) OVER (PARTITION BY merchant_id ORDER BY number) AS last FROM merchant_entry) e USING (payment_id)
        WHERE p.payment_id IS NULL OR e.payment_id IS NULL OR p.merchant_id <> e.merchant_id OR e.last > e.paid_at""",
    "the ledger's turnover runs over its amounts": """
        SELECT count(*) FROM (SELECT turnover, sum(amount) OVER (PARTITION BY merchant_id ORDER BY number) AS sum FROM merchant_entry)
        WHERE turnover <> sum""",
    "merchants sum their payments": """
        SELECT count(*) FROM merchant m LEFT JOIN (SELECT merchant_id, count(*) AS n, sum(amount) AS total FROM payment GROUP BY merchant_id) p
        USING (merchant_id) WHERE coalesce(p.n, 0) <> m.payments OR coalesce(p.total, 0) <> m.turnover""",
    "the first merchants have more payments than the last": "SELECT CAST((SELECT payments FROM merchant WHERE merchant_id = 1) < 5 * (SELECT payments FROM merchant ORDER BY merchant_id DESC LIMIT 1) AS int)",
}


def main():
    placebo, scratch, payments = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    shutil.rmtree(scratch, ignore_errors=True)
    sizes = ["--rows", f"payment={payments}", "--rows", f"account={payments // 20}", "--rows", f"merchant={max(20, payments // 500)}"]
    subprocess.run([placebo, "generate", "tests/fixtures/bank", *sizes, "--format", "parquet", "--out", str(scratch), "-q"], check=True)
    db = duckdb.connect()
    for table in ["account", "merchant", "payment", "settlement_batch", "merchant_entry"]:
        db.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{scratch / table}.parquet', file_row_number = true)")
    broken = {rule: db.execute(sql.format(payments=payments, limit=LIMIT)).fetchone()[0] for rule, sql in RULES.items()}
    for rule, rows in broken.items():
        if rows:
            print(f"{rule}: {rows} rows break it")
    if any(broken.values()):
        sys.exit(1)
    print(f"DuckDB: {len(RULES)} rules hold for {payments} dealt payments")


if __name__ == "__main__":
    main()
