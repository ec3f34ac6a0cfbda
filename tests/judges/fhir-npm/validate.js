// Judges FHIR resources by the npm package fhir: required value sets, cardinality, unknown fields.
//
// usage: node validate.js OUT < RESOURCES; a resource a line. Writes a line of JSON for each that is refused, then how many there were.
const { Fhir } = require('fhir');
const readline = require('readline');
const fs = require('fs');

async function main() {
  const judge = new Fhir();
  const lines = [];
  let at = 0;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let found;
    try {
      const result = judge.validate(JSON.parse(line), { errorOnUnexpected: true });
      found = result.messages.filter((m) => m.severity === 'error' || m.severity === 'fatal').map((m) => `${m.location}: ${m.message}`);
      if (!result.valid && !found.length) found = ['not valid'];
    } catch (error) {
      // It throws on some malformed elements instead of refusing them.
      found = [`throws ${error.message}`];
    }
    if (found.length) lines.push(JSON.stringify({ at, found: found.slice(0, 3) }));
    at += 1;
  }
  lines.push(JSON.stringify({ judged: at }));
  fs.writeFileSync(process.argv[2], lines.join('\n') + '\n');
}

main();
