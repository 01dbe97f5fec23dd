/* SPDX-License-Identifier: MIT
 * Preloaded into a server: getaddrinfo finds SLOW_NAME at 127.0.0.1, but while the file SLOW_NAME_FLAG exists it hangs, for
 * half a minute at most, as with a name server that does not answer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char* name, const char* service, const struct addrinfo* hints, struct addrinfo** found) {
  int (*real)(const char*, const char*, const struct addrinfo*, struct addrinfo**) = dlsym(RTLD_NEXT, "getaddrinfo");
  const char* slow = getenv("SLOW_NAME");
  if (name == NULL || slow == NULL || strcmp(name, slow) != 0) return real(name, service, hints, found);
  for (int i = 0; i < 300 && access(getenv("SLOW_NAME_FLAG"), F_OK) == 0; ++i) poll(NULL, 0, 100);
  return real("127.0.0.1", service, hints, found);
}
