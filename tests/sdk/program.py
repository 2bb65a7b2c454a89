"""What a user of the generated Python client writes: `program.py URL REQUESTS` prints JSON.

It type-checks only while the client's unions are told apart by type, and it reads each member's
own fields.
"""

import json
import sys
from typing import assert_never

from gradserve_client import Client
from gradserve_client.api.expressions import (
    analyze_expression,
    check_derivative,
    compute_gradient,
    compute_hessian,
    compute_hvp,
    compute_jacobian,
    compute_jvp,
    compute_vjp,
    derive_expression,
    evaluate_expression,
)
from gradserve_client.api.training import take_network_step, take_neuron_step
from gradserve_client.models import (
    AnalyzeAnswer,
    AnalyzeRequest,
    CheckAnswer,
    CheckRequest,
    DenseTensor,
    DeriveAnswer,
    DeriveRequest,
    DiagonalTensor,
    EvaluateAnswer,
    EvaluateRequest,
    EvaluateRequestVariables,
    ExpressionTree,
    FactoredTensor,
    GradientAnswer,
    GradientRequest,
    GradientRequestVariables,
    HessianAnswer,
    HessianRequest,
    HvpAnswer,
    HvpRequest,
    IdentityFactor,
    IdentityTensor,
    JacobianAnswer,
    JacobianRequest,
    JacobianRequestVariables,
    JvpAnswer,
    JvpRequest,
    NetworkStepAnswer,
    NetworkStepRequest,
    NeuronStepAnswer,
    NeuronStepRequest,
    OnesFactor,
    Problem,
    TensorFactor,
    Term,
    VjpAnswer,
    VjpRequest,
    ZeroTensor,
)


def read_jacobian(answer: JacobianAnswer, name: str) -> dict[str, object]:
    jacobian = answer.jacobians[name]
    read: dict[str, object] = {"structure": jacobian.structure, "shape": jacobian.shape}
    if isinstance(jacobian, ZeroTensor):
        return read
    if isinstance(jacobian, IdentityTensor):
        return read | {"scale": jacobian.scale}
    if isinstance(jacobian, DiagonalTensor):
        return read | {"diagonal": jacobian.diagonal.data}
    if isinstance(jacobian, DenseTensor):
        return read | {"dense": jacobian.tensor.data}
    if isinstance(jacobian, FactoredTensor):
        return read | {"terms": [read_term(term) for term in jacobian.terms]}
    assert_never(jacobian)


def read_term(term: Term) -> dict[str, object]:
    factors: list[dict[str, object]] = []
    for factor in term.factors:
        if isinstance(factor, TensorFactor):
            tensor = factor.tensor
            factors.append({"kind": factor.kind, "shape": tensor.shape, "numbers": tensor.data})
        elif isinstance(factor, IdentityFactor | OnesFactor):
            factors.append({"kind": factor.kind, "size": factor.size})
        else:
            assert_never(factor)
    return {"coefficient": term.coefficient, "equation": term.equation, "factors": factors}


def ask_jacobian(client: Client, request: JacobianRequest) -> dict[str, object]:
    answer = compute_jacobian.sync(client=client, body=request)
    assert isinstance(answer, JacobianAnswer), answer
    (name,) = answer.jacobians.additional_keys
    return read_jacobian(answer, name)


def ask_gradient(client: Client) -> dict[str, object]:
    variables = GradientRequestVariables()
    variables["w"] = [1.0, 2.0, 3.0]
    variables["x"] = [0.5, -1.0, 2.0]
    variables["b"] = 0.25
    request = GradientRequest(
        expression="maximum(0, w @ x + b)", variables=variables, wrt=["w", "b"]
    )
    answer = compute_gradient.sync(client=client, body=request)
    assert isinstance(answer, GradientAnswer), answer
    gradients = answer.gradients.additional_properties
    return {
        "value": answer.value.data,
        "gradients": {name: gradient.data for name, gradient in gradients.items()},
    }


def ask_products(client: Client) -> dict[str, object]:
    """Every product with a derivative; an answer's tensor is sent back as an input."""
    quadratic = {"expression": "x @ A @ x", "variables": {"A": [[2, 1], [0, 3]], "x": [1, 2]}}
    hessian = compute_hessian.sync(
        client=client, body=HessianRequest.from_dict(quadratic | {"wrt": ["x"]})
    )
    assert isinstance(hessian, HessianAnswer), hessian
    block = hessian.hessians["x"]["x"]
    assert isinstance(block, DenseTensor), block
    linear = {"expression": "H @ x", "variables": {"H": block.tensor.to_dict(), "x": [1, 2]}}
    jvp = compute_jvp.sync(
        client=client, body=JvpRequest.from_dict(linear | {"tangents": {"x": [1, -1]}})
    )
    assert isinstance(jvp, JvpAnswer), jvp
    cotangent = {"cotangent": jvp.jvp.to_dict(), "wrt": ["x"]}
    vjp = compute_vjp.sync(client=client, body=VjpRequest.from_dict(linear | cotangent))
    assert isinstance(vjp, VjpAnswer), vjp
    vectors = {"vectors": {"x": vjp.vjp["x"].to_dict()}}
    hvp = compute_hvp.sync(client=client, body=HvpRequest.from_dict(quadratic | vectors))
    assert isinstance(hvp, HvpAnswer), hvp
    return {
        "hessian": block.tensor.data,
        "jvp": jvp.jvp.data,
        "vjp": vjp.vjp["x"].data,
        "hvp": hvp.hvp["x"].data,
    }


