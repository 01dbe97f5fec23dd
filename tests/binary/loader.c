/* SPDX-License-Identifier: MIT
 * A plain program that loads a product as a server does: loader ROUNDS LIBRARY SYMBOL...
 * Each round loads it, looks the symbols up, forks a child that does the same, and unloads it.
 * Prints the resident memory in kB after the tenth and after the last round, then "threads N files N". */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static long entries_of(const char* directory) {
  DIR* open_directory = opendir(directory);
  long count = 0;
  while (readdir(open_directory) != NULL) ++count;
  closedir(open_directory);
  return count - 2;
}

static long resident_kb(void) {
  char line[256];
  long value = -1;
  FILE* status = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, "VmRSS:", 6) == 0) value = strtol(line + 6, NULL, 10);
  }
  fclose(status);
  return value;
}

static void fail(const char* what, const char* why) {
  fprintf(stderr, "%s: %s\n", what, why);
  _exit(1);
}

static void look_up(void* library, int count, char** names) {
  for (int i = 0; i < count; ++i) {
    if (dlsym(library, names[i]) == NULL) fail(names[i], "not found");
  }
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const long rounds = strtol(argv[1], NULL, 10);
  for (long round = 1; round <= rounds; ++round) {
    void* library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) fail("dlopen", dlerror());
    look_up(library, argc - 3, argv + 3);
    const pid_t child = fork();
    if (child == 0) {
      look_up(library, argc - 3, argv + 3);
      if (dlclose(library) != 0) fail("dlclose in a child", dlerror());
      _exit(0);
    }
    int status = 1;
    if (waitpid(child, &status, 0) != child || status != 0) fail("fork", "the child failed");
    if (dlclose(library) != 0) fail("dlclose", dlerror());
    if (dlopen(argv[2], RTLD_NOW | RTLD_NOLOAD) != NULL) fail("dlclose", "the library stays loaded");
    if (round == 10 || round == rounds) printf("%ld\n", resident_kb());
  }
  printf("threads %ld files %ld\n", entries_of("/proc/self/task"), entries_of("/proc/self/fd"));
  return 0;
}
