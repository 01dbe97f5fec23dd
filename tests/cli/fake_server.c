// SPDX-License-Identifier: MIT
// A database server as keyringctl sees one: it runs until it is killed, or it
// prints its options. That somebody started it for this leaves a file behind,
// named by a variable of that one's environment: other programs on this machine
// may do the same, and are not what a test looks at.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE* OpenBeside(const char* program, const char* ending,
                        const char* mode) {
  char path[4200];
  snprintf(path, sizeof path, "%s%s", program, ending);
  return fopen(path, mode);
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--print-defaults") != 0) continue;
    char ending[128];
    const char* marker = getenv("OPENKEYRING_SEARCH");
    snprintf(ending, sizeof ending, ".ran.%s", marker ? marker : "others");
    FILE* ran = OpenBeside(argv[0], ending, "a");
    for (int word = 1; ran && word < argc; ++word) {
      fprintf(ran, "%s\n", argv[word]);
    }
    if (ran) fclose(ran);
    FILE* options = OpenBeside(argv[0], ".options", "r");
    char line[4096] = "";
    if (options && !fgets(line, sizeof line, options)) line[0] = 0;
    printf("%s would have been started with the following arguments:\n%s\n",
           argv[0], line);
    return 0;
  }
  puts("up");
  fflush(stdout);
  for (;;) pause();
}