def ask_analysis(client: Client) -> dict[str, object]:
    """An expression analyzed by its shapes; the tree of the answer is sent back as an input."""
    request = AnalyzeRequest.from_dict(
        {"expression": "sum((A@x)**2)", "shapes": {"A": ["m", "n+1"]}}
    )
    analysis = analyze_expression.sync(client=client, body=request)
    assert isinstance(analysis, AnalyzeAnswer), analysis
    tree = analysis.tree
    assert isinstance(tree, ExpressionTree), tree
    variables = EvaluateRequestVariables()
    variables["A"] = [[1.0, 2.0], [3.0, 4.0]]
    variables["x"] = [1.0, -1.0]
    value = evaluate_expression.sync(
        client=client, body=EvaluateRequest(expression=tree, variables=variables)
    )
    assert isinstance(value, EvaluateAnswer), value
    return {
        "text": analysis.text,
        "operation": tree.op,
        "shapes": {
            name: found.shape
            for name, found in analysis.variables.additional_properties.items()
        },
        "assumed": [assumption.name for assumption in analysis.assumptions],
        "has_cost": analysis.cost is not None,
        "value": value.value.data,
    }


def ask_formulas(client: Client) -> dict[str, object]:
    """The closed form of a derivative with its steps, and the judgement of a wrong one."""
    request = DeriveRequest.from_dict(
        {
            "expression": "w @ x",
            "shapes": {"w": ["n"], "x": ["n"]},
            "wrt": ["w"],
            "steps": True,
        }
    )
    derivation = derive_expression.sync(client=client, body=request)
    assert isinstance(derivation, DeriveAnswer), derivation
    derived = derivation.derivatives["w"]
    assert isinstance(derived.steps, list), derived
    claimed = CheckRequest.from_dict(
        {
            "expression": "x @ A @ x",
            "variables": {"A": [[1.0, 2.0], [3.0, 4.0]], "x": [1.0, -1.0]},
            "wrt": "x",
            "claim": {"kind": "expression", "expression": "2 * A @ x"},
        }
    )
    check = check_derivative.sync(client=client, body=claimed)
    assert isinstance(check, CheckAnswer), check
    return {
        "text": derived.text,
        "notation": derived.notation,
        "rules": [step.rule for step in derived.steps],
        "verdict": check.verdict,
        "mistake": check.mistake,
        "structure": check.exact.structure,
    }


def ask_steps(client: Client) -> dict[str, object]:
    """Two steps of a neuron, the second from the state of the first, and one of a network."""
    neuron: dict[str, object] = {
        "weights": [1, -1],
        "bias": 0.5,
        "activation": "relu",
        "inputs": [[1, 2], [3, 1], [2, 2]],
        "targets": [1, 2, 0],
        "optimizer": {"kind": "momentum", "learning_rate": 0.3},
    }
    first = take_neuron_step.sync(client=client, body=NeuronStepRequest.from_dict(neuron))
    assert isinstance(first, NeuronStepAnswer), first
    neuron |= {"weights": first.weights.to_dict(), "optimizer_state": first.optimizer_state}
    second = take_neuron_step.sync(client=client, body=NeuronStepRequest.from_dict(neuron))
    assert isinstance(second, NeuronStepAnswer), second
    network: dict[str, object] = {
        "layers": [{"weights": [[1, 0]], "bias": [0, 0], "activation": "softmax"}],
        "inputs": [[1], [-1]],
        "targets": [0, 1],
        "loss": {"kind": "cross_entropy"},
        "optimizer": {"kind": "sgd", "learning_rate": 1},
    }
    moved = take_network_step.sync(client=client, body=NetworkStepRequest.from_dict(network))
    assert isinstance(moved, NetworkStepAnswer), moved
    return {
        "losses": [first.loss, second.loss],
        "rule": second.update_rule.text,
        "loss_factor": second.conventions.loss_factor,
        "layers": [layer.weights.shape for layer in moved.layers],
    }


def ask_for_problem(client: Client) -> dict[str, object]:
    variables = JacobianRequestVariables()
    variables["x"] = 1.0
    request = JacobianRequest(expression="x +* 3", variables=variables, representation="dense")
    response = compute_jacobian.sync_detailed(client=client, body=request)
    problem = response.parsed
    assert isinstance(problem, Problem), problem
    first = problem.errors[0]
    return {
        "http_status": int(response.status_code),
        "status": problem.status,
        "code": problem.code,
        "pointer": first.pointer,
        "start": first.start,
        "end": first.end,
    }


def main() -> None:
    requests = [JacobianRequest.from_dict(request) for request in json.loads(sys.argv[2])]
    with Client(sys.argv[1]) as client:
        answers = {
            "jacobians": [ask_jacobian(client, request) for request in requests],
            "gradient": ask_gradient(client),
            "products": ask_products(client),
            "analysis": ask_analysis(client),
            "formulas": ask_formulas(client),
            "steps": ask_steps(client),
            "problem": ask_for_problem(client),
        }
    sys.stdout.write(json.dumps(answers, allow_nan=False))


if __name__ == "__main__":
    main()
