"""Prepares the events of an export with Meta's Python SDK (facebook_business); writes the requests, sends nothing.

usage: sdk_python.py leads.csv > requests.ndjson

The SDK normalises and hashes; what it leaves to its caller is done here, and no more: the country's two-letter code,
the country code of a national phone number, the form of a birthday, the time in seconds.
"""

import csv
import datetime
import itertools
import pathlib
import sys

import requests

from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.gender import Gender
from facebook_business.adobjects.serverside.user_data import UserData
from facebook_business.api import FacebookAdsApi

EVENTS_A_REQUEST = 500
GENDERS = {"m": Gender.MALE, "f": Gender.FEMALE}
COUNTRIES = {"united states": "us", "usa": "us"}
CALLING = {
    line.split("\t")[0].lower(): line.split("\t")[2]
    for line in pathlib.Path(__file__).with_name("countries.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
}


class Printer(requests.adapters.BaseAdapter):
    """Stands where `requests` connects: the SDK prepares everything up to the bytes of the request."""

    def send(self, request, **_):
        sys.stdout.write(request.body + "\n")
        response = requests.Response()
        response.status_code = 200
        response._content = b'{"events_received":1,"messages":[],"fbtrace_id":""}'
        return response

    def close(self):
        pass


def event(row):
    lead_id, stage, at, email, phone, first, last, gender, born, city, state, code, country, external_id, *_ = row
    country = COUNTRIES.get(country.lower(), country.lower())
    # The SDK refuses numbers with dots.
    phone = phone.replace(".", "")
    if not phone.startswith("+") and country in CALLING:
        phone = f"+{CALLING[country]}{phone.lstrip('0')}"
    seconds = int(datetime.datetime.fromisoformat(at + "+00:00").timestamp())
    return Event(
        event_name=stage,
        event_time=seconds,
        event_id=f"{lead_id}-{seconds}",
        action_source=ActionSource.SYSTEM_GENERATED,
        user_data=UserData(
            email=email,
            phone=phone,
            gender=GENDERS.get(gender),
            date_of_birth=born.replace("-", "") if gender in GENDERS else None,
            last_name=last,
            first_name=first,
            city=city,
            state=state,
            country_code=country,
            zip_code=code,
            external_id=external_id,
            lead_id=lead_id,
        ),
        custom_data=CustomData(custom_properties={"event_source": "crm", "lead_event_source": "Bench"}),
    )


def main(path):
    api = FacebookAdsApi.init(access_token="unused", crash_log=False)
    api._session.requests.mount("https://", Printer())
    with open(path, encoding="utf-8", newline="") as export:
        rows = csv.reader(export)
        next(rows)
        while events := [event(row) for row in itertools.islice(rows, EVENTS_A_REQUEST)]:
            EventRequest(pixel_id="1", events=events).execute()


main(sys.argv[1])
