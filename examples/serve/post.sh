#!/bin/sh
# Posts to crm2capi serve as senders do. Start it first: CRM2CAPI_SERVE_TOKEN=… CRM2CAPI_SERVE_SECRET=… crm2capi serve --sandbox
set -eu
url=${1:-http://127.0.0.1:8024}
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)

# One record.
curl --fail-with-body --silent --show-error "$url/events" \
    --header "Authorization: Bearer $CRM2CAPI_SERVE_TOKEN" --header 'Content-Type: application/json' \
    --data "{\"email\": \"ava.stone@example.com\", \"stage\": \"Qualified\", \"event_time\": \"$now\"}"

# One record per line, with the token as a password.
printf '{"email": "%s", "stage": "Qualified", "event_time": "%s"}\n' ben@example.com "$now" cleo@example.com "$now" |
    curl --fail-with-body --silent --show-error "$url/events" --user "crm:$CRM2CAPI_SERVE_TOKEN" \
        --header 'Content-Type: application/x-ndjson' --data-binary @-

# A list whose body is signed.
body="[{\"email\": \"dora@example.com\", \"stage\": \"Won\", \"event_time\": \"$now\"}]"
signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$CRM2CAPI_SERVE_SECRET" | sed 's/^.* //')
curl --fail-with-body --silent --show-error "$url/events" \
    --header "X-Hub-Signature-256: sha256=$signature" --header 'Content-Type: application/json' --data "$body"
