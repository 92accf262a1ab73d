// The phone's properties: one file per property, shared by adbd, init, getprop and setprop.
// A new value is written beside the old one and renamed over it, so that readers and init's watch see whole values.
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <string>

#define PHONE_PROPERTIES "/dev/__properties__/"

static inline std::string PhoneProperty(const std::string& key) {
  char value[4096];
  int fd = open((PHONE_PROPERTIES + key).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  ssize_t size = read(fd, value, sizeof(value));
  close(fd);
  return size > 0 ? std::string(value, size) : "";
}

static inline bool SetPhoneProperty(const std::string& key, const std::string& value) {
  if (key.empty() || key[0] == '.' || key.find('/') != std::string::npos) return false;
  std::string path = PHONE_PROPERTIES + key, staged = PHONE_PROPERTIES "." + key;
  int fd = open(staged.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  bool whole = write(fd, value.data(), value.size()) == static_cast<ssize_t>(value.size());
  close(fd);
  return whole && rename(staged.c_str(), path.c_str()) == 0;
}
