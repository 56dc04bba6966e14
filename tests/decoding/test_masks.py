"""The masks, put together from what programs share, are bit by bit those of one grammar a line."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pytest
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer

from ainl_align.decoding.constraint import Constraint, RowConstraint
from ainl_align.decoding.line import _ALIKE
from ainl_align.decoding.place import Place
from ainl_align.language.grammar import SIGNATURES
from ainl_align.language.semantics import verdict
from tests.decoding.adversaries import LIKED
from tests.decoding.exact import at
from tests.decoding.fuzz import refusal
from tests.decoding.random_programs import random_program

Exact = Callable[[Place], LLMatcher]
Both = tuple[Constraint, Exact, Any]
LONG = "a2345678901234567890123"  # 23 characters; a variable has at most 24
EDGES = [
    f'S app core noop\nL_a:\n  R core.LOWER "{LONG}4" ->{LONG}5\n  Set {LONG} "{LONG}3"\n'
    f'  Set x{LONG} "x{LONG}"\n  J 0\n',
    f'S core cron\nCr L_{LONG}4 "* * * * *"\nCr L_{LONG}5 "5,7-9/2 * 1 2 3"\nL_{LONG}4:\n  J 1\nL_{LONG}5:\n  J 2\n',
    'S app core noop\nL_a_:\n  Set n_ "n__"\n  Set n__ "_n"\n  Set tru "trues"\n  If n_=n_x ->L_b_ ->L_b__\n',
    "S core web /\nE / G ->L_a ->out_\nE / P ->L_b ->out_\nE /a/b-c G ->L_c ->out_\nL_a:\n  Set query $query\n"
    '  Set body $body\n  R core.ECHO query ->out_\n  R core.LOWER "Body" ->t\n  R core.ISO_TS 1 ->u\n  J out_\n',
    'S app core noop\nL_a:\n  R http.GET "é☃" ->r\n  Retry @n1 2 30 fixed\n  Err @n1 ->L_h\n  Call L_c ->c\n'
    '  Err @n4 ->L_h\n  R core.SUB -1.50 c ->d\n  Set e "\\\\ \\" "\n  Set f "-1 x"\n  J "$ 1"\n',
    # The beginning of a short label, spelled by a stand-in, is that of a long one, which the grammar holds.
    f'S core cron\nCr L_{LONG} "* * * * *"\nCr L_bcd "* * * * *"\nL_bcd:\n  J 1\nL_{LONG}:\n  J 2\n',
    # A handler that may only call: its callers have no other effect in common.
    'S app core noop\nL_a:\n  R fs.WRITE "x1" 1 ->r\n  Err @n1 ->L_h\n  Call L_b ->k\n  J 0\nL_b:\n  R core.NOW _ ->e\n'
    "  Err @n1 ->L_h\n  Call L_c ->f\n  J 2\nL_h:\n  Set z 1\n  Call L_d ->g\n  J 1\nL_c:\n  J 3\nL_d:\n  J 4\n",
]
HANDLED = (
    f"S app core noop\nL_a:\n  Set x 1\n  If x ->L_b ->L_c\nL_b:\n  Set y 1\n  If y ->L_{LONG} ->L_h\n"
    f"L_{LONG}:\n  J y\nL_h:\n  J y\nL_c:\n  R core.NOW _ ->t\n  Set y 2\n  R core.NOW _ ->u\n"
    f"  Err @n3 ->L_{LONG}\n" + 8 * "  Set z 1\n" + "  R core.NOW _ ->v\n  Err @n13 ->L_h\n  Err @n1 ->L_k\n"
)
"""Both handlers are written already and read ``y``, which step 1 does not know and the steps 3 and 13 do."""


def _bits(mask: Any) -> Any:
    return np.flatnonzero(np.unpackbits(np.frombuffer(mask, dtype=np.uint8), bitorder="little"))


def _compare(exact: Exact, row: RowConstraint) -> None:
    matcher = exact(row.place)
    forced = matcher.compute_ff_tokens()
    ours, allowed = list(row.place.forced()), _bits(row.place.mask).tolist()
    assert ours == forced[: len(ours)], row.place.line
    if not forced:
        assert allowed == _bits(matcher.compute_bitmask()).tolist(), row.place.line
        return
    # Where it knows what follows, llguidance's mask has but the first of the tokens that begin it.
    text = matcher.compute_ff_bytes()
    assert all(matcher.validate_tokens([token]) for token in allowed), row.place.line
    begin = row.owner._tokens.prefixes(text)
    assert set(begin) <= set(allowed), row.place.line


def _follow(constraint: Constraint, exact: Exact, ids: Iterable[int]) -> None:
    row = constraint.start(None)
    for token in ids:
        _compare(exact, row)
        if not row.place.allows(token):
            return
        row.take([token])


def _wander(constraint: Constraint, exact: Exact, seed: int, likes: Any) -> None:
    random = np.random.default_rng(seed)
    row = constraint.start(120)
    while not row.finished:
        _compare(exact, row)
        allowed = _bits(row.place.mask)
        row.take([int(allowed[(random.gumbel(size=len(allowed)) + likes[allowed]).argmax()])])


@pytest.fixture(scope="module")
def embedded(embedded_tokenizer: Any) -> Both:
    return _both(embedded_tokenizer)


@pytest.fixture(scope="module")
def fresh(embedded_tokenizer: Any) -> Constraint:
    return _both(embedded_tokenizer)[0]


@pytest.fixture(scope="module")
def straddling() -> Both:
    """A tokenizer whose tokens reach over blanks, quotes, arrows and line ends."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=1200,
        special_tokens=["<|im_end|>"],
        initial_alphabet=alphabet,
        show_progress=False,
        max_token_length=14,
    )
    lines = (line for seed in range(150) for line in random_program(seed).splitlines(keepends=True))
    backend.train_from_iterator(lines, trainer)
    return _both(PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>"))


def _both(tokenizer: Any) -> Both:
    eos = [int(tokenizer.eos_token_id)]
    constraint = Constraint(tokenizer, vocabulary=len(tokenizer), eos_ids=eos)
    return constraint, partial(at, from_tokenizer(tokenizer, eos_token=eos)), tokenizer


def _seeds(kind: str) -> list[Any]:
    fast, slow = {"programs": (3, 150), "awkward": (2, 150), "wander": (2, 40)}[kind]
    return [*range(fast), pytest.param(range(fast, slow), marks=pytest.mark.slow)]


@pytest.mark.parametrize("seed", _seeds("programs"))
def test_along_random_programs(embedded: Both, seed: int | range) -> None:
    constraint, exact, tokenizer = embedded
    for one in [seed] if isinstance(seed, int) else seed:
        _follow(constraint, exact, tokenizer.encode(random_program(one), add_special_tokens=False))


@pytest.mark.parametrize("program", EDGES)
def test_along_programs_at_the_edges_of_what_names_may_be(embedded: Both, program: str) -> None:
    constraint, exact, tokenizer = embedded
    _follow(constraint, exact, tokenizer.encode(program, add_special_tokens=False))
    _follow(constraint, exact, [constraint._tokens.single[byte] for byte in program.encode()])


def test_a_written_handler_suits_the_steps_that_know_what_it_reads(embedded: Both) -> None:
    constraint, exact, tokenizer = embedded
    program = HANDLED + "  J 0\nL_k:\n  J 0\n"
    assert verdict(program).canonical
    assert refusal(constraint, tokenizer.encode(program, add_special_tokens=False), program) == ""
    for label in ("h", LONG):
        program = HANDLED.replace("L_k", f"L_{label}") + "  J 0\n"
        assert not verdict(program).canonical
        assert "is barred" in refusal(constraint, tokenizer.encode(program, add_special_tokens=False), program)
        _follow(constraint, exact, [constraint._tokens.single[byte] for byte in program.encode()])


@pytest.mark.parametrize("seed", _seeds("wander"))
def test_wherever_random_tokens_lead(embedded: Both, seed: int | range) -> None:
    constraint, exact, tokenizer = embedded
    texts = [*LIKED, "_:", "_="]
    likes = np.zeros(constraint.vocabulary)
    likes[[tokenizer.encode(text)[0] for text in texts]] = 6.0
    for one in [seed] if isinstance(seed, int) else seed:
        _wander(constraint, exact, one, likes * (one % 3 > 0))


@pytest.mark.parametrize("seed", _seeds("wander"))
def test_with_tokens_that_straddle_words_and_lines(straddling: Both, seed: int | range) -> None:
    constraint, exact, tokenizer = straddling
    likes = np.array([2.0 * len(constraint.text(token)) for token in range(constraint.vocabulary)])
    for one in [seed] if isinstance(seed, int) else seed:
        _wander(constraint, exact, one, likes * (one % 2))
        _follow(constraint, exact, tokenizer.encode(random_program(one), add_special_tokens=False))


@pytest.mark.parametrize("seed", _seeds("awkward"))
def test_along_programs_whose_names_begin_one_another(embedded: Both, seed: int | range) -> None:
    constraint, exact, tokenizer = embedded
    for one in [seed] if isinstance(seed, int) else seed:
        _follow(constraint, exact, tokenizer.encode(random_program(one, awkward=True), add_special_tokens=False))


@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_what_is_remembered_of_other_programs_changes_no_mask(embedded: Both, fresh: Constraint, count: int) -> None:
    shared, _, tokenizer = embedded
    programs = [random_program(seed, awkward=seed % 2 == 0) for seed in range(1000, 1000 + count)]
    for program in programs:
        fresh.forget()
        ours, theirs = shared.start(None), fresh.start(None)
        for token in tokenizer.encode(program, add_special_tokens=False):
            assert ours.forced() == theirs.forced(), ours.program
            assert np.array_equal(ours.place.mask, theirs.place.mask), ours.program
            ours.take([token])
            theirs.take([token])
        assert ours.finished and theirs.finished


def test_a_line_leaves_nothing_for_the_mask_of_the_next(embedded: Both, fresh: Constraint) -> None:
    _, exact, tokenizer = embedded
    fresh.forget()
    for step in ("If b=1 ->L_pick", "If b ->L_done ->L_pick"):
        row = fresh.start(None)
        row.take(tokenizer.encode(f"S app core noop\nL_a:\n  Set b 1\n  {step}", add_special_tokens=False))
        _compare(exact, row)


def test_a_verb_that_stands_for_others_begins_no_other() -> None:
    for word in set(_ALIKE.values()):
        verb = word.decode().removeprefix("  R ")
        assert not [other for other in SIGNATURES if other != verb and other.startswith(verb)]
