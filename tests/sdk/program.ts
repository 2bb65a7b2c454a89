// What a user of the generated TypeScript client writes: `node program.js URL REQUESTS` prints JSON.
//
// It compiles only while the client's unions are told apart by their discriminators, and it reads
// each member's own fields.
import {
  analyzeExpression,
  checkDerivative,
  computeGradient,
  computeHessian,
  computeHvp,
  computeJacobian,
  computeJvp,
  computeVjp,
  deriveExpression,
  type Dimension,
  type ExpressionClaim,
  evaluateExpression,
  type Factor,
  type JacobianRequest,
  type NeuronStepRequest,
  type Problem,
  type StructuredTensor,
  takeNetworkStep,
  takeNeuronStep,
  type Tensor,
  type TensorInput,
  type Term,
} from "gradserve-client";

declare const process: { argv: string[] };

function readJacobian(jacobian: StructuredTensor): object {
  const read = { structure: jacobian.structure, shape: jacobian.shape };
  switch (jacobian.structure) {
    case "zero":
      return read;
    case "identity":
      return { ...read, scale: jacobian.scale };
    case "diagonal":
      return { ...read, diagonal: jacobian.diagonal.data };
    case "dense":
      return { ...read, dense: jacobian.tensor.data };
    case "factored":
      return { ...read, terms: jacobian.terms.map(readTerm) };
    default:
      return assertNever(jacobian);
  }
}

function readTerm(term: Term): object {
  return { ...term, factors: term.factors.map(readFactor) };
}

function readFactor(factor: Factor): object {
  switch (factor.kind) {
    case "tensor":
      return { kind: factor.kind, shape: factor.tensor.shape, numbers: factor.tensor.data };
    case "identity":
      return { kind: factor.kind, size: factor.size };
    case "ones":
      return { kind: factor.kind, size: factor.size };
    default:
      return assertNever(factor);
  }
}

function assertNever(value: never): never {
  throw new Error(`not a member of the union: ${JSON.stringify(value)}`);
}

async function askJacobian(baseUrl: string, request: JacobianRequest): Promise<object> {
  const { data } = await computeJacobian({ baseUrl, body: request, throwOnError: true });
  const jacobians: StructuredTensor[] = Object.values(data.jacobians);
  if (jacobians[0] === undefined) throw new Error("no jacobian");
  return readJacobian(jacobians[0]);
}

async function askGradient(baseUrl: string): Promise<object> {
  const { data, error } = await computeGradient({
    baseUrl,
    body: {
      expression: "maximum(0, w @ x + b)",
      variables: { w: [1, 2, 3], x: [0.5, -1, 2], b: 0.25 },
      wrt: ["w", "b"],
    },
  });
  if (data === undefined) throw new Error(error.detail);
  const numbers: Record<string, (number | null)[]> = {};
  for (const [name, gradient] of Object.entries(data.gradients)) numbers[name] = gradient.data;
  return { value: data.value.data, gradients: numbers };
}

function sent(tensor: Tensor | undefined): TensorInput {
  if (tensor === undefined) throw new Error("no tensor");
  return tensor;
}

// Every product with a derivative; an answer's tensor is sent back as an input.
async function askProducts(baseUrl: string): Promise<object> {
  const throwOnError = true;
  const quadratic = { expression: "x @ A @ x", variables: { A: [[2, 1], [0, 3]], x: [1, 2] } };
  const hessian = await computeHessian({
    baseUrl,
    body: { ...quadratic, wrt: ["x"] },
    throwOnError,
  });
  const block = hessian.data.hessians["x"]?.["x"];
  if (block?.structure !== "dense") throw new Error("not dense");
  const linear = { expression: "H @ x", variables: { H: sent(block.tensor), x: [1, 2] } };
  const jvp = await computeJvp({
    baseUrl,
    body: { ...linear, tangents: { x: [1, -1] } },
    throwOnError,
  });
  const vjp = await computeVjp({
    baseUrl,
    body: { ...linear, cotangent: sent(jvp.data.jvp), wrt: ["x"] },
    throwOnError,
  });
  const hvp = await computeHvp({
    baseUrl,
    body: { ...quadratic, vectors: { x: sent(vjp.data.vjp["x"]) } },
    throwOnError,
  });
  return {
    hessian: block.tensor.data,
    jvp: jvp.data.jvp.data,
    vjp: vjp.data.vjp["x"]?.data,
    hvp: hvp.data.hvp["x"]?.data,
  };
}

