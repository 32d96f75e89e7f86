"""Whether prompts of different lengths can share a batch."""

from typing import Any

import torch


@torch.inference_mode()
def ignores_padding(model: Any, device: torch.device) -> bool:
    """Whether tokens left of a prompt, masked, change nothing of what `generate` draws; to RWKV, say, they do."""
    from transformers import GenerationConfig

    ask = GenerationConfig(
        do_sample=False, max_new_tokens=1, pad_token_id=0, output_logits=True, return_dict_in_generate=True
    )
    tokens = torch.tensor([[0, 0, 1, 2, 3]], device=device) % model.config.get_text_config().vocab_size
    mask = tokens.new_tensor([[0, 0, 1, 1, 1]])
    alone, padded = (
        model.generate(tokens[:, skip:], attention_mask=mask[:, skip:], generation_config=ask).logits[0].float()
        for skip in (2, 0)
    )
    return bool((alone - padded).norm() <= 0.1 * alone.norm())
