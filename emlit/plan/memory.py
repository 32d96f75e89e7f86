"""Bytes on one GPU: each term by itself, in each phase of a round."""

from collections.abc import Sequence
from dataclasses import dataclass

from emlit.plan.activations import layer_backward, layer_forward, layer_input, saved_by_layer
from emlit.plan.engine import engine_lacks, engine_terms
from emlit.plan.gpus import GIB, Gpu
from emlit.plan.head import head_bytes
from emlit.plan.settings import RunSettings, pushed_bytes
from emlit.plan.shapes import ModelShape
from emlit.plan.terms import PHASES, TRAINING, Term, during

# Assumed: the CUDA context with its libraries, and what the caching allocator cannot hand out again.
CONTEXT = 1.0 * GIB
FRAGMENTATION = 0.05


@dataclass(frozen=True)
class MemoryPlan:
    """Attributes:
    terms: on one GPU
    host: on one node's host, name -> bytes
    gpu: what they must fit into
    engine_lacks: bytes that a colocated engine's share lacks for its weights and one row of KV cache
    """

    terms: Sequence[Term]
    host: dict[str, float]
    gpu: Gpu
    engine_lacks: float = 0.0

    def total(self, phase: str) -> float:
        return sum(term.at(phase) for term in self.terms)

    @property
    def peak_phase(self) -> str:
        return max(PHASES, key=self.total)

    @property
    def peak(self) -> float:
        return self.total(self.peak_phase)

    @property
    def fits(self) -> bool:
        return self.peak <= self.gpu.memory and self.engine_lacks <= 0


def plan_memory(shape: ModelShape, settings: RunSettings, gpu: Gpu) -> MemoryPlan:
    """Every term of one rank's memory; the longest micro-batch is assumed to be full."""
    here = [
        *_states(shape, settings, gpu),
        *_sharding(shape, settings, gpu),
        *_activations(shape, settings, gpu),
        *engine_terms(shape, settings, gpu),
    ]
    terms = [term for term in here if any(term.size.values())]
    if not gpu.on_cpu:
        largest = max(sum(t.at(phase) for t in terms if not t.name.startswith("engine")) for phase in PHASES)
        reserve = CONTEXT + FRAGMENTATION * largest
        terms.append(
            Term("CUDA context, fragmentation", during(PHASES, reserve), f"1 GiB + {FRAGMENTATION:.0%}; assumed")
        )
    return MemoryPlan(terms, _host(shape, settings), gpu, engine_lacks(shape, settings, gpu))


def trained_parameters(shape: ModelShape, settings: RunSettings) -> int:
    return settings.adapter_parameters if settings.adapter_rank else shape.parameters


def reference_bytes(shape: ModelShape, settings: RunSettings) -> float:
    """Of a whole reference model: its layers are kept in what autocast multiplies them in."""
    layers, size = shape.layers * shape.layer_parameters, settings.reference_bytes
    return (2 if settings.compute == "mixed" else size) * layers + size * shape.root_parameters


def _states(shape: ModelShape, settings: RunSettings, gpu: Gpu) -> list[Term]:
    """Weights, gradients, AdamW's moments and the frozen start: what each rank keeps of them."""
    p, s, trained = shape.parameters, settings.shards, trained_parameters(shape, settings)
    parts = f"/ {s}" if settings.sharded else ""
    weights = settings.weight_bytes * p + 4 * settings.adapter_parameters
    # An adapter is float32 on any base; whole weights have gradients of their own dtype.
    size = 4 if settings.adapter_rank else settings.weight_bytes
    gradients = size * trained / s
    # They go with the optimiser step, and the first micro-batch makes them anew, in its backward pass.
    kept = during(TRAINING if settings.micro_batches > 1 else TRAINING[2:], gradients)
    temporary = 4 * trained / s
    how = f"4 x {trained:,} {parts}: the roots of all second moments at once"
    if gpu.on_cpu:
        largest = max(settings.adapter_rank * shape.intermediate, 1) if settings.adapter_rank else shape.largest
        temporary, how = 2 * size * largest / s, f"2 x {size} x {largest:,} {parts}, the largest tensor"
    pushed = pushed_bytes(settings)
    terms = [
        Term(
            "one whole tensor",
            {"weight sync": shape.largest * (pushed + 2)},
            f"({pushed} + 2) x {shape.largest:,}, gathered and the engine's own",
        ),
        Term("weights", during(PHASES, weights / s), f"{settings.weight_bytes} x {p:,} {parts}"),
        Term("gradients", kept, f"{size} x {trained:,} {parts}"),
        Term("optimiser", during(PHASES, 2 * size * trained / s), f"2 x {size} x {trained:,} {parts}: AdamW's moments"),
        Term("optimiser, temporary", {"optimiser step": temporary}, how),
    ]
    if settings.cpu_offload:
        terms = terms[:1]
    if settings.reference == "copy":
        home = {} if settings.cpu_offload else during(PHASES, reference_bytes(shape, settings) / s)
        how = f"{settings.reference_bytes} x {p:,} {parts}"
        if settings.compute == "mixed":
            how = f"2 x {shape.layers:,} x {shape.layer_parameters:,} + 4 x {shape.root_parameters:,}"
        terms.append(Term("reference model", home, how))
    if settings.ranks > 1 and not settings.sharded:
        terms.append(Term("DDP's buckets", during(PHASES, 4 * trained), f"4 x {trained:,}"))
    return terms


