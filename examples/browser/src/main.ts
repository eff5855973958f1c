import type { Message } from './messages.js';

const output = document.querySelector('#progress') as HTMLOutputElement;
const search = new URLSearchParams(location.search);
const steps = Number(search.get('steps') ?? 80);

function show(message: Message): void {
  if ('step' in message) output.textContent = `step ${message.step} of ${steps}: loss ${message.loss.toFixed(3)}`;
  else if ('done' in message) output.textContent += `, trained on ${message.adapter}`;
  else output.textContent = message.failed;
  output.dataset.state = 'step' in message ? 'training' : 'done' in message ? 'done' : 'failed';
}

if (search.has('worker')) {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<Message>) => show(data);
  worker.onerror = ({ message }) => show({ failed: message });
  worker.postMessage({ steps });
} else {
  // Loaded when it is wanted: with the worker the page itself needs none of it.
  const { train } = await import('./train.js');
  await train(steps, show);
}
