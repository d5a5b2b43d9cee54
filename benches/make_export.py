"""Writes a seeded lead export of one of the mixes below; a shorter export is the beginning of a longer one.

usage: make_export.py MIX ROWS [SEED] > leads.csv

    bench    a handful of American phones, names and places: everything repeats
    us       any assigned area code, any exchange and line; names and cities as many as there are
    world    phones, names, cities and postal codes of the countries in countries.tsv, half of the phones as dialled at home
    wild     world with damage: a quarter of the phones unassigned or malformed, bad emails and ids, dates in several forms,
             money with symbols, empty cells
    hashed   world, hashed by whoever exported it
    custom   us without gender and birthday, with value, currency, five columns of the advertiser's own, and eight that
             nobody asked for

The first fifteen columns are the same everywhere. Every row is one stage change within the week before
2026-11-20T12:00:00Z. Email addresses are ASCII, as Meta's Node SDK refuses others.
"""

import bisect
import hashlib
import itertools
import pathlib
import random
import re
import sys
import unicodedata

MIXES = ("bench", "us", "world", "wild", "hashed", "custom")
HEADER = ("Meta Lead ID,Stage,Stage Date,Email,Phone,First Name,Last Name,Gender,Date of Birth,City,State,"
          "Zip Code,Country,external_id,Note").split(",")
CUSTOMS = ("score", "plan", "owner", "region", "visits")
UNASKED = ("Modified By", "Source URL", "Budget", "Website", "Fax", "Rating", "Industry", "Description")
STAGES = ["Lead", "Marketing Qualified Lead", "Sales Qualified Lead", "Opportunity", "Customer"]

FIRST = "Ava Marcus Priya Diego Chloé Owen Fatima Jürgen Sofía Tom Mei-Ling Noah Zoë Anaïs Björn Łukasz Ana Liam Emma Olivia".split()
LAST = "Thornton Bell Raman Fuentes Lambert O'Neill Al-Sayed Köhler Ramírez Whitfield Chow Berg Nuñez Smith Jones Müller".split()
PLACES = [
    ("New York", "NY", "10001", "United States", "212"), ("Boston", "Massachusetts", "02134", "US", "617"),
    ("Austin", "TX", "78701", "USA", "512"), ("Miami", "Florida", "33101", "United States", "305"),
    ("New Orleans", "LA", "70112", "us", "504"), ("Chicago", "Illinois", "60601", "US", "312"),
    ("São Paulo Heights", "CA", "94105-1234", "United States", "415"), ("St. Louis", "MO", "63101", "US", "314"),
]
AREA_CODES = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 253 254 256 260 "
    "262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330 331 334 336 337 "
    "339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 430 432 434 435 440 443 469 "
    "478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 551 559 561 562 563 567 570 571 573 "
    "574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 "
    "662 678 682 701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757 760 763 765 770 772 "
    "773 774 775 781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845 847 848 850 856 857 "
    "858 859 860 862 863 864 865 870 878 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925 928 931 936 937 940 "
    "941 947 949 951 952 954 956 970 971 972 973 978 979 980 985 989"
).split()

# Parts that names are put together of, by script.
SYLLABLES = {
    "latin": "ma ri jo an el so fi lu ca da ni el va ro san die go mar tín ló pez gó mez é lise chlo bran don ben ke vin müll er ström ñez ção".split(),
    "indian": "ra a ni pri ya san jay ku mar an jal i vik ram de vi shar ma pa tel red dy gup ta i yer na ir sing h ba ner jee".split(),
    "malay": "bu di si ti nur ah mad de wi pu tra sa ri ra ha yu wi do do a gus in dah le sta ri yan to".split(),
    "vietnamese": "Nguyễn Trần Lê Phạm Hoàng Vũ Đặng Bùi Đỗ Hồ Ngô Dương Lý anh minh hương thị văn đức thảo linh".split(),
    "turkish": "meh met ay şe öz türk yıl maz de mir kay a şa hin çe lik gül ce er dem i brah im".split(),
    "arabic": "مح مد عل ي فا طمة أح مد سا رة خا لد نو ر عبد الله حس ن ابو بكر عمر يو سف".split(),
    "thai": "สม ชาย สุ ดา พร วิ ไล นา รี ชัย ศักดิ์ กา น ดา".split(),
    "slavic": "ko wal ski no wak wiś niew ska łu kasz ma ria zo fia woj ciech ża neta jan kow".split(),
    "cyrillic": "шев чен ко ко вал енко ма рія оле на ан дрій тка чук бон дар".split(),
    "japanese": "田中 佐藤 鈴木 高橋 山 本 美 子 太郎 健 一 花 優 中村 小林".split(),
    "korean": "김 이 박 최 정 강 조 윤 민 준 서 연 지 우 현 수 영".split(),
}


