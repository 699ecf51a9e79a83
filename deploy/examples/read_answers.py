#!/usr/bin/env python3
"""Reads a ranking of phuxanh with pandas, from CSV and from JSON, and shows that they are the same.

    python3 -m venv venv && venv/bin/pip install -r deploy/examples/requirements-pandas.txt
    phuxanh lowest --level commune --within 04 --limit 0 -o csv --output-file lowest.csv
    phuxanh lowest --level commune --within 04 --limit 0 -o json --output-file lowest.json
    venv/bin/python deploy/examples/read_answers.py lowest.csv lowest.json

docs/json.md lists the keys of every answer; they are the columns of both.
"""

import argparse
import json

import pandas

# Codes are text: as numbers they would lose their zeros.
CODES = {"code": str, "province": str}


def read_csv(path):
    """Reads -o csv, which begins with a byte order mark for the sake of spreadsheets."""
    return pandas.read_csv(path, dtype=CODES, encoding="utf-8-sig")


def read_json(path):
    """Reads -o json: what holds for the whole answer, and the rows of its main table."""
    with open(path, encoding="utf-8") as file:
        answer = json.load(file)
    return answer, pandas.json_normalize(answer["rows"])


def main():
    parser = argparse.ArgumentParser(description="Reads a ranking of phuxanh with pandas.")
    parser.add_argument("csv", help="written by phuxanh lowest -o csv")
    parser.add_argument("json", help="written by phuxanh lowest -o json")
    arguments = parser.parse_args()
    table = read_csv(arguments.csv)
    answer, rows = read_json(arguments.json)
    # A column that is blank in every row of CSV is no key of JSON.
    filled = table.dropna(axis="columns", how="all")
    pandas.testing.assert_frame_equal(filled, rows, check_like=True, check_dtype=False)
    print(f"{answer['indicator']}, {answer['period']}: {len(table)} rows, the same in CSV and JSON")
    print(table.nlargest(3, "value")[["code", "name", "province", "value"]].to_string(index=False))
    numerator, denominator = table["numerator"].sum(), table["denominator"].sum()
    print(f"together {numerator} of {denominator}: {numerator / denominator:.2%}")


if __name__ == "__main__":
    main()
