// A row of fixtures.json for each Cypress test. In cypress.config.js:
//   setupNodeEvents(on, config) { require('./placebo')(on, config) }
// In a test: cy.task('placebo:next').then((row) => row.TABLE …). A retry takes the next row. Machines that share a system under test
// have a pool each: PLACEBO_WORKER=0, 1, … A pool without rows fails the test.
const { pools } = require('./fixtures.json');

const worker = Number(process.env.PLACEBO_WORKER || 0);
let at = 0;

module.exports = (on, config) => {
  on('task', {
    'placebo:next'() {
      const pool = pools[worker];
      if (!pool) throw new Error(`placebo: worker ${worker} has no pool, fixtures.json has ${pools.length}: placebo find … --workers N`);
      if (at >= pool.length) throw new Error(`placebo: worker ${worker} has used its ${pool.length} rows: placebo find … --each N`);
      return pool[at++];
    },
  });
  return config;
};
