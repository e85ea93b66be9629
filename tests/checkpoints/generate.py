"""Pickles of generated values with the JSON each must become, for the differential test.

Writes records to standard output: four bytes of length and the pickle, four bytes of length and the JSON. The JSON is
made by an encoder of its own, from the table of tags, so that reader and writer are checked against something else.
Arguments: seed, number of values.
"""
import base64
import collections
import datetime as dt
import decimal
import fractions
import json
import math
import pathlib
import pickle
import random
import struct
import sys
import types
import uuid

TAG = "$t"


def mapping(items):
    items = list(items)
    if all(type(k) is str and k != TAG and not surrogate(k) for k, _ in items):
        return {k: encode(v) for k, v in items}
    return [[encode(k), encode(v)] for k, v in items]


def surrogate(text):
    return any(0xD800 <= ord(c) < 0xE000 for c in text)


def tagged(tag, v, **more):
    return {TAG: tag, "v": v, **more}


def moment(tag, v):
    more = {}
    zone = v.tzinfo
    shown = v
    if zone is not None and zone != dt.timezone.utc and type(zone.__reduce__()[1]) is tuple and len(zone.__getinitargs__()) > 1:
        shown = v.replace(tzinfo=None)
        more["tz"] = encode(zone)
    if v.fold and FOLDS[0]:
        more["fold"] = 1
    return tagged(tag, shown.isoformat(), **more)


def offset(zone):
    return dt.datetime(2000, 1, 1, tzinfo=zone).isoformat()[19:]


def encode(v):
    t = type(v)
    if v is None or t in (bool, int):
        return v
    if t is float:
        if math.isnan(v):
            return tagged("float", "nan")
        if math.isinf(v):
            return tagged("float", "inf" if v > 0 else "-inf")
        return v
    if t is str:
        if not surrogate(v):
            return v
        return tagged("text", "".join(
            "\\\\" if c == "\\" else "\\u%04x" % ord(c) if surrogate(c) else c for c in v))
    if t is list:
        return [encode(x) for x in v]
    if t is dict:
        m = mapping(v.items())
        return m if type(m) is dict else tagged("dict", m)
    if t is tuple:
        return tagged("tuple", [encode(x) for x in v])
    if t in (set, frozenset):
        return tagged(t.__name__, [encode(x) for x in v])
    if t in (bytes, bytearray):
        return tagged(t.__name__, base64.b64encode(v).decode())
    if t is complex:
        return tagged("complex", [encode(v.real), encode(v.imag)])
    if t is range:
        return tagged("range", [v.start, v.stop, v.step])
    if t is slice:
        return tagged("slice", [encode(v.start), encode(v.stop), encode(v.step)])
    if t is collections.OrderedDict:
        return tagged("OrderedDict", mapping(v.items()))
    if t is collections.Counter:
        return tagged("Counter", mapping(v.items()))
    if t is collections.defaultdict:
        more = {} if v.default_factory is None else {"factory": FACTORY[v.default_factory]}
        return tagged("defaultdict", mapping(v.items()), **more)
    if t is collections.deque:
        more = {} if v.maxlen is None else {"maxlen": v.maxlen}
        return tagged("deque", [encode(x) for x in v], **more)
    if t is dt.datetime:
        return moment("datetime", v)
    if t is dt.time:
        return moment("time", v)
    if t is dt.date:
        return tagged("date", v.isoformat())
    if t is dt.timedelta:
        return tagged("timedelta", [v.days, v.seconds, v.microseconds])
    if t is dt.timezone:
        more = {"name": v.__getinitargs__()[1]} if len(v.__getinitargs__()) > 1 else {}
        return tagged("timezone", offset(v), **more)
    if t is decimal.Decimal:
        return tagged("Decimal", str(v))
    if t is fractions.Fraction:
        return tagged("Fraction", f"{v.numerator}/{v.denominator}")
    if t is uuid.UUID:
        return tagged("UUID", str(v))
    if isinstance(v, pathlib.PurePath):
        return {TAG: "path", "class": f"pathlib.{t.__name__}", "v": [encode(part) for part in v.parts]}
    if t is types.SimpleNamespace:
        return tagged("SimpleNamespace", mapping(vars(v).items()))
    if isinstance(v, Exception):
        module = EXCEPTION_MODULE[0]
        more = {"state": encode(vars(v))} if vars(v) else {}
        return {TAG: "exception", "class": f"{module}.{t.__name__}", "v": [encode(x) for x in v.args], **more}
    raise TypeError(t)


