/* All of the agent that is not TypeScript: main(), and the module "native", which is the system calls that the engine's
 * own modules lack. What each is for is told in ../src/engine.d.ts. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "quickjs-libc.h"
#include "sha256.h"
#include "heap.h"

/* References are counted, so that only cycles wait for a collection: one takes 3 ms on an emulated phone. */
enum { MEMORY_LIMIT = 64 << 20, GC_THRESHOLD = 8 << 20, EXIT_FATAL = 70 };

#define FUNCTION(name) static JSValue name##_(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
/* A function that is one system call. */
#define CALL(name, expression) FUNCTION(name) { return result(ctx, expression); }
static JSValue result(JSContext *ctx, int64_t value) { return JS_NewInt64(ctx, value < 0 ? -errno : value); }

static JSValue pair(JSContext *ctx, JSValue first, JSValue second) {
    JSValue array = JS_NewArray(ctx);
    JS_SetPropertyUint32(ctx, array, 0, first);
    JS_SetPropertyUint32(ctx, array, 1, second);
    return array;
}

/* What is not a number becomes -1, which is no descriptor; undefined must not become 0. */
static int integer(JSContext *ctx, JSValueConst value) {
    int number;
    return JS_IsNumber(value) && JS_ToInt32(ctx, &number, value) == 0 ? number : -1;
}

/* A string, until the next one. NULL, which the kernel answers with EFAULT, if it is longer than any should be. */
static const char *text(JSContext *ctx, JSValueConst value) {
    static char copy[4096];
    size_t size;
    const char *string = JS_ToCStringLen(ctx, &size, value);
    const char *kept = string && size < sizeof copy ? memcpy(copy, string, size + 1) : NULL;
    JS_FreeCString(ctx, string);
    return kept;
}

/* The arguments buffer, offset, length. NULL with an exception if they do not fit each other. */
static uint8_t *bytes(JSContext *ctx, JSValueConst *argv, uint64_t *length) {
    uint64_t offset;
    size_t size;
    uint8_t *buffer = JS_GetArrayBuffer(ctx, &size, argv[0]);
    if (!buffer || JS_ToIndex(ctx, &offset, argv[1]) || JS_ToIndex(ctx, length, argv[2])) return NULL;
    if (offset > size || *length > size - offset) return JS_ThrowRangeError(ctx, "outside of the buffer"), NULL;
    return buffer + offset;
}

/* "@name" is in the abstract namespace, where the length alone ends a name; anything else is a path. */
static int open_socket(const char *name, int flags, int is_server) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct sockaddr *at = (struct sockaddr *)&address;
    size_t length = name ? strlen(name) : 0;
    if (length == 0 || length > sizeof address.sun_path) return errno = EINVAL, -1;
    memcpy(address.sun_path, name, length);
    if (name[0] == '@') address.sun_path[0] = 0;
    socklen_t size = sizeof address.sun_family + length;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd < 0 || (is_server ? bind(fd, at, size) || listen(fd, 16) : connect(fd, at, size)) == 0) return fd;
    close(fd); /* does not fail, so errno stays */
    return -1;
}

CALL(listen, open_socket(text(ctx, argv[0]), SOCK_NONBLOCK, 1))
CALL(connect, open_socket(text(ctx, argv[0]), 0, 0))
CALL(accept, accept4(integer(ctx, argv[0]), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC))
CALL(setNonblock, ioctl(integer(ctx, argv[0]), FIONBIO, &(int){JS_ToBool(ctx, argv[1])}))
CALL(loadModule, syscall(SYS_finit_module, integer(ctx, argv[0]), text(ctx, argv[1]), integer(ctx, argv[2])))
CALL(unloadModule, syscall(SYS_delete_module, text(ctx, argv[0]), O_NONBLOCK))
CALL(lock, flock(integer(ctx, argv[0]), LOCK_NB | (JS_ToBool(ctx, argv[1]) ? LOCK_EX : LOCK_SH)))
CALL(unlock, flock(integer(ctx, argv[0]), LOCK_UN))
CALL(fork, fork())
CALL(pid, getpid())
CALL(uid, getuid())
CALL(setsid, setsid())
CALL(setName, prctl(PR_SET_NAME, text(ctx, argv[0])))
CALL(closeRange, syscall(SYS_close_range, integer(ctx, argv[0]), integer(ctx, argv[1]), 0))

FUNCTION(socketpair) {
    int fds[2], failed = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
    return failed ? result(ctx, -1) : pair(ctx, JS_NewInt32(ctx, fds[0]), JS_NewInt32(ctx, fds[1]));
}

FUNCTION(peerCredentials) {
    struct ucred peer;
    int failed = getsockopt(integer(ctx, argv[0]), SOL_SOCKET, SO_PEERCRED, &peer, &(socklen_t){sizeof peer});
    return failed ? result(ctx, -1) : pair(ctx, JS_NewInt32(ctx, peer.pid), JS_NewUint32(ctx, peer.uid));
}

FUNCTION(uname) {
    struct utsname name;
    uname(&name);
    return pair(ctx, JS_NewString(ctx, name.release), JS_NewString(ctx, name.machine));
}

