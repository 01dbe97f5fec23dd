// SPDX-License-Identifier: MIT
// Loads a keyring component as Percona XtraBackup does: a program without a
// manifest that tells the configuration file by a variable of its own.
//
//   xtrabackup_host LIBRARY PLUGIN_DIRECTORY DATA_DIRECTORY CONFIG store|fetch
//
// Its declarations are its own, from the facts of MySQL's headers.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <string>

namespace xtrabackup::components {
std::string component_config_path;
}

namespace {

struct Entry {
  const char* name;
  void* thing;
};
struct Component {
  const char* name;
  Entry *provides, *requirements, *metadata;
  int (*init)();
  int (*deinit)();
};
using Any = int (*)(...);

// A registry without services: what the component logs goes to standard error.
int Nothing(const char*, void**) { return 1; }
int NoRelative(const char*, void*, void**) { return 1; }
int Release(void*) { return 0; }
struct {
  int (*acquire)(const char*, void**);
  int (*acquire_related)(const char*, void*, void**);
  int (*release)(void*);
} registry = {Nothing, NoRelative, Release};

Any* Service(const Component& component, const char* name) {
  const std::string wanted = std::string(name) + "." + component.name;
  for (Entry* entry = component.provides; entry->name != nullptr; ++entry) {
    if (entry->name == wanted) return static_cast<Any*>(entry->thing);
  }
  return nullptr;
}

int Fetch(Any* reader) {
  void* handle = nullptr;
  if (reader[0]("id", nullptr, &handle) != 0 || handle == nullptr) return 1;
  unsigned char data[64] = {};
  char type[16] = {};
  size_t size = 0, type_size = 0;
  const int code = reader[3](handle, data, sizeof data, &size, type,
                             sizeof type, &type_size);
  printf("%.*s %s\n", static_cast<int>(size), data, type);
  reader[1](handle);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  const auto list =
      reinterpret_cast<Component* (*)()>(dlsym(library, "list_components"));
  Component& component = *list();
  *static_cast<void**>(component.requirements[0].thing) = &registry;
  xtrabackup::components::component_config_path = argv[4];
  if (component.init() != 0) return 2;
  int code = Service(component, "keyring_load")[0](argv[2], argv[3]);
  if (code == 0 && strcmp(argv[5], "store") == 0) {
    code = Service(component, "keyring_writer")[0]("id", nullptr, "value",
                                                   size_t{5}, "AES");
  } else if (code == 0) {
    code = Fetch(Service(component, "keyring_reader_with_status"));
  }
  component.deinit();
  return code == 0 ? 0 : 1;
}
