/* SPDX-License-Identifier: MIT
 * Preloaded into a server: the first fsync of a directory in which the file FAILING_SYNC_BESIDE exists fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int fsync(int file) {
  static int has_failed = 0;
  struct stat info;
  const char* beside = getenv("FAILING_SYNC_BESIDE");
  if (!has_failed && beside != NULL && fstat(file, &info) == 0 && S_ISDIR(info.st_mode) && faccessat(file, beside, F_OK, 0) == 0) {
    has_failed = 1;
    errno = EIO;
    return -1;
  }
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  return real(file);
}
