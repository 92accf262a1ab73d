import type { Context } from './context.js';

/**
 * Runs a clean-up that must not hide the failure it follows: what it throws becomes a warning. A disposer that throws
 * inside `await using` would replace the body's error (Node 20 shows a SuppressedError with the wrong one on top).
 */
export async function quietly(ctx: Context, what: string, cleanUp: () => Promise<void>): Promise<void> {
  try {
    await cleanUp();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    ctx.report({ kind: 'warning', warning: 'cleanup', message: `Cannot ${what}: ${reason}` });
  }
}
