/**
 * The part of the library that makes something of a cached kernel: trees and modules, eBPF, comparisons, modules on a phone.
 * A file of its own, so that the commands without it start sooner.
 */
export { type BuildOptions, type BuiltModule, buildModule } from './build/build-module.js';
export { type PlaceOptions, kdir } from './build/kdir.js';
export type { Kdir, KdirOptions } from './build/make-kdir.js';
export type { BpfEnvironment, BpfTool } from './build/bpf-environment.js';
export { type BpfOptions, bpfEnvironment, headerFlags } from './build/ebpf.js';
export { type FlagKind, formatResponseFile, isPlainLine } from './build/header-flags.js';
export type { FileDifference, OptionDifference } from './build/compare-kernels.js';
export { type KernelDifference, diffKernels, formatPatch } from './build/diff-kernels.js';
export { type Btf, pullBtf } from './run/pull-btf.js';
export { findBtf, writeVmlinuxHeader } from './run/write-vmlinux-header.js';
export { type CheckName, type Finding, type Verdict, describeVerdict } from './build/finding.js';
export { type CheckResult, checkAgainstEntry, checkAgainstPhone, pullKernel } from './run/check-file.js';
export type { KernelLine } from './run/leased-module.js';
export { type RunOptions, type RunResult, runModule } from './run/run-module.js';
