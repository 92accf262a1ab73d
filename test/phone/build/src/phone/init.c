#define _GNU_SOURCE
#include "phone.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int watch_children(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

static int watch_properties(void) {
  int fd = inotify_init1(IN_CLOEXEC);
  inotify_add_watch(fd, PROPERTIES, IN_MOVED_TO);
  return fd;
}

static void reap(int fd) {
  struct signalfd_siginfo info;
  if (read(fd, &info, sizeof info) < 0) return;
  for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) adbd_reaped(pid);
}

static void restart_adbd(const char *why) {
  kernel_log("restarting adbd (%s)", why);
  usleep(400000);  // adbd sends its answer to `adb root` after it has set the property; a busy host makes that slow
  adbd_kill();
}

static void property_changed(const char *name) {
  char value[256];
  property_get(name, "", value, sizeof value);
  if (!strcmp(name, "service.adb.root") || !strcmp(name, "service.adb.tcp.port")) restart_adbd(name);
  if (!strcmp(name, "ctl.restart") && !strcmp(value, "adbd")) restart_adbd(name);
  if (!strcmp(name, "phone.su") && !strcmp(value, "none")) unlink(SU_PATH);
  if (!strcmp(name, "sys.powerctl")) {
    kernel_log("powerctl %s", value);
    sync();
    reboot(!strncmp(value, "shutdown", 8) ? RB_POWER_OFF : RB_AUTOBOOT);
  }
}

static void read_changes(int fd) {
  char buffer[8192] __attribute__((aligned(8)));
  ssize_t size = read(fd, buffer, sizeof buffer);
  for (char *at = buffer; at < buffer + size;) {
    struct inotify_event *event = (struct inotify_event *)at;
    if (event->len) property_changed(event->name);
    at += sizeof *event + event->len;
  }
}

static void remove_unwanted_su(void) {
  char mode[16];
  property_get("phone.su", "magisk", mode, sizeof mode);
  if (!strcmp(mode, "none")) unlink(SU_PATH);
}

int init_main(void) {
  struct timespec now;
  boot();
  remove_unwanted_su();
  int children = watch_children(), properties = watch_properties();
  su_daemon_start();
  root_console_start();
  property_set("sys.boot_completed", "1");
  clock_gettime(CLOCK_BOOTTIME, &now);
  kernel_log("starting adbd at %ld.%02ld s", (long)now.tv_sec, now.tv_nsec / 10000000);
  for (;;) {
    adbd_start();
    struct pollfd polled[] = {{children, POLLIN, 0}, {properties, POLLIN, 0}};
    poll(polled, 2, -1);
    if (polled[0].revents) reap(children);
    if (polled[1].revents) read_changes(properties);
  }
}
