// Posts events with Meta's Node SDK to a sandbox: node node.mjs http://127.0.0.1:8023
// Exits with 1 when the sandbox did not take, or does not give back, exactly what was sent.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";

// The SDK is looked up from the working directory, where it was installed.
const sdk = createRequire(`${process.cwd()}/`)("facebook-nodejs-business-sdk");
const { Content, CustomData, EventRequest, FacebookAdsApi, ServerEvent, UserData } = sdk;

const baseUrl = process.argv[2].replace(/\/$/, "");
const datasetId = "123456789012345";
Object.defineProperty(FacebookAdsApi, "GRAPH", { get: () => baseUrl });
FacebookAdsApi.init("T", "en_US", false);

const now = Math.floor(Date.now() / 1000);

function event(name, leadId) {
  const user = new UserData()
    .setLeadId(leadId)
    .setEmails(["Ada@Example.com", "ada@example.org"])
    .setPhones(["+1 555 555 0100"])
    .setFirstName("Ada")
    .setLastName("Müller")
    .setGender("f")
    .setDateOfBirth("19850412")
    .setCity("São Paulo")
    .setState("ca")
    .setZip("94025")
    .setCountry("us")
    .setExternalId("crm-1")
    .setClientIpAddress("192.0.2.7")
    .setClientUserAgent("Mozilla/5.0")
    .setFbc(`fb.1.${now}000.AbCdEf`)
    .setFbp("fb.1.1558571054389.1098115397");
  const custom = new CustomData()
    .setValue(12.5)
    .setCurrency("usd")
    .setContents([new Content().setId("seat").setQuantity(1).setItemPrice(12.5)])
    .setCustomProperties({ event_source: "crm", lead_event_source: "HubSpot & Söhne" });
  return new ServerEvent()
    .setEventName(name)
    .setEventTime(now)
    .setEventId(`${name}-${leadId}`)
    .setActionSource("system_generated")
    .setUserData(user)
    .setCustomData(custom)
    .setDataProcessingOptions(["LDU"])
    .setDataProcessingOptionsCountry(0)
    .setDataProcessingOptionsState(0);
}

async function accepted() {
  const answer = await fetch(`${baseUrl}/sandbox/events`);
  return (await answer.text()).split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

const before = (await accepted()).length;

const events = [event("Lead", 1234567890123456), event("Qualified = 100%", "1234567890123457")];
const receipt = await new EventRequest("T", datasetId, events)
  .setTestEventCode("TEST1")
  .setPartnerAgent("acme")
  .setAppSecret("s3cret")
  .execute();
assert.equal(receipt.events_received, 2);

const taken = (await accepted()).slice(before);
assert.deepEqual(taken.map((one) => one.event_name), ["Lead", "Qualified = 100%"]);
for (const one of taken) {
  const hash = createHash("sha256").update("ada@example.com").digest("hex");
  assert.ok(one.user_data.em.includes(hash));
  assert.equal(one.custom_data.lead_event_source, "HubSpot & Söhne");
}
assert.equal(taken[0].user_data.lead_id, 1234567890123456);

await assert.rejects(new EventRequest("T", datasetId, [...events, event("Lead", 1)]).execute(), (error) => {
  assert.equal(error.response.error_subcode ?? error.response.error?.error_subcode, 2804036);
  return true;
});
assert.equal((await accepted()).length, before + 2);

console.log("ok: 2 events taken, 1 batch refused");
