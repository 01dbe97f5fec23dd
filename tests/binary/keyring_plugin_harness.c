/* SPDX-License-Identifier: MIT
   Stands in for MySQL: installs a keyring plugin, uses it and uninstalls it, in one process.

   keyring_plugin_harness ROUNDS LIBRARY NAME=VALUE...

   Its declarations are its own, from the facts of MySQL's headers, so that they check those of the plugin. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIND = 0x007f, BOOL = 1, INT = 2, TEXT = 5, ENUM = 6, READ_ONLY = 0x0200, KEYRING = 10, EARLY = 4 };

struct variable {
  int flags;
  const char *name, *comment;
  void *check, *update;
  union {
    struct { bool* value; bool fallback; } flag;
    struct { int* value; int fallback; } number;
    struct { char** value; char* fallback; } text;
    struct { unsigned long* value; unsigned long fallback; } choice;
  } as;
};
struct keyring {
  int version;
  bool (*store)(const char*, const char*, const char*, const void*, size_t);
  bool (*fetch)(const char*, char**, const char*, void**, size_t*);
  bool (*remove)(const char*, const char*);
  bool (*generate)(const char*, const char*, const char*, size_t);
  void (*begin)(void**);
  void (*end)(void*);
  bool (*next)(void*, char*, char*);
};
struct plugin {
  int type;
  struct keyring* keyring;
  const char *name, *author, *description;
  int license;
  int (*init)(void*);
  int (*check_uninstall)(void*);
  int (*deinit)(void*);
  unsigned version;
  void* status;
  struct variable** variables;
  void* reserved;
  unsigned long flags;
};

#ifdef SERVER_VERSION
char server_version[] = SERVER_VERSION; /* As mysqld has it. */
#endif

static void* allocate(unsigned key, size_t size, int flags) { (void)key; (void)flags; return malloc(size); }
static void* reallocate(unsigned key, void* p, size_t size, int flags) { (void)key; (void)flags; return realloc(p, size); }
static void claim(const void* p, bool yes) { (void)p; (void)yes; }
static char* part(unsigned key, const char* text, size_t size, int flags) { (void)key; (void)flags; return strndup(text, size); }
static char* whole(unsigned key, const char* text, int flags) { (void)key; (void)flags; return strdup(text); }
static void* copy(unsigned key, const void* from, size_t size, int flags) {
  void* made = allocate(key, size, flags);
  if (made) memcpy(made, from, size);
  return made;
}
static struct {
  void *allocate, *reallocate, *claim, *free, *copy, *whole, *part;
} memory = {allocate, reallocate, claim, free, copy, whole, part};

static void* no_registry(void) { return NULL; }
static int release(void* registry) { (void)registry; return 0; }
static struct {
  void *acquire, *release;
} registry = {no_registry, release};

static void fail(const char* what) {
  fprintf(stderr, "harness: %s\n", what);
  exit(1);
}

static void* symbol(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (!found) fail(name);
  return found;
}

static void serve(void* library, const char* name, void* service) {
  void** place = symbol(library, name);
  if ((uintptr_t)*place != 0x0100) fail("a service of an unknown version");
  *place = service;
}

static const char* given(int argc, char** argv, const char* name) {
  for (int i = 3; i < argc; ++i) {
    size_t size = strlen(name);
    if (strncmp(argv[i], name, size) == 0 && argv[i][size] == '=') return argv[i] + size + 1;
  }
  return NULL;
}

static void set_variables(struct plugin* plugin, int argc, char** argv) {
  for (struct variable** at = plugin->variables; *at; ++at) {
    struct variable* v = *at;
    const char* value = given(argc, argv, v->name);
    switch (v->flags & KIND) {
      case BOOL: *v->as.flag.value = value ? value[0] == '1' : v->as.flag.fallback; break;
      case INT: *v->as.number.value = value ? atoi(value) : v->as.number.fallback; break;
      case TEXT: *v->as.text.value = value ? (char*)value : v->as.text.fallback; break;
      case ENUM: *v->as.choice.value = value ? (unsigned long)atoi(value) : v->as.choice.fallback; break;
      default: fail("a variable of an unknown kind");
    }
  }
}

static void use(struct keyring* keyring, int round) {
  char id[32], type_wanted[] = "AES";
  char* type = NULL;
  void* key = NULL;
  size_t size = 0;
  snprintf(id, sizeof id, "key %d", round);
  if (keyring->generate(id, type_wanted, NULL, 32)) fail("generate");
  if (keyring->store(id, "SECRET", "me@here", "text", 4)) fail("store");
  if (keyring->fetch(id, &type, "me@here", &key, &size) || !key || size != 4 || memcmp(key, "text", 4) != 0 ||
      strcmp(type, "SECRET") != 0)
    fail("fetch");
  free(key);
  free(type);
  key = NULL;
  if (keyring->fetch("none", &type, "", &key, &size) || key) fail("fetch of nothing");
  char name[1025], owner[1025];
  void* iterator = NULL;
  int count = 0;
  keyring->begin(&iterator);
  while (!keyring->next(iterator, name, owner)) ++count;
  keyring->end(iterator);
  if (count != round + 2) fail("the iterator");
  if (keyring->remove(id, "me@here")) fail("remove");
}

int main(int argc, char** argv) {
  if (argc < 3) fail("usage: ROUNDS LIBRARY NAME=VALUE...");
  const int rounds = atoi(argv[1]);
  for (int round = 0; round < rounds; ++round) {
    void* library = dlopen(argv[2], RTLD_NOW);
    if (!library) fail(dlerror());
    if (*(int*)symbol(library, "_mysql_sizeof_struct_st_plugin_") != (int)sizeof(struct plugin)) fail("size of a plugin");
    struct plugin* plugin = symbol(library, "_mysql_plugin_declarations_");
    if (plugin->type != KEYRING || !(plugin->flags & EARLY) || plugin->keyring->version != 0x0101) fail("the descriptor");
    serve(library, "mysql_malloc_service", &memory);
    serve(library, "plugin_registry_service", &registry);
    set_variables(plugin, argc, argv);
    if (plugin->init(plugin)) fail("init");
    use(plugin->keyring, round);
    if (plugin->deinit(plugin)) fail("deinit");
    dlclose(library);
  }
  puts("ok");
  return 0;
}
