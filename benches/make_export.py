"""Writes a seeded lead export: 15 columns, the ten that Meta's SDKs hash among them, ASCII and accented names.

usage: make_export.py ROWS > leads.csv

Every row is one stage change within the week before 2026-11-20T12:00:00Z. Email addresses are ASCII, as Meta's Node SDK
refuses others. A shorter export is the beginning of a longer one.
"""

import random
import sys
import unicodedata

FIRST = "Ava Marcus Priya Diego Chloé Owen Fatima Jürgen Sofía Tom Mei-Ling Noah Zoë Anaïs Björn Łukasz Ana Liam Emma Olivia".split()
LAST = "Thornton Bell Raman Fuentes Lambert O'Neill Al-Sayed Köhler Ramírez Whitfield Chow Berg Nuñez Smith Jones Müller".split()
PLACES = [
    ("New York", "NY", "10001", "United States", "212"), ("Boston", "Massachusetts", "02134", "US", "617"),
    ("Austin", "TX", "78701", "USA", "512"), ("Miami", "Florida", "33101", "United States", "305"),
    ("New Orleans", "LA", "70112", "us", "504"), ("Chicago", "Illinois", "60601", "US", "312"),
    ("São Paulo Heights", "CA", "94105-1234", "United States", "415"), ("St. Louis", "MO", "63101", "US", "314"),
]
STAGES = ["Lead", "Marketing Qualified Lead", "Sales Qualified Lead", "Opportunity", "Customer"]
HEADER = ("Meta Lead ID,Stage,Stage Date,Email,Phone,First Name,Last Name,Gender,Date of Birth,City,State,"
          "Zip Code,Country,external_id,Note")


def mailbox(name):
    """The name as it stands in an email address: lower case, without accents."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()


MAILBOX = {name: mailbox(name) for name in FIRST + LAST}


def main(rows):
    rng = random.Random(20261120)
    out = sys.stdout
    out.reconfigure(encoding="utf-8", newline="\n")
    out.write(HEADER + "\n")
    for number in range(rows):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        city, state, code, country, area = rng.choice(PLACES)
        day, hour, minute = rng.randrange(14, 20), rng.randrange(24), rng.randrange(60)
        phone = f"({area}) 555-{rng.randrange(100, 200):04d}" if number % 2 else f"+1{area}555{rng.randrange(100, 200):04d}"
        note = "wants the work done before spring" if number % 7 else '"asked for a visit, prefers mornings"'
        out.write(
            f"{10**15 + number},{rng.choice(STAGES)},2026-11-{day} {hour:02d}:{minute:02d}:00,"
            f"{MAILBOX[first]}.{MAILBOX[last]}{number}@example.com,{phone},{first},{last},{rng.choice('mf')},"
            f"{rng.randrange(1950, 2005)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d},{city},{state},{code},"
            f"{country},CRM-{number},{note}\n"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
