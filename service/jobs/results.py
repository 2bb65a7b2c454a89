"""Results of jobs, as they are answered, and what a trained model predicts."""

from collections.abc import Mapping
from typing import Any

from service.errors import ValidationError
from service.jobs.job import Kind
from service.jobs.kinds import JOB_KINDS
from service.jobs.packing import unpack
from service.settings import Limits
from service.training.passes import forward
from service.training.requests import LayerRequest, NetworkRequest, NeuronRequest
from service.training.updates import Array


def result_document(kind: Kind, data: bytes) -> dict[str, Any]:
    """What the answer of a result holds, its arrays as NumPy's."""
    return JOB_KINDS[kind].result_document(data)


def predict(kind: Kind, data: bytes, inputs: Array, limits: Limits) -> Array:
    """What the model of a result predicts, shape (N,) of a neuron, (N, outputs) of a network.

    Inputs, shape (N, n), and predictions are in the data's own units.

    Raises:
        ValidationError: the job has trained no model that predicts; inputs have other axes.
        ShapeMismatchError: the model takes another number of inputs.
        BudgetExceededError: it would cost more than a request may.
        NonFiniteResultError: a prediction leaves the range of float64.
    """
    document: Mapping[str, Any] = unpack(data)
    model = document.get("model", {})
    if kind != "train" or model.get("kind") not in ("neuron", "network"):
        what = "an expression" if kind == "train" else f"a job {kind!r}"
        raise ValidationError(
            f"found {what}, expected a job that has trained a neuron or a network",
            hint="POST /v1/evaluate computes any expression of the parameters found",
        )
    request = _request(model, document["result"]["parameters"], inputs)
    prepared = request.prepared()
    found = forward(prepared.model, prepared.parameters, prepared.data, limits)
    return found.activations


def _request(
    model: Mapping[str, Any], parameters: Mapping[str, Any], inputs: Array
) -> NeuronRequest | NetworkRequest:
    if model["kind"] == "neuron":
        return NeuronRequest(
            weights=parameters["weights"],
            bias=parameters["bias"],
            activation=model["activation"],
            inputs=inputs,
        )
    layers = zip(model["layers"], parameters["layers"], strict=True)
    return NetworkRequest(
        layers=[
            LayerRequest(
                weights=found["weights"], bias=found["bias"], activation=told["activation"]
            )
            for told, found in layers
        ],
        inputs=inputs,
    )
