/** How often either end of a link says that it is alive. */
export const pingMilliseconds = 5_000;
/** A link that was silent for so long is dead: the host sleeps, the cable is out, the process is stopped. */
export const silenceMilliseconds = 20_000;
/** A module whose holder went with its daemon is kept this long for the holder to come back. */
export const orphanMilliseconds = 1_500;
/** A daemon with nothing to do ends after this. */
export const idleMilliseconds = 2_000;
/** How long the module is left to a reader that holds a lock, or to whoever uses it. */
export const unloadMilliseconds = 30_000;
