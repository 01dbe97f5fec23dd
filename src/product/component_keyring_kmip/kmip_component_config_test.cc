// SPDX-License-Identifier: MIT
#include "product/component_keyring_kmip/kmip_component_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "testing/fakes.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kFile[] = "component_keyring_kmip.cnf";
constexpr char kServer[] = R"("server_addr":"kmip","server_port":"5697")";
constexpr char kFiles[] =
    R"("client_ca":"/c.pem","client_key":"/k.pem","server_ca":"/a.pem")";

class KmipComponentConfigFile : public testing::Test {
 protected:
  Result<KmipComponentConfig> Read(const std::string& text) {
    EXPECT_EQ(chmod(directory_.Write(kFile, text).c_str(), 0644), 0);
    return ReadKmipComponentConfig(PosixFileSystem(), log_,
                                   {directory_.path(), "/data"});
  }
  Result<KmipComponentConfig> ReadWith(const std::string& more) {
    return Read(std::string("{") + kServer + "," + kFiles +
                (more.empty() ? "" : "," + more) + "}");
  }
  std::string Error(const Result<KmipComponentConfig>& config) {
    EXPECT_EQ(config.status().code(), StatusCode::kMisconfigured);
    EXPECT_THAT(config.status().message(), HasSubstr(directory_.PathOf(kFile)));
    return config.status().message();
  }

  TemporaryDirectory directory_;
  MemoryLog log_;
};

TEST_F(KmipComponentConfigFile, OfPerconaIsEnoughAndVerifiesTheServer) {
  const auto config = ReadWith("");
  ASSERT_TRUE(config) << config.status().ToString();
  ASSERT_EQ(config->kmip.servers.size(), 1U);
  EXPECT_EQ(config->kmip.servers[0].Text(), "kmip:5697");
  EXPECT_EQ(config->kmip.tls.certificate_file, "/c.pem");
  EXPECT_EQ(config->kmip.tls.key_file, "/k.pem");
  EXPECT_EQ(config->kmip.tls.ca_file, "/a.pem");
  EXPECT_TRUE(config->kmip.tls.verify_certificate);
  EXPECT_TRUE(config->kmip.tls.verify_host_name);
  EXPECT_EQ(config->kmip.tls.minimum_version, "1.2");
  EXPECT_EQ(config->kmip.version, std::nullopt);
  EXPECT_EQ(config->kmip.request_timeout, Millis(5000));
  EXPECT_EQ(config->operation_deadline, Millis(3000));
  EXPECT_EQ(config->reload_deadline, Millis(60000));
  EXPECT_EQ(config->group.object_group, "");
  EXPECT_EQ(config->keys.max_objects, 65535U);
  EXPECT_FALSE(config->read_only);
}

TEST_F(KmipComponentConfigFile, TakesEveryOption) {
  const auto config = ReadWith(
      R"("standby_servers":["b:1","[::1]:2"],"client_key_password_file":"pw",
      "kmip_version":"1.2","connect_timeout_ms":1,"kmip_timeout_ms":"2",
      "startup_deadline_ms":3,"operation_deadline_ms":4,"reload_deadline_ms":5,"object_group":"g",
      "max_objects":5,"tls_peer_verification":true,"tls_min_version":"1.3",
      "tls_hostname_verification":"false","activate_pre_active":true,
      "read_only":true)");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->kmip.servers.size(), 3U);
  EXPECT_EQ(config->kmip.servers[2].Text(), "[::1]:2");
  EXPECT_EQ(config->kmip.key_password_file, "/data/pw");
  EXPECT_EQ(config->kmip.version, (KmipVersion{1, 2}));
  EXPECT_EQ(config->kmip.tls.connect_timeout, Millis(1));
  EXPECT_EQ(config->kmip.request_timeout, Millis(2));
  EXPECT_EQ(config->startup_deadline, Millis(3));
  EXPECT_EQ(config->reload_deadline, Millis(5));
  EXPECT_EQ(config->operation_deadline, Millis(4));
  EXPECT_EQ(config->group.object_group, "g");
  EXPECT_EQ(config->keys.max_objects, 5U);
  EXPECT_TRUE(config->keys.activate_pre_active);
  EXPECT_TRUE(config->kmip.tls.verify_certificate);
  EXPECT_FALSE(config->kmip.tls.verify_host_name);
  EXPECT_EQ(config->kmip.tls.minimum_version, "1.3");
  EXPECT_TRUE(config->read_only);
}

TEST_F(KmipComponentConfigFile, OfOracleIsUnderstood) {
  const auto config = Read(
      R"({"server":"okv:5696","standby_server":"b,c:9",
      "kmip_configuration_directory":"conf"})");
  ASSERT_TRUE(config) << config.status().ToString();
  ASSERT_EQ(config->kmip.servers.size(), 3U);
  EXPECT_EQ(config->kmip.servers[1].Text(), "b:5696");
  EXPECT_EQ(config->kmip.servers[2].Text(), "c:9");
  EXPECT_EQ(config->kmip.tls.certificate_file, "/data/conf/ssl/cert.pem");
  EXPECT_EQ(config->kmip.tls.key_file, "/data/conf/ssl/key.pem");
  EXPECT_EQ(config->kmip.tls.ca_file, "/data/conf/ssl/CA.pem");
  EXPECT_EQ(config->kmip.key_password_file, "");
}

