// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_FAKE_NAME_SERVICE_H_
#define OPENKEYRING_TESTING_FAKE_NAME_SERVICE_H_

#include <atomic>

namespace openkeyring {

// In the unit tests, every name under "resolver.test" is this machine, an
// absolute one ("a.resolver.test.") too: getaddrinfo and getaddrinfo_a are ours
// there. These are about the former alone. Threads: any may set them.
extern std::atomic<bool> name_service_hangs;     // For three seconds at most.
extern std::atomic<bool> name_service_is_asked;  // Set by each question.

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_FAKE_NAME_SERVICE_H_
