import { type KhError, isKhError } from '../core/error.js';
import { printable } from '../core/printable.js';
import { advisors } from './advice.js';
import { exitCodeOf } from './exit-codes.js';

/** A failure as a person reads it: what and on which device, why, what to type next. Causes only with --verbose. */
export function renderError(error: unknown, verbose: boolean): string {
  if (!isKhError(error))
    return `kheaders: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  const { serial, release } = error.details;
  const about = [
    serial !== undefined && !error.message.includes(serial) ? `device ${printable(serial)}` : undefined,
    release === undefined ? release : printable(release),
  ]
    .filter((part) => part !== undefined && !error.message.includes(part))
    .join(', ');
  const { why, next } = advisors[error.code](error.details);
  return [
    `kheaders: ${printable(error.message, 400)}${about === '' ? '' : ` (${about})`} [${error.code}]`,
    ...why.map((line) => `  ${line}`),
    ...next.map((line, index) => `  ${index === 0 ? 'next:' : '  or:'} ${line}`),
    ...(verbose ? renderCauses(error) : []),
  ].join('\n');
}

function renderCauses(error: KhError): string[] {
  const lines: string[] = [];
  for (let cause = error.cause; cause instanceof Error && lines.length < 8; cause = cause.cause) {
    lines.push(`  cause: ${printable(cause.message, 400)}`);
  }
  return [
    ...lines,
    ...(error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .map((line) => `  ${printable(line.trim(), 400)}`),
  ];
}

/** A failure as the value `--json` prints; the schema is in docs/json.md. */
export function describeError(error: unknown): object {
  if (!isKhError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: 'internal', exitCode: 1, message, details: {}, next: [] };
  }
  const { code, message, details } = error;
  return { code, exitCode: exitCodeOf(error), message, details, next: advisors[code](details).next };
}

export function renderErrorJson(error: unknown): string {
  return JSON.stringify({ ok: false, error: describeError(error) });
}