class Drawn:
    """Names of a script, the first of them the most frequent: each as frequent as its place in the list tells."""

    def __init__(self, rng, script, size, parts):
        names = set()
        while len(names) < size:
            name = "".join(rng.choice(SYLLABLES[script]) for _ in range(rng.randint(*parts)))
            names.add(f"{name[:1].upper()}{name[1:]}{rng.choice((' ', '-')) + rng.choice(SYLLABLES[script]) if rng.random() < 0.1 else ''}")
            parts = (parts[0], parts[1] + (rng.random() < 0.001))
        self.names = sorted(names)
        rng.shuffle(self.names)
        self.weights = list(itertools.accumulate(1 / (place + 8) for place in range(size)))

    def draw(self, rng):
        return self.names[bisect.bisect(self.weights, rng.random() * self.weights[-1], hi=len(self.names) - 1)]


class Country:
    """How numbers, places and people of a country are written."""

    def __init__(self, line):
        self.code, weight, self.calling, self.script, self.postal, states, phones = line.rstrip("\n").split("\t")
        self.weight = int(weight)
        self.states = states.split(",")
        self.phones = [tuple(form.rpartition("~")[::2]) for form in phones.split(";")]

    def phone(self, rng, at_home):
        """A number, dialled at home or from abroad."""
        trunk, form = rng.choice(self.phones)
        national = fill(rng, form)
        if at_home:
            return trunk + national
        if rng.random() < 0.7:
            national = re.sub("[^0-9]", "", national)
            return f"+{self.calling}{national}"
        return f"+{self.calling} {national}"


def countries():
    lines = pathlib.Path(__file__).with_name("countries.tsv").read_text(encoding="utf-8").splitlines()
    return [Country(line) for line in lines if not line.startswith("#")]


def fill(rng, form):
    """The form with digits and letters drawn for its placeholders."""
    if "NPA" in form:
        exchange = rng.choice([number for number in (rng.randrange(200, 1000) for _ in range(3)) if number % 100 != 11] or [234])
        form = form.replace("NPA", rng.choice(AREA_CODES)).replace("NXX", str(exchange))

    def drawn(match):
        first, _, last = match[1].partition("-")
        return f"{rng.randint(int(first), int(last or first)):0{len(first)}d}"

    form = re.sub(r"\{([0-9-]+)\}", drawn, form)
    form = re.sub("d+", lambda run: f"{rng.randrange(10 ** len(run[0])):0{len(run[0])}d}", form)
    return re.sub("A", lambda _: rng.choice("ABCDEFGHJKLMNPRSTUVWXY"), form)


def mailbox(name):
    """The name as it stands in an email address: lower case, without accents."""
    return re.sub("[^a-z'.-]", "", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower())


def bench(seed):
    rng = random.Random(seed)
    boxes = {name: mailbox(name) for name in FIRST + LAST}
    for number in itertools.count():
        first, last = rng.choice(FIRST), rng.choice(LAST)
        city, state, code, country, area = rng.choice(PLACES)
        day, hour, minute = rng.randrange(14, 20), rng.randrange(24), rng.randrange(60)
        phone = f"({area}) 555-{rng.randrange(100, 200):04d}" if number % 2 else f"+1{area}555{rng.randrange(100, 200):04d}"
        note = "wants the work done before spring" if number % 7 else '"asked for a visit, prefers mornings"'
        yield [
            f"{10**15 + number}", rng.choice(STAGES), f"2026-11-{day} {hour:02d}:{minute:02d}:00",
            f"{boxes[first]}.{boxes[last]}{number}@example.com", phone, first, last, rng.choice("mf"),
            f"{rng.randrange(1950, 2005)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}", city, state, code,
            country, f"CRM-{number}", note,
        ]


def drawn_from(lands, seed):
    """Rows of people from these countries."""
    rng = random.Random(seed)
    share = {script: sum(land.weight for land in lands if land.script == script) / sum(land.weight for land in lands)
             for script in sorted({land.script for land in lands})}
    firsts = {script: Drawn(rng, script, max(50, int(5_000 * part)), (2, 3)) for script, part in share.items()}
    lasts = {script: Drawn(rng, script, max(200, int(20_000 * part)), (2, 3)) for script, part in share.items()}
    cities = {script: Drawn(rng, script, max(100, int(10_000 * part)), (2, 4)) for script, part in share.items()}
    weights = list(itertools.accumulate(land.weight for land in lands))
    for number in itertools.count():
        land = rng.choices(lands, cum_weights=weights)[0]
        first, last = firsts[land.script].draw(rng), lasts[land.script].draw(rng)
        day, hour, minute = rng.randrange(14, 20), rng.randrange(24), rng.randrange(60)
        note = "wants the work done before spring" if number % 7 else '"asked for a visit, prefers mornings"'
        yield [
            f"{10**15 + rng.randrange(10**14)}{number % 10}", rng.choice(STAGES), f"2026-11-{day} {hour:02d}:{minute:02d}:00",
            f"{mailbox(first) or 'lead'}.{mailbox(last)[:12].strip('.-')}{number}@{rng.choice(('gmail.com', 'yahoo.com', 'example.org'))}".replace("..", "."),
            land.phone(rng, rng.random() < 0.5), first, last, rng.choice("mf"),
            f"{rng.randrange(1950, 2005)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
            cities[land.script].draw(rng), rng.choice(land.states), fill(rng, land.postal), land.code, f"CRM-{number}", note,
        ]


