// SPDX-License-Identifier: MIT
// From here to the key server: names, connections, TLS, clock, certificates.
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

#include <algorithm>

#include "aws/arn.h"
#include "aws/endpoints.h"
#include "base/encoding.h"
#include "cli/checks/check.h"
#include "net/http_curl.h"
#include "net/socket.h"
#include "net/url.h"
#include "os/permissions_cure.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxPem = 1 << 20;
constexpr std::chrono::hours kSoonExpired{30 * 24};
constexpr time_t kLastTime = 9'000'000'000;  // Of WallTime: the year 2255.
constexpr std::chrono::seconds kSkew{120}, kRefusedSkew{300};

std::optional<WallTime> HttpDate(std::string_view text) {
  tm time = {};
  const std::string copy(text);
  if (strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time) == nullptr) {
    return std::nullopt;
  }
  return WallTime(std::chrono::seconds(timegm(&time)));
}

TlsOptions ClientTls(const TlsOptions& from, const KmipServiceOptions& kmip) {
  TlsOptions tls;
  tls.ca_file = from.ca_file;
  tls.minimum_version = from.minimum_version;
  tls.verify_certificate = from.verify_certificate;
  tls.verify_host_name = from.verify_host_name;
  tls.connect_timeout = from.connect_timeout;
  tls.names = from.names;
  // An encrypted key needs its password; the check of the keys uses it.
  if (kmip.key_password_file.empty()) {
    tls.certificate_file = from.certificate_file;
    tls.key_file = from.key_file;
  }
  return tls;
}

TlsOptions TlsOf(CheckRun& run, const CheckedEndpoint& endpoint) {
  if (KmipServiceOptions* kmip = run.kmip()) return ClientTls(kmip->tls, *kmip);
  TlsOptions tls;
  tls.names.ca_file = "ca_bundle";
  tls.ca_file = endpoint.ca_file;
  return tls;
}

std::optional<CheckedEndpoint> EndpointOf(const KmsAccess& kms) {
  std::string url = kms.settings.kms_endpoint_url;
  std::string region = kms.settings.region;
  if (region.empty()) region = RegionOfKeyArn(kms.kms_key);
  if (url.empty() && region.empty()) return std::nullopt;
  if (url.empty()) {
    url = ServiceEndpoint("kms", region, kms.settings.use_fips_endpoint,
                          kms.settings.use_dualstack_endpoint);
  }
  const Result<Url> parsed = ParseUrl(url);
  if (!parsed) return std::nullopt;
  return CheckedEndpoint{{parsed->host, parsed->port},
                         parsed->scheme == "https",
                         url,
                         kms.settings.ca_bundle,
                         kms.name};
}

// Runs it for each endpoint; what it finds is of the KMS key there.
void ForEachEndpoint(CheckRun& run,
                     void (*check)(CheckRun&, const CheckedEndpoint&)) {
  const std::vector<CheckedEndpoint> endpoints = EndpointsOf(run);
  if (endpoints.empty()) return run.Skip("the key server is not known");
  for (const CheckedEndpoint& one : endpoints) {
    run.kms_key = one.kms_key;
    check(run, one);
  }
  run.kms_key.clear();
}

void CheckName(CheckRun& run, const CheckedEndpoint& one) {
  const auto addresses =
      ResolveHost(one.endpoint.host, one.endpoint.port, run.Soon());
  if (!addresses) {
    return run.Fail(addresses.error().message(),
                    "correct the name, or the name service of this machine",
                    ExitCode::kUnreachable);
  }
  run.Ok(one.endpoint.host + " has " + std::to_string(addresses->size()) +
         (addresses->size() == 1 ? " address" : " addresses"));
}

void CheckConnection(CheckRun& run, const CheckedEndpoint& one) {
  const auto addresses =
      ResolveHost(one.endpoint.host, one.endpoint.port, run.Soon());
  if (!addresses) return run.Skip(one.endpoint.Text() + " has no address");
  const auto socket =
      ConnectTo(*addresses, Deadline::After(SystemClock(), Millis(3000)));
  if (socket) return run.Ok(one.endpoint.Text() + " accepts connections");
  run.Fail(one.endpoint.Text() + ": " + socket.error().message(),
           "check firewalls, security groups, the VPC endpoint, and that "
           "the key server runs",
           ExitCode::kUnreachable);
}

void CheckTlsOf(CheckRun& run, const CheckedEndpoint& one) {
  if (!one.tls) {
    return run.Warn(one.url + " is not encrypted",
                    "use an https:// endpoint outside of tests");
  }
  const auto connector = TlsConnector::Make(TlsOf(run, one), run.files);
  if (!connector) {
    return run.Fail(connector.error(), "correct the files of the options");
  }
  const auto stream =
      (*connector)->Connect(one.endpoint.host, one.endpoint.port, run.Soon());
  if (stream) {
    return run.Ok(one.endpoint.Text() +
                  " has a trusted certificate for its name");
  }
  run.Fail(stream.error(), run.uses_kms()
                               ? "AWS_CA_BUNDLE or ca_bundle for a private "
                                 "authority or a proxy; docs/errors.md"
                               : "docs/errors.md#check-tls");
}

