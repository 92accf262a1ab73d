import { delimiter, join } from 'node:path';

/** The environment in which the compilers of the phone's cache are found, as build/llvm.sh writes it into env.sh. */
export function llvmEnv(llvm: string): Record<string, string> {
  const programs = [join(llvm, 'usr/lib/llvm-14/bin'), join(llvm, 'usr/bin'), process.env['PATH'] ?? ''];
  const libraries = [join(llvm, 'usr/lib/x86_64-linux-gnu'), join(llvm, 'usr/lib/llvm-14/lib')];
  return { PATH: programs.join(delimiter), LD_LIBRARY_PATH: libraries.join(delimiter) };
}
