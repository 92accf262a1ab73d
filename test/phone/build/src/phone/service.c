// adbd as Android's init runs it: in a control group of its own, which is killed as a whole when adbd ends or is
// restarted. (system/core/init/service.cpp, Service::KillProcessGroup). setsid does not save a child of `adb shell`.
#define _GNU_SOURCE
#include "phone.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUPS "/sys/fs/cgroup/uid_0"

static pid_t adbd;
static char group[64];

static int write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int failed = write(fd, text, strlen(text)) < 0;
  close(fd);
  return failed ? -1 : 0;
}

static void write_in_group(const char *file, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", group, file);
  if (write_file(path, text)) kernel_log("%s: %s", path, strerror(errno));
}

static void run_adbd(int go) {
  char byte;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setsid();
  while (read(go, &byte, 1) < 0 && errno == EINTR) {}  // until init has put us into the group
  int null = open("/dev/null", O_RDWR);
  int log = open("/dev/adbd.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(null, 0);
  dup2(log, 1);
  dup2(log, 2);
  for (int fd = 3; fd < 32; fd++) close(fd);
  execl("/system/bin/adbd", "adbd", (char *)NULL);
  _exit(127);
}

void adbd_start(void) {
  int go[2];
  char number[16];
  if (adbd || pipe2(go, O_CLOEXEC)) return;
  adbd = fork();
  if (adbd == 0) {
    close(go[1]);
    run_adbd(go[0]);
  }
  close(go[0]);
  snprintf(number, sizeof number, "%d", adbd);
  snprintf(group, sizeof group, GROUPS "/pid_%d", adbd);
  mkdir(GROUPS, 0755);
  mkdir(group, 0755);
  write_in_group("cgroup.procs", number);
  close(go[1]);
  property_set("init.svc.adbd", "running");
  property_set("init.svc_debug_pid.adbd", number);
}

// Kernels before 5.14 have no cgroup.kill; the list is read again until it is empty, for processes forked meanwhile.
static void kill_one_by_one(void) {
  char path[128];
  snprintf(path, sizeof path, "%s/cgroup.procs", group);
  for (int found = 1, round = 0; found && round < 100; round++) {
    FILE *file = fopen(path, "re");
    found = 0;
    for (int pid; file && fscanf(file, "%d", &pid) == 1; found++) kill(pid, SIGKILL);
    if (file) fclose(file);
    usleep(5000);
  }
}

static void remove_group(void) {
  for (int round = 0; round < 200 && rmdir(group) && errno == EBUSY; round++) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {}  // orphans of the group are ours now
    usleep(5000);
  }
}

void adbd_kill(void) {
  char path[128];
  if (!adbd) return;
  snprintf(path, sizeof path, "%s/cgroup.kill", group);
  if (access(path, F_OK)) kill_one_by_one();
  else write_in_group("cgroup.kill", "1");
  waitpid(adbd, NULL, 0);
  adbd = 0;
  remove_group();
  property_set("init.svc.adbd", "stopped");
}

void adbd_reaped(pid_t pid) {
  if (!adbd || pid != adbd) return;
  kernel_log("adbd ended");
  adbd_kill();
}
