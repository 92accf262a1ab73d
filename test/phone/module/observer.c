// SPDX-License-Identifier: GPL-2.0
/*
 * The module the tests build for a phone: it counts how often a kernel function is entered (a kprobe), takes parameters,
 * and tells all of it in /proc/observer. It uses many different parts of the kernel on purpose, so that many symbols
 * with their CRCs are imported, and it leaves nothing behind.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/idr.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

static char *symbol = "do_sys_openat2";
module_param(symbol, charp, 0444);
MODULE_PARM_DESC(symbol, "Function whose entries are counted");

static unsigned int limit = 16;
module_param(limit, uint, 0644);
MODULE_PARM_DESC(limit, "Samples to keep");

struct sample {
	struct list_head list;
	u64 nanoseconds;
	int id;
};

static DEFINE_MUTEX(samples_mutex);
static DEFINE_SPINLOCK(total_lock);
static DEFINE_IDA(sample_ids);
static DECLARE_COMPLETION(sampled);
static LIST_HEAD(samples);
static atomic_t entered = ATOMIC_INIT(0);
static unsigned long total;
static struct proc_dir_entry *entry;
static void *scratch;

static void take_sample(struct work_struct *work);
static DECLARE_WORK(sampling, take_sample);

static int on_entry(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned long flags;

	atomic_inc(&entered);
	spin_lock_irqsave(&total_lock, flags);
	total++;
	spin_unlock_irqrestore(&total_lock, flags);
	return 0;
}

static struct kprobe probe = { .pre_handler = on_entry };

static void take_sample(struct work_struct *work)
{
	struct sample *sample = kzalloc(sizeof(*sample), GFP_KERNEL);

	if (!sample)
		return;
	sample->nanoseconds = ktime_get_real_ns();
	sample->id = ida_alloc(&sample_ids, GFP_KERNEL);
	mutex_lock(&samples_mutex);
	list_add_tail(&sample->list, &samples);
	mutex_unlock(&samples_mutex);
	complete(&sampled);
}

static int compare(const void *a, const void *b)
{
	return *(const u32 *)a < *(const u32 *)b ? -1 : 1;
}

static int show(struct seq_file *file, void *unused)
{
	struct sample *sample;
	u32 numbers[4];
	char *text = kasprintf(GFP_KERNEL, "%s/%u", symbol, limit);

	get_random_bytes(numbers, sizeof(numbers));
	sort(numbers, ARRAY_SIZE(numbers), sizeof(numbers[0]), compare, NULL);
	seq_printf(file, "symbol=%s\nlimit=%u\n", symbol, limit);
	seq_printf(file, "entered=%d\ntotal=%lu\n", atomic_read(&entered), total);
	seq_printf(file, "release=%s\n", init_utsname()->release);
	seq_printf(file, "sorted=%d\n", numbers[0] <= numbers[3]);
	seq_printf(file, "text=%s\n", text ? text : "none");
	mutex_lock(&samples_mutex);
	list_for_each_entry(sample, &samples, list)
		seq_printf(file, "sample=%d\n", sample->id);
	mutex_unlock(&samples_mutex);
	seq_puts(file, "end\n");
	kfree(text);
	return 0;
}

static void drop_samples(void)
{
	struct sample *sample, *next;

	list_for_each_entry_safe(sample, next, &samples, list) {
		list_del(&sample->list);
		ida_free(&sample_ids, sample->id);
		kfree(sample);
	}
	ida_destroy(&sample_ids);
}

static int __init observer_init(void)
{
	int error;

	scratch = vmalloc(3 * PAGE_SIZE);
	if (!scratch)
		return -ENOMEM;
	memset(scratch, 0x5a, 3 * PAGE_SIZE);
	probe.symbol_name = symbol;
	error = register_kprobe(&probe);
	if (error)
		goto free_scratch;
	schedule_work(&sampling);
	wait_for_completion_timeout(&sampled, HZ);
	entry = proc_create_single("observer", 0444, NULL, show);
	if (!entry) {
		error = -ENOMEM;
		goto unregister;
	}
	msleep(1);
	pr_info("watching %s at %ps\n", symbol, probe.addr);
	return 0;

unregister:
	unregister_kprobe(&probe);
	cancel_work_sync(&sampling);
	drop_samples();
free_scratch:
	vfree(scratch);
	pr_err("cannot watch %s: %d\n", symbol, error);
	return error;
}

static void __exit observer_exit(void)
{
	proc_remove(entry);
	unregister_kprobe(&probe);
	cancel_work_sync(&sampling);
	drop_samples();
	vfree(scratch);
	pr_info("entered %d times\n", atomic_read(&entered));
}

module_init(observer_init);
module_exit(observer_exit);
MODULE_DESCRIPTION("Counts entries of a kernel function");
MODULE_AUTHOR("The kheaders authors");
MODULE_LICENSE("GPL");