def _sharding(shape: ModelShape, settings: RunSettings, gpu: Gpu) -> list[Term]:
    """What stands whole for a while: copies that autocast makes, or layers that FSDP2 gathers and reduces."""
    body, layer, root, c = shape.layers * shape.layer_parameters, shape.layer_parameters, shape.root_parameters, 2
    v_d = shape.vocabulary * shape.hidden
    if not settings.sharded:
        # Of the embeddings a dense gradient, and of a tied head the one that waits for it.
        times = 0 if settings.adapter_rank else settings.weight_bytes * (2 if shape.tied else 1)
        formula = f"{times} x {shape.vocabulary:,} x {shape.hidden:,}"
        end = Term("gradient of the embeddings", {"end of backward": times * v_d}, formula)
        if settings.compute != "mixed":
            return [end]
        whole = c * (body + (v_d if settings.head == "logits" else 0))
        one = c * layer if settings.checkpointing else whole
        formula = f"2 x {body:,}; a layer's where it is recomputed"
        return [end, Term("weights cast by autocast", {"forward": whole, "backward": one}, formula)]
    c = settings.compute_bytes
    kept = root if shape.tied else root - v_d  # embeddings of their own are let go after their turn
    # Beside the layer that computes, its all-gather's buffer; on a GPU the next layer's too, which is fetched ahead.
    ahead = 2 if gpu.on_cpu else 3
    terms = [
        Term("layers gathered", during(("forward", "backward"), ahead * c * layer), f"{ahead} x {c} x {layer:,}"),
        Term("root gathered", during(TRAINING[:3], c * kept), f"{c} x {kept:,}: final norm, head, tied embeddings"),
    ]
    if settings.adapter_rank:
        return terms
    buffers = (c + 4) * layer * (1 if gpu.on_cpu else 2)
    end = (c + 4) * root + 4 * root / settings.shards
    return [
        *terms,
        Term("layers' gradients, reduce-scatter", {"backward": buffers}, f"({c} + 4) x {layer:,}, and those before"),
        Term("root's gradients, reduce-scatter", {"end of backward": end}, f"({c} + 4) x {root:,}, and its shard"),
    ]


def _activations(shape: ModelShape, settings: RunSettings, gpu: Gpu) -> list[Term]:
    """What the micro-batch takes. What layers, the head and a reference model need in passing is needed in turn."""
    saved, one = saved_by_layer(shape, settings), layer_input(settings)
    tokens, layers, d = settings.tokens, shape.layers, shape.hidden
    inside = layer_backward(shape, settings)
    head = head_bytes(shape, settings, gpu)
    through = layer_forward(shape, settings)
    scoring = 0 if settings.reference == "none" else max(through, head.reference)
    if settings.reference == "copy" and settings.sharded:
        scoring += settings.compute_bytes * shape.root_parameters  # gathered beside the policy's
    if settings.checkpointing:
        kept = tokens * layers * d * one
        name, how = "activations between layers", f"{tokens:,} x {layers} x {d:,} x {one}"
        inside += tokens * (saved - d * one)
        again = f"{tokens:,} x {saved:,} recomputed, and their gradients"
        before = through
    else:
        kept = tokens * layers * saved
        name, how = "activations of all layers", f"{tokens:,} x {layers} x {saved:,}"
        again, before = "gradients of its activations", 0
    final = 2 * tokens * d * one
    passing = max(head.forward, scoring, before - head.kept)
    # The backward pass is at its fullest in the head, or after it in the last layer.
    in_head = head.backward > head.waits + inside
    forward, back = {"forward": passing}, {"backward": 0 if in_head else inside}
    return [
        Term(name, during(("forward", "backward"), kept + final), f"{how}, and the final norm's"),
        Term(
            "head",
            {"forward": head.kept, "backward": head.backward if in_head else head.waits},
            _head_formula(shape, settings),
        ),
        Term("in passing: head, layer, reference", forward, "the largest of the three, one after the other"),
        Term("one layer's backward pass", back, again),
    ]


def _head_formula(shape: ModelShape, settings: RunSettings) -> str:
    m, v, d = settings.scored, shape.vocabulary, shape.hidden
    return {
        "gradient in forward": f"gradients of {m:,} x {d:,} states and of {v:,} x {d:,} weights",
        "tiles": f"{m:,} x {d:,} states",
        "logits": f"13 bytes x {m:,} x {v:,}",
    }[settings.head]


def _host(shape: ModelShape, settings: RunSettings) -> dict[str, float]:
    """Of one node, with cpu_offload: what its ranks keep there."""
    if not settings.cpu_offload:
        return {}
    per_node = settings.ranks / settings.nodes / settings.shards
    trained = trained_parameters(shape, settings)
    size = 4 if settings.adapter_rank else settings.weight_bytes
    found = {
        "weights": per_node * (settings.weight_bytes * shape.parameters + 4 * settings.adapter_parameters),
        "gradients": per_node * size * trained,
        "optimiser": per_node * 2 * size * trained,
    }
    if settings.reference == "copy":
        found["reference model"] = per_node * reference_bytes(shape, settings)
    return found
