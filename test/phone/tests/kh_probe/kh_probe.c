/*
 * What kheaders has to build, judge and run: parameters, a kprobe, a /proc file, and over 20 symbols of the kernel. It
 * counts how often a function of the kernel is called.
 */
#include <linux/cpumask.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/utsname.h>
#include <linux/workqueue.h>

static char *symbol = "do_sys_openat2";
module_param(symbol, charp, 0444);
MODULE_PARM_DESC(symbol, "the function whose calls are counted");
static int limit = 1000000;
module_param(limit, int, 0644);
MODULE_PARM_DESC(limit, "where counting stops");

static atomic_t calls = ATOMIC_INIT(0);
static DEFINE_MUTEX(text_lock);
static struct delayed_work later;
static struct kprobe probe;
static ktime_t since;
static char *text;

static int count_call(struct kprobe *unused, struct pt_regs *regs)
{
	atomic_add_unless(&calls, 1, limit);
	return 0;
}

static void work_later(struct work_struct *work)
{
	mutex_lock(&text_lock);
	strscpy(text, "and has worked", 32);
	mutex_unlock(&text_lock);
}

static int show(struct seq_file *file, void *unused)
{
	struct sysinfo memory;
	struct timespec64 now;
	u32 random;

	si_meminfo(&memory);
	ktime_get_real_ts64(&now);
	get_random_bytes(&random, sizeof(random));
	seq_printf(file, "symbol %s\ncalls %d\n", symbol, atomic_read(&calls));
	seq_printf(file, "release %s\ncpus %u\n", init_uts_ns.name.release, num_online_cpus());
	seq_printf(file, "memory %lu\nclock %lld\nrandom %u\n", memory.totalram, (s64)now.tv_sec, random);
	seq_printf(file, "age %lld\n", ktime_to_ms(ktime_sub(ktime_get(), since)));
	mutex_lock(&text_lock);
	seq_puts(file, text);
	mutex_unlock(&text_lock);
	seq_putc(file, '\n');
	return 0;
}

static int __init start(void)
{
	int error;

	text = kstrdup("and waits for its work to be done", GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	since = ktime_get();
	probe.symbol_name = symbol;
	probe.pre_handler = count_call;
	error = register_kprobe(&probe);
	if (error)
		goto no_probe;
	if (!proc_create_single("kh_probe", 0444, NULL, show)) {
		error = -ENOMEM;
		goto no_file;
	}
	INIT_DELAYED_WORK(&later, work_later);
	schedule_delayed_work(&later, HZ / 10);
	pr_info("kh_probe: counts calls of %s\n", symbol);
	return 0;
no_file:
	unregister_kprobe(&probe);
no_probe:
	kfree(text);
	return error;
}

static void __exit stop(void)
{
	cancel_delayed_work_sync(&later);
	remove_proc_entry("kh_probe", NULL);
	unregister_kprobe(&probe);
	kfree(text);
	pr_info("kh_probe: saw %d calls\n", atomic_read(&calls));
}

module_init(start);
module_exit(stop);
MODULE_DESCRIPTION("Counts the calls of a function");
MODULE_LICENSE("GPL");
