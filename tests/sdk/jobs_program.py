"""What a user of the Python client writes to train: `jobs_program.py URL CSV` prints JSON."""

import json
import sys
from pathlib import Path

from gradserve_client import Client
from gradserve_client.api.datasets import upload_dataset
from gradserve_client.api.jobs import (
    get_job,
    get_job_history,
    get_job_result,
    predict_with_job,
    stream_job_events,
    submit_job,
)
from gradserve_client.models import (
    Dataset,
    HistoryPage,
    Job,
    NeuronParameters,
    PredictAnswer,
    PredictRequest,
    TrainRequest,
    TrainResult,
)
from gradserve_client.types import File


def upload(client: Client, path: Path) -> Dataset:
    with path.open("rb") as file:
        dataset = upload_dataset.sync(client=client, body=File(payload=file), name=path.name)
    assert isinstance(dataset, Dataset), dataset
    return dataset


def submit(client: Client, dataset: Dataset) -> Job:
    request = TrainRequest.from_dict(
        {
            "kind": "train",
            "model": {"kind": "neuron", "activation": "identity"},
            "data": {"dataset": dataset.id, "targets": ["y"]},
            "standardize": True,
            "optimizer": {"kind": "sgd", "learning_rate": 0.05},
            "epochs": 3,
            "batch_size": 1024,
        }
    )
    job = submit_job.sync(client=client, body=request, idempotency_key=dataset.sha256)
    assert isinstance(job, Job), job
    again = submit_job.sync(client=client, body=request, idempotency_key=dataset.sha256)
    assert isinstance(again, Job), again
    assert again.id == job.id
    return job


def watch(client: Client, job: Job) -> list[str]:
    """The names of the events, up to the end of the job."""
    events = stream_job_events.sync(client=client, id=job.id)
    assert isinstance(events, str), events
    lines = events.splitlines()
    return [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]


def train(client: Client, path: Path) -> dict[str, object]:
    dataset = upload(client, path)
    job = submit(client, dataset)
    events = watch(client, job)
    ended = get_job.sync(client=client, id=job.id, wait_seconds=30)
    assert isinstance(ended, Job), ended
    assert ended.status == "succeeded", ended
    history = get_job_history.sync(client=client, id=job.id)
    assert isinstance(history, HistoryPage), history
    result = get_job_result.sync(client=client, id=job.id)
    assert isinstance(result, TrainResult), result
    assert isinstance(result.parameters, NeuronParameters), result
    inputs = PredictRequest(inputs=[[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    predicted = predict_with_job.sync(client=client, id=job.id, body=inputs)
    assert isinstance(predicted, PredictAnswer), predicted
    return {
        "rows": dataset.rows,
        "columns": [column.name for column in dataset.columns],
        "events": sorted(set(events)),
        "epochs": [line.epoch for line in history.data],
        "weights": result.parameters.weights.data,
        "bias": result.parameters.bias.data,
        "predictions": predicted.predictions.data,
    }


url, file_name = sys.argv[1:]
with Client(url, raise_on_unexpected_status=True) as service:
    sys.stdout.write(json.dumps(train(service, Path(file_name))))
