/* A plugin for QEMU's TCG (docs/devel/tcg-plugins.rst, API 1): counts the instructions a guest executes, of its kernel and
 * of its programs, in the file $INSTRUCTION_COUNT: two 64-bit numbers. The header is not in Debian, so what is used of it
 * stands here. An instruction that repeats (rep movsb) counts once for each time. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct qemu_plugin_tb;
typedef void translated(uint64_t id, struct qemu_plugin_tb *block);
extern void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translated *callback);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int add, void *to, uint64_t count);

int qemu_plugin_version = 1;
static uint64_t *counts;

static void count(uint64_t id, struct qemu_plugin_tb *block) {
    int is_program = !(qemu_plugin_tb_vaddr(block) >> 63);
    qemu_plugin_register_vcpu_tb_exec_inline(block, 0, counts + is_program, qemu_plugin_tb_n_insns(block));
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
    int fd = open(getenv("INSTRUCTION_COUNT"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, 2 * sizeof *counts)) return -1;
    counts = mmap(NULL, 2 * sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counts == MAP_FAILED) return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, count);
    return 0;
}
