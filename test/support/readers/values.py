"""Values as text that is the same for every library that reads them; the result of a script as JSON."""

import datetime
import decimal
import json


def text(value):
    if value is None or value != value:
        return None
    if isinstance(value, datetime.datetime):
        # Without a zone it is Spark's, whose session is in UTC.
        zoned = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return zoned.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, (datetime.date, decimal.Decimal)):
        return str(value)
    return str(value).lower() if type(value).__name__ in ("bool", "bool_") else str(value)


def rows(columns):
    """Columns by name → rows by name, in the order of the first column."""
    names = list(columns)
    lists = [[text(value) for value in columns[name]] for name in names]
    return sorted((dict(zip(names, row)) for row in zip(*lists)), key=lambda row: row[names[0]])


def print_all(ways):
    print(json.dumps({way: rows(read()) for way, read in ways.items()}))
