// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_ABI_PLUGIN_H_
#define OPENKEYRING_SERVER_MYSQL_ABI_PLUGIN_H_

#include <stddef.h>

#include "server/mysql/abi/component.h"
#include "server/mysql/abi/status_variables.h"

// MySQL's plugin interface (8.0 to 9.x) as far as a keyring plugin needs it,
// declared by us. Facts: the headers of MySQL 9.7 and runs in its server.
namespace openkeyring {

constexpr int kPluginInterfaceVersion = 0x010b;
constexpr int kKeyringInterfaceVersion = 0x0101;
constexpr int kKeyringPlugin = 10;
constexpr int kLicenseBsd = 2;  // There is no number for MIT.
constexpr unsigned long kAllowEarly = 4;

using Session = void*;  // The server's THD.

// A variable as it begins; what follows depends on the type.
struct SystemVariable;
// What a SET statement gives.
struct SetValue {
  int (*type)(SetValue*);  // Of MYSQL_VALUE_TYPE_..., 0 is text.
  // `length` is the room in `buffer` and becomes that of the text, which may be
  // in the buffer or elsewhere; null for NULL.
  const char* (*text)(SetValue*, char* buffer, int* length);
  int (*real)(SetValue*, double* number);
  int (*integer)(SetValue*, long long* number);
  int (*is_unsigned)(SetValue*);
};
// 0 accepts what was put into `save`, a place for a pointer.
using CheckVariable = int (*)(Session, SystemVariable*, void* save, SetValue*);
// Puts what is in `save` into the variable.
using UpdateVariable = void (*)(Session, SystemVariable*, void* variable,
                                const void* save);

constexpr int kBoolVariable = 1, kIntVariable = 2, kTextVariable = 5,
              kEnumVariable = 6;
constexpr int kUnsigned = 0x80, kReadOnly = 0x200, kNoDefault = 0x4000;

struct VariableHeader {
  int flags;
  const char* name;  // Without "<plugin>_".
  const char* comment;
  CheckVariable check;
  UpdateVariable update;
};
// A string that the server does not copy: `value` points to the option's text
// or to the default, until `update` changes it.
struct TextVariable {
  VariableHeader header;
  char** value;
  const char* fallback;
};
struct BoolVariable {
  VariableHeader header;
  bool* value;
  bool fallback;
};
struct UnsignedVariable {
  VariableHeader header;
  unsigned* value;
  unsigned fallback, least, most, block;
};
struct EnumNames {
  size_t count;
  const char* name;
  const char** names;
  unsigned* lengths;
};
struct EnumVariable {
  VariableHeader header;
  unsigned long* value;
  unsigned long fallback;
  EnumNames* names;
};

struct Plugin {
  int type;
  void* interface;
  const char *name, *author, *description;
  int license;
  int (*init)(void* self);
  int (*check_uninstall)(void* self);
  int (*deinit)(void* self);
  unsigned version;                   // 0x0100 is shown as 1.0.
  StatusVariable* status_variables;   // Ends with a null name; or null.
  SystemVariable** system_variables;  // Ends with a null.
  void* reserved;
  unsigned long flags;
};

// The interface of a keyring plugin. False is success. Texts are C strings; an
// owner may be null, which is the same as "".
struct KeyringPlugin {
  int version;
  bool (*store)(const char* id, const char* type, const char* owner,
                const void* key, size_t length);
  // Success with a null key: there is none. Key and type are freed by the
  // server, and so must come from its allocator.
  bool (*fetch)(const char* id, char** type, const char* owner, void** key,
                size_t* length);
  bool (*remove)(const char* id, const char* owner);
  bool (*generate)(const char* id, const char* type, const char* owner,
                   size_t length);
  void (*iterator_init)(void** iterator);
  void (*iterator_deinit)(void* iterator);
  // Into buffers of the server's, of 1025 bytes; true at the end.
  bool (*iterator_next)(void* iterator, char* id, char* owner);
};

// Plugin services. A plugin exports a pointer by the service's name that holds
// a version; the server puts a pointer to the service there at loading.
struct MallocService {  // "mysql_malloc_service", 1.0
  void* (*allocate)(unsigned key, size_t size, int flags);
  void* (*reallocate)(unsigned key, void*, size_t size, int flags);
  void (*claim)(const void*, bool claim);
  void (*free)(void*);
  void* (*duplicate)(unsigned key, const void*, size_t, int flags);
  char* (*duplicate_text)(unsigned key, const char*, int flags);
  char* (*duplicate_prefix)(unsigned key, const char*, size_t, int flags);
};
struct SessionMemoryService {  // "thd_alloc_service", 1.0
  void* (*allocate)(Session, size_t);
  void* (*allocate_zeroed)(Session, size_t);
  char* (*duplicate_text)(Session, const char*);
  char* (*duplicate_prefix)(Session, const char*, size_t);
};
struct RegistryService {  // "plugin_registry_service", 1.0
  Registry* (*acquire)();
  int (*release)(Registry*);
};

// Loadable functions.
struct FunctionCall {
  bool maybe_null;
  unsigned decimals;
  unsigned long max_length;
  char* data;
  bool const_item;
  void* extension;
};
struct FunctionArguments {
  unsigned count;  // More follows.
};
constexpr size_t kFunctionMessage = 512;  // Room for the text of an init.

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_ABI_PLUGIN_H_
