#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time of PyTorch on what bench_network times: the same networks, batches and passes.

    OMP_NUM_THREADS=2 python3 benchmarks/peer_pytorch.py [REPEATS] > pytorch.csv

Needs PyTorch (Debian package python3-torch); exits 0 with a line if it is not installed.
"""
import os
import statistics
import sys
import time

try:
    import torch
except ImportError:
    print("peer_pytorch: PyTorch is not installed (Debian package python3-torch); nothing timed",
          file=sys.stderr)
    sys.exit(0)

nn = torch.nn


def mnist():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, 2, 4), nn.SiLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.SiLU(),
        nn.Conv2d(32, 64, 3, 2, 1), nn.SiLU(), nn.Conv2d(64, 64, 3, 2, 1), nn.SiLU(),
        nn.Flatten(), nn.Linear(256, 64), nn.SiLU(), nn.Linear(64, 1))


def cifar(f):
    return nn.Sequential(
        nn.Conv2d(3, f, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(f, 2 * f, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(2 * f, 4 * f, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4 * f, 8 * f, 4, 2, 1),
        nn.LeakyReLU(0.2), nn.Conv2d(8 * f, 1, 4))


def forward(model, x):
    with torch.no_grad():
        model(x)


def gradient(model, x):
    x = x.detach().requires_grad_()
    for p in model.parameters():
        p.requires_grad_(False)
    torch.autograd.grad(model(x).sum(), x)


def theta(model, x):
    for p in model.parameters():
        p.requires_grad_(True)
    torch.autograd.grad(model(x).sum(), list(model.parameters()))


SUBJECTS = [
    ("mnist", mnist(), (256, 1, 28, 28)),
    ("cifar-32", cifar(32), (64, 3, 32, 32)),
    ("cifar-64", cifar(64), (64, 3, 32, 32)),
]
PASSES = [("forward", forward), ("forward+grad_x", gradient), ("grad_theta", theta)]


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    torch.set_num_threads(threads)
    times = {}
    for repeat in range(repeats + 1):
        for name, model, shape in SUBJECTS:
            x = 0.5 * torch.randn(*shape)
            for title, step in PASSES:
                begin = time.perf_counter()
                step(model, x)
                us = 1e6 * (time.perf_counter() - begin) / shape[0]
                if repeat > 0:  # the first is to warm up
                    times.setdefault((name, title, shape[0]), []).append(us)
    print("network,backend,pass,batch,threads,us_median,us_min,us_max")
    for (name, title, batch), us in times.items():
        print(f"{name},pytorch-{torch.__version__},{title},{batch},{threads},"
              f"{statistics.median(us):.5g},{min(us):.5g},{max(us):.5g}")


if __name__ == "__main__":
    main()
