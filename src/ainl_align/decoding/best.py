"""Best of several answers, by a verifier that needs no gold.

Every constrained answer is canonical already, so what is left to tell apart is meaning. The verifier ranks by, in this
order: whether the program ended by itself; the fewest copying errors (``grounding.copying_errors``); the most votes,
an answer's votes being those of the request's answers that are the same program up to names (self-consistency, Wang
2022); the mean log-probability of the chosen tokens. None of these knows what was asked for beyond its words.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ainl_align.decoding.generate import Engine, Generation, GenerationSettings, Request
from ainl_align.decoding.grounding import copying_errors
from ainl_align.progress import Progress

TEMPERATURE: Final = 0.7
"""Temperature of the samples where the settings say greedy."""
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^ =]+')


def best_of(
    engine: Engine,
    requests: Sequence[Request],
    settings: GenerationSettings,
    samples: int,
    progress: Progress,
    *,
    label: str = "generate",
) -> list[Generation]:
    """Each request's best answer of ``samples``: a greedy one, and others sampled with the settings' seed.

    Results come in input order and report the tokens and seconds of all samples of their request together.
    """
    greedy = engine.generate(requests, replace(settings, temperature=0.0), progress, label=label)
    if samples == 1:
        return greedy
    warm = replace(settings, temperature=settings.temperature or TEMPERATURE)
    repeated = [request for request in requests for _ in range(samples - 1)]
    sampled = engine.generate(repeated, warm, progress, label=f"{label}, {samples - 1} samples each")
    found = []
    for place, request in enumerate(requests):
        answers = [greedy[place], *sampled[place * (samples - 1) : (place + 1) * (samples - 1)]]
        best = choose(answers, request.text)
        found.append(
            replace(
                best,
                id=request.id,
                tokens=sum(item.tokens for item in answers),
                seconds=sum(item.seconds for item in answers),
            )
        )
    return found


def choose(answers: Sequence[Generation], request: str) -> Generation:
    """The answer that the verifier ranks first; of equals the earliest. ``request``: empty when it is not known."""
    shapes = [anonymous(item.text) for item in answers]
    votes = Counter(shapes)

    def rank(place: int) -> tuple[bool, int, int, float]:
        item = answers[place]
        ended = item.finish_reason == "eos" and not (item.closed_by_budget or item.closed_by_loop)
        errors = len(copying_errors(item.text, request)) if request else 0
        return ended, -errors, votes[shapes[place]], item.mean_log_prob or 0.0

    return answers[max(range(len(answers)), key=rank)]


def anonymous(program: str) -> str:
    """A canonical program with its labels and variables numbered in the order of their first mention."""
    names: dict[str, str] = {}
    for line in program.splitlines():
        words = _WORD.findall(line)
        if words and words[0] == "Set":
            names.setdefault(words[1], f"v{len(names)}")
        for word in words:
            name = word.removeprefix("->").removesuffix(":")
            if name.startswith("L_") or word.startswith("->"):
                names.setdefault(name, f"v{len(names)}")

    def renamed(found: re.Match[str]) -> str:
        word = found[0]
        head, tail = "->" * word.startswith("->"), ":" * word.endswith(":")
        name = word.removeprefix("->").removesuffix(":")
        return f"{head}{names[name]}{tail}" if name in names and not word.startswith('"') else word

    return "\n".join(_WORD.sub(renamed, line) for line in program.splitlines())
