"""Where the time of exact lifting goes, by kind of work: the shares in docs/benchmarks.md.

    python runs/profile_lifting.py [--preset p-stmo-s] [--windows 24]

One thread, windows of an untrained network: what the numbers are does not matter to the time.
"""

import argparse

import torch
from torch.profiler import ProfilerActivity, profile

from pstmo.benchmark.machine import Machine
from pstmo.model.folded import Precision, folded
from pstmo.model.stmo import STMO
from pstmo.presets import PRESETS

KINDS = {
    "products": ("mm", "linear", "conv", "mkldnn"),
    "attention": ("scaled_dot_product", "flash_attention", "softmax"),
    "norms": ("norm",),
}
"""By words in the names of PyTorch's operators; the first that fits."""

PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--preset", choices=tuple(PRESETS), default="p-stmo-s")
    arguments.add_argument("--windows", type=int, default=24)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    config = PRESETS[options.preset].model
    windows = torch.randn(options.windows, config.frames, config.joints_in, 2)
    print("| % of the time | " + " | ".join([*KINDS, "the rest"]) + " |\n| --- " + "| --: " * (len(KINDS) + 1) + "|")
    for precision in PRECISIONS:
        found = shares(folded(STMO(config).eval(), precision), windows)
        print(f"| {precision} | " + " | ".join(f"{100 * share:.0f}" for share in found) + " |")
    print(f"\n{options.preset}, window {config.frames}. {Machine.here(torch.device('cpu'))}")


@torch.inference_mode()
def shares(network: STMO, windows: torch.Tensor) -> list[float]:
    """Of each of KINDS, and of the rest."""
    network.centre(network.encoder.over_time(network.encoder.tokens(windows)))
    with profile(activities=[ProfilerActivity.CPU]) as found:
        network.centre(network.encoder.over_time(network.encoder.tokens(windows)))
    seconds = dict.fromkeys([*KINDS, "the rest"], 0.0)
    for event in found.key_averages():
        kind = next((kind for kind, words in KINDS.items() if any(word in event.key for word in words)), "the rest")
        seconds[kind] += event.self_cpu_time_total
    whole = sum(seconds.values())
    return [part / whole for part in seconds.values()]


if __name__ == "__main__":
    main()
