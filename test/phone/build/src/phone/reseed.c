// `/init reseed`: the bytes on standard input go into the kernel's random numbers, at once. After a mere write to
// /dev/urandom the kernel keeps its key until the next reseed is due, and phones of one snapshot draw the same numbers.
// (crng_make_state() and crng_reseed() in Linux' drivers/char/random.c)
#include "phone.h"

#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int reseed_main(void) {
  struct {
    struct rand_pool_info head;
    char bytes[128];
  } pool;
  int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
  ssize_t got = read(0, pool.bytes, sizeof pool.bytes);
  pool.head.buf_size = got;
  pool.head.entropy_count = 256;  // makes the generator ready if it was not; before that it refuses to reseed
  if (fd >= 0 && got > 0 && !ioctl(fd, RNDADDENTROPY, &pool) && !ioctl(fd, RNDRESEEDCRNG)) return 0;
  perror("reseed");
  return 1;
}
