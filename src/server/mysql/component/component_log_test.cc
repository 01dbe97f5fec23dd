// SPDX-License-Identifier: MIT
#include "server/mysql/component/component_log.h"

#include <gtest/gtest.h>

#include "testing/mysql_component/fake_server.h"

namespace openkeyring {
namespace {

class ComponentLogTest : public testing::Test {
 protected:
  ~ComponentLogTest() override {
    EXPECT_EQ(server_.handles_held(), 0);
    EXPECT_EQ(server_.lines_held(), 0);
    EXPECT_EQ(server_.released_strangers(), 0);
    EXPECT_EQ(server_.wrong_slots(), std::vector<int>{});
  }
  void ExpectOneLine(const std::string& way, int priority, int error_id,
                     const std::string& text) {
    const auto lines = server_.lines();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].way, way);
    EXPECT_EQ(lines[0].component, "component_x");
    EXPECT_EQ(lines[0].priority, priority);
    EXPECT_EQ(lines[0].error_id, error_id);
    EXPECT_EQ(lines[0].text, text);
  }
  std::string OnStandardError(const std::string& text) {
    testing::internal::CaptureStderr();
    log_.Write(LogLevel::kError, text);
    return testing::internal::GetCapturedStderr();
  }

  static std::string NotInitialized(const std::string& reason) {
    return "The component is not initialized properly. Error: " + reason +
           ". Make sure that configuration is proper and use ALTER INSTANCE "
           "RELOAD KEYRING to reinitialize the component.";
  }

  FakeServer server_;
  Registry* registry_ = server_.registry();
  ComponentLog log_{"component_x", registry_};
};

TEST_F(ComponentLogTest, PrefersTheSimpleLog) {
  server_.OfferSimpleLog();
  server_.OfferBuiltins(LogLayout::kNew);
  log_.Write(LogLevel::kWarning, "100% sure %s");
  ExpectOneLine("simple", kWarningPriority, kPlainText, "100% sure %s");
}

// In 8.0 message 13714 has no place for the reason.
TEST_F(ComponentLogTest, GivesTheServersOwnMessageTheReason) {
  server_.OfferSimpleLog();
  server_.OfferBuiltins(LogLayout::kOld);
  log_.WriteNotInitialized("the reason");
  ExpectOneLine("builtins", kErrorPriority, kNotInitialized,
                NotInitialized("the reason"));
}

TEST_F(ComponentLogTest, GivesTheReasonToTheSimpleLogWhereThereIsNoOther) {
  server_.OfferSimpleLog();
  log_.WriteNotInitialized("the reason");
  ExpectOneLine("simple", kErrorPriority, kPlainText,
                NotInitialized("the reason"));
}

TEST_F(ComponentLogTest, TellsOfALoadInTheServersWords) {
  server_.OfferSimpleLog();
  server_.OfferBuiltins(LogLayout::kNew);
  log_.WriteInitialized("With 3 keys");
  ExpectOneLine("builtins", kNotePriority, kInitialized,
                "Keyring component initialized successfully. With 3 keys");
}

TEST_F(ComponentLogTest, WritesErrorsWarningsAndNotesOnly) {
  server_.OfferSimpleLog();
  for (const LogLevel level :
       {LogLevel::kError, LogLevel::kWarning, LogLevel::kNote, LogLevel::kDebug,
        LogLevel::kTrace}) {
    log_.Write(level, "text");
  }
  const auto lines = server_.lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].priority, kErrorPriority);
  EXPECT_EQ(lines[1].priority, kWarningPriority);
  EXPECT_EQ(lines[2].priority, kNotePriority);
}

TEST_F(ComponentLogTest, FindsBothLayoutsOfTheBuiltins) {
  for (const LogLayout layout : {LogLayout::kOld, LogLayout::kNew}) {
    const size_t before = server_.lines().size();
    server_.OfferBuiltins(layout);
    log_.Write(LogLevel::kNote, "a note");
    log_.WriteNotInitialized("a reason");
    const auto lines = server_.lines();
    ASSERT_EQ(lines.size(), before + 2);
    EXPECT_EQ(lines[before].way, "builtins");
    EXPECT_EQ(lines[before].component, "component_x");
    EXPECT_EQ(lines[before].priority, kNotePriority);
    EXPECT_EQ(lines[before].error_id, kPlainText);
    EXPECT_EQ(lines[before].text, "a note");
    EXPECT_EQ(lines[before + 1].priority, kErrorPriority);
    EXPECT_EQ(lines[before + 1].error_id, kNotInitialized);
    EXPECT_EQ(lines[before + 1].text, NotInitialized("a reason"));
  }
}

TEST_F(ComponentLogTest, UsesTheMigrationToolsBuiltinsWithoutProbingThem) {
  server_.OfferToolBuiltins();
  log_.Write(LogLevel::kError, "text");
  ExpectOneLine("builtins", kErrorPriority, kPlainText, "text");
}

TEST_F(ComponentLogTest, UsesTheBuiltinsWhenTheSimpleLogFails) {
  server_.OfferSimpleLog(true);
  server_.OfferBuiltins(LogLayout::kOld);
  log_.Write(LogLevel::kError, "text");
  ExpectOneLine("builtins", kErrorPriority, kPlainText, "text");
}

TEST_F(ComponentLogTest, UsesStandardErrorWhenThereIsNoLog) {
  EXPECT_EQ(OnStandardError("the text"), "component_x: the text\n");
  registry_ = nullptr;
  EXPECT_EQ(OnStandardError("the text"), "component_x: the text\n");
  EXPECT_TRUE(server_.lines().empty());
}

TEST_F(ComponentLogTest, UsesStandardErrorWhenTheLayoutIsUnknown) {
  server_.OfferBuiltins(LogLayout::kUnknown);
  EXPECT_EQ(OnStandardError("the text"), "component_x: the text\n");
}

TEST_F(ComponentLogTest, UsesStandardErrorWhenThereIsNoMemoryForALine) {
  server_.OfferBuiltins(LogLayout::kNew);
  server_.RunOutOfLines();
  EXPECT_EQ(OnStandardError("the text"), "component_x: the text\n");
}

TEST_F(ComponentLogTest, ALineStaysOneLine) {
  EXPECT_EQ(OnStandardError(std::string("a\nb\rc\x1b[31m\0d\x7f", 13) + "é"),
            "component_x: a?b?c?[31m?d?é\n");
  server_.OfferSimpleLog();
  log_.WriteNotInitialized("one\ntwo");
  ExpectOneLine("simple", kErrorPriority, kPlainText,
                NotInitialized("one?two"));
}

}  // namespace
}  // namespace openkeyring
