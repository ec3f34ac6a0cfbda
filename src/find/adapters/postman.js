// The pre-request script of a collection that newman runs with `-d fixtures-N.json`; rows are pm.iterationData.get('TABLE').
// newman repeats its last row where -n asks for more iterations than there are rows: then nothing is sent, and the run fails.
if (pm.iterationData.get('_row') !== pm.info.iteration) {
    pm.test('placebo: iteration ' + pm.info.iteration + ' has no row of its own: placebo find … --each N', () => pm.expect.fail());
    pm.execution.skipRequest();
}
