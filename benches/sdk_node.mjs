// Prepares the events of an export with Meta's Node SDK (facebook-nodejs-business-sdk); writes the requests, sends nothing.
//
// usage: node sdk_node.mjs leads.csv > requests.ndjson, in the folder whose node_modules holds the SDK
//
// The SDK normalises and hashes; what it leaves to its caller is done here, and no more: the country's two-letter code,
// the country code of a national phone number, the form of a birthday, the time in seconds.

import { createReadStream, readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(`${process.cwd()}/`);
const { CustomData, EventRequest, ServerEvent, UserData } = require('facebook-nodejs-business-sdk');

const EVENTS_A_REQUEST = 500;
const COUNTRIES = { 'united states': 'us', usa: 'us' };
const CALLING = Object.fromEntries(
  readFileSync(new URL('countries.tsv', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .map(([country, , code]) => [country.toLowerCase(), code]),
);

// Stands where the SDK lets its users put an HTTP client of their own.
const printer = {
  async executeRequest(url, method, headers, params) {
    let bytes = Buffer.from(`${JSON.stringify(params)}\n`);
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(1, bytes));
  },
};

// The cells of a line as far as they are wanted: those before the first that is quoted.
function cells(line) {
  const quote = line.indexOf(',"');
  return (quote < 0 ? line : line.slice(0, quote)).split(',');
}

function event(line) {
  const [leadId, stage, at, email, written, first, last, gender, born, city, state, code, named, externalId] =
    cells(line);
  const country = COUNTRIES[named.toLowerCase()] ?? named.toLowerCase();
  const dialled = written.replaceAll('.', ''); // The Python SDK refuses them.
  const isNational = !dialled.startsWith('+') && country in CALLING;
  const phone = isNational ? `+${CALLING[country]}${dialled.replace(/^0+/, '')}` : dialled;
  const seconds = Date.parse(`${at.replace(' ', 'T')}Z`) / 1000;
  const userData = new UserData()
    .setEmail(email)
    .setPhone(phone)
    .setGender(gender)
    .setDateOfBirth(born.replaceAll('-', ''))
    .setLastName(last)
    .setFirstName(first)
    .setCity(city)
    .setState(state)
    .setCountry(country)
    .setZip(code)
    .setExternalId(externalId)
    .setLeadId(leadId);
  return new ServerEvent()
    .setEventName(stage)
    .setEventTime(seconds)
    .setEventId(`${leadId}-${seconds}`)
    .setActionSource('system_generated')
    .setUserData(userData)
    .setCustomData(new CustomData().setCustomProperties({ event_source: 'crm', lead_event_source: 'Bench' }));
}

async function send(events) {
  await new EventRequest('unused', '1', events).setHttpService(printer).execute();
}

async function main(path) {
  let header = true;
  let events = [];
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (header) {
      header = false;
      continue;
    }
    events.push(event(line));
    if (events.length === EVENTS_A_REQUEST) {
      await send(events);
      events = [];
    }
  }
  if (events.length > 0) await send(events);
}

// An error must not get past here: the SDK's crash reporter may post it to Meta, and loops when the output is closed.
main(process.argv[2]).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