std::optional<WallTime> TimeOf(const CheckedEndpoint& endpoint) {
  CurlOptions options;
  options.ca_bundle = endpoint.ca_file;
  HttpRequest request;
  request.url = endpoint.url;
  request.allow_plain_http = true;  // Nothing secret is sent.
  const auto answer = MakeCurlHttpClient(options)->Send(request, Millis(5000));
  const auto header = answer ? answer->FindHeader("date") : std::nullopt;
  return header ? HttpDate(*header) : std::nullopt;
}

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, FreeX509>;

std::vector<Certificate> ReadCertificates(ByteView pem) {
  std::vector<Certificate> all;
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  while (X509* one = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)) {
    all.emplace_back(one);
  }
  BIO_free(bio);
  return all;
}

std::optional<WallTime> EndOf(const X509* certificate) {
  tm time = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) {
    return std::nullopt;
  }
  // "99991231235959Z" is usual, and beyond what WallTime counts.
  return WallTime(std::chrono::seconds(std::min(timegm(&time), kLastTime)));
}

void CheckCertificateFile(CheckRun& run, const std::string& path,
                          const char* what) {
  if (path.empty()) return;
  const Result<Bytes> pem = run.files.Read(path, kMaxPem);
  if (!pem) {
    return run.Fail(std::string(what) + ": " + pem.error().message(),
                    "correct the path, or let the server's user read it");
  }
  const std::vector<Certificate> all = ReadCertificates(*pem);
  if (all.empty()) {
    return run.Fail(path + " has no certificate", "it must be a PEM file");
  }
  const WallTime now = SystemClock().Now();
  for (const Certificate& one : all) {
    const auto end = EndOf(one.get());
    if (!end) continue;
    const std::string date = UtcText(*end, "%Y-%m-%d");
    if (*end < now) {
      run.Fail(std::string(what) + " " + path + " expired on " + date,
               "renew it, and put the new one in its place");
    } else if (*end < now + kSoonExpired) {
      run.Warn(std::string(what) + " " + path + " expires on " + date,
               "renew it before; a new file is read at the next connection");
    } else {
      run.Ok(std::string(what) + " " + path + " is valid until " + date);
    }
  }
}

}  // namespace

std::vector<CheckedEndpoint> EndpointsOf(CheckRun& run) {
  std::vector<CheckedEndpoint> all;
  if (KmipServiceOptions* kmip = run.kmip()) {
    for (const Endpoint& server : kmip->servers)
      all.emplace_back().endpoint = server;
    return all;
  }
  for (const KmsAccess& kms : run.kms_keys()) {
    const auto endpoint = EndpointOf(kms);
    if (endpoint) all.push_back(*endpoint);
  }
  return all;
}

void CheckNames(CheckRun& run) { ForEachEndpoint(run, CheckName); }

void CheckConnections(CheckRun& run) { ForEachEndpoint(run, CheckConnection); }

void CheckTls(CheckRun& run) { ForEachEndpoint(run, CheckTlsOf); }

void CheckCertificateFiles(CheckRun& run) {
  KmipServiceOptions* kmip = run.kmip();
  if (kmip == nullptr) return;
  CheckCertificateFile(run, kmip->tls.certificate_file, "client certificate");
  CheckCertificateFile(run, kmip->tls.ca_file, "authority");
}

void CheckPrivateKey(CheckRun& run) {
  KmipServiceOptions* kmip = run.kmip();
  if (kmip == nullptr) return;
  const std::string& path = kmip->tls.key_file;
  const Result<FileInfo> info = run.files.Stat(path);
  Status status = info.status();
  if (status.ok()) status = run.files.ReadStart(path, 1).status();
  if (!status.ok()) {
    run.Fail("private key: " + status.message(),
             "correct the path, or let the server's user read it");
  } else if ((info->permissions & 0004) != 0) {
    run.Warn("private key " + path + " is world-readable",
             PermissionsCure(path));
  }
}

void CheckCertificates(CheckRun& run) {
  if (run.kmip() == nullptr) return run.Skip("AWS KMS needs none");
  CheckCertificateFiles(run);
  CheckPrivateKey(run);
}

void CheckClock(CheckRun& run) {
  if (!run.uses_kms()) return run.Skip("only AWS needs the time");
  const auto endpoints = EndpointsOf(run);
  if (endpoints.empty()) return run.Skip("the key server is not known");
  std::optional<WallTime> date;  // It is one clock: of the first that answers.
  for (const CheckedEndpoint& one : endpoints) {
    if (!date) date = TimeOf(one);
  }
  if (!date) return run.Skip("the key server did not say the time");
  const WallTime now = SystemClock().Now();
  const auto skew = std::chrono::duration_cast<std::chrono::seconds>(
      now > *date ? now - *date : *date - now);
  const std::string text =
      "this machine's clock differs by " + std::to_string(skew.count()) + " s";
  if (skew > kRefusedSkew) {
    run.Fail(text + ": AWS refuses signatures that are 300 s off",
             "set up NTP (chrony, systemd-timesyncd)");
  } else if (skew > kSkew) {
    run.Warn(text, "set up NTP (chrony, systemd-timesyncd)");
  } else {
    run.Ok(text);
  }
}

}  // namespace openkeyring
