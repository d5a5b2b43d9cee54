"""Prepares the events of an export with Meta's Python SDK (facebook_business); writes the requests, sends nothing.

usage: sdk_python.py leads.csv > requests.ndjson

The SDK normalises and hashes; what it leaves to its caller is done here, and no more: the country's two-letter code,
the country code of a national phone number, the form of a birthday, the time in seconds.
"""

import csv
import datetime
import itertools
import json
import sys

from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.gender import Gender
from facebook_business.adobjects.serverside.http_service_interface import HttpServiceInterface
from facebook_business.adobjects.serverside.user_data import UserData

EVENTS_A_REQUEST = 500
COUNTRIES = {"united states": "us", "usa": "us", "us": "us"}


class Printer(HttpServiceInterface):
    """Stands where the SDK lets its users put an HTTP client of their own."""

    def execute(self, url, method, request_options, headers, params):
        json.dump(params, sys.stdout)
        sys.stdout.write("\n")


def event(row):
    lead_id, stage, at, email, phone, first, last, gender, born, city, state, code, country, external_id, _ = row
    seconds = int(datetime.datetime.fromisoformat(at + "+00:00").timestamp())
    return Event(
        event_name=stage,
        event_time=seconds,
        event_id=f"{lead_id}-{seconds}",
        action_source=ActionSource.SYSTEM_GENERATED,
        user_data=UserData(
            email=email,
            phone=phone if phone.startswith("+") else "+1" + phone,
            gender=Gender(gender),
            date_of_birth=born.replace("-", ""),
            last_name=last,
            first_name=first,
            city=city,
            state=state,
            country_code=COUNTRIES[country.lower()],
            zip_code=code,
            external_id=external_id,
            lead_id=lead_id,
        ),
        custom_data=CustomData(custom_properties={"event_source": "crm", "lead_event_source": "Bench"}),
    )


def main(path):
    with open(path, encoding="utf-8", newline="") as export:
        rows = csv.reader(export)
        next(rows)
        while events := [event(row) for row in itertools.islice(rows, EVENTS_A_REQUEST)]:
            EventRequest(pixel_id="1", events=events, access_token="unused", http_client=Printer()).execute()


main(sys.argv[1])
