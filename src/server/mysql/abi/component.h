// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_ABI_COMPONENT_H_
#define OPENKEYRING_SERVER_MYSQL_ABI_COMPONENT_H_

// What a MySQL component and its host share (MySQL 8.0.25 to 9.x), declared by
// us. Nothing in it has a size or a version: the order of the slots is the
// contract. All functions have the C calling convention and let no exception
// out. Facts: the headers of MySQL 9.7 and a run in its server.
namespace openkeyring {

// 0 is success, anything else failure. Functions that answer a question say 0
// for no.
using Code = int;
constexpr Code kSuccess = 0, kFailure = 1;

// A service implementation, or an object that one hands out.
using Handle = void*;

struct ProvidedService {
  const char* name;  // "<service>.<component>", exactly one dot.
  void* implementation;
};

struct RequiredService {
  const char* name;  // "<service>" or "<service>.<implementation>".
  void** slot;       // The host writes it, and releases it at unload.
};

struct MetadataEntry {
  const char* key;
  const char* value;
};

// What list_components() returns: a pointer to the library's one component.
// Lists end with an entry of nulls.
struct Component {
  const char* name;
  ProvidedService* provides;
  RequiredService* requirements;
  MetadataEntry* metadata;
  Code (*init)();
  Code (*deinit)();
};

// Service "registry".
struct Registry {
  // "<service>" gives the default implementation. Each handle is released.
  Code (*acquire)(const char* name, Handle* handle);
  // The same component's implementation of another service.
  Code (*acquire_related)(const char* service, Handle handle, Handle* related);
  Code (*release)(Handle handle);
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_ABI_COMPONENT_H_
