// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/kms_component_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "testing/fakes.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kFile[] = "component_keyring_kms.cnf";
constexpr char kNeeded[] = R"("path":"/keys","kms_key":"alias/k")";

class KmsComponentConfigFile : public testing::Test {
 protected:
  Result<KmsComponentConfig> Read(const std::string& text,
                                  const std::string& instance = "/data") {
    EXPECT_EQ(chmod(directory_.Write(kFile, text).c_str(), 0640), 0);
    return ReadKmsComponentConfig(PosixFileSystem(), log_,
                                  {directory_.path(), instance});
  }
  // What is needed, and `more` members.
  Result<KmsComponentConfig> ReadWith(const std::string& more) {
    return Read(std::string("{") + kNeeded + "," + more + "}");
  }
  std::string ErrorWith(const std::string& more) {
    const Status status = ReadWith(more).status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << more;
    EXPECT_THAT(status.message(), HasSubstr(directory_.PathOf(kFile)));
    return status.message();
  }

  TemporaryDirectory directory_;
  MemoryLog log_;
};

TEST_F(KmsComponentConfigFile, NeedsOnlyAPathAndAKmsKey) {
  const Result<KmsComponentConfig> config =
      Read(std::string("{") + kNeeded + "}");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->path, "/keys");
  ASSERT_EQ(config->slots.kms_keys.size(), 1u);
  EXPECT_EQ(config->slots.kms_keys[0].Name(), "alias/k");
  EXPECT_FALSE(config->slots.NeedsSlots());
  EXPECT_FALSE(config->read_only);
  EXPECT_EQ(config->aws.region, "");
  EXPECT_TRUE(config->aws.secret_access_key.empty());
  EXPECT_EQ(config->aws.use_fips_endpoint, std::nullopt);
  EXPECT_EQ(config->aws.use_dualstack_endpoint, std::nullopt);
  EXPECT_EQ(config->aws.max_attempts, std::nullopt);
  EXPECT_EQ(config->connect_timeout, Millis(2000));
  EXPECT_EQ(config->request_timeout, Millis(3000));
  EXPECT_EQ(config->startup_deadline, Millis(30000));
  EXPECT_EQ(config->reload_deadline, Millis(60000));
  EXPECT_EQ(config->operation_deadline, Millis(5000));
  EXPECT_EQ(config->load_parallelism, 16u);
  EXPECT_TRUE(config->encryption_context.empty());
  EXPECT_FALSE(config->file_format);
}

TEST_F(KmsComponentConfigFile, TakesPerconasOptionsAsItsManualPrintsThem) {
  const Result<KmsComponentConfig> config = Read(R"({
    "read_local_config": "false", "path": "/keys", "read_only": "true",
    "kms_key": "arn:aws:kms:eu-west-1:1:key/2", "region": "eu-west-1",
    "auth_key": "AKIDEXAMPLE", "secret_access_key": "s3cret"})");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_TRUE(config->read_only);
  EXPECT_EQ(config->slots.kms_keys.at(0).key, "arn:aws:kms:eu-west-1:1:key/2");
  EXPECT_EQ(config->aws.region, "eu-west-1");
  EXPECT_EQ(config->aws.access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(config->aws.secret_access_key.RevealText(), "s3cret");
}

