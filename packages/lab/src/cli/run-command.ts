import { inspect } from 'node:util';

/** Runs a command; its result is the exit status. */
export async function run(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    process.stderr.write(`initlab: ${showError(error)}\n`);
    process.exitCode = 1;
  }
  // Dawn keeps threads; with everything written there is nothing to wait for.
  await Promise.all([process.stdout, process.stderr].map(taken));
  process.exit();
}

/** When a pipe has taken all that was written to it: its reader may be slower than the command, and would lose the rest. */
const taken = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });

/** Of an error, what is made for people; the stack too, and the causes', with INITLAB_DEBUG. */
function showError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return process.env.INITLAB_DEBUG ? inspect(error) : error.message;
}
