"""Compares `crm2capi normalize` with `phonenumbers` and with the normaliser of `facebook_business`.

usage: compare.py CRM2CAPI [SEED]

Both sides read the same few ten thousand values. A difference is either known, with the reason given here, or it fails
the run. The values are made up from a seed and from the example numbers libphonenumber publishes.
"""

import json
import random
import re
import subprocess
import sys
import unicodedata
from collections import Counter

import phonenumbers
from facebook_business.adobjects.serverside.normalize import Normalize
from phonenumbers import PhoneNumberFormat, PhoneNumberType

SHOWN = 40

# Ascension and Tristan da Cunha have numbering plans, but no country code of their own in ISO 3166-1.
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS - {"AC", "TA"})


def ours(binary, field, values, country=None):
    """What crm2capi makes of each value: the normal form, or None. Values are one line each."""
    command = [binary, "normalize", field, "-", "--format", "json"]
    if country:
        command += ["--country", country]
    text = "".join(f"{value}\n" for value in values)
    run = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=False)
    if run.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with status {run.returncode}")
    answers = {}
    for line in run.stdout.decode().splitlines():
        answer = json.loads(line)
        answers.setdefault(answer["input_line"], []).append(answer["normalized"])
    return [answers[number] for number in range(1, len(values) + 1)]


class Comparison:
    def __init__(self):
        self.same = Counter()
        self.known = Counter()
        self.unexplained = []

    def add(self, field, context, value, mine, theirs, reasons):
        if mine == theirs:
            self.same[field] += 1
            return
        for reason, explains in reasons:
            if explains(value, mine, theirs):
                self.known[field, reason] += 1
                return
        self.unexplained.append((field, context, value, mine, theirs))

    def report(self):
        for field, count in sorted(self.same.items()):
            print(f"{field:8} {count:7} the same")
        for (field, reason), count in sorted(self.known.items()):
            print(f"{field:8} {count:7} known: {reason}")
        for field, context, value, mine, theirs in self.unexplained[:SHOWN]:
            print(f"{field:8} {context or '-':3} {value!r}: crm2capi {mine!r}, theirs {theirs!r}")
        if self.unexplained:
            print(f"{len(self.unexplained)} differences without an explanation")
        return 1 if self.unexplained else 0


# --- phones ---------------------------------------------------------------------------------------------------------


