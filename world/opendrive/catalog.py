"""What a signal's country, type and subtype mean.

Country "OpenDRIVE" (CARLA's and RoadRunner's export, too) has the German numbers for signs and the 1.000.xxx numbers
for lights; Germany, Sweden, the United States and the United Kingdom are told by their own codes. A speed's unit
is the file's; without one it is km/h, or mph where the country drives in miles.

Source: ASAM OpenDRIVE 1.8, 14.2 and its signal reference; StVO annexes 1-3 (Germany); MUTCD (United States);
TSRGD (United Kingdom); Vägmärkesförordningen (Sweden).
"""

import math
from dataclasses import dataclass

from world.kinds import SignKind
from world.opendrive.roads import FASTEST, SLOWEST, SPEED_UNITS

GERMAN = {"", "opendrive", "de", "deu", "germany", "at", "aut", "ch", "che", "-1", "none"}
MILES = {"us", "usa", "gb", "gbr", "uk"}
VEHICLE_LIGHTS = {"1000001", "1000008", "1000009", "1000010", "1000011", "1000012", "1000016"}
PEDESTRIAN_LIGHTS = {"1000002", "1000007", "1000013"}  # pedestrians, pedestrians and cyclists, cyclists
STOP_LINES = {"294"}
GERMAN_SIGNS = {
    "206": SignKind.STOP, "205": SignKind.YIELD, "274": SignKind.SPEED_LIMIT, "274.1": SignKind.SPEED_LIMIT,
    "278": SignKind.SPEED_LIMIT_END, "282": SignKind.SPEED_LIMIT_END, "274.2": SignKind.SPEED_LIMIT_END,
    "306": SignKind.PRIORITY_ROAD, "267": SignKind.NO_ENTRY, "350": SignKind.PEDESTRIAN_CROSSING,
}  # fmt: skip
OTHER_SIGNS = {
    "us": {
        "r1-1": SignKind.STOP, "r1-2": SignKind.YIELD, "r2-1": SignKind.SPEED_LIMIT, "r5-1": SignKind.NO_ENTRY,
        "w11-2": SignKind.PEDESTRIAN_CROSSING,
    },
    "se": {
        "b1": SignKind.YIELD, "b2": SignKind.STOP, "b3": SignKind.PEDESTRIAN_CROSSING, "b4": SignKind.PRIORITY_ROAD,
        "c1": SignKind.NO_ENTRY, "c31": SignKind.SPEED_LIMIT, "c32": SignKind.SPEED_LIMIT_END,
    },
    "gb": {
        "601.1": SignKind.STOP, "602": SignKind.YIELD, "670": SignKind.SPEED_LIMIT, "671": SignKind.SPEED_LIMIT_END,
        "616": SignKind.NO_ENTRY,
    },
}  # fmt: skip
ALIASES = {"usa": "us", "gbr": "gb", "uk": "gb", "swe": "se"}


@dataclass(frozen=True)
class Meaning:
    """What a signal is: exactly one of the flags, or a sign."""

    light: bool = False
    pedestrian_light: bool = False
    stop_line: bool = False
    sign: SignKind | None = None
    value: float = 0.0  # [m/s] of a speed limit


def meaning(country: str, kind: str, subtype: str, value: float, unit: str, text: str, dynamic: bool) -> Meaning | None:
    """What a signal is, or None where this catalog does not know it.

    Args:
        value: as the file has it; not finite or negative where it has none.
        unit: of the value, "" where the file has none.
        text: additional text of the sign.
    """
    country, kind, subtype = country.strip().lower(), kind.strip().lower(), subtype.strip().lower()
    country = ALIASES.get(country, country)
    if kind in VEHICLE_LIGHTS and dynamic:
        return Meaning(light=True)
    if kind in PEDESTRIAN_LIGHTS and dynamic:
        return Meaning(pedestrian_light=True)
    if country in GERMAN:
        if kind in STOP_LINES:
            return Meaning(stop_line=True)
        sign = GERMAN_SIGNS.get(f"{kind}.{subtype}") or GERMAN_SIGNS.get(kind)
    else:
        table = OTHER_SIGNS.get(country, {})
        code = kind if subtype in ("", "-1", "none") else kind + subtype
        sign = table.get(code) or table.get(kind)
    if sign is None:
        return None
    if sign == SignKind.SPEED_LIMIT:
        return Meaning(sign=sign, value=_speed(country, value, unit, text, subtype))
    return Meaning(sign=sign)


def _speed(country: str, value: float, unit: str, text: str, subtype: str) -> float:
    """Speed [m/s] of a limit sign: its value, else its text, else its subtype; 0 where none of them is a speed."""
    factor = SPEED_UNITS.get(unit, 0.0) if unit else (SPEED_UNITS["mph"] if country in MILES else 1 / 3.6)
    digits = text.strip() if text.strip().isdecimal() else subtype.removeprefix("274-").removeprefix("-")
    if not (math.isfinite(value) and value > 0):
        value = float(digits) if digits.isdecimal() and 5 <= int(digits) <= 150 else 0.0
    if country == "se" and value <= 13:
        value *= 10  # the subclass number of sign C31 counts tens
    speed = value * factor
    return speed if SLOWEST <= speed <= FASTEST else 0.0
