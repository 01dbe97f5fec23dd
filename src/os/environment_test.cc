// SPDX-License-Identifier: MIT
#include "os/environment.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

namespace openkeyring {
namespace {

// Sets (or, with null, removes) a variable for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = getenv(name)) old_ = old;
    Set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { Set(old_ ? old_->c_str() : nullptr); }

 private:
  void Set(const char* value) {
    if (value != nullptr) {
      setenv(name_, value, 1);
    } else {
      unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> old_;
};

constexpr char kName[] = "OPENKEYRING_TEST_VARIABLE";

TEST(ProcessEnvironment, TreatsUnsetAndEmptyAlike) {
  const Environment& environment = ProcessEnvironment();
  EXPECT_EQ(environment.Get(kName), std::nullopt);
  {
    const Variable empty(kName, "");
    EXPECT_EQ(environment.Get(kName), std::nullopt);
  }
  const Variable set(kName, " value ");
  EXPECT_EQ(environment.Get(kName), " value ");
}

// A server that root started and that became another user still has root's
// HOME, which that user may not read.
TEST(ProcessEnvironment, HomeIsThatOfTheEffectiveUserWhateverTheVariableSays) {
  const passwd* user = getpwuid(geteuid());
  if (user == nullptr) GTEST_SKIP() << "this user has no entry";
  const std::string expected = user->pw_dir;
  for (const char* value : {static_cast<const char*>(nullptr), "", "/other"}) {
    const Variable home("HOME", value);
    const auto found = ProcessEnvironment().HomeDirectory();
    if (expected == "/nonexistent" || expected == "/dev/null") {
      EXPECT_EQ(found, std::nullopt);
    } else {
      EXPECT_EQ(found, expected);
    }
  }
}

TEST(ProcessEnvironment, HomeOfAUserWithoutAnEntryIsTheVariable) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  constexpr uid_t kUnknown = 3999999999;
  ASSERT_EQ(getpwuid(kUnknown), nullptr);
  ASSERT_EQ(seteuid(kUnknown), 0);
  std::optional<std::string> found, none;
  {
    const Variable home("HOME", "/some/home");
    found = ProcessEnvironment().HomeDirectory();
  }
  for (const char* value : {"/dev/null", "/nonexistent"}) {
    const Variable home("HOME", value);
    none = ProcessEnvironment().HomeDirectory();
    if (none) break;
  }
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_EQ(found, "/some/home");
  EXPECT_EQ(none, std::nullopt);
}

}  // namespace
}  // namespace openkeyring
