// What adbd's should_drop_privileges() and drop_privileges() decide, done with plain system calls: minijail and libcap
// are not there, and the kernel has no SELinux policy to switch domains in.
#pragma once

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <android-base/logging.h>
#include <android-base/properties.h>
#include <log/log_properties.h>
#include <private/android_filesystem_config.h>

static bool should_drop_privileges() {
    std::string wanted = android::base::GetProperty("service.adb.root", "");
    if (wanted == "0") return true;
    if (wanted == "1" && __android_log_is_debuggable()) return false;
    return android::base::GetBoolProperty("ro.secure", true);
}

static void drop_capability_bounds() {
    constexpr int kSetgid = 6, kSetuid = 7, kLast = 63;  // run-as needs these two on user builds
    for (int cap = 0; cap <= kLast; cap++) {
        if (cap != kSetgid && cap != kSetuid) prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    }
}

static void drop_privileges(int /* server_port */) {
    const gid_t groups[] = {AID_ADB,      AID_LOG,          AID_INPUT,    AID_INET,  AID_NET_BT, AID_NET_BT_ADMIN,
                            AID_SDCARD_R, AID_SDCARD_RW, AID_NET_BW_STATS, AID_READPROC, AID_UHID};
    if (setgroups(sizeof(groups) / sizeof(groups[0]), groups) != 0) PLOG(FATAL) << "setgroups";
    if (!should_drop_privileges()) return;
    if (!__android_log_is_debuggable()) drop_capability_bounds();
    if (setresgid(AID_SHELL, AID_SHELL, AID_SHELL) != 0) PLOG(FATAL) << "setresgid";
    if (setresuid(AID_SHELL, AID_SHELL, AID_SHELL) != 0) PLOG(FATAL) << "setresuid";
}
