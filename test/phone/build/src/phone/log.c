#define _GNU_SOURCE
#include "phone.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void kernel_log(const char *format, ...) {
  char line[512];
  int used = snprintf(line, sizeof line, "<4>init: ");
  va_list arguments;
  va_start(arguments, format);
  used += vsnprintf(line + used, sizeof line - used - 1, format, arguments);
  va_end(arguments);
  if (used > (int)sizeof line - 2) used = sizeof line - 2;
  line[used++] = '\n';
  int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, line, used) < 0) { /* nowhere left to say so */ }
  close(fd);
}
