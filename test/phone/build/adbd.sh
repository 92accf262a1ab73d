#!/bin/bash
# adbd as one static program.
. "$(dirname "$0")/common.sh"

tree=$IN_ADB_SOURCE/tree
core=$tree/system/core
include=/usr/include
crypto=/usr/lib/$triplet/libcrypto.a

if [ "$debian_arch" != amd64 ]; then
  (cd "$OUT" && retry private_apt apt-get download "libssl-dev:$debian_arch=$(version_of libssl-dev)" && dpkg-deb -x libssl-dev_*.deb ssl)
  include=$OUT/ssl/usr/include
  crypto=$OUT/ssl/usr/lib/$triplet/libcrypto.a
fi

sources=()
add() {
  local directory=$1 name
  shift
  for name in "$@"; do sources+=("$directory/$name.cpp"); done
}
add "$core/adb" adb adb_io adb_listeners adb_trace adb_unique_fd adb_utils fdevent/fdevent fdevent/fdevent_epoll \
  fdevent/fdevent_poll services shell_service_protocol socket_spec sockets sysdeps/errno sysdeps/posix/network \
  sysdeps_unix transport transport_fd transport_local transport_usb types adbconnection/adbconnection_server
add "$core/adb/daemon" auth file_sync_service jdwp_service main restart_service services shell_service usb_dummy
add "$core/base" abi_compatibility chrono_utils cmsg errors_unix file liblog_symbols logging mapped_file parsebool \
  parsenetaddress process properties stringprintf strings test_utils threads
add "$core/libcutils" canned_fs_config fs_config load_file socket_inaddr_any_server_unix socket_local_client_unix \
  socket_local_server_unix socket_network_client_unix sockets sockets_unix threads trace-host
add "$core/liblog" event_tag_map log_event_list log_event_write logger_name logger_read logger_write logprint properties
add "$core/diagnose_usb" diagnose_usb
add "$core/libcrypto_utils" pubkey
add "$tree/frameworks/native/libs/adbd_auth" adbd_auth

defines=(
  -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DNDEBUG -DADB_HOST=0 -DPHONE_ADBD=1 -DALLOW_ADBD_ROOT=1 -DALLOW_ADBD_NO_AUTH=1
  -DFAKE_LOG_DEVICE=1 -DLIBLOG_LOG_TAG=1006 -DSNET_EVENT_LOG_TAG=1397638484
  "-DPLATFORM_TOOLS_VERSION='\"29.0.6\"'" "-DADB_VERSION='\"29.0.6\"'"
)
includes=("-I$here/src/adbd/include")
for directory in adb adb/daemon/include adb/adbconnection/include base/include libcutils/include liblog/include \
  libasyncio/include include libcrypto_utils/include diagnose_usb/include; do includes+=("-I$core/$directory"); done
includes+=("-I$tree/frameworks/native/libs/adbd_auth/include" -idirafter "$include" -idirafter "$include/$triplet")

# -O1 without debug information halves the time of this, the longest step.
flags='-std=gnu++2a -O1 -g0 -w -ffunction-sections -fdata-sections -fno-strict-aliasing -fcommon'
mkdir "$OUT/objects"
{
  printf 'all: %s/adbd\n' "$OUT"
  objects=()
  for source in "${sources[@]}"; do
    object=$OUT/objects/$(echo "${source#"$tree/"}" | tr / _).o
    objects+=("$object")
    printf '%s: %s\n\t%sg++ %s %s %s -c -o $@ $<\n' "$object" "$source" "$cross" "$flags" "${defines[*]}" "${includes[*]}"
  done
  printf '%s/adbd: %s\n\t%sg++ -static -s -Wl,--gc-sections -o $@ $^ %s -lpthread -lresolv -lutil -ldl\n' \
    "$OUT" "${objects[*]}" "$cross" "$crypto"
} > "$OUT/Makefile"
make -C "$OUT" -j"$JOBS" all
rm -rf "$OUT/objects" "$OUT/ssl" "$OUT/Makefile" "$OUT"/*.deb
