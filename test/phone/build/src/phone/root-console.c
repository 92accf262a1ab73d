// A root shell on a virtio serial line, for test set-up: it touches neither adbd nor su.
// request:  ID BASE64-COMMAND \n       reply:  ID EXIT-CODE BASE64-STDOUT BASE64-STDERR \n   ("=" stands for nothing)
#define _GNU_SOURCE
#include "phone.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE "/dev/vport*p1"  // the first number depends on the order of the virtio devices

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t decode(char *text) {
  unsigned bits = 0, count = 0;
  size_t length = 0;
  for (char *at = text; *at && *at != '='; at++) {
    const char *digit = strchr(digits, *at);
    if (!digit) break;
    bits = bits << 6 | (unsigned)(digit - digits);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    text[length++] = bits >> count & 0xff;
  }
  text[length] = 0;
  return length;
}

static void send_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t sent = write(fd, data, size < 32768 ? size : 32768);
    if (sent < 0 && errno != EINTR && errno != EAGAIN) return;
    if (sent <= 0) continue;
    data += sent;
    size -= sent;
  }
}

static void send_encoded(int fd, int file) {
  struct stat status;
  fstat(file, &status);
  size_t size = status.st_size, used = 0;
  if (size == 0) {
    send_all(fd, "=", 1);
    return;
  }
  unsigned char *data = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
  char *text = malloc(size / 3 * 4 + 8);
  for (size_t at = 0; at < size; at += 3) {
    size_t left = size - at;
    unsigned bits = data[at] << 16 | (left > 1 ? data[at + 1] << 8 : 0) | (left > 2 ? data[at + 2] : 0);
    text[used++] = digits[bits >> 18 & 63];
    text[used++] = digits[bits >> 12 & 63];
    text[used++] = left > 1 ? digits[bits >> 6 & 63] : '=';
    text[used++] = left > 2 ? digits[bits & 63] : '=';
  }
  send_all(fd, text, used);
  free(text);
  munmap(data, size);
}

static int run(const char *command, int out, int err) {
  int status;
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(out, 1);
    dup2(err, 2);
    execl(SHELL, "sh", "-c", command, (char *)NULL);
    _exit(127);
  }
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void serve(int fd, char *request) {
  char head[64];
  char *space = strchr(request, ' ');
  if (!space) return;  // an empty line, sent to end an unfinished one
  *space = 0;
  decode(space + 1);
  int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
  int code = run(space + 1, out, err);
  int size = snprintf(head, sizeof head, "%.32s %d ", request, code);
  send_all(fd, head, size);
  send_encoded(fd, out);
  send_all(fd, " ", 1);
  send_encoded(fd, err);
  send_all(fd, "\n", 1);
  close(out);
  close(err);
}

// A read returns 0 while nobody is connected on the host's side, and poll() does not wait then either.
static ssize_t read_some(int fd, char *buffer, size_t size) {
  for (;;) {
    ssize_t got = read(fd, buffer, size);
    if (got > 0) return got;
    if (got < 0 && errno != EINTR && errno != EAGAIN) return -1;
    usleep(20000);
  }
}

static void console(int fd) {
  size_t used = 0, room = 4096;
  char *buffer = malloc(room);
  for (;;) {
    if (used + 1 >= room) buffer = realloc(buffer, room *= 2);
    ssize_t got = read_some(fd, buffer + used, room - used - 1);
    if (got < 0) return;
    used += got;
    for (char *end; (end = memchr(buffer, '\n', used));) {
      *end = 0;
      serve(fd, buffer);
      used -= end + 1 - buffer;
      memmove(buffer, end + 1, used);
    }
  }
}

static int open_line(void) {
  glob_t found = {0};
  for (int round = 0; round < 200 && glob(LINE, 0, NULL, &found); round++) usleep(10000);
  int fd = found.gl_pathc ? open(found.gl_pathv[0], O_RDWR | O_CLOEXEC) : -1;
  globfree(&found);
  return fd;
}

void root_console_start(void) {
  sigset_t none;
  if (fork()) return;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  prctl(PR_SET_NAME, "root-console");
  int fd = open_line();
  if (fd < 0) kernel_log(LINE ": %s", strerror(errno));
  else console(fd);
  _exit(1);
}
