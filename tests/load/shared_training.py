"""One worker against two that share: `python -m tests.load.shared_training`.

A network 784-256-10, steps of 200 ms and more, one thread for each worker, over TLS. What is
compared is the time in steps: each job tells how many rows a second it learns from.
"""

import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np

from tests.load.clusters import cluster, hired, told

FEATURES, CLASSES = 784, 10
ROWS, BATCH, EPOCHS = 30_000, 10_000, 12
ROUNDS = 3
MOST_SHARE = 0.65


def uploaded(client):
    """The id of a dataset of images that are noise."""
    kind = [(f"x{k}", "<f8") for k in range(FEATURES)] + [("y", "<f8")]
    table = np.empty(ROWS, np.dtype(kind))
    plain, rng = table.view(np.float64).reshape(ROWS, -1), np.random.default_rng(0)
    plain[:, :-1] = rng.standard_normal((ROWS, FEATURES))
    plain[:, -1] = rng.integers(CLASSES, size=ROWS)
    file = io.BytesIO()
    np.save(file, table)
    answer = client.post(
        "/v1/datasets",
        content=file.getvalue(),
        headers={"Content-Type": "application/x-npy"},
    )
    return answer.raise_for_status().json()["id"]


def seconds_of(client, dataset, workers):
    """How long a job spends in its steps, once all who share it are there, and the job."""
    document = {
        "kind": "train",
        "model": {
            "kind": "network",
            "layers": [
                {"size": 256, "activation": "relu"},
                {"size": CLASSES, "activation": "softmax"},
            ],
        },
        "data": {"dataset": dataset, "targets": ["y"]},
        "loss": "cross_entropy",
        "optimizer": {"kind": "adam", "learning_rate": 0.001},
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "shuffle": False,
        "workers": workers,
    }
    job = client.post("/v1/jobs", json=document).raise_for_status().json()
    while not job["finished_at"]:
        job = client.get(f"/v1/jobs/{job['id']}?wait_seconds=30").raise_for_status().json()
    assert job["status"] == "succeeded", job
    history = client.get(f"/v1/jobs/{job['id']}/events")
    return epoch_seconds(history.text), job


def epoch_seconds(events):
    """The seconds of the epochs in the second half, by the speeds that the events tell.

    `samples_per_second` is of all that was done; what was done between two events follows.
    """
    told_of = []
    for line in events.splitlines():
        if line.startswith("data: ") and "samples_per_second" in line:
            found = json.loads(line[6:])
            done = found["epoch"] * ROWS + found["step"] * BATCH
            if found["samples_per_second"]:
                told_of.append((done, done / found["samples_per_second"]))
    half = [each for each in told_of if each[0] >= EPOCHS * ROWS / 2]
    (first, began), (last, ended) = half[0], half[-1]
    return (ended - began) / (last - first) * BATCH


def main():
    """The share of one worker's time that two take, in the best of some rounds each."""
    with (
        TemporaryDirectory() as folder,
        cluster(Path(folder), 2) as (_, url, _),
        httpx.Client(base_url=url, timeout=120) as client,
    ):
        dataset = uploaded(client)
        best = {1: float("inf"), 2: float("inf")}
        for _ in range(ROUNDS):
            for workers in best:
                seconds, job = seconds_of(client, dataset, workers)
                best[workers] = min(best[workers], seconds)
                hands = hired(Path(folder), job["id"])
                told(f"workers {workers}: {seconds * 1000:.0f} ms a step, {hands} lent a hand")
                told(f"  {job['split']}")
    share = best[2] / best[1]
    told(f"two workers take {share:.2f} of one worker's time ({best[1] * 1000:.0f} ms a step)")
    assert best[1] >= 0.2
    assert share <= MOST_SHARE


if __name__ == "__main__":
    main()
