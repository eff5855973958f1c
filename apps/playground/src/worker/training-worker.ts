import { type Device, DeviceError, openDevice } from '@initlab/core';
import type { ImageDataset } from '@initlab/data';
import type { Failure, FromWorker, ToWorker } from '../messages.js';
import { adapterKernels } from './adapter-kernels.js';
import { OwnCodeError } from './own-code-error.js';
import { Race, SideError, Superseded } from './race.js';
import { sampleImages } from './sample-images.js';

const scope = self as unknown as {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};
const tell = (message: FromWorker): void => scope.postMessage(message);

let device: Device | undefined;
let images: Promise<ImageDataset> | undefined;
let race: Race | undefined;
let running = false;
let single = false;
/** Of the latest `build`. */
let current = 0;
/** One thing after another: a build waits for the step under way. */
let chain: Promise<void> = Promise.resolve();

scope.onmessage = ({ data: message }) => {
  if (message.type === 'build') {
    current = message.race;
    running = false;
    then(message.race, () => build(message));
  } else if (message.type === 'ping') {
    tell({ type: 'pong' });
  } else if (message.type === 'run') {
    running = message.running;
    then(current, loop);
  } else {
    single = true;
    then(current, loop);
  }
};

/** Does it after what is under way; where it fails, the race of this number did. */
function then(number: number, body: () => Promise<void>): void {
  chain = chain.then(body).catch((error: unknown) => {
    if (error instanceof Superseded) return;
    if (number === current) running = false;
    tell({ type: 'failed', race: number, failure: failureOf(error) });
  });
}

async function build({ race: number, settings, ownJs }: Extract<ToWorker, { type: 'build' }>): Promise<void> {
  // Another one came meanwhile.
  if (number !== current) return;
  race?.dispose();
  race = undefined;
  images ??= sampleImages();
  images.catch(() => {
    images = undefined;
  });
  tell({ type: 'doing', race: number, what: 'opening the GPU' });
  device ??= await opened();
  const dataset = await images.catch((cause: unknown) => {
    throw new ImagesError(cause instanceof Error ? cause.message : String(cause));
  });
  race = await Race.create({ race: number, settings, ownJs, device, dataset, tell, wanted: () => number === current });
  tell({ type: 'doing', race: number, what: '' });
}

async function opened(): Promise<Device> {
  const made = await openDevice({ adapterKernels });
  tell({ type: 'opened', adapter: made.caps.adapter, software: made.caps.software });
  return made;
}

class ImagesError extends Error {}

async function loop(): Promise<void> {
  while (race && (running || single)) {
    single = false;
    await race.step();
    // Messages come between two steps.
    await new Promise((resolve) => setTimeout(resolve));
  }
}

function failureOf(error: unknown): Failure {
  const cause = error instanceof SideError ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof DeviceError) {
    const lost = device !== undefined;
    device = undefined;
    race = undefined;
    return { of: 'device', reason, lost };
  }
  if (error instanceof ImagesError) return { of: 'images', reason };
  const { kind, line } = cause instanceof OwnCodeError ? cause : {};
  return { of: error instanceof SideError ? error.side : 'device', reason, kind, line };
}