def valid_e164(text, region):
    """The digits of E.164 when the number is valid by libphonenumber's rules."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]


def digits_of(text):
    return re.sub(r"\D", "", unicodedata.normalize("NFKC", text))


def lacked_plus(value, mine, theirs):
    return theirs is None and mine is not None and len(mine) > 10 and mine == valid_e164("+" + value, None)


def dialled_from_abroad(value, mine, theirs):
    digits = digits_of(value)
    return digits.startswith("00") and mine == valid_e164("+" + digits[2:], None)


def optional_zero(value, mine, theirs):
    return theirs is None and "(0)" in value and mine == valid_e164(value.replace("(0)", "", 1), None)


def stray_letters(value, mine, theirs):
    return mine is None and 1 <= len(re.findall(r"[A-Za-z]", value.lstrip("+ ("))) < 3


def unassigned(value, mine, theirs):
    """An international number of possible length that no plan is known to have."""
    if theirs is not None or mine is None:
        return False
    text = unicodedata.normalize("NFKC", value)
    international = re.sub(r"^\D*00", "+", text) if "+" not in text else text[text.index("+") :]
    try:
        number = phonenumbers.parse(international.replace("(0)", "", 1), None)
    except phonenumbers.NumberParseException:
        return False
    reason = phonenumbers.is_possible_number_with_reason(number)
    return (
        reason == phonenumbers.ValidationResult.IS_POSSIBLE
        and mine == phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]
    )


PHONE_REASONS = [
    ("00 is international everywhere, also where one dials 011 or 810", dialled_from_abroad),
    ("a lost + is put back when the digits are too many for a national number", lacked_plus),
    ("a bracketed trunk zero is dropped also where the country has none", optional_zero),
    ("an international number of possible length that is not assigned is used", unassigned),
    ("one or two letters are a typing error, and not dropped", stray_letters),
]

TYPES = [
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.VOIP,
    PhoneNumberType.UAN,
]


def phone_forms(number, rng):
    """The number as people write it."""
    formats = [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL, PhoneNumberFormat.RFC3966]
    forms = [phonenumbers.format_number(number, form) for form in formats]
    e164, international, national, _ = forms
    forms += [e164[1:], "00" + e164[1:], digits_of(national), international.replace(" ", "\u00a0"), f"{national} ext. 12"]
    forms.append(international.replace(" ", " (0) ", 1))
    forms.append(e164.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)}))
    forms.append(f"{national}{rng.choice('OAx')}")
    return forms


def mutated(text, rng):
    """The text with a digit changed, dropped or added."""
    places = [at for at, char in enumerate(text) if char.isdigit()]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + rng.choice(["", rng.choice("0123456789"), text[at] + rng.choice("0123456789")]) + text[at + 1 :]


def compare_phones(binary, rng, comparison):
    for region in REGIONS:
        values = []
        for kind in TYPES:
            number = phonenumbers.example_number_for_type(region, kind)
            if number:
                forms = phone_forms(number, rng)
                values += forms + [mutated(form, rng) for form in forms for _ in range(4)]
        # A comma or semicolon would be two numbers to one side and an extension to the other.
        values = [value for value in values if not re.search(r"[,;|\n]", value)]
        for value, mine in zip(values, ours(binary, "ph", values, region)):
            comparison.add("ph", region, value, mine[0], valid_e164(value, region), PHONE_REASONS)


# --- the fields Meta's SDK normalises -------------------------------------------------------------------------------


def sdk(field, value):
    """What the SDK makes of a value; None when it refuses."""
    try:
        return Normalize.normalize_field_skip_hashing(field, value) or None
    except (TypeError, ValueError):
        return None


def without(text, unwanted):
    kept = "".join(char for char in text or "" if not unwanted(char))
    return unicodedata.normalize("NFC", kept) or None


def is_blank(char):
    return char.isspace() or unicodedata.category(char) in ("Cf", "Cc")


def is_ascii_punctuation(char):
    return char.isascii() and not char.isalnum()


def no_letter(char):
    return unicodedata.category(char)[0] not in "LM"


def names_agree(value, mine, theirs):
    expected = without(theirs, lambda char: is_blank(char) or is_ascii_punctuation(char))
    has_name = any(char.isalnum() for char in expected or "")
    return mine == (expected if has_name else None)


def letters_agree(value, mine, theirs):
    expected = without(theirs, no_letter)
    has_letter = any(char.isalpha() for char in expected or "")
    return mine == (expected if has_letter else None)


def is_nothing(value, mine, theirs):
    return mine is None and bool(re.fullmatch(r"[\s\-–—_.?#*/\\~]*", value))


def stricter_email(value, mine, theirs):
    local = r"[^@\s<>()\[\],;:\\\"]+"
    label = r"(?!-)([A-Za-z0-9_-]|(?![’\s])[^\x00-\x7f])+(?<!-)"
    return mine is None and not re.fullmatch(rf"{local}@({label}\.)+{label}", theirs or "")


def unwrapped_email(value, mine, theirs):
    seen = without(value, lambda char: unicodedata.category(char) == "Cf") or ""
    return mine is not None and mine in seen.lower().replace("’", "'")


def cut_code(value):
    """The code up to any dash, without quotation marks and anything that cannot be seen."""
    plain = re.sub(r"[‐-―−－]", "-", unicodedata.normalize("NFKC", value).lower())
    return (without(plain.strip().lstrip("\"'`").split("-")[0], is_blank) or "").strip("\"'`")


def dash_of_any_kind(value, mine, theirs):
    expected = cut_code(value)
    return mine == (expected if len(expected) > 1 else None)


def five_digits(value, mine, theirs):
    digits = cut_code(value)
    return digits.isdigit() and mine in (digits[:5], digits.zfill(5), digits.zfill(9)[:5])


REASONS = {
    "fn": [("no punctuation, no white space, as Meta's parameter builder has it", names_agree)],
    "ct": [("letters only, as Meta's documentation has it", letters_agree)],
    "st": [("letters only, as Meta's documentation has it", letters_agree)],
    "em": [
        ("unwrapped from names, mailto: and quotation marks; no zero-width characters and no curly apostrophes", unwrapped_email),
        ("the SDK takes anything with @ and a dot", stricter_email),
    ],
    "zp": [
        ("any dash cuts, quotation marks and what cannot be seen go, one character is no code", dash_of_any_kind),
        ("five digits in the United States, lost zeros put back", five_digits),
    ],
}
REASONS["ln"] = REASONS["fn"]

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SPICE = "éÉüÜßñçÇøłŞğ'’-. \u00a0\u200b\u0301정김李Жя0123456789()&/\""


def word(rng, spice=0.15):
    return "".join(rng.choice(SPICE if rng.random() < spice else LETTERS) for _ in range(rng.randint(1, 9)))


def samples(field, rng):
    for _ in range(5000):
        if field in ("fn", "ln", "ct", "st"):
            yield rng.choice(["", " ", "\u3000"]) + rng.choice([" ", "-", " "]).join(word(rng) for _ in range(rng.randint(1, 3)))
        elif field == "em":
            address = f"{word(rng, 0.05)}{rng.choice(['', '.', '+'])}{word(rng, 0.05)}@{word(rng, 0.05)}{rng.choice(['.com', '.org', '', '.'])}"
            yield rng.choice(["", " ", "mailto:", "Mary <"]) + address + rng.choice(["", " ", ">"])
        elif field == "zp":
            code = "".join(rng.choice("0123456789" if rng.random() < 0.8 else "AbZ -–") for _ in range(rng.randint(1, 9)))
            yield rng.choice(["", " ", "'"]) + code + rng.choice(["", "-1234", " "])


def compare_sdk(binary, rng, comparison):
    contexts = [("fn", None), ("ln", None), ("ct", None), ("st", "DE"), ("em", None), ("zp", None), ("zp", "US"), ("zp", "GB")]
    for field, country in contexts:
        # A comma or semicolon separates emails; what says "nothing" is empty to us.
        values = [value for value in samples(field, rng) if not re.search(r"[,;]", value)]
        for value, mine in zip(values, ours(binary, field, values, country)):
            reasons = [("a cell of dashes and dots says nothing", is_nothing)] + REASONS[field]
            comparison.add(field, country, value, mine[0], sdk(field, value), reasons)
    # The SDK knows the two letters of a country only, in any case and with anything around them.
    codes = [region for region in REGIONS if sdk("country", region)]
    for value, mine in zip(codes, ours(binary, "country", codes)):
        comparison.add("country", None, value, mine[0], sdk("country", value), [])


def main():
    binary, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    comparison = Comparison()
    compare_phones(binary, random.Random(seed), comparison)
    compare_sdk(binary, random.Random(seed), comparison)
    sys.exit(comparison.report())


if __name__ == "__main__":
    main()
