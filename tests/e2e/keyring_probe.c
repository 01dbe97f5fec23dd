/* SPDX-License-Identifier: MIT
 *
 * A component that calls every slot of the server's eight keyring services when it is installed, and writes what
 * came back to the file that OKR_PROBE names. The server's own implementations of them hand each call on to the
 * keyring component by the server's own structs, so a slot of ours in the wrong place shows. It also has a sensitive
 * system variable, of which the server itself has none. Built by test_mysql_kms_probe.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*any)();
struct entry { const char *name; void *thing; };
struct component {
  const char *name;
  struct entry *provides, *requires, *metadata;
  int (*init)(void);
  int (*deinit)(void);
};

static any *reader, *writer, *generator, *keys, *aes, *status, *metadata, *loader, *variables;
static char *secret_value;
static struct { char *def_val; } no_default;

#define STRING_VARIABLE (0x5 | 0x8000 | 0x80000) /* a string that the server allocates; sensitive */

static int probe(FILE *out) {
  void *handle = NULL;
  size_t size = 0, type_size = 0, made = 0;
  unsigned char data[64], iv[16] = {1, 2, 3}, text[32], back[48];
  char type[8], name[256], owner[256];
  int rows = 0, found = 0;

  fprintf(out, "ready %d\n", status[0]() != 0);
  fprintf(out, "absent %d", reader[0]("probe", NULL, &handle));
  fprintf(out, " %d\n", handle == NULL);
  fprintf(out, "store %d\n", writer[0]("probe", NULL, "0123456789abcdef", (size_t)16, "AES"));
  fprintf(out, "store again %d\n", writer[0]("probe", NULL, "0123456789abcdef", (size_t)16, "AES"));
  fprintf(out, "generate %d\n", generator[0]("probe 2", "me@here", "SECRET", (size_t)40));
  fprintf(out, "reader %d", reader[0]("probe", "", &handle));
  fprintf(out, " %d\n", handle != NULL);
  fprintf(out, "length %d", reader[2](handle, &size, &type_size));
  fprintf(out, " %zu %zu\n", size, type_size);
  memset(data, 'x', sizeof data);
  memset(type, 'x', sizeof type);
  fprintf(out, "fetch %d", reader[3](handle, data, (size_t)20, &size, type, (size_t)3, &type_size));
  fprintf(out, " %.16s %.4s %zu %zu\n", data, type, size, type_size);
  fprintf(out, "too small %d\n", reader[3](handle, data, (size_t)15, &size, type, (size_t)3, &type_size));
  fprintf(out, "close %d\n", reader[1](handle));

  memset(text, 0, sizeof text);
  fprintf(out, "aes size %d", aes[0]((size_t)16, "cbc", (size_t)256, &size));
  fprintf(out, " %zu\n", size);
  fprintf(out, "aes encrypt %d", aes[1]("probe", NULL, "cbc", (size_t)256, iv, 1, "sixteen bytes...", (size_t)16, text,
                                        sizeof text, &made));
  fprintf(out, " %zu ", made);
  for (size_t i = 0; i < made; ++i) fprintf(out, "%02x", text[i]);
  fprintf(out, "\naes decrypt %d", aes[2]("probe", NULL, "cbc", (size_t)256, iv, 1, text, made, back, sizeof back, &size));
  fprintf(out, " %.16s %zu\n", back, size);
  fprintf(out, "aes bad mode %d\n", aes[0]((size_t)16, "ecb", (size_t)256, &size));

  fprintf(out, "keys %d\n", keys[0](&handle));
  for (; keys[2](handle); keys[3](handle)) {
    keys[4](handle, &size, &type_size);
    if (keys[5](handle, name, size + 1, owner, type_size + 1) == 0 && !strncmp(name, "probe", 5)) {
      fprintf(out, "key %s of %s\n", name, owner);
      ++found;
    }
  }
  fprintf(out, "keys end %d", keys[3](handle) != 0);
  fprintf(out, " %d %d\n", keys[1](handle), found);

  fprintf(out, "rows %d\n", metadata[0](&handle));
  for (; metadata[2](handle); metadata[3](handle), ++rows) {
    metadata[4](handle, &size, &type_size);
    metadata[5](handle, name, sizeof name, owner, sizeof owner);
    if (rows == 0) fprintf(out, "row %s=%s %zu %zu\n", name, owner, size, type_size);
  }
  fprintf(out, "rows end %d", metadata[3](handle) != 0);
  fprintf(out, " %d %d\n", metadata[1](handle), rows > 9);

  fprintf(out, "remove %d\n", writer[1]("probe", NULL));
  fprintf(out, "remove again %d\n", writer[1]("probe", NULL));
  fprintf(out, "remove owned %d\n", writer[1]("probe 2", "me@here"));
  return 0;
}

static int init(void) {
  const char *path = getenv("OKR_PROBE");
  FILE *out = path ? fopen(path, "w") : NULL;
  if (!out) return 1;
  probe(out);
  fprintf(out, "variable %d\n", variables[0]("keyring_probe", "secret", STRING_VARIABLE, "a secret", NULL, NULL,
                                             (void *)&no_default, (void *)&secret_value));
  fclose(out);
  return 0;
}

static int deinit(void) { return variables[1] ? 0 : 1; }

static struct entry provides[] = {{NULL, NULL}};
static struct entry requires[] = {{"keyring_reader_with_status", &reader},
                                  {"keyring_writer", &writer},
                                  {"keyring_generator", &generator},
                                  {"keyring_keys_metadata_iterator", &keys},
                                  {"keyring_aes", &aes},
                                  {"keyring_component_status", &status},
                                  {"keyring_component_metadata_query", &metadata},
                                  {"keyring_load", &loader},
                                  {"component_sys_variable_register", &variables},
                                  {NULL, NULL}};
static struct entry about[] = {{"mysql.license", "MIT"}, {NULL, NULL}};
static struct component it = {"keyring_probe", provides, requires, about, init, deinit};

struct component *list_components(void) { return &it; }
