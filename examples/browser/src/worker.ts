import { train } from './train.js';

const scope = self as unknown as { onmessage: (event: MessageEvent<{ steps: number }>) => void; postMessage(message: unknown): void };
scope.onmessage = ({ data }) => void train(data.steps, (message) => scope.postMessage(message));
