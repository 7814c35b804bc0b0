"""The language said of a document."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from making import corpus

from provscan.decide.verdict import LANGUAGES, languages
from provscan.sketch.sketcher import Sketcher
from provscan.text.fold import SCRIPTS


def language(texts: list[str]) -> list[str | None]:
    out: list[str | None] = []
    sketcher = Sketcher(480, (np.uint64(1), np.uint64(1)))
    for chunk in sketcher.chunks(pa.array(texts)):
        out += [LANGUAGES[k] if k >= 0 else None for k in languages(chunk.scripts, chunk.bits)]
    return out


def test_languages_one_for_each_script() -> None:
    assert len(LANGUAGES) == len(SCRIPTS)


@pytest.mark.compiled
def test_languages_of_the_fixtures() -> None:
    """A guess: it may abstain now and then, and takes no language for another."""
    rows = [row for row in corpus() if row["truth"] != "obfuscated"]
    said = language([row["text"] for row in rows])
    assert sum(one is None for one in said) <= 0.02 * len(rows)
    assert all(one in (None, row["lang"]) for one, row in zip(said, rows, strict=True))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The committee will meet again on Monday to look at the plans for the new bridge.", "en"),
        ("委员会将于星期一再次开会，审议新桥的方案。", "zh"),
        ("委員会は月曜日に再び集まり、新しい橋の計画を検討します。", "ja"),
        ("위원회는 월요일에 다시 만나 새 다리 계획을 검토합니다.", "ko"),
        ("คณะกรรมการจะประชุมกันอีกครั้งในวันจันทร์", "th"),
        ("ستجتمع اللجنة مرة أخرى يوم الاثنين للنظر في خطط الجسر الجديد", "ar"),
        ("Комитет соберётся снова в понедельник, чтобы рассмотреть планы нового моста.", "ru"),
        ("Η επιτροπή θα συνεδριάσει ξανά τη Δευτέρα για να εξετάσει τα σχέδια.", "el"),
        ("הוועדה תתכנס שוב ביום שני כדי לבחון את התוכניות לגשר החדש", "he"),
        ("समिति सोमवार को फिर से बैठक करेगी", "hi"),
        ("", None),
        ("… !?", None),
    ],
)
@pytest.mark.compiled
def test_languages_by_script(text: str, wanted: str | None) -> None:
    assert language([text]) == [wanted]


@pytest.mark.compiled
def test_languages_other_latin_text_is_not_english() -> None:
    texts = [
        "Der Ausschuss wird am Montag erneut zusammentreten, um die Pläne für die neue Brücke zu prüfen.",
        "Le comité se réunira à nouveau lundi pour examiner les projets du nouveau pont sur la rivière.",
        "Komitea kokoontuu uudelleen maanantaina tarkastelemaan uuden sillan suunnitelmia.",
    ]
    assert language(texts) == [None] * 3