TEST_F(KmsComponentConfigFile, TakesEachOfOurOptions) {
  const Result<KmsComponentConfig> config = ReadWith(R"(
    "auth_key": "A", "secret_access_key": "s", "session_token": "t",
    "role_arn": "arn:r", "external_id": "e", "endpoint_url": "https://k",
    "allow_unencrypted_endpoint": true, "use_fips_endpoint": true, "use_dualstack_endpoint": "false",
    "ca_bundle": "/ca.pem", "connect_timeout_ms": 1, "request_timeout_ms": "2",
    "startup_deadline_ms": 3, "operation_deadline_ms": 4, "max_attempts": 5,
    "reload_deadline_ms": 6,
    "load_parallelism": "6", "encryption_context": {"a": "b"},
    "file_format": "percona", "allow_insecure_permissions": false)");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->aws.session_token.RevealText(), "t");
  EXPECT_EQ(config->aws.role_arn, "arn:r");
  EXPECT_EQ(config->aws.external_id, "e");
  EXPECT_EQ(config->aws.endpoint_url, "https://k");
  EXPECT_TRUE(config->aws.allow_unencrypted_endpoint);
  EXPECT_EQ(config->aws.use_fips_endpoint, true);
  EXPECT_EQ(config->aws.use_dualstack_endpoint, false);
  EXPECT_EQ(config->aws.ca_bundle, "/ca.pem");
  EXPECT_EQ(config->aws.max_attempts, 5);
  EXPECT_EQ(config->connect_timeout, Millis(1));
  EXPECT_EQ(config->request_timeout, Millis(2));
  EXPECT_EQ(config->startup_deadline, Millis(3));
  EXPECT_EQ(config->reload_deadline, Millis(6));
  EXPECT_EQ(config->operation_deadline, Millis(4));
  EXPECT_EQ(config->load_parallelism, 6u);
  EXPECT_EQ(config->encryption_context.at("a"), "b");
  EXPECT_EQ(config->file_format, KeyringFileFormat::kPercona);
}

TEST_F(KmsComponentConfigFile, ANewKeyringBesideEncryptedDataMustBeAllowed) {
  EXPECT_FALSE(ReadWith(R"("max_attempts":3)")->allow_new_keyring);
  EXPECT_TRUE(ReadWith(R"("allow_new_keyring":true)")->allow_new_keyring);
}

TEST_F(KmsComponentConfigFile, TakesAProfile) {
  const auto config = ReadWith(R"("profile": "db")");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->aws.profile, "db");
}

TEST_F(KmsComponentConfigFile, FileFormatIsOneOfThree) {
  EXPECT_FALSE(ReadWith(R"("file_format":"auto")")->file_format);
  EXPECT_EQ(ReadWith(R"("file_format":"sealed")")->file_format,
            KeyringFileFormat::kSealed);
  EXPECT_THAT(ErrorWith(R"("file_format":"json")"),
              HasSubstr("file_format must be auto, sealed or percona"));
}

TEST_F(KmsComponentConfigFile, ARelativePathIsInTheDataDirectory) {
  const std::string text = R"({"path":"sub/keys","kms_key":"k"})";
  EXPECT_EQ(Read(text)->path, "/data/sub/keys");
  EXPECT_EQ(Read(text, "/data/")->path, "/data/sub/keys");
  EXPECT_EQ(Read(text, "")->path, "sub/keys");
}

TEST_F(KmsComponentConfigFile, MissingOptionsAreAllNamedAtOnce) {
  const Status status = Read("{}").status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("path is missing"),
                                      HasSubstr("kms_key is missing")));
}

TEST_F(KmsComponentConfigFile, BlankPathOrKmsKeyIsRefused) {
  EXPECT_THAT(Read(R"({"path":"","kms_key":"k"})").status().message(),
              HasSubstr("path must not be empty"));
  EXPECT_THAT(Read(R"({"path":"/k","kms_key":" "})").status().message(),
              HasSubstr("kms_key must not be empty"));
  EXPECT_THAT(
      Read(R"({"path":"/k","kms_key":")" + std::string(3000, 'k') + "\"}")
          .status()
          .message(),
      HasSubstr("kms_key: "));
}

TEST_F(KmsComponentConfigFile, TakesSeveralKeys) {
  const auto config = Read(
      R"({"path":"/keys","kms_key":["alias/a",{"key":"k","region":"r-1"}]})");
  ASSERT_TRUE(config) << config.status().ToString();
  ASSERT_EQ(config->slots.kms_keys.size(), 2u);
  EXPECT_EQ(config->slots.kms_keys[1].Name(), "k@r-1");
  EXPECT_EQ(config->data_directories, (std::vector<std::string>{"/", "/data"}));
}

TEST_F(KmsComponentConfigFile, TheCurrentDirectoryIsNotTheDataDirectory) {
  const auto config = Read(std::string("{") + kNeeded + "}", "");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->data_directories, (std::vector<std::string>{"/"}));
}

