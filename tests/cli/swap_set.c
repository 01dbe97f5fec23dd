// SPDX-License-Identifier: MIT
// For LD_PRELOAD: a disk that gives back another key set than was written.
// OTHER_SET is the file whose content a new key set has as soon as it has its
// name; OTHER_SET_TAKEN is made then.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void Swap(const char* path) {
  char buffer[1 << 16];
  const int from = open(getenv("OTHER_SET"), O_RDONLY);
  const int to = open(path, O_WRONLY | O_TRUNC);
  ssize_t size;
  while ((size = read(from, buffer, sizeof buffer)) > 0) {
    if (write(to, buffer, (size_t)size) != size) abort();
  }
  close(from);
  close(to);
  close(open(getenv("OTHER_SET_TAKEN"), O_WRONLY | O_CREAT, 0600));
}

int renameat2(int from_directory, const char* from, int to_directory,
              const char* to, unsigned flags) {
  const int result = (int)syscall(SYS_renameat2, from_directory, from,
                                  to_directory, to, flags);
  const char* name = strrchr(to, '/');
  if (result == 0 && name != NULL && strcmp(name, "/aws-kms-key-set") == 0) {
    Swap(to);
  }
  return result;
}
