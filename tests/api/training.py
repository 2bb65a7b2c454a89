"""Requests to the routes of neurons, networks and steps, and what their tests look at."""

import numpy as np


def array(tensor):
    return np.array(tensor["data"], dtype=float).reshape(tensor["shape"])


async def asked(client, path, body):
    """The answer, which is 200."""
    response = await client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def refused(client, path, body, *expected):
    """Check the problem of a body: its code, pointer, words of its message and of its hint.

    Fields that are None are left out, save the optimizer, which is null then.
    """
    code, pointer, message, hint = expected
    given = {n: value for n, value in body.items() if value is not None or n == "optimizer"}

    response = await client.post(path, json=given)

    problem = response.json()
    assert (response.status_code, problem.get("code")) == (422, code), problem
    error = problem["errors"][0]
    assert (error["pointer"], error["start"]) == (pointer, None)
    assert message in error["message"]
    assert hint is None or hint in error["hint"]
