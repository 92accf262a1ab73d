import type { Message } from '../../shared/src/agent/messages.js';

/** A value as plain data: bytes are written as hex. */
export type Plain<T> = T extends Uint8Array
  ? { readonly hex: string }
  : T extends readonly (infer E)[]
    ? readonly Plain<E>[]
    : T extends object
      ? { readonly [K in keyof T]: Plain<T[K]> }
      : T;

export type PlainMessage = Plain<Message>;

const maxU32 = 4_294_967_295;
const maxU64 = 9_007_199_254_740_991;
const hello = { protocol: 3, build: '0f1e2d3c4b5a69788796a5b4c3d2e1f0', sender: 'kheaders 0.1.0' };
const archive = '/sys/kernel/kheaders.tar.xz';
const module = '/vendor/lib/modules/kheaders.ko';
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** One, two, three and four bytes a character; a zero; the ends of each length; a byte order mark, which stays. */
const characters = 'a\0ß€📱\u007f\u0080\u07ff\u0800\ud7ff\ue000\ufffd\uffff\u{10000}\u{10ffff}\ufeff';

/**
 * What the golden files say: agent/NAME.bin is the frame of the message with that key. Written by make-agent.ts, read by
 * tests under Node and under QuickJS. A key is the message's name, or NAME-WHAT. Fields stand in the order of the wire.
 */
