// The root side of Magisk's su: it is not a child of adbd. The client hands over its three descriptors and the command;
// the daemon's child runs it in a session of its own and gets no signal when the client dies.
// (Magisk, native/src/su/su_daemon.cpp)
#define _GNU_SOURCE
#include "phone.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int receive(int fd, char *command, size_t size, int descriptors[3]) {
  char control[CMSG_SPACE(3 * sizeof(int))];
  struct iovec data = {command, size - 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (got < 0 || !header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(3 * sizeof(int))) return -1;
  command[got] = 0;
  memcpy(descriptors, CMSG_DATA(header), 3 * sizeof(int));
  return 0;
}

static void enter_directory_of(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  char path[64];
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size)) return;
  snprintf(path, sizeof path, "/proc/%d/cwd", peer.pid);
  if (chdir(path) && chdir("/")) kernel_log("su: %s", strerror(errno));
}

static void run_as_root(const char *command, const int descriptors[3]) {
  setsid();
  signal(SIGPIPE, SIG_DFL);
  for (int i = 0; i < 3; i++) dup2(descriptors[i], i);
  if (*command) execl(SHELL, "sh", "-c", command, (char *)NULL);
  else execl(SHELL, "sh", (char *)NULL);
  _exit(127);
}

static void serve(int fd) {
  static char command[128 * 1024];
  int descriptors[3], status;
  if (receive(fd, command, sizeof command, descriptors)) return;
  enter_directory_of(fd);
  pid_t pid = fork();
  if (pid == 0) run_as_root(command, descriptors);
  for (int i = 0; i < 3; i++) close(descriptors[i]);  // only the child may hold the client's streams open
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  send(fd, &code, sizeof code, MSG_NOSIGNAL);
}

static int listen_on(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  int size = 256 * 1024;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 16)) kernel_log("su: %s", strerror(errno));
  chmod(path, 0666);
  return fd;
}

void su_daemon_start(void) {
  int listener = listen_on(SU_SOCKET);
  sigset_t none;
  if (fork()) {
    close(listener);
    return;
  }
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  prctl(PR_SET_NAME, "su-daemon");
  signal(SIGCHLD, SIG_IGN);  // the servers reap themselves
  for (;;) {
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) continue;
    if (fork() == 0) {
      signal(SIGCHLD, SIG_DFL);
      serve(client);
      _exit(0);
    }
    close(client);
  }
}
