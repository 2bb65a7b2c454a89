"""A table of gigabytes, trained on by two workers: `python -m tests.load.large_data 5`.

It is uploaded as a file, standardized and shared by the workers of a cluster of its own, whose
memory is looked at all the while: what is mapped from files does not count, what is their own
does.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np

from tests.load.clusters import cluster, hired, told

COLUMNS = 50
BATCH = 500_000
MOST_BYTES = 10**9


def written(path, size):
    """A table of about so many bytes: its last column is a sum of the others."""
    rows = int(size / 8 / (COLUMNS + 1))
    kind = [(f"x{k}", "<f8") for k in range(COLUMNS)] + [("y", "<f8")]
    table = np.lib.format.open_memmap(path, "w+", np.dtype(kind), (rows,))
    plain = table.view(np.float64).reshape(rows, COLUMNS + 1)
    rng, weights = np.random.default_rng(0), np.linspace(-1, 1, COLUMNS)
    for start in range(0, rows, 100_000):
        block = plain[start : start + 100_000]
        block[:] = rng.standard_normal(block.shape)
        block[:, -1] = block[:, :-1] @ weights + 0.1 * block[:, -1]
    table.flush()
    return rows, weights


def own_bytes(pid):
    """The memory of a process that no file backs."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return 0


def uploaded(client, path):
    """The id of the dataset."""
    with path.open("rb") as file:
        answer = client.post(
            "/v1/datasets",
            content=iter(lambda: file.read(2**20), b""),
            headers={"Content-Type": "application/x-npy"},
            timeout=None,
        )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def run(folder, gigabytes, *, standardize):
    """Generate, upload, train; look at the memory of the workers."""
    began = time.monotonic()
    rows, weights = written(folder / "table.npy", gigabytes * 1e9)
    told(f"{rows:,} rows, {gigabytes:g} GB written in {time.monotonic() - began:.0f} s")
    with (
        cluster(folder, 2) as (_, url, pids),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        began = time.monotonic()
        dataset = uploaded(client, folder / "table.npy")
        told(f"uploaded in {time.monotonic() - began:.0f} s")
        (folder / "table.npy").unlink()
        document = {
            "kind": "train",
            "model": {"kind": "neuron", "activation": "identity"},
            "data": {"dataset": dataset, "targets": ["y"]},
            "standardize": standardize,
            "loss": "mse",
            "optimizer": {"kind": "adam", "learning_rate": 0.05},
            "epochs": 4,
            "batch_size": BATCH,
            "workers": 2,
        }
        job = client.post("/v1/jobs", json=document).raise_for_status().json()
        most = watched(client, job["id"], pids)
        result = client.get(f"/v1/jobs/{job['id']}/result").raise_for_status().json()
    found = np.array(result["parameters"]["weights"]["data"])
    told(f"largest error of a weight {np.max(np.abs(found - weights)):.2g}")
    told(f"own memory of the workers at most {[f'{n / 1e6:.0f} MB' for n in most.values()]}")
    assert max(most.values()) < MOST_BYTES
    assert hired(folder, job["id"]) == 1, "no worker lent a hand"


def watched(client, job_id, pids):
    """The most own memory of each worker until the job has ended."""
    began, most = time.monotonic(), dict.fromkeys(pids, 0)
    last = 0.0
    while True:
        for pid in pids:
            most[pid] = max(most[pid], own_bytes(pid))
        if time.monotonic() - last > 10:
            last = time.monotonic()
            job = client.get(f"/v1/jobs/{job_id}").raise_for_status().json()
            told(f"{last - began:.0f} s {job['status']} {job['split']} {job['progress']}")
            if job["finished_at"]:
                assert job["status"] == "succeeded", job
                return most
        time.sleep(0.05)


def main():
    """As many gigabytes as are asked for; with `standardized`, columns are standardized."""
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    with TemporaryDirectory() as folder:
        run(Path(folder), gigabytes, standardize="standardized" in sys.argv)


if __name__ == "__main__":
    main()
