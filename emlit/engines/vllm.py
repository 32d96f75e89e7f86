"""Sampling with vLLM, in this process."""

import contextlib
import ctypes
import gc
import importlib.util
import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from emlit.engines.base import Engine, ModelSource, OnFinished
from emlit.engines.drawn_stats import DrawnStats
from emlit.engines.process_state import keep_workspaces, own_gpu, process_state_kept, quiet, skip_token_ranks
from emlit.engines.vllm_outputs import as_they_end, to_completion
from emlit.errors import ConfigError, EngineError, require_at_least, require_positive
from emlit.pretrained import load_config
from emlit.records import Completion, Request, Sampling

NUMA = "libnuma.so.1"
_NO_DRAFTS = (
    "engine.options has a speculative_config, beside which vLLM's V1 model runner (the only one on a CPU) takes no "
    "custom logits processor, and EM-INF is one; leave speculative_config out, or run on a GPU with "
    "VLLM_USE_V2_MODEL_RUNNER=1"
)


class VLLMEngine(Engine):
    """vLLM in this process, so that weights reach it by reference.

    Args:
        dtype: of the engine's weights; "auto" takes the checkpoint's
        gpu_memory_utilization: share of the GPU that vLLM may take beside the trainer
        kv_cache_gb: size of the KV cache on a CPU, in GiB; an eighth of the machine's memory, 0.5 to 2, unless set.
            Rows that find no room in it wait for others to end.
        max_num_seqs: completions sampled together; vLLM's own choice unless set
        enforce_eager: skip compilation and CUDA graphs; on a CPU compilation costs more than it saves
        sleep: give the GPU to the trainer while it trains: weights and KV cache are dropped when a round is sampled,
            and are there again with the next push of weights. `gpu_memory_utilization` may then be high.
        options: further arguments of `vllm.LLM`

    Raises:
        ConfigError: vLLM is not installed, or not what it needs
    """

    starting = "starting vLLM"

    def __init__(
        self,
        dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto",
        gpu_memory_utilization: float = 0.4,
        kv_cache_gb: float | None = None,
        max_num_seqs: int | None = None,
        enforce_eager: bool | None = None,
        sleep: bool = False,
        options: dict[str, Any] | None = None,
    ) -> None:
        if not installed():
            raise ConfigError(
                "engine is VLLMEngine, but vLLM is not installed: install it (README, Install) or set "
                "--data.engine TransformersEngine"
            )
        _require_numa()
        if not 0 < gpu_memory_utilization <= 1:
            raise ConfigError(f"gpu_memory_utilization is {gpu_memory_utilization}; it must be above 0 and at most 1")
        require_positive(kv_cache_gb=kv_cache_gb)
        require_at_least(1, max_num_seqs=max_num_seqs)
        if options and "speculative_config" in options and not torch.cuda.is_available():
            raise ConfigError(_NO_DRAFTS)
        self.dtype = dtype
        self.gpu_memory_utilization = gpu_memory_utilization
        self.kv_cache_gb = kv_cache_gb or kv_cache_gb_here()
        self.max_num_seqs = max_num_seqs
        self.enforce_eager = enforce_eager
        self.sleeps, self.samples_beside = sleep, not sleep
        self.options = options or {}
        self.llm: Any = None
        self.left = threading.Event()  # what is sampled beside training is wanted no more

    def arguments(self, path: str, context: int, trust_remote_code: bool = False) -> dict[str, Any]:
        """What vLLM is started with, in this process and as a server: its engine arguments by name."""
        on_cpu = not torch.cuda.is_available()
        arguments: dict[str, Any] = {
            "model": path,
            "dtype": self.dtype if self.dtype != "auto" else _checkpoint_dtype(path, trust_remote_code),
            "max_model_len": context,
            # The distribution that tokens are drawn from, after temperature and decoding.
            "logprobs_mode": "processed_logprobs",
            "logits_processors": ["emlit.decoding.vllm:EntropyDecoding"],
            "enforce_eager": on_cpu if self.enforce_eager is None else self.enforce_eager,
        }
        if on_cpu:
            arguments["kv_cache_memory_bytes"] = int(self.kv_cache_gb * 2**30)
            # A prompt cut in two makes vLLM rewind the request's random generator, which one on the CPU cannot.
            arguments["enable_chunked_prefill"] = False
            arguments["max_num_batched_tokens"] = max(context, 8192)
            arguments["max_num_seqs"] = 512
            # Whole blocks of a prompt are shared; vLLM's own 128 leave solved examples and groups to be read again.
            arguments["block_size"] = 32
        else:
            arguments["gpu_memory_utilization"] = self.gpu_memory_utilization
            arguments["enable_sleep_mode"] = self.sleeps
        if trust_remote_code:
            arguments["trust_remote_code"] = True
        if self.max_num_seqs is not None:
            arguments["max_num_seqs"] = self.max_num_seqs
        return arguments

    def start(self, source: ModelSource) -> None:
        # Read when vllm is imported: with its own engine process, tensors could not be handed over by reference.
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        from lightning.pytorch.utilities.seed import isolate_rng
        from vllm import LLM

        if torch.cuda.is_available():
            keep_workspaces()
        # LLM() seeds every global generator.
        with isolate_rng(), quiet(), process_state_kept():
            arguments = {
                **self.arguments(source.path, source.context, source.trust_remote_code),
                **own_gpu(),
                "disable_log_stats": True,
                "use_tqdm_on_load": False,
                **self.options,
            }
            try:
                self.llm = LLM(**arguments)
            except Exception as error:
                if "speculative decoding" in str(error):
                    raise ConfigError(_NO_DRAFTS) from error
                raise EngineError(f"vLLM could not start {source.path}: {error}") from error
        if not torch.cuda.is_available():
            skip_token_ranks()
        dtype = self.llm.model_config.dtype
        self.weights_dtype, self.float32 = (None, True) if dtype == torch.float32 else (dtype, False)
        self.drawn = DrawnStats(self.llm)
        self.source = source
        self.weights_version = 0
        self.asleep = False
        self.left.clear()

    def generate(
        self, requests: Sequence[Request], sampling: Sampling, on_finished: OnFinished | None = None
    ) -> list[Completion]:
        from lightning.pytorch.utilities.seed import isolate_rng
        from vllm import SamplingParams

        from emlit.decoding.requests import to_flat_keys

        params = [
            SamplingParams(
                temperature=sampling.temperature,
                max_tokens=min(sampling.max_tokens, self.source.context - len(request.prompt)),
                top_p=sampling.top_p,
                top_k=sampling.top_k,
                min_p=sampling.min_p,
                stop=sampling.stop or None,
                stop_token_ids=list(self.source.stop_token_ids),
                seed=request.seed,
                logprobs=0,
                flat_logprobs=True,  # lists of numbers in place of a dict a token
                detokenize=bool(sampling.stop),
                extra_args=to_flat_keys(sampling.decoding) or None,
            )
            for request in requests
        ]
        prompts = [{"prompt_token_ids": request.prompt} for request in requests]
        found: dict[int, Completion] = {}
        # vLLM draws from the global generator what it then does not use.
        with isolate_rng(), contextlib.closing(as_they_end(self.llm, prompts, params, self.left)) as outputs:
            self.drawn.clear()
            for place, id, output in outputs:
                stats = self.drawn.take(id, len(requests[place].prompt), len(output.token_ids))
                found[place] = to_completion(output, stats)
                if on_finished is not None:
                    on_finished(place, found[place])
        return [found[place] for place in range(len(requests))]

    def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        with quiet():
            if self.asleep:
                self.llm.wake_up(tags=["weights"])
            self.llm.collective_rpc("reload_weights", kwargs={"weights_iterator": iter(weights)})
            if self.asleep:  # only now, so that the push had the memory of the cache for itself
                self.llm.wake_up(tags=["kv_cache"])
        # Blocks computed with the old weights would be reused for known prompts.
        self.llm.reset_prefix_cache()
        self.weights_version, self.asleep = version, False

    def sleep(self) -> None:
        if self.sleeps and not self.asleep:
            with quiet():
                self.llm.sleep(level=2)  # weights are not kept: new ones are on their way
            self.asleep = True

    def close(self) -> None:
        pending, self.pending = self.pending, None
        if pending is not None:
            self.left.set()
            pending.wait()
        llm, self.llm = self.llm, None
        if llm is not None:
            llm.llm_engine.engine_core.shutdown()
            del llm
            gc.collect()  # the engine's parts refer to each other


