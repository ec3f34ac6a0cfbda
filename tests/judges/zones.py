"""Judges local time against Python's `zoneinfo`, with the zones of the system: both ways, offsets, hours that clocks skip or show twice.

usage: zones.py PLACEBO SCRATCH ROWS
"""
import csv
import datetime
import math
import pathlib
import shutil
import subprocess
import sys
import zoneinfo

ZONES = [
    "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "Asia/Kathmandu", "Asia/Tokyo",
    "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Auckland", "Pacific/Apia", "UTC",
]
PROFILE = """name = "zones"
as_of = 2025-12-31
[tables.t]
rows = %d
[tables.t.columns]
id = { expr = "row + 1", key = true }
zone = { gen.choice.values = %s }
moment = { gen.timestamp = { from = "DATE '1990-01-01'", to = "as_of" } }
shown = "moment AT TIME ZONE zone"
ahead = "utc_offset(moment, zone)"
wall = "date_trunc('hour', CAST(DATE '2020-01-01' + (id * 7919) %% 2100 AS datetime)) + (id %% 48) * INTERVAL '30' MINUTE"
meant = "wall AT TIME ZONE zone"
wave = "sin(id) + cos(id) + ln(id) + sqrt(id) + exp(-id / 1000.0) + power(id, 0.3) + log10(id) + tan(id)"
"""


def utc(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def main():
    placebo, scratch, rows = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), int(sys.argv[3])
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    (scratch / "zones.toml").write_text(PROFILE % (rows, str(ZONES).replace("'", '"')))
    subprocess.run([placebo, "generate", scratch / "zones.toml", "--out", scratch / "out", "-q"], check=True)
    skipped = twice = 0
    with open(scratch / "out" / "t.csv", newline="") as file:
        for row in csv.DictReader(file):
            zone, number = zoneinfo.ZoneInfo(row["zone"]), int(row["id"])
            local = utc(row["moment"]).astimezone(zone)
            offset = local.strftime("%z")
            assert local.replace(tzinfo=None).isoformat() == row["shown"], f"{row}: {local}"
            assert f"{offset[:3]}:{offset[3:5]}" == row["ahead"], f"{row}: {offset}"
            # Python takes the first of two hours; the later offset's time of one that is skipped is what its `fold=0` gives too.
            wall = datetime.datetime.fromisoformat(row["wall"])
            meant = wall.replace(tzinfo=zone).astimezone(datetime.timezone.utc)
            assert meant == utc(row["meant"]), f"{row}: {meant}"
            again = meant.astimezone(zone).replace(tzinfo=None)
            skipped += again != wall
            twice += wall.replace(tzinfo=zone, fold=0).utcoffset() != wall.replace(tzinfo=zone, fold=1).utcoffset() and again == wall
            x = float(number)
            wave = math.sin(x) + math.cos(x) + math.log(x) + math.sqrt(x) + math.exp(-x / 1000) + x**0.3 + math.log10(x) + math.tan(x)
            assert math.isclose(wave, float(row["wave"]), rel_tol=1e-12, abs_tol=1e-12), f"{row}: {wave}"
    assert skipped > 0 and twice > 0, f"{skipped} times skipped, {twice} shown twice: too few to say anything"
    print(f"{rows} times in {len(ZONES)} zones agree with zoneinfo, {skipped} of them skipped and {twice} shown twice")


main()
