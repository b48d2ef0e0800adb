"""The twelve characters of a meter's id: CC AA TT NNNNNN (Euridis list of identifiers V3.04A)."""

import re

IDENTIFIER = re.compile(r"\d{4}[0-9A-F]{2}\d{6}")
"""Manufacturer, year and serial number in digits; the device type may be hexadecimal."""

MANUFACTURERS = {
    "01": "Crouzet/Monetel", "02": "Sagemcom", "03": "Itron/Actaris/Schlumberger", "04": "Landis+Gyr",
    "05": "Sauter/Stepper/Zellweger", "06": "Itron", "07": "MAEC", "08": "Matra-Chauvin Arnoux/Enerdis",
    "09": "Faure-Herman", "10": "SEVME/SIS", "11": "Magnol/Elster/Honeywell", "12": "Gaz Thermique",
    "14": "Ghielmetti/Dialog/Micronique", "15": "Mecelec", "16": "Legrand/Baco", "17": "SERD-Schlumberger",
    "18": "Schneider/Merlin Gerin/Gardy", "19": "General Electric/Power Control", "20": "Nuovo Pignone/Dresser",
    "21": "SCLE", "22": "EDF", "23": "GDF", "24": "Hager-GE", "25": "Delta Dore", "26": "RIZ", "27": "Iskraemeco",
    "28": "GMT", "29": "Analog Device", "30": "Michaud", "31": "Hexing", "32": "SIAME", "33": "Larsen & Toubro",
    "34": "Elster/Honeywell", "35": "Electronic Afzar Azma", "36": "Advanced Electronic", "37": "AEM", "38": "Chint",
    "39": "ZIV", "70": "Landis (export)", "71": "Stepper (export)", "81": "Sagemcom", "82": "Landis+Gyr",
    "83": "Elster/Honeywell", "84": "Sagemcom", "85": "Itron",
}  # fmt: skip

LINKY_TYPES = frozenset(
    {
        "60", "61", "62", "63", "64", "65", "66", "67", "68", "70", "71", "75", "76", "86", "87", "88", "89", "90",
        "91", "92", "93", "94",
    }
)  # fmt: skip
"""Device types of the PLC meters; 65 to 68 are trials and pilots, 92 to 94 are ORES'."""

CONCENTRATOR_TYPES = frozenset({"03", "04", "19", "52", "53", "54"})


def describe(identifier: str) -> dict[str, str]:
    """Give manufacturer, device_type and year of an id, each empty where the id does not have the official form."""
    if not IDENTIFIER.fullmatch(identifier):
        return {"manufacturer": "", "device_type": "", "year": ""}
    return {
        "manufacturer": MANUFACTURERS.get(identifier[:2], ""),
        "device_type": identifier[4:6],
        "year": f"20{identifier[2:4]}" if identifier[2:4] < "70" else f"19{identifier[2:4]}",
    }
