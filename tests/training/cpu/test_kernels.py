"""The fused passes against the same formulas in PyTorch, forward and backward."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ainl_align.training.cpu import adapting, head, kernels

EPSILON = np.float32(1e-5)
TOKENS, WIDTH, RANK = 7, 24, 6


@pytest.fixture
def make() -> Any:
    generator = np.random.default_rng(0)
    return lambda *shape: generator.normal(size=shape).astype(np.float32)


def product(make: Any, outputs: int, inner: int, ends: list[int]) -> tuple[tuple[Any, ...], Any, torch.Tensor]:
    """A kernel's arguments for a product with adapters, room for the inner activations, and the outputs in float64."""
    levels = np.round(make(TOKENS, outputs + inner) * 500).astype(np.int32)
    scales, columns = np.abs(make(TOKENS)) * 0.05, np.abs(make(outputs + inner)) * 0.05
    rank = inner // (len(ends) - 1)
    blocks = [make(rank, last - first) for first, last in itertools.pairwise(ends)]
    restored = torch.from_numpy(levels.astype(np.float64) * scales[:, None] * columns)
    plain, inside = restored[:, :outputs], restored[:, outputs:]
    added = [inside[:, i * rank : (i + 1) * rank] @ torch.from_numpy(b).double() for i, b in enumerate(blocks)]
    adapters = np.concatenate([block.ravel() for block in blocks])
    given = (levels, scales, columns, adapters)
    return given, np.empty((TOKENS, inner), np.float32), plain + torch.cat(added, 1)


def rows(width: int) -> tuple[Any, Any]:
    return np.empty((TOKENS, width), np.int8), np.empty(TOKENS, np.float32)


def restored(levels: Any, scales: Any) -> torch.Tensor:
    return torch.from_numpy(levels.astype(np.float64) * scales[:, None])


