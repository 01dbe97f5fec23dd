// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_TRACED_CALLS_H_
#define OPENKEYRING_TESTING_TRACED_CALLS_H_

#include <cstddef>
#include <string>
#include <vector>

namespace openkeyring {

// The calls of one thread to libc that matter for durability and secrecy, while
// this object lives: the test program has its own open64, fdatasync, fsync,
// rename, renameat2 and munmap, which note the call and make it. One at a time.
class TracedCalls {
 public:
  TracedCalls();
  TracedCalls(const TracedCalls&) = delete;
  TracedCalls& operator=(const TracedCalls&) = delete;
  ~TracedCalls();

  // "open", "fdatasync", "fsync", "rename", "renameat2", in their order; for a
  // descriptor with the file that it is of, as "fsync /path".
  const std::vector<std::string>& calls() const { return calls_; }
  // The files that were opened without O_CLOEXEC.
  const std::vector<std::string>& inherited() const { return inherited_; }
  // How many bytes were unmapped that were not zero.
  size_t unwiped_bytes() const { return unwiped_bytes_; }

  // For the functions that note the calls.
  static TracedCalls* Active();
  void NoteOpen(const char* path, int flags);
  void Note(const char* call, const std::string& file);
  void NoteUnmap(const void* memory, size_t size);

 private:
  std::vector<std::string> calls_, inherited_;
  size_t unwiped_bytes_ = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_TRACED_CALLS_H_