TEST_F(KmipComponentConfigFile, TurningVerificationOffTurnsHostNamesOffToo) {
  const auto config = ReadWith(R"("tls_peer_verification":false)");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_FALSE(config->kmip.tls.verify_host_name);
  EXPECT_THAT(Error(ReadWith(R"("tls_peer_verification":false,
                               "tls_hostname_verification":true)")),
              HasSubstr("tls_peer_verification"));
}

TEST_F(KmipComponentConfigFile, AnEmptyObjectGroupIsNone) {
  ASSERT_TRUE(ReadWith(R"("object_group":"")"));
}

TEST_F(KmipComponentConfigFile, TellsAllThatIsMissing) {
  EXPECT_THAT(Error(Read("{}")),
              AllOf(HasSubstr("server_addr"), HasSubstr("client_ca is missing"),
                    HasSubstr("client_key is missing"),
                    HasSubstr("server_ca is missing")));
  EXPECT_THAT(Error(Read(std::string(R"({"server_addr":"a",)") + kFiles + "}")),
              HasSubstr("server_port is missing"));
  EXPECT_THAT(Error(ReadWith(R"("server":"a:1")")), HasSubstr("server_addr"));
}

// As in Percona's own examples and tests.
TEST_F(KmipComponentConfigFile, MayHaveAPathWhichIsNotUsed) {
  for (const char* path : {R"("path":"/var/lib/keyring")", R"("path":"")"}) {
    const auto config = ReadWith(path);
    EXPECT_TRUE(config) << config.status().ToString();
  }
  EXPECT_THAT(log_.Text(), HasSubstr("path is not used"));
}

TEST_F(KmipComponentConfigFile, WarnsOfWhatIsUnknown) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("client_key_password":"s3cret")", "client_key_password_file"},
      {R"("objectgroup":"g")", "did you mean object_group"},
  };
  for (const auto& [more, text] : cases) {
    const auto config = ReadWith(more);
    ASSERT_TRUE(config) << config.status().ToString();
    ASSERT_EQ(config->warnings.unknown_options.size(), 1u) << more;
    EXPECT_THAT(config->warnings.unknown_options[0], HasSubstr(text));
    EXPECT_THAT(log_.Text(), HasSubstr(text));
    EXPECT_EQ(DescribeKmipConfig(*config).back().second,
              config->warnings.unknown_options[0]);
  }
  EXPECT_EQ(log_.Text().find("s3cret"), std::string::npos);
}

// As in Percona's component, where 0 and huge numbers are accepted.
TEST_F(KmipComponentConfigFile, TakesAnyNumberOfObjects) {
  const auto none = ReadWith(R"("max_objects":0)");
  ASSERT_TRUE(none) << none.status().ToString();
  EXPECT_EQ(none->keys.max_objects, SIZE_MAX);
  EXPECT_EQ(DescribeKmipConfig(*none)[6].second, "0");
  const auto huge = ReadWith(R"("max_objects":18446744073709551615)");
  ASSERT_TRUE(huge) << huge.status().ToString();
  EXPECT_EQ(huge->keys.max_objects, SIZE_MAX);
}

TEST_F(KmipComponentConfigFile, RefusesWhatMakesNoSense) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("kmip_version":"3.0")", "kmip_version"},
      {R"("tls_min_version":"1.1")", "tls_min_version"},
      {R"("standby_servers":["a:0"])", "standby_servers"},
      {R"("standby_servers":[1])", "standby_servers"},
      {R"("standby_servers":"a,,b")", "standby_servers"},
      {R"("max_objects":-1)", "max_objects"},
      {R"("kmip_timeout_ms":"soon")", "kmip_timeout_ms"},
  };
  for (const auto& [more, text] : cases) {
    EXPECT_THAT(Error(ReadWith(more)), HasSubstr(text)) << more;
  }
}

TEST_F(KmipComponentConfigFile, IsDescribedWithPerconasRowsFirst) {
  const auto config = ReadWith(R"("standby_servers":"b:1,c:2")");
  ASSERT_TRUE(config);
  const auto rows = DescribeKmipConfig(*config);
  const char* const names[] = {"Server_addr", "Server_port",    "Client_ca",
                               "Client_key",  "Server_ca",      "Object_group",
                               "Max_objects", "Kmip_timeout_ms"};
  for (size_t i = 0; i < std::size(names); ++i) {
    EXPECT_EQ(rows[i].first, names[i]);
  }
  EXPECT_EQ(rows[10].second, "b:1, c:2");
}

}  // namespace
}  // namespace openkeyring
