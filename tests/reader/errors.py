# SPDX-License-Identifier: Apache-2.0
"""Error names, their categories (section 11), and the exception with the place."""

NAMES = {
    "malformed": """truncated magic core-length segment-length text creator-flag
        metadata-length set-length side epoch stanza-count stanza-length
        stanza-duplicate former key-on-both-sides custody padding body-header
        segment-mark final-missing final-empty trailing metadata""",
    "unsupported": "version suite stanza-type stanza-reserved",
    "not-authentic": """stanza-auth share-commitment set-mac key-commitment header-mac
        metadata-digest metadata-auth body-tag segment-auth creator-signature""",
    "no-match": "no-customer-key no-provider-key",
    "refused": "epoch-too-old creator-required same-custodian same-key range",
    "limit": "header-too-large too-many-stanzas history-full object-too-large",
}
CATEGORY = {name: category for category, names in NAMES.items() for name in names.split()}


class EnvelopeError(Exception):
    """An object that this reader refuses, or a request that a writer refuses."""

    def __init__(self, name, place=None):
        self.name, self.category, self.place = name, CATEGORY[name], place
        super().__init__(f"{self.category}: {name}" + (f" ({place})" if place else ""))


def require(condition, name, place=None):
    if not condition:
        raise EnvelopeError(name, place)
