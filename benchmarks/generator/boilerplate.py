"""Lines that a site puts on each of its pages."""

from __future__ import annotations

import random

SITES = 400
PARTS = (
    "Home | About us | {topic} | Contact",
    "This site uses cookies to improve your experience. By browsing {site} you accept them.",
    "Copyright © {year} {site}. All rights reserved.",
    "Sign up for the {site} newsletter and get the latest on {topic} every week.",
    "Share this page: Facebook | Twitter | E-mail | Print",
    "Skip to main content of {site}",
    "You must be logged in to post a comment about {topic}.",
    "Read more: the ten most popular pages on {topic} at {site}",
)
TOPICS = ("gardens", "software", "travel", "health", "sports", "cooking", "science", "music", "money", "politics")


def lines(rng: random.Random) -> list[tuple[str, str]]:
    """Two to four of one site's lines: (line, kind). A few sites have most of the pages."""
    site = int(SITES * rng.random() ** 3)
    of_site = random.Random(site)
    words = {"site": f"www.example-{site}.org", "topic": of_site.choice(TOPICS), "year": of_site.randrange(1998, 2026)}
    chosen = rng.sample(range(len(PARTS)), rng.randrange(2, 5))
    return [(PARTS[n].format(**words), f"line {n}") for n in chosen]