def damaged(rows, seed):
    """A share of the cells as people and spreadsheets leave them."""
    rng = random.Random(seed + 1)
    phones = ["+1 555 {0:03d} {1:04d}", "+44 60 11{1:04d}16", "55{1:04d}", "call {1}", "+971 90 5{0:03d}{1:04d}", "n/a", "0{0:03d}", "1111111111",
              "9.1{0}E+11", "+9100{0:03d}{1:04d}", "(000) {0:03d}-{1:04d}"]
    emails = ["{}", "{}@", "no@email", "{} at gmail.com", "a..{}@gmail.com", "none", "{}@gmail;com"]
    money = ["${:,.2f}", "{:.2f} €", "R$ {:.0f}", "{:.0f}", "₹{:,.0f}", "ask", ""]
    for number, row in enumerate(rows):
        if rng.random() < 0.25:
            row[4] = rng.choice(phones).format(rng.randrange(1000), rng.randrange(10_000))
        if rng.random() < 0.1:
            row[3] = rng.choice(emails).format(number)
        if rng.random() < 0.05:
            row[0] = rng.choice(("1.23457E+15", f"l:{row[0]}", row[0][:-9], "", f"{row[0]}.0"))
        if rng.random() < 0.3:
            day, clock = row[2][8:10], row[2][11:16]
            row[2] = rng.choice((f"{day}/11/2026 {clock}", f"2026-11-{day}T{clock}:00Z", f"{int(day)} Nov 2026 {clock}", f"{int(day) - 10}/11/2026", ""))
        if rng.random() < 0.3:
            year, month, day = row[8].split("-")
            row[8] = rng.choice((f"{day}/{month}/{year}", f"{month}/{day}/{year[2:]}", year, ""))
        if rng.random() < 0.2:
            row[rng.randrange(5, 13)] = ""
        amount = rng.choice(money).format(rng.randrange(1, 10**6) / 7)
        yield [*row, f'"{amount}"' if "," in amount else amount, rng.choice(("USD", "EUR", "BRL", "usd", "", "money"))]


def hashed(rows):
    for row in rows:
        yield [hashlib.sha256(cell.lower().encode()).hexdigest() if 3 <= column <= 13 else cell for column, cell in enumerate(row)]


def custom(rows, seed):
    rng = random.Random(seed + 1)
    for number, row in enumerate(rows):
        yield [
            *row, f"{rng.randrange(100, 10**6)}.{rng.randrange(100):02d}", rng.choice(("USD", "EUR", "GBP")),
            str(rng.randrange(100)), rng.choice(("gold", "silver", "basic")), rng.choice(LAST), rng.choice(("north", "south")),
            f"{rng.random() * 10:.2f}", rng.choice(LAST), f"https://example.com/landing/{number}", "under 5000", "example.org", "",
            str(rng.randrange(5)), "Construction", "asked twice on the phone and once by letter",
        ]


def export(mix, seed):
    """The headings, and rows without end."""
    world = countries()
    us = [land for land in world if land.code == "US"]
    match mix:
        case "bench":
            return HEADER, bench(seed)
        case "us":
            return HEADER, drawn_from(us, seed)
        case "world":
            return HEADER, drawn_from(world, seed)
        case "wild":
            return [*HEADER, "Deal Value", "Currency"], damaged(drawn_from(world, seed), seed)
        case "hashed":
            return HEADER, hashed(drawn_from(world, seed))
        case "custom":
            header = [*HEADER, "Deal Value", "Currency", *CUSTOMS, *UNASKED]
            header[7], header[8] = "Salutation", "Follow-up"
            return header, custom(drawn_from(us, seed), seed)
    sys.exit(f"error: no mix {mix}; there are {', '.join(MIXES)}")


def main(mix, rows, seed="20261120"):
    header, lines = export(mix, int(seed))
    out = sys.stdout
    out.reconfigure(encoding="utf-8", newline="\n")
    for line in itertools.chain([header], itertools.islice(lines, int(rows))):
        out.write(",".join(line) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
