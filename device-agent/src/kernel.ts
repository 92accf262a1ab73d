import { type MessageBody, decodeUtf8 } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import { Digest } from './digest.js';
import { FileError, readBytes, readLine, toHex } from './files.js';
import { readBootId } from './state-file.js';

/** Every fact that tells one kernel from another. */
export function readKernel(): MessageBody<'kernel'> {
  return {
    bootId: readBootId(),
    procVersion: readLine('/proc/version'),
    machine: native.uname()[1],
    configSha256: digestFile('/proc/config.gz'),
    notesSha256: digestFile('/sys/kernel/notes'),
    fingerprint: readProperty('ro.build.fingerprint'),
    abi: readProperty('ro.product.cpu.abi'),
    vbmeta: readProperty('ro.boot.vbmeta.digest'),
  };
}

function digestFile(path: string): string {
  try {
    const bytes = readBytes(path);
    const digest = new Digest();
    digest.update(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
    return toHex(digest.finish());
  } catch (error) {
    if (error instanceof FileError) return '';
    throw error;
  }
}

const propertyLimit = 4096;

/** A system property, by Android's own program: the files behind it are no interface. */
function readProperty(name: string): string {
  const pipe = os.pipe();
  if (pipe === null) return '';
  const [input, output] = pipe;
  const pid = os.exec(['getprop', name], { block: false, stdout: output });
  os.close(output);
  const buffer = new Uint8Array(propertyLimit);
  const count = native.readFull(input, buffer.buffer, 0, propertyLimit);
  os.close(input);
  if (pid > 0) os.waitpid(pid, 0);
  return count <= 0 ? '' : (decodeUtf8(buffer.subarray(0, count), true) ?? '').trim();
}
