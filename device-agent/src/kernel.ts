import { type MessageBody, decodeUtf8 } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import { Digest } from './digest.js';
import { FileError, readBytes, readLine, readRest, toHex } from './files.js';
import { readBootId } from './state-file.js';

/** Every fact that tells one kernel from another. */
export function readKernel(): MessageBody<'kernel'> {
  const properties = readProperties();
  return {
    bootId: readBootId(),
    procVersion: readLine('/proc/version'),
    machine: native.uname()[1],
    configSha256: digestFile('/proc/config.gz'),
    notesSha256: digestFile('/sys/kernel/notes'),
    fingerprint: findProperty(properties, 'ro.build.fingerprint'),
    abi: findProperty(properties, 'ro.product.cpu.abi'),
    vbmeta: findProperty(properties, 'ro.boot.vbmeta.digest'),
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

const propertiesLimit = 512 * 1024;

/**
 * All system properties, by Android's own program: the files behind it are no interface. Asked for at once, because on a
 * phone each program costs some milliseconds. Empty where there is no such program.
 */
function readProperties(): string {
  const pipe = os.pipe();
  if (pipe === null) return '';
  const [input, output] = pipe;
  const pid = os.exec(['getprop'], { block: false, stdout: output });
  os.close(output);
  const bytes = readRest(input, propertiesLimit);
  os.close(input);
  if (pid > 0) os.waitpid(pid, 0);
  return decodeUtf8(bytes, true) ?? '';
}

/** From lines of the form `[name]: [value]`; empty where it is not set. */
function findProperty(properties: string, name: string): string {
  const head = `[${name}]: [`;
  const line = properties.split('\n').find((candidate) => candidate.startsWith(head));
  return line?.slice(head.length, line.lastIndexOf(']')) ?? '';
}
