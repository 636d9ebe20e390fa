"""Codes of languages: ISO 639-3, as labelled data has them, and what lid.176 says."""

from __future__ import annotations

ALIASES = {
    "cmn": "zh", "zho": "zh", "arb": "ar", "ara": "ar", "ekk": "et", "est": "et", "lvs": "lv", "lav": "lv", "zsm": "ms", "msa": "ms",
    "nob": "no", "nno": "nn", "nor": "no", "pes": "fa", "fas": "fa", "swh": "sw", "swa": "sw", "uzn": "uz", "uzb": "uz", "khk": "mn",
    "mon": "mn", "npi": "ne", "nep": "ne", "als": "sq", "sqi": "sq", "azj": "az", "aze": "az", "ydd": "yi", "yid": "yi", "gle": "ga",
    "eng": "en", "fra": "fr", "deu": "de", "spa": "es", "ita": "it", "por": "pt", "nld": "nl", "rus": "ru", "ukr": "uk", "pol": "pl",
    "ces": "cs", "slk": "sk", "slv": "sl", "hrv": "hr", "srp": "sr", "bos": "bs", "bul": "bg", "mkd": "mk", "ron": "ro", "hun": "hu",
    "fin": "fi", "swe": "sv", "dan": "da", "isl": "is", "ell": "el", "tur": "tr", "heb": "he", "hin": "hi", "ben": "bn", "tam": "ta",
    "tel": "te", "mar": "mr", "guj": "gu", "kan": "kn", "mal": "ml", "pan": "pa", "urd": "ur", "jpn": "ja", "kor": "ko", "vie": "vi",
    "tha": "th", "ind": "id", "jav": "jv", "tgl": "tl", "eus": "eu", "cat": "ca", "glg": "gl", "lit": "lt", "bel": "be", "hye": "hy",
    "kat": "ka", "kaz": "kk", "kir": "ky", "tat": "tt", "tuk": "tk", "uig": "ug", "epo": "eo", "lat": "la", "ina": "ia", "ido": "io",
    "ile": "ie", "vol": "vo", "bre": "br", "cym": "cy", "oci": "oc", "cos": "co", "afr": "af", "ltz": "lb", "fry": "fy", "fao": "fo",
    "mlt": "mt", "som": "so", "amh": "am", "mya": "my", "khm": "km", "lao": "lo", "sin": "si", "asm": "as", "ori": "or", "san": "sa",
    "chv": "cv", "bak": "ba", "oss": "os", "kur": "ku", "ckb": "ckb", "tgk": "tg", "pus": "ps", "que": "qu", "grn": "gn", "yor": "yo",
    "war": "war", "ceb": "ceb", "hat": "ht", "sun": "su", "mlg": "mg", "roh": "rm", "gla": "gd", "cor": "kw", "nds": "nds", "yue": "yue",
    "wuu": "wuu", "hsb": "hsb", "dsb": "dsb", "sah": "sah", "jbo": "jbo", "pms": "pms", "lmo": "lmo", "arz": "arz", "tok": "tok",
    "snd": "sd", "sme": "se", "glv": "gv", "wln": "wa", "arg": "an", "div": "dv", "bod": "bo", "hbs": "sh", "che": "ce", "kom": "kv",
    "ava": "av", "lim": "li", "bih": "bh", "nav": "nv", "srd": "sc",
}  # fmt: skip
"""ISO 639-3, as the data has it, to the code lid.176 knows; a code of three letters that it knows stays as it is."""
