// The few pieces of Android's userland that neither toybox, mksh nor adbd bring along. One static program; its name
// (argv[0]) says which piece it is.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define PROPERTIES "/dev/__properties__"
#define SHELL "/system/bin/sh"
#define SU_PATH "/system/xbin/su"
#define SU_SOCKET "/dev/socket/su"

// properties.c
void property_get(const char *name, const char *fallback, char *value, size_t size);
int property_set(const char *name, const char *value);
int getprop_main(int argc, char **argv);
int setprop_main(int argc, char **argv);
int reboot_main(int argc, char **argv);

// log.c
void kernel_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

// init.c
int init_main(void) __attribute__((noreturn));

// boot.c: what happens once, before any service
void boot(void);

// partitions.c
void partitions_name(void);

// service.c: adbd and everything it started
void adbd_start(void);
void adbd_kill(void);
void adbd_reaped(pid_t pid);

// su.c and su-daemon.c
int su_main(int argc, char **argv);
void su_daemon_start(void);

// reseed.c
int reseed_main(void);

// root-console.c
void root_console_start(void);
