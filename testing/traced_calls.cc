// SPDX-License-Identifier: MIT
#include "testing/traced_calls.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace openkeyring {
namespace {

thread_local TracedCalls* active = nullptr;

std::string FileOf(int fd) {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd),
                                       ignored)
      .string();
}

}  // namespace

TracedCalls::TracedCalls() { active = this; }
TracedCalls::~TracedCalls() { active = nullptr; }
TracedCalls* TracedCalls::Active() { return active; }

void TracedCalls::NoteOpen(const char* path, int flags) {
  calls_.push_back(std::string("open ") + path);
  if ((flags & O_CLOEXEC) == 0) inherited_.emplace_back(path);
}

void TracedCalls::Note(const char* call, const std::string& file) {
  calls_.push_back(std::string(call) + " " + file);
}

void TracedCalls::NoteUnmap(const void* memory, size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(memory);
  unwiped_bytes_ += static_cast<size_t>(std::count_if(
      bytes, bytes + size, [](unsigned char byte) { return byte != 0; }));
}

}  // namespace openkeyring

using openkeyring::FileOf;
using openkeyring::TracedCalls;

extern "C" {

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode =
      (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (TracedCalls* traced = TracedCalls::Active()) {
    traced->NoteOpen(path, flags);
  }
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

int fdatasync(int fd) {
  if (TracedCalls* traced = TracedCalls::Active()) {
    traced->Note("fdatasync", FileOf(fd));
  }
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}

int fsync(int fd) {
  if (TracedCalls* traced = TracedCalls::Active()) {
    traced->Note("fsync", FileOf(fd));
  }
  return static_cast<int>(syscall(SYS_fsync, fd));
}

int rename(const char* from, const char* to) noexcept {
  if (TracedCalls* traced = TracedCalls::Active()) traced->Note("rename", to);
  return static_cast<int>(
      syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int renameat2(int from_directory, const char* from, int to_directory,
              const char* to, unsigned int flags) noexcept {
  if (TracedCalls* traced = TracedCalls::Active()) {
    traced->Note("renameat2", to);
  }
  return static_cast<int>(
      syscall(SYS_renameat2, from_directory, from, to_directory, to, flags));
}

int munmap(void* memory, size_t size) noexcept {
  if (TracedCalls* traced = TracedCalls::Active()) {
    traced->NoteUnmap(memory, size);
  }
  return static_cast<int>(syscall(SYS_munmap, memory, size));
}

}  // extern "C"
