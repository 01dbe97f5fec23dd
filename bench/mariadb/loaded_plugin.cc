// SPDX-License-Identifier: MIT
#include "loaded_plugin.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <iostream>
#include <memory>
#include <vector>
// Last: MariaDB's headers define macros.
#include <my_global.h>
#include <mysql/plugin_encryption.h>
#include <typelib.h>

// By this function of its own the plugin knows the database server, which alone
// makes keys.
__attribute__((visibility("default"), used)) int mysqld_main(int, char**) {
  return 1;
}

namespace bench {
namespace {

constexpr int kTypeMask = 0x7f;  // The server's PLUGIN_VAR_TYPEMASK.

// What all declarations of system variables begin with (mysql/plugin.h).
template <typename T>
struct Variable {
  MYSQL_PLUGIN_VAR_HEADER;
  T* value;
  T default_value;
};

template <typename T>
Variable<T>* As(st_mysql_sys_var* variable) {
  return reinterpret_cast<Variable<T>*>(variable);
}

// What MYSQL_SYSVAR_ENUM makes.
struct EnumVariable {
  Variable<unsigned long> variable;
  TYPELIB* names;
};

unsigned long IndexOf(st_mysql_sys_var* variable, const std::string& value) {
  const TYPELIB* names = reinterpret_cast<EnumVariable*>(variable)->names;
  for (unsigned i = 0; i < names->count; ++i) {
    if (value == names->type_names[i]) return i;
  }
  Die("unknown value " + value);
}

// The server does this from the command line.
void SetToDefault(st_mysql_sys_var* variable) {
  const auto reset = [&]<typename T>(T) {
    *As<T>(variable)->value = As<T>(variable)->default_value;
  };
  switch (As<char>(variable)->flags & kTypeMask) {
    case PLUGIN_VAR_BOOL:
      return reset(char());
    case PLUGIN_VAR_INT:
      return reset(int());
    case PLUGIN_VAR_ENUM:
      return reset(static_cast<unsigned long>(0));
    case PLUGIN_VAR_LONGLONG:
      return reset(static_cast<long long>(0));
    case PLUGIN_VAR_STR:
      return reset(static_cast<char*>(nullptr));
    default:
      Die(std::string("a variable of an unknown type: ") +
          As<char>(variable)->name);
  }
}

st_mysql_sys_var* Find(st_mysql_sys_var** variables, const std::string& name) {
  for (; *variables != nullptr; ++variables) {
    if (As<char>(*variables)->name == name) return *variables;
  }
  Die("the plugin has no variable " + name);
}

// The value of SET GLOBAL x = number.
struct Number {
  st_mysql_value interface;  // First: the plugin gets a pointer to it.
  long long number;

  static int Get(st_mysql_value* self, long long* out) {
    *out = reinterpret_cast<Number*>(self)->number;
    return 0;
  }
  static int IsUnsigned(st_mysql_value*) { return 0; }
};

}  // namespace

void Die(const std::string& why) {
  std::cerr << "plugin_timer: " << why << "\n";
  exit(1);
}

LoadedPlugin::LoadedPlugin(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW);
  if (library == nullptr) Die(dlerror());
  plugin_ = static_cast<st_maria_plugin*>(
      dlsym(library, "_maria_plugin_declarations_"));
  if (plugin_ == nullptr) Die(dlerror());
  keys_ = static_cast<st_mariadb_encryption*>(plugin_->info);
  for (auto** variable = plugin_->system_vars; *variable; ++variable) {
    SetToDefault(*variable);
  }
}

void LoadedPlugin::SetVariable(const std::string& name,
                               const std::string& value) {
  st_mysql_sys_var* variable = Find(plugin_->system_vars, name);
  switch (As<char>(variable)->flags & kTypeMask) {
    case PLUGIN_VAR_INT:
      *As<int>(variable)->value = atoi(value.c_str());
      return;
    case PLUGIN_VAR_STR:
      *As<char*>(variable)->value = strdup(value.c_str());  // Kept for good.
      return;
    case PLUGIN_VAR_ENUM:
      *As<unsigned long>(variable)->value = IndexOf(variable, value);
      return;
    default:
      Die("no way to set " + name);
  }
}

void LoadedPlugin::Init() {
  if (plugin_->init(plugin_) != 0) Die("init failed");
}

void LoadedPlugin::Rotate(long long id) {
  st_mysql_sys_var* variable = Find(plugin_->system_vars, "rotate_key");
  Number number{{}, id};
  number.interface.val_int = Number::Get;
  number.interface.is_unsigned = Number::IsUnsigned;
  long long save = 0;
  if (As<long long>(variable)->check(nullptr, variable, &save,
                                     &number.interface) != 0) {
    Die("the rotation was refused");
  }
}

unsigned LoadedPlugin::LatestVersion(unsigned id) const {
  const unsigned version = keys_->get_latest_key_version(id);
  if (version == ENCRYPTION_KEY_VERSION_INVALID) {
    Die("no latest version of key " + std::to_string(id));
  }
  return version;
}

LoadedPlugin::GetKey LoadedPlugin::get_key() const { return keys_->get_key; }

}  // namespace bench
