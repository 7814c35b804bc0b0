"""What must not change the tokens of a text, and what must."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.text.fold import SCRIPTS
from provscan.text.tokenizer import Tokenizer, Tokens

PLAIN = "The quick brown fox jumps over the lazy dog, 1234567890 times; internationalization helps a space probe"
FULL_WIDTH = {c: c + 0xFEE0 for c in range(0x21, 0x7F)} | {0x20: 0x3000}
HOMOGLYPHS = str.maketrans("aeopcxysijABEKMHOPCTX", "аеорсхуѕіјАВЕКМНОРСТХ")

SAME_ENGLISH = {
    "upper": PLAIN.upper(),
    "lower": PLAIN.lower(),
    "swapped case": PLAIN.swapcase(),
    "full width": PLAIN.translate(FULL_WIDTH),
    "homoglyphs": PLAIN.translate(HOMOGLYPHS),
    "zero width everywhere": "\u200b".join(PLAIN),
    "joiners everywhere": "\u200d\u200c\u2060\ufeff".join(PLAIN),
    "soft hyphens": PLAIN.replace("o", "o\u00ad"),
    "right-to-left marks": "\u202b".join(PLAIN) + "\u202c",
    "variation selectors": "\ufe0f".join(PLAIN),
    "accents": PLAIN.translate(str.maketrans("aeioucnAEI", "áèîöūçñÅĘĲ"[:9] + "İ")),
    "combining marks": "".join(c + "\u0327\u0301" if c.isalpha() else c for c in PLAIN),
    "no punctuation": PLAIN.replace(",", "").replace(";", ""),
    "other punctuation": PLAIN.replace(",", " -- ").replace(";", "…"),
    "quotes and brackets": "“" + PLAIN.replace(" ", " «") + "”",
    "white space": PLAIN.replace(" ", " \t\n\u00a0\u3000\u2028 "),
    "mathematical letters": "".join(
        chr(0x1D400 + ord(c) - 65) if "A" <= c <= "Z" else chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c
        for c in PLAIN
    ),
    "arabic digits": PLAIN.translate({0x30 + d: 0x660 + d for d in range(10)}),
    "emoji between": PLAIN.replace(" ", " 😀 "),
    "nul bytes between": PLAIN.replace(" ", " \x00"),
    "invalid bytes between": PLAIN.encode().replace(b" ", b" \xff\xed\xa0\x80 "),
}
SAME = [
    ("我们认为,这是2023年!", "我们认为，这是２０２３年！"),
    ("我们认为这是", "我 们\u200b认\u3000为——这\n是"),
    ("カタカナガ", "ｶﾀｶﾅｶﾞ"),
    ("カタカナが", "カタカナか\u3099"),
    ("한국어", unicodedata.normalize("NFC", "한국어")),
    ("株式会社", "㍿"),
    ("final office", "ﬁnal oﬃce"),
    ("strasse", "Straße"),
    ("kg", "㎏"),
    ("весёлый ПРИВЕТ", "ВЕСЕЛЫЙ привет"),
    ("ὀδός ΣΟΦΟΣ σοφος", "ὈΔΌΣ σοφοσ ΣΟΦΟς"),
]
DIFFERENT = ["sea", "see", "eas", "se a", "s ea", "seas", "海", "1", "11", "1 1", "我们", "们我", "我", "か", "き"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer()


def same(one: Tokens, other: Tokens) -> bool:
    return one.ids.tolist() == other.ids.tolist() and one.fingerprint == other.fingerprint


@pytest.mark.parametrize("form", SAME_ENGLISH.values(), ids=SAME_ENGLISH.keys())
def test_tokenizer_obfuscation_changes_nothing(tokenizer: Tokenizer, form: str | bytes) -> None:
    assert len(tokenizer(PLAIN).ids) == 16
    assert same(tokenizer(form), tokenizer(PLAIN))


@pytest.mark.parametrize(("one", "other"), SAME)
def test_tokenizer_same_text_in_other_characters(tokenizer: Tokenizer, one: str, other: str) -> None:
    assert same(tokenizer(one), tokenizer(other))


@pytest.mark.parametrize("look_alike", ["\u0406", "\u0399", "\u04c0", "\u2c92"])
def test_tokenizer_homoglyphs_of_capital_i(tokenizer: Tokenizer, look_alike: str) -> None:
    assert same(tokenizer(f"{look_alike}n the beginning"), tokenizer("In the beginning"))


@pytest.mark.parametrize("word", ["інший", "біб", "ηλιον", "νυν"])
def test_tokenizer_case_of_letters_drawn_like_different_latin_letters(tokenizer: Tokenizer, word: str) -> None:
    assert same(tokenizer(word.upper()), tokenizer(word))


@pytest.mark.parametrize("word", ["έτος", "Ήλιος", "Ύδωρ", "Їжак", "ќе"])
def test_tokenizer_composed_and_decomposed(tokenizer: Tokenizer, word: str) -> None:
    assert same(tokenizer(unicodedata.normalize("NFD", word)), tokenizer(unicodedata.normalize("NFC", word)))


@pytest.mark.parametrize("digits", ["๒๐๒๓", "໒໐໒໓", "២០២៣", "၂၀၂၃", "༢༠༢༣"])
def test_tokenizer_digits_of_unsegmented_scripts(tokenizer: Tokenizer, digits: str) -> None:
    assert same(tokenizer(digits), tokenizer("2023"))


def test_tokenizer_different_texts_differ(tokenizer: Tokenizer) -> None:
    assert len({tokenizer(text).fingerprint for text in DIFFERENT}) == len(DIFFERENT)


@given(st.text("abcXYZ 我们日本,.é1", max_size=40))
def test_tokenizer_str_equals_its_bytes(text: str) -> None:
    tokenizer = Tokenizer()
    assert same(tokenizer(text), tokenizer(text.encode("utf-8")))


@given(st.text("abcxyz XYZ我们日本,.é1", max_size=40))
def test_tokenizer_every_obfuscation_at_once(text: str) -> None:
    tokenizer = Tokenizer()
    hidden = "\u200b".join(unicodedata.normalize("NFD", text.swapcase())).translate(FULL_WIDTH)
    assert same(tokenizer(hidden), tokenizer(text))


def test_tokenizer_grows_for_expansions(tokenizer: Tokenizer) -> None:
    tokens = tokenizer("ﷺ" * 300)
    assert len(tokens.ids) == 1200 - 299  # the last of four words runs into the first of the next
    assert tokens.ends[-1] == 900


def test_tokenizer_scripts(tokenizer: Tokenizer) -> None:
    text = "word 我们 ひら 한국 ไท ລາ عرب привет ελλ עבר हिन्दी"
    counts = dict(zip(SCRIPTS, tokenizer(text).scripts.tolist(), strict=True))
    assert counts["han"] == counts["kana"] == counts["thai"] == counts["sea"] == 2
    assert counts["hangul"] == counts["arabic"] == counts["hebrew"] == counts["devanagari"] == 1
    assert counts["cyrillic"] == counts["greek"] == counts["latin"] == 1


def test_tokenizer_results_do_not_share_memory(tokenizer: Tokenizer) -> None:
    one = tokenizer("first text")
    kept = one.ids.tolist()
    tokenizer("another one altogether")
    assert one.ids.tolist() == kept