TEST_F(KmsComponentConfigFile, SeveralKeysHaveEndpointsOfTheirOwn) {
  const auto error = [&](const std::string& more) {
    return Read(R"({"path":"/keys","endpoint_url":"https://k",)" + more + "}")
        .status()
        .message();
  };
  const char* expected = "endpoint_url is for one KMS key";
  EXPECT_THAT(error(R"("kms_key":["a","b"])"), HasSubstr(expected));
  EXPECT_EQ(error(R"("kms_key":["a"])"), "");
  EXPECT_EQ(error(R"("kms_key":[{"key":"a","endpoint_url":"https://a"},)"
                  R"({"key":"b","endpoint_url":"https://b"}])"),
            "");
}

TEST_F(KmsComponentConfigFile, SlotsRequireTheSealedFormat) {
  const char* expected = "file_format percona has one KMS key";
  EXPECT_THAT(Read(R"({"path":"/k","file_format":"percona",)"
                   R"("kms_key":["a","b"]})")
                  .status()
                  .message(),
              HasSubstr(expected));
  EXPECT_THAT(ErrorWith(R"("file_format":"percona","local_unlock_file":"/x")"),
              HasSubstr(expected));
}

TEST_F(KmsComponentConfigFile, RecoveryKeysThatCannotBeUsedAreRefused) {
  EXPECT_THAT(ErrorWith(R"("recovery_public_key":")" +
                        directory_.PathOf("no.pem") + R"(","max_attempts":0)"),
              AllOf(HasSubstr("recovery_public_key: "), HasSubstr("no.pem"),
                    HasSubstr("max_attempts must be")));
}

TEST_F(KmsComponentConfigFile, ALocalUnlockFileThatIsMissingIsAWarning) {
  const auto config = ReadWith(R"("local_unlock_file":"/none/secret")");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_THAT(log_.Text(), HasSubstr("local_unlock_file is missing"));
}

TEST_F(KmsComponentConfigFile, ALocalUnlockFileBesideTheDataIsRefused) {
  const std::string secret = directory_.Write("secret", std::string(32, 's'));
  EXPECT_EQ(chmod(secret.c_str(), 0400), 0);
  const auto read = [&](const std::string& path, const std::string& instance) {
    return Read(R"({"path":")" + path +
                    R"(","kms_key":"k","local_unlock_file":")" + secret + "\"}",
                instance);
  };
  EXPECT_THAT(read("/tmp/keys", directory_.path()).status().message(),
              HasSubstr("local_unlock_file: " + secret + " lies in"));
  EXPECT_THAT(read(directory_.PathOf("keys"), "/usr").status().message(),
              HasSubstr("local_unlock_file: " + secret + " lies in"));
  const Status ok = read("/usr/keys", "/usr").status();
  EXPECT_TRUE(ok.ok()) << ok.message();
}

TEST_F(KmsComponentConfigFile, TheTargetOfALinkIsADirectoryOfTheKeyring) {
  TemporaryDirectory elsewhere;
  const std::string target = elsewhere.Write("keys", "");
  std::filesystem::create_symlink(target, directory_.PathOf("link"));
  const auto config =
      Read(R"({"path":")" + directory_.PathOf("link") + R"(","kms_key":"k"})");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->data_directories.back(),
            std::filesystem::canonical(elsewhere.path()).string());
}

TEST_F(KmsComponentConfigFile, NumbersOutsideOfTheirRangesAreRefused) {
  for (const char* name :
       {"connect_timeout_ms", "request_timeout_ms", "startup_deadline_ms",
        "reload_deadline_ms", "operation_deadline_ms", "max_attempts",
        "load_parallelism"}) {
    for (const char* value : {"0", "-1", "3600001", "\"a\"", "1.5", "true"}) {
      EXPECT_THAT(ErrorWith(std::string("\"") + name + "\":" + value),
                  HasSubstr(std::string(name) + " must be a whole number"));
    }
  }
  EXPECT_TRUE(ReadWith(R"("max_attempts":20,"load_parallelism":256)"));
  EXPECT_FALSE(ReadWith(R"("max_attempts":21)"));
  EXPECT_FALSE(ReadWith(R"("load_parallelism":257)"));
}

