"""A row of fixtures-N.json for each Locust task: rows = Rows(self.environment) in on_start, then row = rows.next().

Each worker process reads the file of its index, so no row is used twice. A worker without rows stops its users, and the run has exit
code 1; it ends when all workers have none.
"""

import json
import pathlib

from locust import events
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

_open, _done = {}, set()


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
            _say(self.environment, self.worker)
            if isinstance(self.environment.runner, WorkerRunner):
                self.environment.runner.send_message("placebo_used", self.worker)
            else:
                self.environment.runner.quit()
            raise StopUser()
        return row


@events.init.add_listener
def _listen(environment, **_):
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("placebo_used", _used)


def _used(environment, msg, **_):
    _say(environment, msg.data)
    _done.add(msg.node_id)
    if len(_done) >= environment.runner.worker_count:
        environment.runner.quit()


def _say(environment, worker):
    print(f"placebo: worker {worker} has used its rows of TABLE: placebo find … --each N", flush=True)
    environment.process_exit_code = 1
