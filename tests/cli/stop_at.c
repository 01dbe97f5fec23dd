// SPDX-License-Identifier: MIT
// Loaded into a program by LD_PRELOAD: it is killed just before its Nth call that changes a file
// or sends something; N is the environment variable OPENKEYRING_STOP_AT. A write to a file counts
// twice: it is killed before it, and when only a half is written. Writes to the standard streams
// do not count. With OPENKEYRING_ERROR the call fails with that errno instead, the program goes on,
// and the file OPENKEYRING_STOPPED says that it did; only calls that change files count then.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int calls;

// Whether the call fails; a program that is to be killed does not come back.
static int stopped(void) {
  const char* text = getenv("OPENKEYRING_STOP_AT");
  if (text == NULL || atomic_fetch_add(&calls, 1) + 1 != atoi(text)) return 0;
  const char* error = getenv("OPENKEYRING_ERROR");
  if (error == NULL) kill(getpid(), SIGKILL);
  const char* mark = getenv("OPENKEYRING_STOPPED");
  if (mark != NULL) close(open(mark, O_WRONLY | O_CREAT, 0666));
  errno = atoi(error);
  return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRAPPED(name, parameters, arguments) \
  int name parameters { return stopped() ? -1 : NEXT(name) arguments; }

WRAPPED(rename, (const char* from, const char* to), (from, to))
WRAPPED(renameat2, (int at, const char* from, int at2, const char* to, unsigned flags),
        (at, from, at2, to, flags))
WRAPPED(link, (const char* from, const char* to), (from, to))
WRAPPED(linkat, (int at, const char* from, int at2, const char* to, int flags),
        (at, from, at2, to, flags))
WRAPPED(symlink, (const char* from, const char* to), (from, to))
WRAPPED(unlink, (const char* path), (path))
WRAPPED(mkdir, (const char* path, mode_t mode), (path, mode))
WRAPPED(rmdir, (const char* path), (path))
WRAPPED(fsync, (int file), (file))
WRAPPED(fdatasync, (int file), (file))
WRAPPED(ftruncate64, (int file, off64_t size), (file, size))
WRAPPED(fchmod, (int file, mode_t mode), (file, mode))
WRAPPED(fchown, (int file, uid_t user, gid_t group), (file, user, group))
WRAPPED(chmod, (const char* path, mode_t mode), (path, mode))
WRAPPED(chown, (const char* path, uid_t user, gid_t group), (path, user, group))

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
    if (stopped()) return -1;
  }
  return NEXT(open64)(path, flags, mode);
}

ssize_t write(int file, const void* bytes, size_t size) {
  struct stat about;
  const int counts = file > STDERR_FILENO && fstat(file, &about) == 0 &&
                     (S_ISREG(about.st_mode) || getenv("OPENKEYRING_ERROR") == NULL);
  if (!counts) return NEXT(write)(file, bytes, size);
  if (stopped()) return -1;
  const char* text = getenv("OPENKEYRING_STOP_AT");
  const int half = text != NULL && atomic_load(&calls) + 1 == atoi(text);
  if (half) NEXT(write)(file, bytes, size / 2);
  return stopped() ? -1 : NEXT(write)(file, bytes, size);
}

ssize_t send(int socket, const void* bytes, size_t size, int flags) {
  if (getenv("OPENKEYRING_ERROR") == NULL) stopped();
  return NEXT(send)(socket, bytes, size, flags);
}
