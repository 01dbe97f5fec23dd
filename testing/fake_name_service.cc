// SPDX-License-Identifier: MIT
#include "testing/fake_name_service.h"

#include <dlfcn.h>
#include <netdb.h>

#include <span>
#include <string_view>

#include "os/clock.h"

namespace openkeyring {

std::atomic<bool> name_service_hangs{false};
std::atomic<bool> name_service_is_asked{false};

namespace {

constexpr char kThisMachine[] = "127.0.0.1";

bool IsOurs(const char* text) {
  std::string_view name(text == nullptr ? "" : text);
  if (name.ends_with('.')) name.remove_suffix(1);
  return name.ends_with(".resolver.test");
}

}  // namespace
}  // namespace openkeyring

extern "C" __attribute__((visibility("default"))) int getaddrinfo(
    const char* name, const char* service, const addrinfo* hints,
    addrinfo** found) {
  using Function =
      int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real =
      reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (!openkeyring::IsOurs(name)) return real(name, service, hints, found);
  openkeyring::name_service_is_asked = true;
  for (int i = 0; i < 300 && openkeyring::name_service_hangs; ++i) {
    openkeyring::SystemClock().SleepFor(openkeyring::Millis(10));
  }
  return real(openkeyring::kThisMachine, service, hints, found);
}

extern "C" __attribute__((visibility("default"))) int getaddrinfo_a(
    int mode, gaicb* requests[], int count, sigevent* at_end) {
  using Function = int (*)(int, gaicb**, int, sigevent*);
  static const auto real =
      reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo_a"));
  for (gaicb* request : std::span(requests, static_cast<size_t>(count))) {
    if (openkeyring::IsOurs(request->ar_name)) {
      request->ar_name = openkeyring::kThisMachine;
    }
  }
  // Asks in a thread of the C library.
  return real(mode, requests, count, at_end);
}
