// One file per property, written beside and renamed, as in ../adbd/phone_properties.h.
#define _GNU_SOURCE
#include "phone.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void property_get(const char *name, const char *fallback, char *value, size_t size) {
  char path[512];
  snprintf(path, sizeof path, PROPERTIES "/%s", name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, value, size - 1);
  if (fd >= 0) close(fd);
  if (got > 0) value[got] = 0;
  else snprintf(value, size, "%s", fallback);
}

int property_set(const char *name, const char *value) {
  char path[512], staged[512];
  if (!*name || *name == '.' || strchr(name, '/') || strlen(name) > 200) return -1;
  snprintf(path, sizeof path, PROPERTIES "/%s", name);
  snprintf(staged, sizeof staged, PROPERTIES "/.%s", name);
  int fd = open(staged, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return -1;
  ssize_t wanted = strlen(value), written = write(fd, value, wanted);
  close(fd);
  return written == wanted ? rename(staged, path) : -1;
}

static int is_property(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static int print_all(void) {
  char value[4096];
  struct dirent **entries;
  int count = scandir(PROPERTIES, &entries, is_property, alphasort);
  for (int i = 0; i < count; i++) {
    property_get(entries[i]->d_name, "", value, sizeof value);
    printf("[%s]: [%s]\n", entries[i]->d_name, value);
  }
  return count < 0;
}

int getprop_main(int argc, char **argv) {
  char value[4096];
  if (argc < 2) return print_all();
  property_get(argv[1], argc > 2 ? argv[2] : "", value, sizeof value);
  puts(value);
  return 0;
}

int setprop_main(int argc, char **argv) {
  char old[4096];
  if (argc != 3) {
    fprintf(stderr, "usage: setprop NAME VALUE\n");
    return 1;
  }
  property_get(argv[1], "", old, sizeof old);
  int read_only = !strncmp(argv[1], "ro.", 3) && *old;
  if (!read_only && !property_set(argv[1], argv[2])) return 0;
  fprintf(stderr, "Failed to set property '%s' to '%s'.\nSee dmesg for error reason.\n", argv[1], argv[2]);
  return 1;
}

int reboot_main(int argc, char **argv) {
  char request[256];
  int off = argc > 1 && !strcmp(argv[1], "-p");
  const char *reason = argc > 1 + off ? argv[1 + off] : "";
  snprintf(request, sizeof request, "%s,%s", off ? "shutdown" : "reboot", reason);
  if (property_set("sys.powerctl", request)) {
    perror("reboot");
    return 1;
  }
  pause();  // init ends the machine
  return 0;
}