TEST_F(KmsComponentConfigFile, IllTypedOptionsAreAllNamed) {
  for (const char* name :
       {"region", "endpoint_url", "profile", "auth_key", "role_arn",
        "external_id", "ca_bundle", "file_format", "secret_access_key",
        "session_token", "read_only", "allow_unencrypted_endpoint",
        "use_fips_endpoint", "use_dualstack_endpoint", "encryption_context",
        "read_local_config", "allow_insecure_permissions"}) {
    EXPECT_THAT(ErrorWith(std::string("\"") + name + "\":17"),
                HasSubstr(std::string(name) + " must be"));
  }
}

TEST_F(KmsComponentConfigFile, CredentialsThatDoNotGoTogetherAreRefused) {
  EXPECT_THAT(ErrorWith(R"("auth_key":"A")"),
              HasSubstr("set auth_key and secret_access_key together"));
  EXPECT_THAT(ErrorWith(R"("secret_access_key":"s3cret")"),
              AllOf(HasSubstr("key together"), Not(HasSubstr("s3cret"))));
  EXPECT_THAT(ErrorWith(R"("session_token":"t0ken")"),
              AllOf(HasSubstr("session_token requires auth_key"),
                    Not(HasSubstr("t0ken"))));
  EXPECT_THAT(
      ErrorWith(R"("profile":"p","auth_key":"A","secret_access_key":"s")"),
      HasSubstr("profile and auth_key are mutually exclusive"));
  EXPECT_THAT(ErrorWith(R"("external_id":"e")"),
              HasSubstr("external_id requires role_arn"));
}

TEST_F(KmsComponentConfigFile, ABlankSecretIsRefused) {
  EXPECT_THAT(ErrorWith(R"("secret_access_key":"")"),
              HasSubstr("secret_access_key must not be empty"));
  EXPECT_THAT(
      ErrorWith(R"("auth_key":"A","secret_access_key":"s","session_token":"")"),
      HasSubstr("session_token must not be empty"));
}

TEST_F(KmsComponentConfigFile, OurNamesInTheEncryptionContextAreRefused) {
  for (const char* name : {"", "openkeyring:file", "aws:x"}) {
    EXPECT_THAT(ErrorWith(std::string(R"("encryption_context":{")") + name +
                          R"(":"v"})"),
                HasSubstr("encryption_context must not use"));
  }
  EXPECT_TRUE(ReadWith(R"("encryption_context":{"openkeyring":"v"})"));
}

TEST_F(KmsComponentConfigFile, AMistypedNameIsAnsweredWithTheRightOne) {
  const struct {
    const char *typed, *meant;
  } names[] = {{"kms_kee", "kms_key"},
               {"Region", "region"},
               {"secret_acces_key", "secret_access_key"},
               {"sesion_token", "session_token"},
               {"max_attempt", "max_attempts"},
               {"readonly", "read_only"},
               {"load_paralelism", "load_parallelism"},
               {"allow_insecure_permission", "allow_insecure_permissions"}};
  for (const auto& name : names) {
    const auto config =
        ReadWith(std::string("\"") + name.typed + "\":\"s3cret\"");
    ASSERT_TRUE(config) << config.status().ToString();
    ASSERT_EQ(config->warnings.unknown_options.size(), 1u) << name.typed;
    EXPECT_EQ(config->warnings.unknown_options[0],
              directory_.PathOf(kFile) + ": there is no option " + name.typed +
                  "; did you mean " + name.meant + "?");
    EXPECT_THAT(log_.lines().back().second,
                AllOf(HasSubstr(config->warnings.unknown_options[0]),
                      Not(HasSubstr("s3cret"))));
    EXPECT_EQ(log_.lines().back().first, LogLevel::kWarning);
  }
}

TEST_F(KmsComponentConfigFile,
       AMistypedNameIsAnErrorWhereTheRightOneIsMissing) {
  const Status status =
      Read(R"({"path":"/keys","kms_kye":"alias/k"})").status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("kms_key is missing"),
                    HasSubstr("no option kms_kye; did you mean kms_key?")));
}

}  // namespace
}  // namespace openkeyring
