// A row of fixtures-N.json for each iteration of a k6 scenario: import { next } from './placebo.js' and call next() once an iteration.
// No other iteration gets the row. Engines have a file each: k6 run -e PLACEBO_ENGINE=0, 1, … Several scenarios share the rows by their
// places: next(0, 500), next(500, 1000). When there are no more rows the test is aborted, with exit code 108.
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';

const engine = __ENV.PLACEBO_ENGINE || '0';
const rows = new SharedArray('placebo TABLE', () => JSON.parse(open(import.meta.resolve(`./fixtures-${engine}.json`))));

export function next(from, to) {
  const first = from || 0;
  const end = to === undefined ? rows.length : Math.min(to, rows.length);
  const scenarios = Object.keys(exec.test.options.scenarios || {}).length;
  if (scenarios > 1 && to === undefined) exec.test.abort('placebo: several scenarios: give each its rows, next(from, to)');
  const at = first + exec.scenario.iterationInTest;
  if (at >= end) exec.test.abort(`placebo: engine ${engine} has used its ${end - first} rows: placebo find … --each N`);
  return rows[at];
}
