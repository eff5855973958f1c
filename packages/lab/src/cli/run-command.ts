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
  process.exit();
}

/** Of an error, what is made for people; the stack too, and the causes', with INITLAB_DEBUG. */
function showError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return process.env.INITLAB_DEBUG ? inspect(error) : error.message;
}
