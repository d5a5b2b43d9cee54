"""Posts events with Meta's Python SDK to a sandbox: python python.py http://127.0.0.1:8023

Exits with 1 when the sandbox did not take, or does not give back, exactly what was sent.
"""

import asyncio
import hashlib
import json
import sys
import time
import urllib.request

from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.content import Content
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.event_request_async import EventRequestAsync
from facebook_business.adobjects.serverside.gender import Gender
from facebook_business.adobjects.serverside.user_data import UserData
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

BASE_URL = sys.argv[1].rstrip("/")
DATASET_ID = "123456789012345"
FacebookSession.GRAPH = BASE_URL


def event(name, lead_id, **more):
    user = UserData(
        lead_id=lead_id,
        emails=["Ada@Example.com", "ada@example.org"],
        phones=["+1 555 555 0100"],
        first_names=["Ada"],
        last_names=["Müller"],
        genders=[Gender.FEMALE],
        dates_of_birth=["19850412"],
        cities=["São Paulo"],
        states=["CA"],
        zip_codes=["94025"],
        country_codes=["us"],
        external_ids=["crm-1"],
        client_ip_address="192.0.2.7",
        client_user_agent="Mozilla/5.0",
        fbc=f"fb.1.{int(time.time()) * 1000}.AbCdEf",
        fbp="fb.1.1558571054389.1098115397",
    )
    custom = CustomData(
        value=12.5,
        currency="usd",
        order_id="7",
        contents=[Content(product_id="seat", quantity=1, item_price=12.5)],
        custom_properties={"event_source": "crm", "lead_event_source": "HubSpot & Söhne"},
    )
    return Event(
        event_name=name,
        event_time=int(time.time()),
        event_id=f"{name}-{lead_id}",
        action_source=ActionSource.SYSTEM_GENERATED,
        user_data=user,
        custom_data=custom,
        opt_out=False,
        data_processing_options=["LDU"],
        data_processing_options_country=0,
        data_processing_options_state=0,
        **more,
    )


def accepted():
    with urllib.request.urlopen(f"{BASE_URL}/sandbox/events") as answer:
        return [json.loads(line) for line in answer]


def main():
    before = len(accepted())

    FacebookAdsApi.init(app_secret="s3cret", access_token="T", crash_log=False)
    events = [event("Lead", "1234567890123456"), event("Qualified = 100%", "1234567890123457")]
    receipt = EventRequest(
        pixel_id=DATASET_ID, events=events, test_event_code="TEST1", partner_agent="acme"
    ).execute()
    assert receipt.events_received == 2, receipt

    FacebookAdsApi.init(access_token="T", crash_log=False)
    receipt = asyncio.run(
        EventRequestAsync(pixel_id=DATASET_ID, events=[event("Won", "1234567890123458")]).execute()
    )
    assert receipt.events_received == 1, receipt

    taken = accepted()[before:]
    assert [one["event_name"] for one in taken] == ["Lead", "Qualified = 100%", "Won"], taken
    for one in taken:
        assert hashlib.sha256(b"ada@example.com").hexdigest() in one["user_data"]["em"], one
        assert one["custom_data"]["lead_event_source"] == "HubSpot & Söhne", one
        assert one["user_data"]["lead_id"].startswith("12345678901234"), one

    try:
        EventRequest(pixel_id=DATASET_ID, events=events + [event("Lead", "1")]).execute()
    except FacebookRequestError as error:
        assert error.api_error_subcode() == 2804036, error
    else:
        raise AssertionError("a bad lead id was taken")
    assert len(accepted()) == before + 3

    print("ok: 3 events taken, 1 batch refused")


main()