# Names come out as the file has them, and older protocols write Python 2's.
FACTORY = {}
EXCEPTION_MODULE = ["builtins"]
# Protocols before 4 do not keep the fold of a time.
FOLDS = [True]


def names_of(protocol):
    old = protocol < 3
    module = "__builtin__" if old else "builtins"
    FACTORY.update({f: f"{module}.{f.__name__}" for f in (list, dict, set, float)})
    FACTORY[int] = "__builtin__.long" if old else "builtins.int"
    FACTORY[str] = "__builtin__.unicode" if old else "builtins.str"
    FOLDS[0] = protocol > 3
    EXCEPTION_MODULE[0] = "exceptions" if old else "builtins"


ALPHABET = "abcXYZ09 _-.\\\"'/\n\t\r\x00\x1f\x7fäéß€漢字😀\u2028\ufeff$"


class Values:
    def __init__(self, rng):
        self.rng = rng
        self.shared = []

    def text(self):
        r = self.rng
        kind = r.random()
        if kind < 0.5:
            return r.choice(["id", "name", "status", "tasks", "priority", "$t", "v", "", "due", "parent"])
        if kind < 0.96:
            return "".join(r.choice(ALPHABET) for _ in range(r.randrange(0, 20)))
        if kind < 0.98:
            return "".join(r.choice(ALPHABET) for _ in range(300))
        return "x" + r.choice(["\ud800", "\udfff", "\ud83d\ude00", "\\\udc00"]) + "y"

    def number(self):
        r = self.rng
        return r.choice([
            lambda: r.randrange(-5, 300), lambda: r.randrange(-70000, 70000), lambda: r.randrange(-2**33, 2**33),
            lambda: r.randrange(-2**62, 2**62), lambda: r.randrange(-2**70, 2**70), lambda: -2**63, lambda: 2**63,
            lambda: 2**59, lambda: -2**59 - 1, lambda: 10**r.randrange(1, 60), lambda: -10**r.randrange(300, 800),
        ])()

    def real(self):
        r = self.rng
        return r.choice([
            lambda: 0.0, lambda: -0.0, lambda: r.random(), lambda: r.uniform(-1e6, 1e6), lambda: float(r.randrange(10**6)),
            lambda: struct.unpack("<d", struct.pack("<Q", r.getrandbits(64)))[0], lambda: 10.0 ** r.randrange(-30, 30),
            lambda: float("nan"), lambda: float("inf"), lambda: float("-inf"), lambda: 5e-324,
            # Exactly between two numbers of as many digits, and near the ends of the range without an exponent.
            lambda: r.choice([1, -1]) * r.randrange(2**48, 2**53) / r.choice([2, 4, 8]),
            lambda: r.randrange(1, 2**53) * 2.0 ** r.randrange(-60, 80), lambda: r.choice([1e-4, 1e16]) * (1 + r.uniform(-1e-15, 1e-15)),
        ])()

    def decimal(self):
        r = self.rng
        digits = r.randrange(10 ** r.randrange(1, 40))
        return decimal.Decimal(r.choice([
            "0", "-0", "0E-30", "-1.10", "1E+30", "NaN", "-Infinity", "0.1", "123456789.987654321", "-NaN7",
            f"{digits}", f"-{digits}E{r.randrange(-60, 60)}", f"{digits}.{r.randrange(10**9)}",
        ]))

    def zone(self):
        r = self.rng
        return r.choice([None, None, dt.timezone.utc, dt.timezone(dt.timedelta(minutes=r.randrange(-1439, 1440))),
                         dt.timezone(dt.timedelta(seconds=r.randrange(-86399, 86400), microseconds=r.randrange(3))),
                         dt.timezone(dt.timedelta(hours=2), "CEST")])

    def leaf(self, hashable=False):
        r = self.rng
        choices = [
            lambda: None, lambda: r.random() < 0.5, self.number, self.number, self.real, self.text, self.text, self.text,
            lambda: bytes(r.randrange(256) for _ in range(r.randrange(0, 12))),
            lambda: dt.datetime(r.randrange(1, 9999), r.randrange(1, 13), r.randrange(1, 29), r.randrange(24), r.randrange(60),
                                r.randrange(60), r.choice([0, 1, 999999, r.randrange(10**6)]), self.zone(), fold=r.randrange(2)),
            lambda: dt.date(r.randrange(1, 9999), r.randrange(1, 13), r.randrange(1, 29)),
            lambda: dt.time(r.randrange(24), r.randrange(60), r.randrange(60), r.randrange(10**6), self.zone(), fold=r.randrange(2)),
            lambda: dt.timedelta(r.randrange(-10**6, 10**6), r.randrange(86400), r.randrange(10**6)),
            lambda: r.choice([dt.datetime.min, dt.datetime.max, dt.date.min, dt.time.max, dt.timedelta.min, dt.timedelta.max]),
            lambda: self.zone() or dt.timezone.utc,
            self.decimal,
            lambda: fractions.Fraction(r.randrange(-50, 50), r.randrange(1, 50)),
            lambda: fractions.Fraction(r.randrange(-2**90, 2**90), r.randrange(1, 2**70)),
            lambda: uuid.UUID(int=r.getrandbits(128)),
            lambda: complex(r.uniform(-3, 3), float(r.randrange(5))), lambda: complex(self.real(), self.real()),
            lambda: range(r.randrange(5), r.randrange(50), r.randrange(1, 4)),
            lambda: range(self.number(), self.number(), -r.randrange(1, 2**40)),
            lambda: pathlib.PurePosixPath("/var", "lib", r.choice(["a", "b c", "ü"])),
            lambda: pathlib.PurePosixPath(r.choice([".", "a/../b", "//net/share", "-", self.text().replace("\0", "") or "x"])),
        ]
        if not hashable:
            choices += [
                lambda: bytearray(r.randrange(256) for _ in range(r.randrange(0, 6))),
                lambda: slice(r.randrange(4), None, 2),
                lambda: ValueError(self.text(), r.randrange(9)), lambda: decimal.Decimal("-sNaN12"),
            ]
        return r.choice(choices)()

    def key(self):
        r = self.rng
        v = self.leaf(hashable=True) if r.random() < 0.15 else self.text()
        return 0.5 if type(v) is float and math.isnan(v) else v

    def pairs(self, depth):
        return [(self.key(), self.value(depth - 1)) for _ in range(self.rng.randrange(0, 7))]

    def value(self, depth):
        r = self.rng
        if depth <= 0 or r.random() < 0.35:
            return self.leaf()
        if self.shared and r.random() < 0.15:
            return r.choice(self.shared)
        v = r.choice([
            lambda: [self.value(depth - 1) for _ in range(r.randrange(0, 7))],
            lambda: dict(self.pairs(depth)), lambda: dict(self.pairs(depth)),
            lambda: tuple(self.value(depth - 1) for _ in range(r.randrange(0, 5))),
            lambda: {self.leaf(hashable=True) for _ in range(r.randrange(0, 4))},
            lambda: frozenset(self.leaf(hashable=True) for _ in range(r.randrange(0, 4))),
            lambda: collections.OrderedDict(self.pairs(depth)),
            lambda: collections.Counter({self.text(): r.randrange(9) for _ in range(r.randrange(3))}),
            lambda: self.default(depth),
            lambda: collections.deque([self.value(depth - 1) for _ in range(r.randrange(4))], r.choice([None, 7])),
            lambda: types.SimpleNamespace(a=self.value(depth - 1)),
        ])()
        self.shared.append(v)
        return v

    def default(self, depth):
        d = collections.defaultdict(self.rng.choice([None, list, dict, set, int, str, float]))
        d.update(self.pairs(depth))
        return d


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    sys.setrecursionlimit(5000)
    out = sys.stdout.buffer
    for at in range(count):
        protocol = at % 6
        names_of(protocol)
        values = Values(rng)
        value = values.value(rng.choice([0, 2, 4, 6]))
        if at % 500 == 0:
            value = {"tasks": [{"id": i, "name": f"task {i}", "deps": [i - 1]} for i in range(3000)]}
        raw = pickle.dumps(value, protocol)
        text = json.dumps(encode(value), indent=2).encode()
        for part in (raw, text):
            out.write(struct.pack("<I", len(part)))
            out.write(part)


main()
