// Block devices as ueventd leaves them: nodes in /dev/block, for root only, and a link by-name/NAME for each partition.
// Here each is a disk of its own, whose serial number is the name. (AOSP, system/core/init/devices.cpp)
#define _GNU_SOURCE
#include "phone.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK "/dev/block"

static void name_partition(const char *device) {
  char path[128], name[32] = "", node[64], target[64], link[96];
  snprintf(path, sizeof path, "/sys/block/%s/serial", device);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, name, sizeof name - 1) <= 0) kernel_log("%s: %s", path, strerror(errno));
  if (fd >= 0) close(fd);
  name[strcspn(name, "\n")] = 0;
  snprintf(node, sizeof node, "/dev/%s", device);
  snprintf(target, sizeof target, BLOCK "/%s", device);
  snprintf(link, sizeof link, BLOCK "/by-name/%s", name);
  if (rename(node, target) || chmod(target, 0600) || symlink(target, link)) kernel_log("%s: %s", link, strerror(errno));
}

void partitions_name(void) {
  glob_t found = {0};
  mkdir(BLOCK, 0755);
  mkdir(BLOCK "/by-name", 0755);
  glob("/sys/block/vd*", 0, NULL, &found);
  for (size_t at = 0; at < found.gl_pathc; at++) name_partition(strrchr(found.gl_pathv[at], '/') + 1);
  globfree(&found);
}