def kv_cache_gb_here() -> float:
    """GiB of the KV cache on this machine's CPU."""
    return min(2.0, max(0.5, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 / 8))


def installed() -> bool:
    """Whether vLLM can be imported (without importing it)."""
    return importlib.util.find_spec("vllm") is not None


def kernels_need_numa() -> bool:
    """Whether the kernels of the vLLM that is installed are linked with libnuma, as those for CPUs are."""
    (place,) = importlib.util.find_spec("vllm").submodule_search_locations  # type: ignore[union-attr, misc]
    return any(NUMA.encode() in kernels.read_bytes() for kernels in Path(place).glob("_C*.so"))


def _require_numa() -> None:
    """ConfigError where a library of vLLM's kernels for CPUs is missing, of which vLLM says nothing that helps."""
    if torch.cuda.is_available():
        return
    try:
        ctypes.CDLL(NUMA)
    except OSError as error:
        if kernels_need_numa():
            raise ConfigError(
                f"vLLM needs the library {NUMA}, which this machine lacks: apt-get install libnuma1 (dnf install "
                "numactl-libs), or set --data.engine TransformersEngine"
            ) from error


def _checkpoint_dtype(path: str, trust_remote_code: bool = False) -> str:
    """The checkpoint's own dtype. vLLM's "auto" would compute a float32 model in half precision."""
    dtype = load_config(path, trust_remote_code).get_text_config().dtype
    return "auto" if dtype is None else str(dtype).removeprefix("torch.")
