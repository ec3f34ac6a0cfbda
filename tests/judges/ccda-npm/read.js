// Judges C-CDA documents by the npm package @medplum/ccda, which makes FHIR of them, and reads them with the npm package bluebutton.
//
// usage: node read.js OUT < DOCUMENTS; a document a line, after R to be read or J to be judged only. Writes a line of JSON for each:
// `refused`, or `made`, the number of resources of each type, and with R `read`, what bluebutton finds. The last line says how many there were.
const { convertCcdaToFhir, convertXmlToCcda } = require('@medplum/ccda');
const bluebutton = require('bluebutton');
const readline = require('readline');
const fs = require('fs');

function judge(text) {
  const made = {};
  const document = convertXmlToCcda(text);
  // Its reader gives a single participant as an object, its converter wants an array.
  if (document.participant && !Array.isArray(document.participant)) document.participant = [document.participant];
  for (const entry of convertCcdaToFhir(document).entry) made[entry.resource.resourceType] = (made[entry.resource.resourceType] ?? 0) + 1;
  return made;
}

async function main() {
  const out = fs.createWriteStream(process.argv[2]);
  let judged = 0;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const text = line.slice(1);
    const found = {};
    try {
      found.made = judge(text);
      if (line[0] === 'R') found.read = bluebutton(text).data;
    } catch (error) {
      found.refused = `${error.message}`;
    }
    if (!out.write(JSON.stringify(found) + '\n')) await new Promise((drained) => out.once('drain', drained));
    judged += 1;
  }
  out.end(JSON.stringify({ judged }) + '\n');
}

main();
