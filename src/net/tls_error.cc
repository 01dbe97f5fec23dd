// SPDX-License-Identifier: MIT
#include "net/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/socket.h"

namespace openkeyring {
namespace {

// The server did not take our certificate, or misses one.
bool IsAboutOurCertificate(int reason) {
  switch (reason) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

bool IsAboutTheVersion(int reason) {
  return reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION ||
         reason == SSL_R_UNSUPPORTED_PROTOCOL ||
         reason == SSL_R_WRONG_SSL_VERSION ||
         reason == SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY;
}

// The names in the server's certificate, for a message.
std::string SubjectOf(X509* certificate) {
  char text[256] = "";
  X509_NAME_oneline(X509_get_subject_name(certificate), text, sizeof text);
  return text;
}

Status NotTrusted(SSL* ssl, const TlsOptions& options,
                  const std::string& peer) {
  const long result = SSL_get_verify_result(ssl);
  return {StatusCode::kMisconfigured,
          "the certificate of " + peer +
              " is not trusted: " + X509_verify_cert_error_string(result) +
              " (is " + options.names.ca_file + " the right CA?)"};
}

}  // namespace

Status TlsFailure(SSL* ssl, const TlsOptions& options,
                  const std::string& peer) {
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  const char* text = ERR_reason_error_string(error);
  const std::string why = text == nullptr ? "connection lost" : text;
  ERR_clear_error();
  if (error == 0 || ERR_GET_LIB(error) != ERR_LIB_SSL ||
      reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return {StatusCode::kUnavailable, peer + " cut the connection"};
  }
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return NotTrusted(ssl, options, peer);
  }
  if (IsAboutOurCertificate(reason)) {
    const std::string given =
        options.certificate_file.empty()
            ? "there is none: set " + options.names.certificate_file
            : options.names.certificate_file + ": " + options.certificate_file;
    return {StatusCode::kMisconfigured,
            peer + " refused our client certificate (" + given + "): " + why};
  }
  if (IsAboutTheVersion(reason)) {
    return {StatusCode::kMisconfigured,
            peer + " does not speak TLS " + options.minimum_version +
                " or later (" + options.names.minimum_version + "): " + why};
  }
  if (reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE) {
    // The server does not say what it misses.
    const std::string guess =
        options.certificate_file.empty()
            ? "it may want a client certificate: set " +
                  options.names.certificate_file
            : "it may have no cipher of ours, or not speak TLS " +
                  options.minimum_version + " (" +
                  options.names.minimum_version + ")";
    return {StatusCode::kMisconfigured,
            peer + " refused the handshake; " + guess + ": " + why};
  }
  return {StatusCode::kUnavailable, "TLS with " + peer + " failed: " + why};
}

std::string NameInTls(const std::string& host) {
  return host.size() > 1 && host.back() == '.' ? host.substr(0, host.size() - 1)
                                               : host;
}

Status CheckTlsHost(X509* certificate, const TlsOptions& options,
                    const std::string& host) {
  if (certificate == nullptr) {
    return {StatusCode::kMisconfigured, host + " has no certificate"};
  }
  const std::string name = NameInTls(host);
  const int matches =
      IsNumericAddress(host)
          ? X509_check_ip_asc(certificate, host.c_str(), 0)
          : X509_check_host(certificate, name.c_str(), name.size(),
                            X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr);
  ERR_clear_error();
  if (matches == 1) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "the certificate of the server (" + SubjectOf(certificate) +
              ") is not for the host \"" + host + "\" (" +
              options.names.verify_host_name +
              "); connect by a name that is in it"};
}

}  // namespace openkeyring
