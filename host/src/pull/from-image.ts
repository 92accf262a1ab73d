import { hash } from 'node:crypto';
import type { KernelIdentity } from '@kheaders/shared';
import type { Cache } from '../cache/format.js';
import { recordBoot, recordIdentity } from '../cache/identity-index.js';
import { openStaging } from '../cache/staging.js';
import type { Context } from '../core/context.js';
import { type ErrorDetails, KhError } from '../core/error.js';
import { printable } from '../core/printable.js';
import type { Session } from '../device/session.js';
import { type PhoneFacts, untouched } from './phone-report.js';
import { publishImage } from './publish-image.js';
import type { PullOutcome } from './pull.js';
import { type ImageFile, readImageFile } from './read-image.js';

/**
 * The headers in an image of the very kernel a phone runs: the phone is only asked who it is. An image found lying
 * about is often of another build of the same release, so the whole banner must be the phone's /proc/version, and the
 * configuration in it the phone's /proc/config.gz, where both are known: builds may share a banner.
 * Errors: `release-mismatch`, those of readImageFile(), of the session and of publishImage().
 */
export async function pullFromImage(
  session: Session,
  cache: Cache,
  { file, facts }: { readonly file: string; readonly facts: PhoneFacts },
  ctx: Context,
): Promise<PullOutcome> {
  const image = await readImageFile(file, ctx);
  await using asked = await session.openProbe(ctx);
  const { identity, abi } = await asked.finish();
  assertSameKernel(image, identity);
  await using staging = await openStaging(cache, ctx);
  const { procVersion, fingerprint, machine } = identity;
  const provenance = { serial: facts.serial, model: facts.model, fingerprint, procVersion, abi };
  const entry = await publishImage(image, staging, { machine, provenance, identity }, ctx);
  await recordIdentity(cache, identity, entry, ctx);
  if (asked.boot !== undefined) await recordBoot(cache, asked.boot, entry, ctx);
  return { entry, phone: untouched, how: 'image' };
}

function assertSameKernel({ banner, config, path }: ImageFile, { procVersion, configSha256 }: KernelIdentity): void {
  if (banner === undefined) {
    throw new KhError('release-mismatch', 'The file does not say which kernel it is of', {
      reason: 'no-banner',
      path,
      expected: procVersion,
    });
  }
  const actual = printable(banner.text, 512);
  if (actual !== procVersion) throw mismatch({ reason: 'image-banner', path, expected: procVersion, actual });
  const found = config && hash('sha256', config);
  if (found === undefined || configSha256 === undefined || found === configSha256) return;
  throw mismatch({ reason: 'image-config', path, expected: configSha256, actual: found });
}

function mismatch(details: ErrorDetails): KhError {
  return new KhError('release-mismatch', 'The image is of another kernel than the phone runs', details);
}
