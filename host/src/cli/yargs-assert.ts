/**
 * What yargs uses of `node:assert`, in its place in the package (scripts/build.mjs): loading that takes 4 ms of every
 * start, and the errors, which only a wrong use of yargs raises, need no coloured differences.
 */
export function strictEqual(actual: unknown, expected: unknown, message?: string): void {
  if (!Object.is(actual, expected)) throw new Error(message ?? `${String(actual)} is not ${String(expected)}`);
}

export function notStrictEqual(actual: unknown, expected: unknown, message?: string): void {
  if (Object.is(actual, expected)) throw new Error(message ?? `It is ${String(actual)}`);
}
