import { join } from 'node:path';

/**
 * The programs to try, in order, when an adb server must be started: $ADB, the SDK's platform-tools, then PATH. scrcpy
 * and Android Studio look in the same places.
 */
export function listAdbBinaries(env: NodeJS.ProcessEnv): readonly string[] {
  const { ADB, ANDROID_HOME, ANDROID_SDK_ROOT } = env;
  if (ADB) return [ADB];
  const sdk = [ANDROID_HOME, ANDROID_SDK_ROOT].filter((folder) => folder !== undefined && folder !== '');
  return [...sdk.map((folder) => join(folder as string, 'platform-tools', 'adb')), 'adb'];
}
