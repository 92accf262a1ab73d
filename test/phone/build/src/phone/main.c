#include "phone.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (getpid() == 1) init_main();
  const char *slash = strrchr(argv[0], '/');
  const char *name = slash ? slash + 1 : argv[0];
  if (!strcmp(name, "getprop")) return getprop_main(argc, argv);
  if (!strcmp(name, "setprop")) return setprop_main(argc, argv);
  if (!strcmp(name, "reboot")) return reboot_main(argc, argv);
  if (!strcmp(name, "su")) return su_main(argc, argv);
  if (!strcmp(name, "init") && argc == 2 && !strcmp(argv[1], "reseed")) return reseed_main();
  fprintf(stderr, "%s: not found\n", name);
  return 127;
}