export const goldenMessages: Readonly<Record<string, PlainMessage>> = {
  hello: { name: 'hello', id: 0, body: hello },
  'hello-empty': { name: 'hello', id: 0, body: { protocol: 0, build: '', sender: '' } },
  'hello-characters': { name: 'hello', id: maxU32, body: { protocol: maxU32, build: characters, sender: 'größe' } },
  identity: { name: 'identity', id: 1, body: {} },
  find: { name: 'find', id: 2, body: {} },
  lease: {
    name: 'lease',
    id: 3,
    body: {
      module: 'kheaders',
      release: '6.1.25-android14-11-gdeadbeef',
      paths: [module, '/system_dlkm/lib/modules/kheaders.ko'],
      archives: [archive, '/proc/kheaders.tar.xz'],
      parameters: 'dyndbg=+p',
      holder: 'ann@build-7 4242',
      sole: false,
    },
  },
  'lease-empty': {
    name: 'lease',
    id: 0x01020304,
    body: { module: '', release: '', paths: [], archives: [], parameters: '', holder: '', sole: false },
  },
  'lease-many': {
    name: 'lease',
    id: 4,
    body: { module: 'm', release: 'r', paths: ['', '', ''], archives: [''], parameters: '', holder: 'ñ', sole: true },
  },
  release: { name: 'release', id: 5, body: {} },
  read: { name: 'read', id: 6, body: { path: archive, offset: 0, digest: true } },
  'read-largest': { name: 'read', id: 7, body: { path: '', offset: maxU64, digest: false } },
  'read-high': { name: 'read', id: 8, body: { path: '/', offset: 4_294_967_296, digest: false } },
  stat: { name: 'stat', id: 9, body: { path: module } },
  'stat-empty': { name: 'stat', id: 10, body: { path: '' } },
  log: { name: 'log', id: 11, body: { after: 0, follow: false, fresh: true } },
  'log-largest': { name: 'log', id: 12, body: { after: maxU64, follow: true, fresh: false } },
  status: { name: 'status', id: 13, body: {} },
  shutdown: { name: 'shutdown', id: 14, body: {} },
  ping: { name: 'ping', id: maxU32, body: {} },
  cancel: { name: 'cancel', id: 15, body: { request: 6 } },
  'cancel-largest': { name: 'cancel', id: 16, body: { request: maxU32 } },
  join: { name: 'join', id: 1, body: { token: '00112233445566778899aabbccddeeff' } },
  store: { name: 'store', id: 17, body: { bytes: { hex: '7f454c4602010100' } } },
  'store-empty': { name: 'store', id: 18, body: { bytes: { hex: '' } } },
  channel: { name: 'channel', id: 19, body: { name: 'kheaders-0123' } },
  'channel-empty': { name: 'channel', id: 20, body: { name: '' } },
  kernel: {
    name: 'kernel',
    id: 1,
    body: {
      bootId: '6f1de4a2-0f0e-4a55-b7a2-24f2f6a3c9d1',
      procVersion: 'Linux version 6.1.25-android14-11-gdeadbeef (build@host) (clang) #1 SMP PREEMPT',
      machine: 'aarch64',
      configSha256: sha256,
      notesSha256: sha256,
      fingerprint: 'maker/product/device:14/UP1A/1:user/release-keys',
      abi: 'arm64-v8a',
      vbmeta: sha256,
    },
  },
  'kernel-empty': {
    name: 'kernel',
    id: 2,
    body: {
      bootId: '',
      procVersion: '',
      machine: '',
      configSha256: '',
      notesSha256: '',
      fingerprint: '',
      abi: '',
      vbmeta: '',
    },
  },
  found: {
    name: 'found',
    id: 2,
    body: {
      live: [{ path: archive, readable: true }],
      modules: [
        { path: module, readable: false },
        { path: '/odm/lib/módulos/kheaders.ko', readable: true },
      ],
    },
  },
  'found-nothing': { name: 'found', id: 3, body: { live: [], modules: [] } },
  leased: {
    name: 'leased',
    id: 3,
    body: { path: module, archive, size: 3_801_088, ours: true, before: ['kheaders_test', 'zram'] },
  },
  'leased-largest': { name: 'leased', id: 4, body: { path: '', archive: '', size: maxU64, ours: false, before: [] } },
  released: { name: 'released', id: 5, body: { unload: 'ok', detail: '', after: ['zram'] } },
  'released-none': { name: 'released', id: 6, body: { unload: 'none', detail: '', after: [] } },
  'released-failed': {
    name: 'released',
    id: 7,
    body: { unload: 'failed', detail: 'EBUSY: cat 77 liest noch …', after: [''] },
  },
  data: { name: 'data', id: 6, body: { bytes: { hex: 'fd377a585a000004e6d6b446' } } },
  'data-empty': { name: 'data', id: 7, body: { bytes: { hex: '' } } },
  'data-magic': { name: 'data', id: 8, body: { bytes: { hex: '6b686561646572732d6167656e740a00ff' } } },
  end: { name: 'end', id: 6, body: { size: 3_801_088, digest: { hex: sha256 } } },
  'end-empty': { name: 'end', id: 7, body: { size: 0, digest: { hex: '' } } },
  'end-largest': { name: 'end', id: maxU32, body: { size: maxU64, digest: { hex: 'ff'.repeat(32) } } },
  fileInfo: { name: 'fileInfo', id: 9, body: { size: 3_801_088, mode: 0o100444, uid: 0 } },
  'fileInfo-largest': { name: 'fileInfo', id: 10, body: { size: maxU64, mode: maxU32, uid: maxU32 } },
  line: {
    name: 'line',
    id: 11,
    body: { sequence: 1234, microseconds: 5_006_007, level: 6, text: 'kheaders: loading out-of-tree module' },
  },
  'line-largest': {
    name: 'line',
    id: 12,
    body: { sequence: maxU64, microseconds: maxU64, level: 255, text: '\ufffd' },
  },
  'line-empty': { name: 'line', id: 13, body: { sequence: 0, microseconds: 0, level: 0, text: '' } },
  state: {
    name: 'state',
    id: 13,
    body: {
      build: hello.build,
      daemon: 812,
      guard: 813,
      memory: 2210,
      milliseconds: 65_432,
      detached: true,
      modules: ['kheaders'],
      leases: [
        { holder: 'ann@build-7 4242', pid: 811, module: 'kheaders', milliseconds: 1500 },
        { holder: 'Zoë@ラップトップ 1', pid: maxU32, module: '', milliseconds: maxU64 },
      ],
    },
  },
  'state-none': {
    name: 'state',
    id: 14,
    body: { build: '', daemon: 0, guard: 0, memory: 0, milliseconds: 0, detached: false, modules: [], leases: [] },
  },
  done: { name: 'done', id: 14, body: {} },
  error: {
    name: 'error',
    id: 3,
    body: { code: 'load', errno: 8, path: module, detail: 'finit_module: Exec format error' },
  },
  'error-first': { name: 'error', id: 0, body: { code: 'bad-frame', errno: 0, path: '', detail: '' } },
  'error-last': {
    name: 'error',
    id: maxU32,
    body: { code: 'internal', errno: maxU32, path: '/ä', detail: characters },
  },
  notice: { name: 'notice', id: 0, body: { text: 'kheaders is held by cat (pid 77); retrying' } },
  'notice-empty': { name: 'notice', id: 0, body: { text: '' } },
  moved: { name: 'moved', id: 19, body: {} },
};
