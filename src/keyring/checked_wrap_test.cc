// SPDX-License-Identifier: MIT
#include "keyring/checked_wrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_key_wrapper.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

const EncryptionContext kContext = {{"a", "b"}};

// A service that wraps something else than it was given.
class Confused : public FakeKeyWrapper {
 public:
  Result<WrappedKey> Wrap(const Secret&, const EncryptionContext& context,
                          const Deadline& deadline) override {
    return FakeKeyWrapper::Wrap(Secret::CopyOf("another"), context, deadline);
  }
  Result<WrappedKey> Generate(size_t bytes, const EncryptionContext& context,
                              const Deadline& deadline) override {
    return FakeKeyWrapper::Generate(bytes - 1, context, deadline);
  }
};

class CheckedWrapTest : public testing::Test {
 protected:
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }
  void DenyUnwrap() {
    wrapper_.SetHook([](const std::string& operation) {
      return operation == "Unwrap" ? Status(StatusCode::kDenied, "no decrypt")
                                   : Status::Ok();
    });
  }

  ManualClock clock_;
  FakeKeyWrapper wrapper_;
  const Secret key_ = Secret::CopyOf("0123456789abcdef");
};

TEST_F(CheckedWrapTest, TellsTheWrappingKeyHoweverItIsStored) {
  for (const StoredWith stored :
       {StoredWith::kBlobOnly, StoredWith::kWrappingKey}) {
    const auto wrapped = WrapChecked(wrapper_, key_, kContext, stored, Soon());
    ASSERT_TRUE(wrapped);
    EXPECT_THAT(wrapped->wrapping_key, HasSubstr("arn:aws:kms"));
    EXPECT_TRUE(wrapper_.Unwrap(*wrapped, kContext, Soon())->key.Equals(key_));
    EXPECT_FALSE(wrapper_.Unwrap(*wrapped, {}, Soon()));
  }
}

TEST_F(CheckedWrapTest, AResultThatDoesNotOpenIsRefused) {
  DenyUnwrap();
  EXPECT_EQ(WrapChecked(wrapper_, key_, {}, StoredWith::kBlobOnly, Soon())
                .status()
                .code(),
            StatusCode::kDenied);
  EXPECT_EQ(GenerateChecked(wrapper_, 32, {}, Soon()).status().code(),
            StatusCode::kDenied);
}

TEST_F(CheckedWrapTest, AResultThatOpensAsAnotherKeyIsRefused) {
  Confused confused;
  EXPECT_EQ(WrapChecked(confused, key_, {}, StoredWith::kBlobOnly, Soon())
                .status()
                .code(),
            StatusCode::kCorrupt);
  EXPECT_EQ(GenerateChecked(confused, 32, {}, Soon()).status().code(),
            StatusCode::kCorrupt);
}

TEST_F(CheckedWrapTest, AGeneratedKeyIsTheOneInItsBlob) {
  const auto made = GenerateChecked(wrapper_, 32, kContext, Soon());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->key.size(), 32u);
  EXPECT_TRUE(
      wrapper_.Unwrap(made->wrapped, kContext, Soon())->key.Equals(made->key));
}

}  // namespace
}  // namespace openkeyring
