"""Writes src/customer/numbering.tsv, the numbering plans as libphonenumber has them.

usage: plans.py > src/customer/numbering.tsv

Run it with the `phonenumbers` of requirements.txt whenever `rlibphonenumber` is raised; a test holds the table against
the crate and says when the two disagree. One line a region: calling code, region, then for leading digits, national
prefix and international prefix their expressions, then for each kind of number its lengths and its expression.
"""

import re

import phonenumbers
from phonenumbers import PhoneMetadata

KINDS = [
    "general_desc", "fixed_line", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail", "mobile",
]


def expression(pattern):
    return re.sub(r"\s", "", pattern or "")


def kind(table, name):
    desc = getattr(table, name)
    if desc is None or desc.national_number_pattern is None:
        return ["", ""]
    if name == "mobile" and table.same_mobile_and_fixed_line_pattern:
        return ["", ""]
    lengths = desc.possible_length or (table.general_desc.possible_length if name != "general_desc" else ())
    return [",".join(map(str, lengths)), expression(desc.national_number_pattern)]


def main():
    for code, regions in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        for region in regions:
            if region == "001":
                table = PhoneMetadata.metadata_for_nongeo_region(code)
            else:
                table = PhoneMetadata.metadata_for_region(region)
            line = [str(code), region, expression(table.leading_digits), expression(table.national_prefix_for_parsing)]
            line.append(expression(table.international_prefix))
            for name in KINDS:
                line += kind(table, name)
            print("\t".join(line))


main()
