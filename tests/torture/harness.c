/* SPDX-License-Identifier: MIT
 * A program that uses aws_key_management.so as MariaDB does, and holds no copy of a key itself: what a core dump of
 * it shows is the plugin's and its libraries' doing.
 * harness LIBRARY [VARIABLE=VALUE]... ; then a line of input for each thing to do, answered by a line:
 *   use ID      the latest version of that key, made when there is none, is fetched; answers the version
 *   rotate ID   as SET GLOBAL aws_key_management_rotate_key
 *   reload      as UNINSTALL and INSTALL; answers 1 when the library left the process meanwhile */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <my_global.h>
#include <mysql/plugin.h>
#include <mysql/plugin_encryption.h>

/* By this function of its own the plugin knows the database server, which alone makes keys. */
int _Z11mysqld_mainiPPc(int count, char** arguments) {
  (void)count, (void)arguments;
  return 1;
}

/* How plugin.h lays out a variable of any type. */
struct variable {
  int flags;
  const char* name;
  const char* comment;
  int (*check)(void*, void*, void*, struct st_mysql_value*);
  void* update;
  void* value;
  union {
    const char* text;
    int number;
    long number_long;
    long long number_long_long;
    char truth;
  } initial;
};

static void set_default(struct variable* variable) {
  switch (variable->flags & 0x7f) {
    case PLUGIN_VAR_BOOL: *(char*)variable->value = variable->initial.truth; break;
    case PLUGIN_VAR_INT: *(int*)variable->value = variable->initial.number; break;
    case PLUGIN_VAR_LONGLONG: *(long long*)variable->value = variable->initial.number_long_long; break;
    case PLUGIN_VAR_STR: *(const char**)variable->value = variable->initial.text; break;
    default: *(long*)variable->value = variable->initial.number_long; break;
  }
}

/* A string, or the number of a choice. */
static void set_value(struct variable* variable, char* value) {
  if ((variable->flags & 0x7f) == PLUGIN_VAR_ENUM) {
    *(unsigned long*)variable->value = strtoul(value, NULL, 10);
  } else {
    *(char**)variable->value = value;
  }
}

static struct variable* find(struct st_maria_plugin* plugin, const char* name, size_t size) {
  for (struct st_mysql_sys_var** at = plugin->system_vars; *at != NULL; ++at) {
    struct variable* variable = (struct variable*)*at;
    if (strlen(variable->name) == size && strncmp(variable->name, name, size) == 0) return variable;
  }
  fprintf(stderr, "no variable %s\n", name);
  _exit(2);
}

static long long rotated;
static int value_of_rotated(struct st_mysql_value* value, long long* out) {
  (void)value;
  *out = rotated;
  return 0;
}
static int never(struct st_mysql_value* value) {
  (void)value;
  return 0;
}

static unsigned use(struct st_mariadb_encryption* keys, unsigned id) {
  unsigned char key[64];
  unsigned size = sizeof key;
  const unsigned version = keys->get_latest_key_version(id);
  const unsigned failed = keys->get_key(id, version, key, &size);
  explicit_bzero(key, sizeof key);
  return failed ? 0 : version;
}

static void* library;

/* Null when it cannot be had, or does not start. */
static struct st_maria_plugin* load(int argc, char** argv) {
  library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  struct st_maria_plugin* plugin = library ? dlsym(library, "_maria_plugin_declarations_") : NULL;
  if (plugin == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return NULL;
  }
  for (struct st_mysql_sys_var** at = plugin->system_vars; *at != NULL; ++at) set_default((struct variable*)*at);
  for (int i = 2; i < argc; ++i) {
    char* value = strchr(argv[i], '=') + 1;
    set_value(find(plugin, argv[i], (size_t)(value - 1 - argv[i])), value);
  }
  return plugin->init(NULL) == 0 ? plugin : NULL;
}

/* Whether nothing of it is left. */
static int unload(struct st_maria_plugin* plugin, const char* path) {
  plugin->deinit(NULL);
  return dlclose(library) == 0 && dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  struct st_maria_plugin* plugin = load(argc, argv);
  if (plugin == NULL) return 1;
  puts("ready");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "rotate %lld", &rotated) == 1) {
      struct st_mysql_value value = {.val_int = value_of_rotated, .is_unsigned = never};
      long long save;
      printf("%d\n", find(plugin, "rotate_key", 10)->check(NULL, NULL, &save, &value));
    } else if (strcmp(line, "reload\n") == 0) {
      const int gone = unload(plugin, argv[1]);
      plugin = load(argc, argv);
      if (plugin == NULL) return 1;
      printf("%d\n", gone);
    } else {
      printf("%u\n", use(plugin->info, (unsigned)strtoul(line + 4, NULL, 10)));
    }
    fflush(stdout);
  }
  unload(plugin, argv[1]);
  return 0;
}
