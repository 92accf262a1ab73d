#define _GNU_SOURCE
#include "phone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// As the first-stage ramdisk of a phone: what is loaded from here is not on disk afterwards.
#define BOOT_MODULES "/first_stage_modules"

static void mount_all(void) {
  mkdir("/proc", 0755);
  mkdir("/sys", 0755);
  mkdir("/dev", 0755);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sysfs", "/sys", "sysfs", 0, NULL);
  mount("devtmpfs", "/dev", "devtmpfs", 0, "mode=0755");
  mkdir("/dev/pts", 0755);
  mkdir("/dev/socket", 0755);
  mount("devpts", "/dev/pts", "devpts", 0, "mode=0600,ptmxmode=0666");
  mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
  mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
  mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
  mkdir(PROPERTIES, 0777);
  if (symlink("/proc/self/fd", "/dev/fd")) kernel_log("/dev/fd: %s", strerror(errno));
}

// The initramfs is packed with everything owned by root, so that any user can build it.
static void own_data(void) {
  chmod("/dev/null", 0666);
  chmod("/dev/tty", 0666);
  chmod("/dev/ptmx", 0666);
  if (chown("/data/local", 0, 2000)) kernel_log("/data/local: %s", strerror(errno));
  if (chown("/data/local/tmp", 2000, 2000)) kernel_log("/data/local/tmp: %s", strerror(errno));
  if (chown(SU_PATH, 0, 2000) || chmod(SU_PATH, 06755)) kernel_log(SU_PATH ": %s", strerror(errno));
}

static void set_environment(void) {
  setenv("PATH", "/product/bin:/apex/com.android.runtime/bin:/apex/com.android.art/bin:/system_ext/bin:/system/bin:"
                 "/system/xbin:/odm/bin:/vendor/bin:/vendor/xbin", 1);
  setenv("ANDROID_ROOT", "/system", 1);
  setenv("ANDROID_DATA", "/data", 1);
  setenv("EXTERNAL_STORAGE", "/sdcard", 1);
  unsetenv("HOME");
  unsetenv("TERM");
}

static void read_properties(const char *path) {
  char line[1024];
  FILE *file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    char *equals = strchr(line, '=');
    if (*line == '#' || !equals) continue;
    *equals = 0;
    property_set(line, equals + 1);
  }
  if (file) fclose(file);
}

// androidboot.NAME=VALUE becomes ro.boot.NAME as on a phone; prop.NAME=VALUE is ours and sets any property.
static void read_command_line(void) {
  char text[4096] = "", name[300];
  int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
  if (read(fd, text, sizeof text - 1) < 0) kernel_log("cmdline: %s", strerror(errno));
  close(fd);
  for (char *word = strtok(text, " \n"); word; word = strtok(NULL, " \n")) {
    char *equals = strchr(word, '=');
    if (!equals) continue;
    *equals = 0;
    if (!strncmp(word, "prop.", 5)) property_set(word + 5, equals + 1);
    if (strncmp(word, "androidboot.", 12)) continue;
    snprintf(name, sizeof name, "ro.boot.%s", word + 12);
    property_set(name, equals + 1);
    if (!strcmp(word, "androidboot.serialno")) property_set("ro.serialno", equals + 1);
  }
}

static void load_module(const char *name) {
  char path[256];
  snprintf(path, sizeof path, BOOT_MODULES "/%s", name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || syscall(SYS_finit_module, fd, "", 0)) kernel_log("%s: %s", name, strerror(errno));
  if (fd >= 0) close(fd);
  unlink(path);
}

static void load_modules(const char *list) {
  char name[200];
  FILE *file = fopen(list, "re");
  while (file && fgets(name, sizeof name, file)) {
    name[strcspn(name, "\n")] = 0;
    if (*name) load_module(name);
  }
  if (file) fclose(file);
  unlink(list);
}

// After the boot modules, because kheaders.ko of the builtin layout is unsigned like all of ours.
static void enforce_signatures(void) {
  char wanted[8];
  property_get("phone.sig_enforce", "0", wanted, sizeof wanted);
  if (*wanted != '1') return;
  int fd = open("/sys/module/module/parameters/sig_enforce", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "1", 1) != 1) kernel_log("sig_enforce: %s", strerror(errno));
  if (fd >= 0) close(fd);
}

static void set_address(int fd, struct ifreq *request, unsigned long operation, const char *text) {
  struct sockaddr_in *address = (struct sockaddr_in *)&request->ifr_addr;
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  inet_aton(text, &address->sin_addr);
  if (ioctl(fd, operation, request)) kernel_log("%s: %s", request->ifr_name, strerror(errno));
}

static void interface_up(const char *name, const char *address, const char *mask) {
  struct ifreq request = {0};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  set_address(fd, &request, SIOCSIFADDR, address);
  set_address(fd, &request, SIOCSIFNETMASK, mask);
  ioctl(fd, SIOCGIFFLAGS, &request);
  request.ifr_flags |= IFF_UP | IFF_RUNNING;
  ioctl(fd, SIOCSIFFLAGS, &request);
  close(fd);
}

static void wait_for(const char *path) {
  for (int round = 0; round < 200 && access(path, F_OK); round++) usleep(10000);
}

void boot(void) {
  umask(0);
  mount_all();
  own_data();
  if (sethostname("localhost", 9)) kernel_log("hostname: %s", strerror(errno));
  set_environment();
  read_properties("/system/build.prop");
  read_command_line();
  load_modules(BOOT_MODULES "/modules.load");
  load_modules(BOOT_MODULES "/layout.load");
  rmdir(BOOT_MODULES);
  partitions_name();
  enforce_signatures();
  interface_up("lo", "127.0.0.1", "255.0.0.0");
  wait_for("/sys/class/net/eth0");
  // The addresses of QEMU's user network. Without a default route the phone reaches nothing but its host.
  interface_up("eth0", "10.0.2.15", "255.255.255.0");
}
