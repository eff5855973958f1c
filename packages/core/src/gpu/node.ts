import * as adapterKernels from '@initlab/kernels/adapter-kernels';
import { collectSoon, gaveLoose, tookLoose } from './collector.js';
import { destroyAtExit } from './destroy-at-exit.js';
import { nodeHost as inBrowser, type NodeHost } from './no-node.js';
import { addressRoom, checkBindGroupRoom } from './process-room.js';
import { restUntil } from './rest.js';

// In Node. For browsers, package.json puts no-node.ts in the place of this file.
const inNode: NodeHost = {
  addressRoom,
  checkBindGroupRoom,
  destroyAtExit,
  restUntil,
  tookLoose,
  gaveLoose,
  adapterKernels: async () => adapterKernels,
  collectSoon,
};

/** What is to be done for the process where there is one. */
export const nodeHost: NodeHost = typeof process === 'undefined' ? inBrowser : inNode;
