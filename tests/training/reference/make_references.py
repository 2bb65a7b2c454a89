"""Write trajectories.json and schedules.json: what PyTorch computes, in float64.

Run once, in an environment of its own: `pip install torch numpy`, then, from the root of the
repository, `python -m tests.training.reference.make_references`. Lion, which PyTorch has not,
is written here in plain Python after algorithm 2 of its paper (Chen et al. 2023).
"""

import json
from pathlib import Path

import torch
from torch.optim import lr_scheduler

from tests.training.reference.problems import (
    CASES,
    INPUTS,
    KEPT,
    MATRIX,
    STARTS,
    STEPS,
    TARGETS,
    VECTOR,
)

HERE = Path(__file__).parent
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "rmsprop": (torch.optim.RMSprop, {}),
    "adagrad": (torch.optim.Adagrad, {}),
    "adadelta": (torch.optim.Adadelta, {}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "nadam": (torch.optim.NAdam, {}),
}
NAMES = {
    "learning_rate": "lr",
    "epsilon": "eps",
    "learning_rate_decay": "lr_decay",
    "initial_accumulator": "initial_accumulator_value",
}
SCHEDULES = [
    ({"kind": "step", "every": 3}, lambda o: lr_scheduler.StepLR(o, 3)),
    ({"kind": "step", "every": 4, "gamma": 0.5}, lambda o: lr_scheduler.StepLR(o, 4, 0.5)),
    ({"kind": "exponential", "gamma": 0.9}, lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
    ({"kind": "cosine", "epochs": 12}, lambda o: lr_scheduler.CosineAnnealingLR(o, 12)),
    (
        {"kind": "cosine", "epochs": 12, "minimum": 0.1},
        lambda o: lr_scheduler.CosineAnnealingLR(o, 12, 0.1),
    ),
    ({"kind": "warmup", "steps": 5}, lambda o: lr_scheduler.LinearLR(o, 0.2, 1, 4)),
    (
        {"kind": "warmup", "steps": 5, "then": {"kind": "exponential", "gamma": 0.9}},
        lambda o: lr_scheduler.ChainedScheduler(
            [lr_scheduler.LinearLR(o, 0.2, 1, 4), lr_scheduler.ExponentialLR(o, 0.9)]
        ),
    ),
    (
        {"kind": "inverse_scaling", "power": 0.25},
        lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (t + 1) ** 0.25),
    ),
]


def loss(problem, w):
    if problem == "quadratic":
        return w @ torch.tensor(MATRIX) @ w / 2 - torch.tensor(VECTOR) @ w
    if problem == "rosenbrock":
        return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
    scores = torch.tensor(INPUTS) @ w
    return torch.nn.functional.binary_cross_entropy_with_logits(scores, torch.tensor(TARGETS))


def gradient(problem, values):
    w = torch.tensor(values, requires_grad=True)
    loss(problem, w).backward()
    return w.grad.tolist()


def by_torch(problem, kind, options):
    make, fixed = OPTIMIZERS[kind]
    given = dict(options)
    if "beta1" in given:
        given["betas"] = (given.pop("beta1"), given.pop("beta2"))
    if "decay" in given:
        given["alpha" if kind == "rmsprop" else "rho"] = given.pop("decay")
    given = {NAMES.get(name, name): value for name, value in given.items()}
    w = torch.tensor(STARTS[problem], requires_grad=True)
    optimizer = make([w], **{**fixed, **given})
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(problem, w).backward()
        optimizer.step()
        yield w.tolist()


def lion(problem, options):
    rate, weight_decay = options["learning_rate"], options.get("weight_decay", 0.0)
    beta1, beta2 = options.get("beta1", 0.9), options.get("beta2", 0.99)
    w = list(STARTS[problem])
    m = [0.0] * len(w)
    for _ in range(STEPS):
        g = gradient(problem, w)
        for i in range(len(w)):
            c = beta1 * m[i] + (1 - beta1) * g[i]
            sign = (c > 0) - (c < 0)
            w[i] = w[i] - rate * (sign + weight_decay * w[i])
            m[i] = beta2 * m[i] + (1 - beta2) * g[i]
        yield list(w)


def rates(make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    for _ in range(13):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


def main():
    torch.set_default_dtype(torch.float64)
    made_by = f"torch {torch.__version__}, {Path(__file__).name}"
    cases = []
    for problem, kind, options in CASES:
        path = list(
            lion(problem, options) if kind == "lion" else by_torch(problem, kind, options)
        )
        points = {str(step): path[step - 1] for step in KEPT}
        cases.append({"problem": problem, "kind": kind, "options": options, "points": points})
    write("trajectories.json", {"made_by": made_by}, "cases", cases)
    factors = [{"schedule": given, "factors": list(rates(make))} for given, make in SCHEDULES]
    write("schedules.json", {"made_by": made_by}, "cases", factors)


def write(name, head, field, rows):
    """One row a line, so that a change shows where it is."""
    lines = ",\n".join(json.dumps(row) for row in rows)
    text = json.dumps(head)[:-1] + f',\n"{field}": [\n{lines}\n]}}\n'
    (HERE / name).write_text(text)


if __name__ == "__main__":
    main()
