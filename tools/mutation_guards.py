# SPDX-License-Identifier: MIT
"""Code that must not change unnoticed: tools/mutate replaces each, and a unit test must fail."""

# (file, text that stands there exactly once, what replaces it, why it matters)
GUARDS: list[tuple[str, str, str, str]] = [
    (
        "src/net/http_curl.cc",
        "CURLOPT_FRESH_CONNECT, request.send_once ? 1L : 0L",
        "CURLOPT_FRESH_CONNECT, 0L",
        "what may be sent only once needs a connection that was not closed meanwhile",
    ),
    ("src/net/tls_context.cc", " | SSL_OP_NO_RENEGOTIATION", "", "no renegotiation"),
    (
        "src/net/tls_error.cc",
        "X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS",
        "0",
        "no partial wildcards in certificates",
    ),
    (
        "src/os/posix_file_system.cc",
        'if (fdatasync(fd_.get()) != 0) return ErrnoStatus("sync", path_);',
        "",
        "a store that is reported is on the disk",
    ),
    (
        "src/os/posix_file_system.cc",
        'if (fsync(fd.get()) != 0) return ErrnoStatus("sync directory", directory);',
        "",
        "so is a name",
    ),
    (
        "src/os/posix_file_system.cc",
        "O_EXCL | O_CLOEXEC",
        "O_EXCL",
        "no program that we start inherits a key file",
    ),
    ("src/base/secret_arena.cc", "  explicit_bzero(block, capacity);", "", "secrets are wiped"),
    (
        "src/base/secret_arena.cc",
        "madvise(pages, size, MADV_DONTDUMP);",
        "",
        "secrets are not in core dumps",
    ),
    ("src/base/secret.cc", "explicit_bzero(data_ + size, size_ - size);", "", "secrets are wiped"),
    (
        "src/crypto/aead.cc",
        "  EVP_CIPHER_CTX_reset(context);  // Wipes the key schedule.",
        "",
        "OpenSSL forgets the key",
    ),
    (
        "src/aws/aws_client.cc",
        "if (!quota_.TryTake(cost)) return false;",
        "",
        "retries do not add to an outage",
    ),
    (
        "src/server/mysql/component/reloadable_keyring.cc",
        "const std::shared_lock no_reload(changes_);",
        "",
        "a key that is stored while a reload reads is not lost",
    ),
    (
        "src/server/mysql/component/reloadable_keyring.cc",
        "const std::unique_lock one_at_a_time(changes_);",
        "",
        "a key that is stored while a reload reads is not lost",
    ),
    (
        "src/kmip/messages.cc",
        "return fields.OptionalText(KmipTag::kUniqueIdentifier) == call.object_id;",
        "return true;",
        "no key gets the value of another",
    ),
    (
        "src/kmip/messages.cc",
        "if (items.size() < calls.size()) return KmipFit::kPartial;",
        "",
        "answers without ids are in order only if none is missing",
    ),
    (
        "src/kmip/messages.cc",
        "return place < calls ? std::optional<size_t>(place) : std::nullopt;",
        "return position;",
        "a late answer is not one to the next request",
    ),
    (
        "src/kmip/transport.cc",
        "if (state == StreamState::kUnread) {",
        "if (false) {",
        "of two answers none is used",
    ),
    (
        "src/kmip/transport.cc",
        "server ? std::vector{*server} : servers_.Order();",
        "servers_.Order();",
        "an operation has one server",
    ),
    (
        "src/kmip/client.cc",
        "if (delivery.server) server_ = delivery.server;",
        "",
        "an operation has one server",
    ),
    (
        "src/kmip/locate_all.cc",
        "if (ids.size() >= longest_) return false;",
        "",
        "a truncated list is not complete",
    ),
    (
        "src/kmip/locate_all.cc",
        "if (*ids == first) return false;",
        "if (*ids == first) return true;",
        "a truncated list is not complete",
    ),
    (
        "src/kmip/locate_all.cc",
        "return parts_.contains(id);",
        "return true;",
        "a truncated list is not complete",
    ),
    (
        "src/kmip/locate_all.cc",
        "return !IsKnownToLack() && all_.size() < longest_;",
        "return !IsKnownToLack();",
        "a truncated list is not complete",
    ),
]
