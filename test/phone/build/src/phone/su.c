// su in the dialects that are met on phones; the property phone.su says which one, at each run:
// magisk (su -c CMD, through the daemon), aosp (su [WHO] [CMD ARG…]), deny (the user refused), hang (nobody answers).
#define _GNU_SOURCE
#include "phone.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void wait_for_ever(void) {
  for (;;) pause();
}

static int aosp_identity(const char *who, uid_t *uid) {
  char *end;
  if (!strcmp(who, "root")) *uid = 0;
  else if (!strcmp(who, "shell")) *uid = 2000;
  else {
    *uid = strtoul(who, &end, 10);
    return *who && !*end;
  }
  return 1;
}

// system/extras/su/su.cpp
static int aosp_su(int argc, char **argv) {
  uid_t uid = 0;
  if (getuid() != 0 && getuid() != 2000) {
    fprintf(stderr, "su: not allowed\n");
    return 1;
  }
  if (argc > 1 && !aosp_identity(argv[1], &uid)) {
    fprintf(stderr, "su: invalid uid/gid '%s'\n", argv[1]);
    return 1;
  }
  if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)) {
    fprintf(stderr, "su: setgid failed: %s\n", strerror(errno));
    return 1;
  }
  if (argc > 2) execvp(argv[2], argv + 2);
  else execl(SHELL, SHELL, (char *)NULL);
  fprintf(stderr, "su: failed to exec: %s\n", strerror(errno));
  return 1;
}

static int hand_over(int fd, const char *command) {
  int descriptors[3] = {0, 1, 2}, code = 1;
  char control[CMSG_SPACE(sizeof descriptors)] = {0};
  // A packet must not be empty, or it would look like the end: the final NUL is sent too.
  struct iovec data = {(char *)command, strlen(command) + 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptors);
  memcpy(CMSG_DATA(header), descriptors, sizeof descriptors);
  if (sendmsg(fd, &message, 0) < 0) {
    fprintf(stderr, "su: %s\n", strerror(errno));
    return 1;
  }
  return read(fd, &code, sizeof code) == sizeof code ? code : 1;
}

static int magisk_run(const char *command) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SU_SOCKET};
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), size = 256 * 1024;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
    fprintf(stderr, "su: %s\n", strerror(errno));
    return 1;
  }
  return hand_over(fd, command);
}

static char *join(char **words) {
  size_t size = 1;
  for (char **word = words; *word; word++) size += strlen(*word) + 1;
  char *text = calloc(1, size);
  for (char **word = words; *word; word++) {
    if (word != words) strcat(text, " ");
    strcat(text, *word);
  }
  return text;
}

static int magisk_usage(FILE *stream) {
  fprintf(stream, "MagiskSU\n\nUsage: su [options] [-] [user [argument...]]\n\nOptions:\n"
                  "  -c, --command COMMAND         Pass COMMAND to the invoked shell\n"
                  "  -h, --help                    Display this help message and exit\n"
                  "  -v, --version                 Display version number and exit\n");
  return stream == stdout ? 0 : 2;
}

static int magisk_su(char **argv) {
  for (char **word = argv + 1; *word; word++) {
    if (!strcmp(*word, "-c") || !strcmp(*word, "--command")) return word[1] ? magisk_run(join(word + 1)) : magisk_usage(stderr);
    if (!strcmp(*word, "-v") || !strcmp(*word, "--version")) return puts("27.0:MAGISKSU") < 0;
    if (!strcmp(*word, "-V")) return puts("27000") < 0;
    if (!strcmp(*word, "-h") || !strcmp(*word, "--help")) return magisk_usage(stdout);
    if (!strcmp(*word, "-") || !strcmp(*word, "-l") || !strcmp(*word, "--login")) continue;
    if (**word == '-') return magisk_usage(stderr);
    // `su 0 id` was seen to hang on a Pixel 2 with Magisk: a name followed by words is no command to it.
    if (word[1] && strcmp(word[1], "-c")) wait_for_ever();
  }
  return magisk_run("");
}

int su_main(int argc, char **argv) {
  char mode[16];
  property_get("phone.su", "magisk", mode, sizeof mode);
  if (!strcmp(mode, "aosp")) return aosp_su(argc, argv);
  if (!strcmp(mode, "hang")) wait_for_ever();
  if (!strcmp(mode, "magisk")) return magisk_su(argv);
  fprintf(stderr, "Permission denied\n");
  return 1;
}
