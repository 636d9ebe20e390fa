"""HateCheck's functional tests. Röttger et al., arXiv:2012.15606, Table 1: 29 functionalities, 18 of hate, 11 of contrast.

A filter does harm where it flags the contrasts: reclaimed slurs, counter-speech, neutral talk about people.
"""

from __future__ import annotations

FUNCTIONALITIES = {
    "derog_neg_emote_h": "strong negative emotions",
    "derog_neg_attrib_h": "very negative attributes",
    "derog_dehum_h": "dehumanisation",
    "derog_impl_h": "implicit derogation",
    "threat_dir_h": "direct threat",
    "threat_norm_h": "threat as a norm",
    "slur_h": "slur",
    "slur_homonym_nh": "homonym of a slur",
    "slur_reclaimed_nh": "reclaimed slur",
    "profanity_h": "hate with profanity",
    "profanity_nh": "profanity without hate",
    "ref_subs_clause_h": "reference in a later clause",
    "ref_subs_sent_h": "reference in a later sentence",
    "negate_pos_h": "negated positive statement",
    "negate_neg_nh": "negated hateful statement",
    "phrase_question_h": "phrased as a question",
    "phrase_opinion_h": "phrased as an opinion",
    "ident_neutral_nh": "neutral statement with an identity term",
    "ident_pos_nh": "positive statement with an identity term",
    "counter_quote_nh": "counter-speech that quotes hate",
    "counter_ref_nh": "counter-speech that refers to hate",
    "target_obj_nh": "abuse of objects",
    "target_indiv_nh": "abuse of individuals, not for a group",
    "target_group_nh": "abuse of non-protected groups",
    "spell_char_swap_h": "swapped letters",
    "spell_char_del_h": "missing letters",
    "spell_space_del_h": "missing spaces",
    "spell_space_add_h": "added spaces",
    "spell_leet_h": "leet spelling",
}
LABEL = "toxic"
GROUPS = ("meta.functionality", "meta.target")
"""Where HateCheck's fields lie in a table of `text`, `toxic` and a JSON column `meta`."""


def describe(functionality: str) -> str:
    """What a functionality tests; '' for one that is not HateCheck's."""
    return FUNCTIONALITIES.get(functionality, "")
