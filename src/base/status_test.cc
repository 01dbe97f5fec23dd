// SPDX-License-Identifier: MIT
#include "base/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "base/result.h"

namespace openkeyring {
namespace {

TEST(Status, IsOkByDefault) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kOk);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.ToString(), "OK");
}

TEST(Status, ShowsItsNameAndText) {
  const Status status(StatusCode::kUnavailable, "no answer");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.ToString(), "Unavailable: no answer");
}

TEST(Status, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(StatusCode::kInternal); ++code) {
    names.insert(StatusCodeName(static_cast<StatusCode>(code)));
  }
  EXPECT_EQ(names.size(), 12u);
}

TEST(Status, OnlyUnavailableTimeoutAndThrottledMayPass) {
  for (int code = 0; code <= static_cast<int>(StatusCode::kInternal); ++code) {
    const auto kind = static_cast<StatusCode>(code);
    EXPECT_EQ(Status(kind, "").IsTransient(),
              kind == StatusCode::kUnavailable ||
                  kind == StatusCode::kTimeout ||
                  kind == StatusCode::kThrottled);
  }
}

TEST(Status, ContextGoesBeforeTheTextAndKeepsTheCode) {
  const Status status = Status(StatusCode::kDenied, "no").WithContext("file x");
  EXPECT_EQ(status.code(), StatusCode::kDenied);
  EXPECT_EQ(status.message(), "file x: no");
  EXPECT_TRUE(Status::Ok().WithContext("file x").ok());
  EXPECT_EQ(Status::Ok().WithContext("file x").message(), "");
}

TEST(Status, OfFilesStaysWithContext) {
  const Status full(StatusCode::kUnavailable, "no space left");
  EXPECT_FALSE(full.is_of_files());
  EXPECT_FALSE(full.WithContext("file f").is_of_files());
  const Status marked = full.OfFiles().WithContext("file f");
  EXPECT_TRUE(marked.is_of_files());
  EXPECT_EQ(marked.ToString(), "Unavailable: file f: no space left");
  EXPECT_FALSE(Status::Ok().OfFiles().is_of_files());
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> seven = 7;
  ASSERT_TRUE(seven);
  EXPECT_EQ(*seven, 7);
  EXPECT_TRUE(seven.status().ok());
  const Result<int> none = Status(StatusCode::kNotFound, "absent");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), StatusCode::kNotFound);
  EXPECT_EQ(none.status().message(), "absent");
}

TEST(Result, OfAnOkStatusIsAnInternalError) {
  const Result<int> wrong = Status::Ok();
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), StatusCode::kInternal);
}

TEST(Result, CarriesMoveOnlyValues) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  const std::unique_ptr<int> value = std::move(*result);
  EXPECT_EQ(*value, 3);
}

}  // namespace
}  // namespace openkeyring
