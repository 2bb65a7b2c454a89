// What a user of the TypeScript client writes to train: `node jobs_program.js URL CSV` prints JSON.
import {
  getJob,
  getJobHistory,
  getJobResult,
  predictWithJob,
  streamJobEvents,
  submitJob,
  type TrainRequest,
  uploadDataset,
} from "gradserve-client";

declare const process: {
  argv: string[];
  getBuiltinModule(name: "fs"): { openAsBlob(path: string): Promise<Blob> };
};
const throwOnError = true;

async function submit(baseUrl: string, dataset: { id: string; sha256: string }): Promise<string> {
  const body: TrainRequest = {
    kind: "train",
    model: { kind: "neuron", activation: "identity" },
    data: { dataset: dataset.id, targets: ["y"] },
    standardize: true,
    optimizer: { kind: "sgd", learning_rate: 0.05 },
    epochs: 3,
    batch_size: 1024,
  };
  const headers = { "Idempotency-Key": dataset.sha256 };
  const job = await submitJob({ baseUrl, body, headers, throwOnError });
  const again = await submitJob({ baseUrl, body, headers, throwOnError });
  if (again.data.id !== job.data.id) throw new Error("two jobs of one key");
  return job.data.id;
}

async function train(baseUrl: string, fileName: string): Promise<object> {
  const body = await process.getBuiltinModule("fs").openAsBlob(fileName);
  const uploaded = await uploadDataset({ baseUrl, body, query: { name: "rows" }, throwOnError });
  const dataset = uploaded.data;
  const id = await submit(baseUrl, dataset);
  const path = { id };
  const names = new Set<string>();
  const onSseEvent = (event: { event?: string }) => {
    if (event.event !== undefined) names.add(event.event);
  };
  const { stream } = await streamJobEvents({ baseUrl, path, onSseEvent, sseMaxRetryAttempts: 1 });
  for await (const _ of stream);
  const job = await getJob({ baseUrl, path, query: { wait_seconds: 30 }, throwOnError });
  if (job.data.status !== "succeeded") throw new Error(JSON.stringify(job.data));
  const history = await getJobHistory({ baseUrl, path, throwOnError });
  const result = await getJobResult({ baseUrl, path, throwOnError });
  if (!("parameters" in result.data)) throw new Error("not a training");
  const parameters = result.data.parameters;
  if (!("weights" in parameters && "bias" in parameters)) throw new Error("not a neuron");
  const inputs = [[1, 1, 1], [0, 0, 0]];
  const predicted = await predictWithJob({ baseUrl, path, body: { inputs }, throwOnError });
  return {
    rows: dataset.rows,
    columns: dataset.columns.map((column) => column.name),
    events: [...names].sort(),
    epochs: history.data.data.map((line) => line.epoch),
    weights: parameters.weights.data,
    bias: parameters.bias.data,
    predictions: predicted.data.predictions.data,
  };
}

const [, , url, file] = process.argv;
if (url === undefined || file === undefined) throw new Error("jobs_program.js URL CSV");
console.log(JSON.stringify(await train(url, file)));
