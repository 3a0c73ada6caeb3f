#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a model that jebm-mnist left (DIR/mnist/models/*.h5), say what it holds, and evaluate its energy.

    read_model.py FILE

The energy of a few walkers is computed here in double precision, from the layers alone, and compared with
the energies in the file. Needs h5py (Debian: python3-h5py); exit status 77 without it, 1 if the energies
differ by more than 0.1 % (or 1e-3 nats).
"""
import sys

try:
    import h5py
    import numpy
except ImportError as missing:
    print(f"read_model.py: {missing}; install the Debian package python3-h5py")
    sys.exit(77)


def convolve(x, weight, bias, stride, padding):
    """x [channels][height][width], weight [out][in][k][k]"""
    x = numpy.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    size = weight.shape[2]
    patches = numpy.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return numpy.einsum("chwij,ocij->ohw", patches[:, ::stride, ::stride], weight) + bias[:, None, None]


def network(line, layers, x):
    """F(x) of the network that a line of text describes"""
    layers = iter(layers)
    for word, *options in (part.split() for part in line.split("|")):
        if word == "conv":
            number = {"s": 1, "p": 0} | {option[0]: int(option[1:]) for option in options[1:]}
            x = convolve(x, *next(layers), number["s"], number["p"])
        elif word == "linear":
            weight, bias = next(layers)
            x = weight @ x.ravel() + bias
        elif word == "silu":
            x = x / (1 + numpy.exp(-x))
        elif word == "relu":
            x = numpy.maximum(x, 0)
        elif word == "leaky":
            x = numpy.where(x > 0, x, float(options[0]) * x)
        elif word != "flatten":
            sys.exit(f"read_model.py: cannot evaluate the layer '{word}'")
    return x.item()


def main(path):
    with h5py.File(path, "r") as file:
        facts = {name: value.decode() if isinstance(value, bytes) else value
                 for name, value in file.attrs.items()}
        for name, value in facts.items():
            print(f"{name:14} {value}")
        for group in (name for name in file if name != "state"):
            file[group].visititems(lambda name, item: print(f"{group}/{name:20} {item.dtype} {item.shape}")
                                   if isinstance(item, h5py.Dataset) else None)
        energy, walkers = file["energy"], file["walkers"]
        layers = [(energy[name]["weight"][()], energy[name]["bias"][()])
                  for name in sorted(energy) if name != "temperature"]
        temperature, confine = energy["temperature"][0], float(facts["confine"])
        shape = [int(word) for word in facts["image_shape"].split()]
        worst = 0.0
        for x, stored in list(zip(walkers["x"], walkers["energy"]))[:8]:
            x = x.astype(float)
            U = network(facts["network"], layers, x.reshape(shape)) / temperature
            U += (x @ x) / (2 * confine**2) if confine > 0 else 0.0
            worst = max(worst, abs(U - stored) / max(1.0, abs(stored)))
        weight = numpy.exp(walkers["log_weight"][()] - numpy.max(walkers["log_weight"][()]))
        print(f"effective walkers {weight.sum()**2 / (weight**2).sum():.1f} of {len(weight)}")
        print(f"energies computed here differ from the stored ones by {worst:.1e} at most")
        return 0 if worst < 1e-3 else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: read_model.py FILE")
    sys.exit(main(sys.argv[1]))
