"""Answers of the application in this process, through HTTP, as NumPy arrays."""

import asyncio
import json
from functools import cache
from math import prod

import httpx
import numpy as np

from service.settings import Settings
from service.wiring import build_app


@cache
def app():
    return build_app(Settings())


def answered(route, content):
    """The response of a route of the application in this process to these bytes of JSON."""

    async def sent():
        transport = httpx.ASGITransport(app())
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1"
        ) as client:
            headers = {"content-type": "application/json"}
            return await client.post(route, content=content, headers=headers)

    return asyncio.run(sent())


def post(route, body):
    """The JSON answer of a route of the application in this process."""
    response = answered(route, json.dumps(body).encode())
    assert response.status_code in (200, 422), response.text
    return response.json()


def array(tensor):
    return np.array(tensor["data"], dtype=float).reshape(tensor["shape"])


def dense(derivative):
    """All the numbers of a StructuredTensor."""
    shape = derivative["shape"]
    size = prod(shape[: len(shape) // 2])
    match derivative["structure"]:
        case "zero":
            return np.zeros(shape)
        case "identity":
            return (derivative["scale"] * np.eye(size)).reshape(shape)
        case "diagonal":
            return np.diag(derivative["diagonal"]["data"]).reshape(shape)
        case "factored":
            return sum(
                t["coefficient"] * np.einsum(t["equation"], *map(stored, t["factors"]))
                for t in derivative["terms"]
            )
    return array(derivative["tensor"])


def stored(factor):
    match factor["kind"]:
        case "identity":
            return np.eye(factor["size"])
        case "ones":
            return np.ones(factor["size"])
    return array(factor["tensor"])
