#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PyTorch makes of two networks, in double: data/*.txt, read by test_pytorch.c.

    /usr/bin/python3 make_fixtures.py        (Debian package python3-torch)

Parameters and images are not stored: both sides compute them by values(). A file has lines
"spec TEXT", "shape C H W", "images N", "theta COUNT SCALE" for each tensor in order, and arrays
"NAME COUNT STEP" followed by every STEP-th of COUNT values, one a line.
"""
import math
import pathlib

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def values(count, salt):
    """multiples of 2^-23 on [-1, 1), a hash of the index"""
    out = []
    for i in range(count):
        h = (i * 2654435761 + salt * 40503 + 12345) & 0xFFFFFFFF
        h = ((h ^ (h >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
        h = ((h ^ (h >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
        h ^= h >> 16
        out.append((h >> 8) / 2.0**23 - 1.0)
    return torch.tensor(out)


def scales(model):
    """2^-k near 2/sqrt(fan_in), so that float holds the parameters exactly"""
    for layer in model:
        if hasattr(layer, "weight"):
            fan_in = layer.weight[0].numel()
            scale = 2.0 ** math.floor(math.log2(3.2 / math.sqrt(fan_in)))
            yield layer.weight, scale
            yield layer.bias, scale


def fill(model):
    at = 0
    every = values(sum(p.numel() for p, _ in scales(model)), 1)
    for p, scale in scales(model):
        p.data = (every[at : at + p.numel()] * scale).reshape(p.shape)
        at += p.numel()


def array(out, name, tensor, step=1):
    flat = tensor.detach().flatten().tolist()
    out.append(f"{name} {len(flat)} {step}")
    out.extend(f"{v:.9g}" for v in flat[::step])


def fixture(name, spec, shape, images, model, loss, step_x, step_theta):
    fill(model)
    x = values(images * math.prod(shape), 2).reshape(images, *shape).requires_grad_()
    y = model(x)
    out = [f"spec {spec}", "shape %d %d %d" % shape, f"images {images}"]
    out.extend(f"theta {p.numel()} {scale:.17g}" for p, scale in scales(model))
    array(out, "outputs", y)
    grad_x, *grad_theta = torch.autograd.grad(loss(y), [x] + [p for p, _ in scales(model)])
    array(out, "grad_x", grad_x, step_x)
    array(out, "grad_theta", torch.cat([g.flatten() for g in grad_theta]), step_theta)
    place = pathlib.Path(__file__).parent / "data" / name
    place.write_text("\n".join(out) + "\n")


nn = torch.nn
fixture(
    "mnist.txt",
    "conv 16 k5 s2 p4 | silu | conv 32 k3 s2 p1 | silu | conv 64 k3 s2 p1 | silu | "
    "conv 64 k3 s2 p1 | silu | flatten | linear 64 | silu | linear 1",
    (1, 28, 28),
    3,
    nn.Sequential(
        nn.Conv2d(1, 16, 5, 2, 4), nn.SiLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.SiLU(),
        nn.Conv2d(32, 64, 3, 2, 1), nn.SiLU(), nn.Conv2d(64, 64, 3, 2, 1), nn.SiLU(),
        nn.Flatten(), nn.Linear(256, 64), nn.SiLU(), nn.Linear(64, 1)),
    lambda y: y.sum(),
    1,
    37,
)  # fmt: skip
fixture(
    "classifier.txt",
    "conv 6 k3 p1 | leaky 0.2 | maxpool 2 | conv 8 k3 | silu | avgpool 2 s1 | conv 7 k2 | relu | "
    "flatten | linear 10 | logsoftmax",
    (2, 13, 12),
    3,
    nn.Sequential(
        nn.Conv2d(2, 6, 3, 1, 1), nn.LeakyReLU(0.2), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.SiLU(),
        nn.AvgPool2d(2, 1), nn.Conv2d(8, 7, 2), nn.ReLU(), nn.Flatten(), nn.Linear(28, 10),
        nn.LogSoftmax(1)),
    lambda y: -sum(y[i, i % 10] for i in range(3)),
    1,
    1,
)  # fmt: skip
