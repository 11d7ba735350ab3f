"""The canonical form of rows (SPEC.md, section 3), and CRC-32C."""

import json
from decimal import Decimal

DEEPEST = 200
FARTHEST_EXPONENT = 1_000_000


class Number(str):
    """A JSON number as it is written: a float would lose digits."""

    def canonical(self):
        if not any(c in self for c in ".eE"):
            return str(self)
        _, _, power = self.lower().partition("e")
        if len(power.lstrip("+-0")) > 7 or abs(int(power or 0)) > FARTHEST_EXPONENT:
            raise ValueError("a number with too large an exponent")
        sign, digits, exponent = Decimal(self).as_tuple()
        text = "".join(map(str, digits)).lstrip("0")
        minus = "-" if sign else ""
        if not text:
            return minus + "0"
        point = len(text) + exponent  # of 0.text
        text = text.rstrip("0")
        if -6 < point <= 0:
            return minus + "0." + "0" * -point + text
        if 0 < point <= 21:
            whole, fraction = text[:point].ljust(point, "0"), text[point:]
            return minus + whole + ("." + fraction if fraction else "")
        mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
        return f"{minus}{mantissa}e{point - 1:+d}"


def once(pairs):
    """Makes an object and refuses a name that occurs twice."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def refuse(constant):
    raise ValueError(f"{constant} is no JSON")


def parse(line):
    """Reads one row."""
    try:
        row = json.loads(line.decode(), parse_int=Number, parse_float=Number, parse_constant=refuse, object_pairs_hook=once)
    except RecursionError:
        raise ValueError("values nest too deep") from None
    if not isinstance(row, dict):
        raise ValueError("a row is a JSON object")
    return row


def canonical(value, depth=0):
    """The one way to write a value."""
    if depth > DEEPEST and isinstance(value, (dict, list)):
        raise ValueError("values nest too deep")
    if isinstance(value, dict):
        # Python orders text by code points, which is the order of its UTF-8 bytes.
        return "{" + ",".join(json.dumps(k, ensure_ascii=False) + ":" + canonical(value[k], depth + 1) for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(v, depth + 1) for v in value) + "]"
    if isinstance(value, Number):
        return value.canonical()
    return json.dumps(value, ensure_ascii=False)


def encode(rows):
    """The payload of rows; a lone surrogate has no UTF-8 and raises an error."""
    return "".join(canonical(row) + "\n" for row in rows).encode()


def castagnoli():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


TABLE = tuple(castagnoli())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
