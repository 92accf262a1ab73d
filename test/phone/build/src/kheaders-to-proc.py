"""Turns the packaged kernel/kheaders.c into the variant of Linux 5.2's first days: /proc/kheaders.tar.xz.

Every replacement must match exactly once, so that a changed kernel source fails the build instead of slipping through.
"""

import sys

READ = """
static ssize_t ikheaders_read_proc(struct file *file, char __user *buf, size_t len, loff_t *offset)
{
	return simple_read_from_buffer(buf, len, offset, kernel_headers_data,
				       kernel_headers_data_end - kernel_headers_data);
}

static const struct proc_ops kheaders_proc_ops = {
	.proc_read = ikheaders_read_proc,
	.proc_lseek = default_llseek,
};

static int __init ikheaders_init(void)
{
	struct proc_dir_entry *entry = proc_create("kheaders.tar.xz", 0444, NULL, &kheaders_proc_ops);

	if (!entry)
		return -ENOMEM;
	proc_set_size(entry, kernel_headers_data_end - kernel_headers_data);
	return 0;
}

static void __exit ikheaders_cleanup(void)
{
	remove_proc_entry("kheaders.tar.xz", NULL);
}

"""


def between(text, first, last):
    """The part of text from the one occurrence of first up to the one occurrence of last."""
    assert text.count(first) == 1 and text.count(last) == 1, (first, last)
    return text[text.index(first) : text.index(last)]


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    include = "#include <linux/kobject.h>\n"
    assert text.count(include) == 1
    text = text.replace(include, "#include <linux/proc_fs.h>\n#include <linux/uaccess.h>\n")
    text = text.replace(between(text, "static ssize_t\nikheaders_read(", "module_init("), READ.lstrip("\n"))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


main(sys.argv[1])
