"""A row of fixtures-N.json for each Locust task: rows = Rows(self.environment) in on_start, then row = rows.next().

Each worker process reads the file of its index, so no row is used twice. When there are no more rows the run ends with exit code 1.
"""

import json
import pathlib

from locust.exception import StopUser

_open = {}


class Rows:
    def __init__(self, environment):
        self.environment = environment
        self.worker = getattr(environment.runner, "worker_index", 0)
        if self.worker not in _open:
            file = pathlib.Path(__file__).with_name(f"fixtures-{self.worker}.json")
            _open[self.worker] = iter(json.loads(file.read_text(encoding="utf-8")))

    def next(self):
        row = next(_open[self.worker], None)
        if row is None:
            print(f"placebo: worker {self.worker} has used its rows of TABLE: placebo find … --each N", flush=True)
            self.environment.process_exit_code = 1
            self.environment.runner.quit()
            raise StopUser()
        return row
