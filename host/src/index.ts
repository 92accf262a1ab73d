/**
 * kheaders as a library. Silent: it writes to no stream and reports through `onEvent`; cancel with `signal`. Every
 * failure is a KhError with a code from a closed list.
 */
export * from './building.js';
export * from './keeping.js';
export * from './pulling.js';
