// SPDX-License-Identifier: MIT
#include "json/secret_json.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/encoding.h"
#include "base/vector_registers.h"

namespace openkeyring {
namespace {

constexpr int kMaxDepth = 64;

// Where a value lies in the text: [begin, end), strings without their quotes.
struct Span {
  size_t begin = 0;
  size_t end = 0;
  bool is_string = false;
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Walks over JSON text. Every method returns false when the text is not JSON
// there; the position is of no more use then.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool AtEnd() {
    SkipWhitespace();
    return at_ == text_.size();
  }

  // The character, after whitespace.
  bool Eat(char c) {
    SkipWhitespace();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool String(Span& span) {
    if (!Eat('"')) return false;
    span = {at_, at_, true};
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\') ++at_;
      if (c != '"') continue;
      span.end = at_++;
      return true;
    }
    return false;
  }

  bool Value(Span& span, int depth) {
    SkipWhitespace();
    if (at_ == text_.size()) return false;
    if (text_[at_] == '"') return String(span);
    span = {at_, at_, false};
    const bool ok = text_[at_] == '{'   ? Members(depth)
                    : text_[at_] == '[' ? Elements(depth)
                                        : Scalar();
    span.end = at_;
    return ok;
  }

  // An object; visit(name, value) sees each member and may stop the walk.
  template <typename Visit>
  bool Object(int depth, Visit visit) {
    if (depth > kMaxDepth || !Eat('{')) return false;
    if (Eat('}')) return true;
    do {
      Span name, value;
      if (!String(name) || !Eat(':') || !Value(value, depth + 1)) return false;
      if (!visit(name, value)) return false;
    } while (Eat(','));
    return Eat('}');
  }

 private:
  bool Members(int depth) {
    return Object(depth, [](const Span&, const Span&) { return true; });
  }

  bool Elements(int depth) {
    if (depth > kMaxDepth || !Eat('[')) return false;
    if (Eat(']')) return true;
    Span ignored;
    do {
      if (!Value(ignored, depth + 1)) return false;
    } while (Eat(','));
    return Eat(']');
  }

  bool Scalar() {
    const size_t end =
        std::min(text_.find_first_of(" \t\r\n,]}", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end;
    if (word == "true" || word == "false" || word == "null") return true;
    return !word.empty() &&
           (word[0] == '-' || (word[0] >= '0' && word[0] <= '9')) &&
           word.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
  }

  void SkipWhitespace() {
    at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
  }

  std::string_view text_;
  size_t at_ = 0;
};

// Four hex digits as a number, or nothing.
std::optional<uint32_t> CodeUnit(std::string_view digits) {
  if (digits.size() < 4) return std::nullopt;
  uint32_t unit = 0;
  for (const char c : digits.substr(0, 4)) {
    const int digit = HexDigit(c);
    if (digit < 0) return std::nullopt;
    unit = unit << 4 | static_cast<uint32_t>(digit);
  }
  return unit;
}

void AppendUtf8(uint32_t code, Secret& out) {
  const auto put = [&](uint32_t byte) {
    const uint8_t value = static_cast<uint8_t>(byte);
    out.Append(ByteView(&value, 1));
  };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

// Decodes the \u escape (or the surrogate pair) that `text` starts with and
// cuts it off. False when it is none.
bool TakeUnicodeEscape(std::string_view& text, Secret& out) {
  std::optional<uint32_t> code = CodeUnit(text.substr(2));
  if (!code || (*code >= 0xdc00 && *code < 0xe000)) return false;
  text.remove_prefix(6);
  if (*code >= 0xd800 && *code < 0xdc00) {
    if (!text.starts_with("\\u")) return false;
    const std::optional<uint32_t> low = CodeUnit(text.substr(2));
    if (!low || *low < 0xdc00 || *low >= 0xe000) return false;
    text.remove_prefix(6);
    code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
  }
  AppendUtf8(*code, out);
  return true;
}

// The text of a JSON string, or nothing when an escape is not one.
std::optional<Secret> Unescape(std::string_view text) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  Secret out;
  while (!text.empty()) {
    const size_t plain = std::min(text.find('\\'), text.size());
    out.Append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (text.size() < 2) return std::nullopt;
    if (text[1] == 'u') {
      if (!TakeUnicodeEscape(text, out)) return std::nullopt;
      continue;
    }
    const size_t name = kNames.find(text[1]);
    if (name == std::string_view::npos) return std::nullopt;
    out.Append(kMeanings.substr(name, 1));
    text.remove_prefix(2);
  }
  return out;
}

bool NameIs(std::string_view written, std::string_view name) {
  if (written.find('\\') == std::string_view::npos) return written == name;
  const std::optional<Secret> decoded = Unescape(written);
  return decoded && decoded->RevealText() == name;
}

Status Corrupt(std::string_view what) {
  return {StatusCode::kCorrupt, std::string(what)};
}

std::string Quoted(std::string_view member) {
  return "\"" + std::string(member) + "\"";
}

// The only member of that name, whatever its type; kNotFound when it is null.
Result<Span> FindMember(std::string_view text, std::string_view member) {
  Scanner scanner(text);
  std::optional<Span> found;
  bool twice = false;
  const bool is_object =
      scanner.Object(1, [&](const Span& name, const Span& value) {
        if (!NameIs(text.substr(name.begin, name.end - name.begin), member)) {
          return true;
        }
        twice = found.has_value();
        found = value;
        return !twice;
      });
  if (twice) {
    return Corrupt("a JSON object that says " + Quoted(member) + " twice");
  }
  if (!is_object || !scanner.AtEnd()) return Corrupt("not a JSON object");
  if (!found || (!found->is_string && text[found->begin] == 'n')) {
    return Status(StatusCode::kNotFound, "no " + Quoted(member));
  }
  return *found;
}

Result<Secret> TakeString(Secret& body, const Span& span,
                          std::string_view member) {
  if (!span.is_string) return Corrupt(Quoted(member) + " is not a string");
  const size_t size = span.end - span.begin;
  std::optional<Secret> value =
      Unescape(body.RevealText().substr(span.begin, size));
  if (!value) return Corrupt("a JSON string with a bad escape");
  std::ranges::fill(body.RevealMutable().subspan(span.begin, size), '*');
  return std::move(*value);
}

}  // namespace

Result<Secret> TakeJsonString(Secret& body, std::string_view member) {
  const Result<Span> span = FindMember(body.RevealText(), member);
  if (!span) return span.error();
  return TakeString(body, *span, member);
}

Result<Secret> TakeInnerJsonString(Secret& body, std::string_view path) {
  size_t begin = 0;
  size_t size = body.size();
  for (;;) {
    const size_t dot = path.find('.');
    const std::string_view member = path.substr(0, dot);
    Result<Span> span =
        FindMember(body.RevealText().substr(begin, size), member);
    if (!span) return span.error();
    span->begin += begin;
    span->end += begin;
    if (dot == path.npos) return TakeString(body, *span, member);
    begin = span->begin;
    size = span->end - span->begin;
    path.remove_prefix(dot + 1);
  }
}

Result<Secret> TakeJsonBase64(Secret& body, std::string_view member) {
  Result<Secret> text = TakeJsonString(body, member);
  if (!text) return text;
  Result<Secret> bytes = Base64DecodeSecret(text->RevealText());
  ClearVectorRegisters();  // The text and the bytes were copied by way of them.
  if (bytes) return bytes;
  return Corrupt("\"" + std::string(member) + "\" is not base64");
}

}  // namespace openkeyring