FUNCTION(readFull) {
    uint64_t length, done = 0;
    uint8_t *buffer = bytes(ctx, argv + 1, &length);
    if (!buffer) return JS_EXCEPTION;
    ssize_t got = 0;
    while (done < length && (got = read(integer(ctx, argv[0]), buffer + done, length - done)) > 0) done += got;
    return result(ctx, done > 0 ? (int64_t)done : got);
}

CALL(memoryInUse, heap_in_use)

FUNCTION(bootMilliseconds) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return result(ctx, now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000);
}

FUNCTION(sha256) {
    size_t size;
    uint64_t length;
    struct sha256 *state = (struct sha256 *)JS_GetArrayBuffer(ctx, &size, argv[0]);
    if (!state || size < sizeof *state) return JS_ThrowRangeError(ctx, "not a state");
    if (JS_IsNull(argv[1])) return JS_NewArrayBufferCopy(ctx, sha256_end(state), 32);
    uint8_t *data = bytes(ctx, argv + 1, &length);
    if (data) sha256_add(state, data, length);
    return data ? JS_UNDEFINED : JS_EXCEPTION;
}

#define ENTRY(name) JS_CFUNC_DEF(#name, 4, name##_) /* no function has more than four arguments */
#define INT(name) JS_PROP_INT32_DEF(#name, name, 0)

static const JSCFunctionListEntry exports[] = {
    ENTRY(listen), ENTRY(connect), ENTRY(accept), ENTRY(socketpair), ENTRY(peerCredentials), ENTRY(setNonblock),
    ENTRY(loadModule), ENTRY(unloadModule), ENTRY(lock), ENTRY(unlock), ENTRY(fork), ENTRY(setsid), ENTRY(closeRange), ENTRY(setName),
    ENTRY(pid), ENTRY(uid), ENTRY(uname), ENTRY(readFull), ENTRY(bootMilliseconds), ENTRY(memoryInUse),
    ENTRY(sha256), JS_PROP_INT32_DEF("SHA256_STATE", sizeof(struct sha256), 0), INT(O_NONBLOCK), INT(O_CLOEXEC),
    INT(O_NOFOLLOW), INT(EPERM), INT(ENOENT), INT(EINTR), INT(EAGAIN), INT(EACCES), INT(EBUSY), INT(EEXIST),
    INT(EINVAL), INT(EPIPE), INT(EADDRINUSE), INT(ECONNREFUSED),
};
enum { EXPORT_COUNT = sizeof exports / sizeof *exports };
static int add_exports(JSContext *ctx, JSModuleDef *m) { return JS_SetModuleExportList(ctx, m, exports, EXPORT_COUNT); }

/* Where every error ends that nobody handled: nothing goes on after it, and the process that guards this one cleans up.
 * The engine's own function prints and returns; the build makes that one weak, so that its callers get this one. */
void js_std_dump_error(JSContext *ctx) {
    JS_SetMemoryLimit(JS_GetRuntime(ctx), -1); /* the error may be that there was none left */
    JSValue error = JS_GetException(ctx), stack = JS_GetPropertyStr(ctx, error, "stack");
    const char *line = JS_ToCString(ctx, error), *trace = JS_IsUndefined(stack) ? "" : JS_ToCString(ctx, stack);
    fprintf(stderr, "agent: fatal: %s\n%s", line ? line : "(no text)", trace ? trace : "");
    exit(EXIT_FATAL);
}

/* A promise may get its handler later in the same turn, so they are judged, as in Node, when no other job is left. */
static int unhandled, is_check_queued;
static JSValue check_unhandled(JSContext *ctx, int argc, JSValueConst *argv) {
    is_check_queued = JS_IsJobPending(JS_GetRuntime(ctx)) && JS_EnqueueJob(ctx, check_unhandled, 1, argv) == 0;
    return !is_check_queued && unhandled > 0 ? JS_Throw(ctx, JS_DupValue(ctx, argv[0])) : JS_UNDEFINED;
}

static void track_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, JS_BOOL handled, void *unused) {
    unhandled += handled ? -1 : 1;
    if (!is_check_queued) is_check_queued = JS_EnqueueJob(ctx, check_unhandled, 1, &reason) == 0;
}

extern const uint8_t program[]; /* bytecode, made from the TypeScript by qjsc */
extern const uint32_t program_size;

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0); /* what a buffer holds at fork() would be written twice */
    JSRuntime *runtime = JS_NewRuntime2(&heap, NULL);
    JS_SetMemoryLimit(runtime, MEMORY_LIMIT);
    JS_SetGCThreshold(runtime, GC_THRESHOLD);
    JS_SetHostPromiseRejectionTracker(runtime, track_rejection, NULL);
    js_std_init_handlers(runtime);
    JSContext *ctx = JS_NewContextRaw(runtime); /* without eval, so that the parser is not linked */
    JS_AddIntrinsicBaseObjects(ctx);
    JS_AddIntrinsicJSON(ctx);
    JS_AddIntrinsicMapSet(ctx);
    JS_AddIntrinsicTypedArrays(ctx);
    JS_AddIntrinsicPromise(ctx);
    js_init_module_std(ctx, "std");
    js_init_module_os(ctx, "os");
    JS_AddModuleExportList(ctx, JS_NewCModule(ctx, "native", add_exports), exports, EXPORT_COUNT);
    js_std_add_helpers(ctx, argc, argv);
    js_std_eval_binary(ctx, program, program_size, 0);
    js_std_loop(ctx);
}
