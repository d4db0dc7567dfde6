"""Units by their QUDT names: what each measures and how it becomes the SI unit of that quantity.

A table of the units that catalogues, clinics and machines use; others are told apart but not converted.
"""

from __future__ import annotations

from math import pi
from urllib.parse import unquote

# si = (value + offset) * multiplier, as in QUDT's conversionMultiplier and conversionOffset
_TABLE: dict[str, dict[str, float | tuple[float, float]]] = {
    "temperature": {"K": 1.0, "DEG_C": (1.0, 273.15), "DEG_F": (5 / 9, 459.67), "DEG_R": 5 / 9},
    "length": {
        "M": 1.0, "KiloM": 1e3, "DeciM": 0.1, "CentiM": 1e-2, "MilliM": 1e-3, "MicroM": 1e-6, "NanoM": 1e-9,
        "IN": 0.0254, "FT": 0.3048, "YD": 0.9144, "MI": 1609.344, "MI_N": 1852.0, "ANGSTROM": 1e-10,
    },
    "area": {
        "M2": 1.0, "KiloM2": 1e6, "CentiM2": 1e-4, "MilliM2": 1e-6, "HA": 1e4, "AC": 4046.8564224,
        "FT2": 0.09290304,
    },
    "volume": {
        "M3": 1.0, "L": 1e-3, "DeciL": 1e-4, "CentiL": 1e-5, "MilliL": 1e-6, "MicroL": 1e-9, "CentiM3": 1e-6,
        "GAL_US": 3.785411784e-3, "FT3": 0.028316846592,
    },
    "mass": {
        "KiloGM": 1.0, "GM": 1e-3, "MilliGM": 1e-6, "MicroGM": 1e-9, "NanoGM": 1e-12, "TONNE": 1e3,
        "TON_Metric": 1e3, "LB": 0.45359237, "OZ": 0.028349523125,
    },
    "time": {
        "SEC": 1.0, "MilliSEC": 1e-3, "MicroSEC": 1e-6, "NanoSEC": 1e-9, "MIN": 60.0, "HR": 3600.0,
        "DAY": 86400.0, "WK": 604800.0, "MO": 31556952.0 / 12, "YR": 31556952.0,
    },
    "frequency": {
        "HZ": 1.0, "KiloHZ": 1e3, "MegaHZ": 1e6, "GigaHZ": 1e9, "PER-SEC": 1.0, "PER-MIN": 1 / 60,
        "BEAT-PER-MIN": 1 / 60, "REV-PER-MIN": 1 / 60, "REV-PER-SEC": 1.0,
    },
    "pressure": {
        "PA": 1.0, "HectoPA": 1e2, "KiloPA": 1e3, "MegaPA": 1e6, "BAR": 1e5, "MilliBAR": 1e2, "ATM": 101325.0,
        "PSI": 6894.757293168, "MilliM_HG": 133.322387415, "TORR": 101325 / 760,
    },
    "volume flow": {
        "M3-PER-SEC": 1.0, "M3-PER-HR": 1 / 3600, "L-PER-SEC": 1e-3, "L-PER-MIN": 1e-3 / 60,
        "L-PER-HR": 1e-3 / 3600, "MilliL-PER-MIN": 1e-6 / 60, "GAL_US-PER-MIN": 3.785411784e-3 / 60,
    },
    "mass flow": {"KiloGM-PER-SEC": 1.0, "KiloGM-PER-HR": 1 / 3600, "GM-PER-SEC": 1e-3},
    "speed": {
        "M-PER-SEC": 1.0, "KiloM-PER-HR": 1 / 3.6, "MI-PER-HR": 0.44704, "KN": 1852 / 3600,
        "FT-PER-SEC": 0.3048,
    },
    "acceleration": {"M-PER-SEC2": 1.0, "G": 9.80665},
    "angle": {"RAD": 1.0, "DEG": pi / 180, "REV": 2 * pi, "ARCMIN": pi / 10800, "ARCSEC": pi / 648000},
    "current": {"A": 1.0, "MilliA": 1e-3, "MicroA": 1e-6, "KiloA": 1e3},
    "voltage": {"V": 1.0, "MilliV": 1e-3, "MicroV": 1e-6, "KiloV": 1e3},
    "resistance": {"OHM": 1.0, "MilliOHM": 1e-3, "KiloOHM": 1e3, "MegaOHM": 1e6},
    "power": {"W": 1.0, "MilliW": 1e-3, "KiloW": 1e3, "MegaW": 1e6, "HP": 745.6998715822702},
    "energy": {
        "J": 1.0, "KiloJ": 1e3, "MegaJ": 1e6, "W-HR": 3600.0, "KiloW-HR": 3.6e6, "CAL": 4.184,
        "KiloCAL": 4184.0, "EV": 1.602176634e-19,
    },
    "force": {"N": 1.0, "KiloN": 1e3, "MilliN": 1e-3, "LB_F": 4.4482216152605},
    "share": {
        "UNITLESS": 1.0, "NUM": 1.0, "FRACTION": 1.0, "PERCENT": 1e-2, "PERMILLE": 1e-3, "PPM": 1e-6,
        "PPB": 1e-9,
    },
    "mass concentration": {
        "KiloGM-PER-M3": 1.0, "GM-PER-L": 1.0, "GM-PER-DeciL": 10.0, "MilliGM-PER-DeciL": 1e-2,
        "MilliGM-PER-L": 1e-3, "MicroGM-PER-L": 1e-6, "GM-PER-CentiM3": 1e3,
    },
    "amount concentration": {
        "MOL-PER-M3": 1.0, "MOL-PER-L": 1e3, "MilliMOL-PER-L": 1.0, "MicroMOL-PER-L": 1e-3,
    },
}  # fmt: skip
# what UN/CEFACT calls them (schema:unitCode), and what people write (schema:unitText)
_ALIASES = {
    "CEL": "DEG_C", "FAH": "DEG_F", "KEL": "K", "MTR": "M", "CMT": "CentiM", "MMT": "MilliM", "KMT": "KiloM",
    "INH": "IN", "FOT": "FT", "MTK": "M2", "MTQ": "M3", "LTR": "L", "MLT": "MilliL", "KGM": "KiloGM",
    "GRM": "GM", "MGM": "MilliGM", "TNE": "TONNE", "LBR": "LB", "ONZ": "OZ", "HUR": "HR", "ANN": "YR",
    "HTZ": "HZ", "PAL": "PA", "KPA": "KiloPA", "MBR": "MilliBAR", "MTS": "M-PER-SEC", "KMH": "KiloM-PER-HR",
    "AMP": "A", "VLT": "V", "WTT": "W", "KWT": "KiloW", "KWH": "KiloW-HR", "JOU": "J", "NEW": "N",
    "P1": "PERCENT", "C62": "NUM",
    "°C": "DEG_C", "°F": "DEG_F", "m": "M", "cm": "CentiM", "mm": "MilliM", "km": "KiloM", "in": "IN",
    "ft": "FT", "l": "L", "ml": "MilliL", "mL": "MilliL", "kg": "KiloGM", "g": "GM", "mg": "MilliGM",
    "t": "TONNE", "lb": "LB", "s": "SEC", "ms": "MilliSEC", "min": "MIN", "h": "HR", "d": "DAY", "Hz": "HZ",
    "kHz": "KiloHZ", "Pa": "PA", "hPa": "HectoPA", "kPa": "KiloPA", "bar": "BAR", "mbar": "MilliBAR",
    "psi": "PSI", "m/s": "M-PER-SEC", "km/h": "KiloM-PER-HR", "mA": "MilliA", "mV": "MilliV", "kW": "KiloW",
    "Wh": "W-HR", "kWh": "KiloW-HR", "%": "PERCENT", "l/min": "L-PER-MIN", "rpm": "REV-PER-MIN",
}  # fmt: skip
_PREFIXES = ("http://qudt.org/vocab/unit/", "https://qudt.org/vocab/unit/", "unit:", "urn:unit:")
_UNITS = {
    unit: (quantity, *(scale if isinstance(scale, tuple) else (scale, 0.0)))
    for quantity, units in _TABLE.items()
    for unit, scale in units.items()
}


def affine(unit: str, target: str) -> tuple[float, float] | None:
    """The factor and shift that turn values of one unit into another: ``target = factor * value + shift``.

    None where the two do not measure the same quantity or one of them is not in the table.
    """
    if unit == target:
        return 1.0, 0.0
    ours, theirs = (_UNITS.get(_ALIASES.get(name, name)) for name in map(local_name, (unit, target)))
    if ours is None or theirs is None or ours[0] != theirs[0]:
        return None
    factor = ours[1] / theirs[1]
    return factor, ours[2] * factor - theirs[2]


def local_name(unit: str) -> str:
    """A unit without the start of its IRI, as messages show it."""
    return unquote(next((unit.removeprefix(start) for start in _PREFIXES if unit.startswith(start)), unit))


def is_unit(iri: str) -> bool:
    """Whether an IRI stands for a unit, be it in the table or not."""
    return iri.startswith(_PREFIXES)