// An expression analyzed by its shapes; the tree of the answer is sent back as an input.
async function askAnalysis(baseUrl: string): Promise<object> {
  const throwOnError = true;
  const analysis = await analyzeExpression({
    baseUrl,
    body: { expression: "sum((A@x)**2)", shapes: { A: ["m", "n+1"] } },
    throwOnError,
  });
  const { text, tree, variables, assumptions, cost } = analysis.data;
  if (typeof tree !== "object") throw new Error("not an operation");
  const value = await evaluateExpression({
    baseUrl,
    body: { expression: tree, variables: { A: [[1, 2], [3, 4]], x: [1, -1] } },
    throwOnError,
  });
  const shapes: Record<string, Dimension[]> = {};
  for (const [name, found] of Object.entries(variables)) shapes[name] = found.shape;
  return {
    text,
    operation: tree.op,
    shapes,
    assumed: assumptions.map((assumption) => assumption.name),
    has_cost: cost !== null,
    value: value.data.value.data,
  };
}

// The closed form of a derivative with its steps, and the judgement of a wrong one.
async function askFormulas(baseUrl: string): Promise<object> {
  const throwOnError = true;
  const derivation = await deriveExpression({
    baseUrl,
    body: { expression: "w @ x", shapes: { w: ["n"], x: ["n"] }, wrt: ["w"], steps: true },
    throwOnError,
  });
  const derived = derivation.data.derivatives["w"];
  if (derived === undefined) throw new Error("no derivative");
  const claim: ExpressionClaim = { kind: "expression", expression: "2 * A @ x" };
  const check = await checkDerivative({
    baseUrl,
    body: {
      expression: "x @ A @ x",
      variables: { A: [[1, 2], [3, 4]], x: [1, -1] },
      wrt: "x",
      claim,
    },
    throwOnError,
  });
  return {
    text: derived.text,
    notation: derived.notation,
    rules: (derived.steps ?? []).map((step) => step.rule),
    verdict: check.data.verdict,
    mistake: check.data.mistake,
    structure: check.data.exact.structure,
  };
}

// Two steps of a neuron, the second from the state of the first, and one of a network.
async function askSteps(baseUrl: string): Promise<object> {
  const throwOnError = true;
  const neuron: NeuronStepRequest = {
    weights: [1, -1],
    bias: 0.5,
    activation: "relu",
    inputs: [[1, 2], [3, 1], [2, 2]],
    targets: [1, 2, 0],
    optimizer: { kind: "momentum", learning_rate: 0.3 },
  };
  const first = await takeNeuronStep({ baseUrl, body: neuron, throwOnError });
  const { weights, optimizer_state } = first.data;
  const body = { ...neuron, weights: sent(weights), optimizer_state };
  const second = await takeNeuronStep({ baseUrl, body, throwOnError });
  const network = await takeNetworkStep({
    baseUrl,
    body: {
      layers: [{ weights: [[1, 0]], bias: [0, 0], activation: "softmax" }],
      inputs: [[1], [-1]],
      targets: [0, 1],
      loss: { kind: "cross_entropy" },
      optimizer: { kind: "sgd", learning_rate: 1 },
    },
    throwOnError,
  });
  return {
    losses: [first.data.loss, second.data.loss],
    rule: second.data.update_rule.text,
    loss_factor: second.data.conventions.loss_factor,
    layers: network.data.layers.map((layer) => layer.weights.shape),
  };
}

async function askForProblem(baseUrl: string): Promise<object> {
  const { error, response } = await computeJacobian({
    baseUrl,
    body: { expression: "x +* 3", variables: { x: 1 }, representation: "dense" },
  });
  if (error === undefined) throw new Error("no problem");
  const problem: Problem = error;
  const first = problem.errors[0];
  if (first === undefined) throw new Error("nothing is wrong");
  return {
    http_status: response.status,
    status: problem.status,
    code: problem.code,
    pointer: first.pointer,
    start: first.start,
    end: first.end,
  };
}

const [, , baseUrl, requests] = process.argv;
if (baseUrl === undefined || requests === undefined) throw new Error("program.js URL REQUESTS");
const asked: JacobianRequest[] = JSON.parse(requests);
const answers = {
  jacobians: await Promise.all(asked.map((request) => askJacobian(baseUrl, request))),
  gradient: await askGradient(baseUrl),
  products: await askProducts(baseUrl),
  analysis: await askAnalysis(baseUrl),
  formulas: await askFormulas(baseUrl),
  steps: await askSteps(baseUrl),
  problem: await askForProblem(baseUrl),
};
console.log(JSON.stringify(answers));
