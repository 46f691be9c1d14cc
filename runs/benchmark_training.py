"""What a training step costs, and what the way attention is computed has to do with it. Ratios from one run.

python runs/benchmark_training.py [--seconds 8] [--batch 128]
"""

import argparse
import time

import torch

from pstmo.model import layers
from pstmo.model.stmo import STMO, Prediction
from pstmo.presets import PRESETS
from pstmo.training.losses import sequence_and_centre_loss


def fused(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, dropout: float) -> torch.Tensor:
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout)


def windows_per_second(precision: str, batch: int, seconds: float) -> float:
    torch.manual_seed(0)
    config = PRESETS["cmu-w27"].model
    network = STMO(config)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, amsgrad=True, fused=True)
    keypoints, poses = torch.randn(batch, config.frames, 17, 2), torch.randn(batch, config.frames, 17, 3)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            prediction = network(keypoints)
        loss = sequence_and_centre_loss(Prediction(*(part.float() for part in prediction)), poses)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    step()
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        step()
        steps += 1
    return steps * batch / (time.perf_counter() - started)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=8)
    arguments.add_argument("--batch", type=int, default=128)
    options = arguments.parse_args()
    plain = layers.attend
    speeds = {}
    for name, way in (("fused attention", fused), ("plain products", plain)):
        layers.attend = way
        for precision in ("fp32", "bf16"):
            speeds[name, precision] = windows_per_second(precision, options.batch, options.seconds)
    slowest = speeds["fused attention", "bf16"]
    print(f"window 27, batch {options.batch}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for (name, precision), speed in speeds.items():
        print(f"{name}, {precision}: {speed:.0f} windows/s, {speed / slowest:.2f} times fused bf16")


if __name__ == "__main__":
    main()