def close(found: Any, wanted: torch.Tensor) -> None:
    found = torch.as_tensor(found).double()
    torch.testing.assert_close(found, wanted.double(), rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


def close_levels(levels: Any, scales: Any, wanted: torch.Tensor) -> None:
    """Each value is at its nearest level (rounding aside), and the largest of a row at the last."""
    error = (restored(levels, scales) - wanted).abs().amax(1)
    assert bool((error <= 0.501 * torch.from_numpy(scales)).all())
    assert (np.abs(levels).max(1) == 127).all()


def norm(hidden: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return F.rms_norm(hidden, hidden.shape[-1:], weight, float(EPSILON))


def test_normalize(make: Any) -> None:
    hidden, weight = make(TOKENS, WIDTH), make(WIDTH)
    levels, scales = rows(WIDTH)
    kernels.normalize(hidden, weight, EPSILON, levels, scales)
    close_levels(levels, scales, norm(torch.from_numpy(hidden), torch.from_numpy(weight)))


def test_add_and_normalize(make: Any) -> None:
    ends = [0, WIDTH]
    given, inner, wanted = product(make, WIDTH, RANK, ends)
    hidden, weight = make(TOKENS, WIDTH), make(WIDTH)
    total, (levels, scales) = np.empty_like(hidden), rows(WIDTH)
    kernels.add_and_normalize(*given, np.array(ends), hidden, weight, EPSILON, inner, total, levels, scales)
    wanted = wanted + torch.from_numpy(hidden)
    close(total, wanted)
    close_levels(levels, scales, norm(wanted, torch.from_numpy(weight).double()))
    assert np.abs(inner).max() > 0


def test_gate_and_its_gradient(make: Any) -> None:
    ends = [0, WIDTH, 2 * WIDTH]
    given, inner, wanted = product(make, 2 * WIDTH, 2 * RANK, ends)
    gated, (levels, scales) = np.empty((TOKENS, 2 * WIDTH), np.float32), rows(WIDTH)
    smoothing = np.abs(make(WIDTH)) + np.float32(0.1)
    kernels.gate(*given, np.array(ends), smoothing, inner, gated, levels, scales)
    close(gated, wanted)
    wanted.requires_grad_()
    left, right = wanted.chunk(2, 1)
    output = F.silu(left) * right
    close_levels(levels, scales, output.detach() / torch.from_numpy(smoothing))
    given, inner, received = product(make, WIDTH, RANK, [0, WIDTH])
    output.backward(received)
    levels, scales = rows(2 * WIDTH)
    kernels.gate_backward(*given, gated, inner, levels, scales)
    assert wanted.grad is not None
    close_levels(levels, scales, wanted.grad)


def test_gradient_of_a_norm_is_added(make: Any) -> None:
    given, inner, received = product(make, WIDTH, RANK, [0, WIDTH])
    hidden, weight, gradient = make(TOKENS, WIDTH), make(WIDTH), make(TOKENS, WIDTH)
    inputs = torch.from_numpy(hidden).double().requires_grad_()
    norm(inputs, torch.from_numpy(weight).double()).backward(received)
    assert inputs.grad is not None
    wanted = torch.from_numpy(gradient) + inputs.grad
    levels, scales = rows(WIDTH)
    kernels.norm_backward(*given, hidden, weight, EPSILON, inner, gradient, levels, scales)
    close(gradient, wanted)
    close_levels(levels, scales, wanted)


def test_gradient_of_the_final_norm_comes_from_some_places(make: Any) -> None:
    places, weight, gradient, (levels, scales) = np.array([1, 4]), make(WIDTH), make(TOKENS, WIDTH), rows(WIDTH)
    hidden, received = make(TOKENS, WIDTH), make(2, WIDTH)
    inputs = torch.from_numpy(hidden).double().requires_grad_()
    norm(inputs, torch.from_numpy(weight).double())[places].backward(torch.from_numpy(received).double())
    kernels.final_norm_backward(received, places, hidden, weight, EPSILON, gradient, levels, scales)
    assert inputs.grad is not None
    close(gradient, inputs.grad)
    close_levels(levels[places], scales[places], inputs.grad[places])
    assert not levels[0].any()


def test_gradients_of_adapters_are_sums_over_tokens(make: Any) -> None:
    ends, (levels, scales) = np.array([0, 8, WIDTH]), rows(WIDTH)
    levels[:] = np.round(make(TOKENS, WIDTH) * 40)
    scales[:] = np.abs(make(TOKENS))
    inner, smoothing = make(TOKENS, 2 * RANK), np.abs(make(WIDTH))
    weighed, reach = np.empty((2 * RANK, TOKENS), np.int8), np.empty(2 * RANK, np.float32)
    adapting.weigh(inner, scales, weighed, reach)
    exact = torch.from_numpy(inner.T.astype(np.float64) * scales)
    close_levels(weighed, reach, exact)
    sums = weighed.astype(np.int32) @ levels.astype(np.int32)
    gradient = np.empty(RANK * WIDTH, np.float32)
    adapting.restore_gradient(sums, reach, ends, smoothing, gradient)
    whole = restored(weighed, reach) @ torch.from_numpy(levels * smoothing).double()
    close(gradient, torch.cat([whole[:RANK, :8].flatten(), whole[RANK:, 8:].flatten()]))


def test_heads_are_split_turned_and_joined_again(make: Any) -> None:
    """Two rows of 3 and 4 tokens, 4 query heads, 2 key heads of size 4."""
    size, groups, shared, starts = 4, 2, 2, np.array([0, 3, 7])
    ends = np.array([0, 16, 24, 32])
    given, inner, wanted = product(make, 32, 3 * RANK, ends.tolist())
    angle = torch.arange(4)[:, None] * torch.tensor([1.0, 0.3])
    cosine, sine = angle.cos().numpy(), angle.sin().numpy()
    queries, keys, values = (np.empty(TOKENS * width, np.float32) for width in (16, 8, 8))
    kernels.split_heads(*given, ends, cosine, sine, starts, 0, inner, queries, keys, values)
    for first, last in ((0, 3), (3, 7)):
        turns = torch.polar(torch.ones(last - first, 2), angle[: last - first])
        for g in range(groups):
            key = keys[first * 8 : last * 8].reshape(groups, -1, size)[g]
            source = wanted[first:last, 16 + g * size : 16 + (g + 1) * size]
            turned = torch.complex(source[:, :2], source[:, 2:]) * turns
            close(key, torch.cat([turned.real, turned.imag], 1))
            query = queries[first * 16 : last * 16].reshape(groups, -1, shared, size)[g, :, 1]
            source = wanted[first:last, (2 * g + 1) * size : (2 * g + 2) * size]
            turned = torch.complex(source[:, :2], source[:, 2:]) * turns
            close(query, torch.cat([turned.real, turned.imag], 1))
    levels, scales = rows(32)
    kernels.join_heads(queries, keys, values, ends, cosine, -sine, starts, 0, levels, scales)
    close_levels(levels, scales, wanted)


def test_common_tokens_lend_their_keys_and_get_their_gradients(make: Any) -> None:
    """Two common tokens, then rows of 2 and 3 tokens, 2 query heads, one key head of size 4."""
    starts, ends = np.array([0, 2, 4, 7]), np.array([0, 8, 12, 16])
    given, inner, wanted = product(make, 16, 3 * RANK, ends.tolist())
    angle = torch.arange(5)[:, None] * torch.tensor([1.0, 0.3])
    cosine, sine = angle.cos().numpy(), angle.sin().numpy()
    queries, keys, values = (np.empty(n, np.float32) for n in (TOKENS * 8, (TOKENS + 4) * 4, (TOKENS + 4) * 4))
    kernels.split_heads(*given, ends, cosine, sine, starts, 2, inner, queries, keys, values)
    tokens, places = [0, 1, 0, 1, 2, 3, 0, 1, 4, 5, 6], [0, 1, 0, 1, 2, 3, 0, 1, 2, 3, 4]
    close(values.reshape(-1, 4), wanted[tokens, 12:])
    turned = torch.complex(wanted[tokens, 8:10], wanted[tokens, 10:12]) * torch.polar(torch.ones(11, 2), angle[places])
    close(keys.reshape(-1, 4), torch.cat([turned.real, turned.imag], 1))
    levels, scales = rows(16)
    kernels.join_heads(queries, keys, values, ends, cosine, -sine, starts, 2, levels, scales)
    wanted[:2, 8:] *= 3  # its own, and that of either row
    close_levels(levels, scales, wanted)


def test_attended_heads_become_rows_and_back(make: Any) -> None:
    groups, starts = 2, np.array([0, 3, 7])
    given, inner, wanted = product(make, 16, RANK, [0, 16])
    heads = np.empty(TOKENS * 16, np.float32)
    kernels.restore_heads(*given, groups, starts, inner, heads)
    assert not np.allclose(heads.reshape(TOKENS, 16), wanted)
    levels, scales = rows(16)
    kernels.quantize_heads(heads, groups, starts, levels, scales)
    close_levels(levels, scales, wanted)


def test_losses_and_the_gradient_of_likely_logits(make: Any) -> None:
    vocabulary = 50
    levels = np.round(make(TOKENS, vocabulary) * 300).astype(np.int32)
    scales, columns = np.full(TOKENS, 0.1, np.float32), np.full(vocabulary, 0.3, np.float32)
    targets = np.arange(TOKENS) * 6
    losses, normalizers = np.empty(TOKENS, np.float32), np.empty(TOKENS, np.float32)
    likely = np.zeros(vocabulary, np.bool_)
    head.token_losses(levels, scales, columns, targets, np.float32(1e-3), losses, normalizers, likely)
    logits = torch.from_numpy(levels * 0.03).requires_grad_()
    wanted = F.cross_entropy(logits, torch.from_numpy(targets), reduction="none")
    close(losses, wanted.detach())
    close(normalizers, logits.detach().logsumexp(1))
    wanted.sum().backward()
    chances = logits.detach().softmax(1)
    assert 0 < likely.sum() < vocabulary
    assert set(np.flatnonzero(likely)) == set(np.flatnonzero((chances > 1e-3).any(0))) | set(targets)
    hot = np.flatnonzero(likely)
    found = np.empty((TOKENS, hot.size), np.float32)
    head.probabilities(levels, scales, columns, normalizers, targets, hot, found)
    assert logits.grad is not None
    close(found, logits.grad[:, hot])
