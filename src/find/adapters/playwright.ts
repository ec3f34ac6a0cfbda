// A row of fixtures.json for each Playwright test: import { test, expect } from './placebo' and take `async ({ TABLE }) => …`.
// No other test of the run gets the row, on any worker, shard or project, retries included: who takes it leaves a file in the output
// folder, under the number of the runner's process. A worker without rows fails its test.
import { test as base } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

const { pools } = JSON.parse(fs.readFileSync(path.join(__dirname, 'fixtures.json'), 'utf8'));

export const test = base.extend<{ TABLE: any }>({
  TABLE: async ({}, use, info) => {
    const shard = info.config.shard ? info.config.shard.current - 1 : 0;
    const worker = shard * info.config.workers + info.parallelIndex;
    if (worker >= pools.length)
      throw new Error(`placebo: worker ${worker} has no pool, fixtures.json has ${pools.length}: placebo find … --workers N`);
    const folder = path.join(info.config.projects[0].outputDir, '.placebo', String(process.ppid), 'TABLE');
    fs.mkdirSync(folder, { recursive: true });
    const take = (row: any) => {
      try {
        fs.closeSync(fs.openSync(path.join(folder, encodeURIComponent(row._case)), 'wx'));
        return true;
      } catch (error: any) {
        if (error.code === 'EEXIST') return false;
        throw error;
      }
    };
    const row = pools[worker].find(take);
    if (!row) throw new Error(`placebo: worker ${worker} has used its ${pools[worker].length} rows: placebo find … --each N`);
    info.annotations.push({ type: 'placebo', description: row._case });
    await use(row);
  },
});
export { expect } from '@playwright/test';
