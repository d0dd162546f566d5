// The character classes and small list grammar that all HTTP fields share (RFC 9110 section 5.6).
// Pure functions over views; nothing is allocated.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cppcorn::http {

namespace character {

enum Class : uint8_t {
  kToken = 1,  // tchar, RFC 9110 section 5.6.2
  kTarget =
      2,  // may stand in a request target: visible ASCII but "#", which begins what is never sent
  kFieldValue = 4,  // visible, space, tab and obs-text, RFC 9110 section 5.5
  kHostName = 8,    // unreserved, RFC 3986 section 2.3
};

constexpr std::array<uint8_t, 256> make_table() {
  std::array<uint8_t, 256> table{};
  for (unsigned code = 0; code < 256; ++code) {
    const bool alphanumeric = (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') ||
                              (code >= 'a' && code <= 'z');
    const bool visible = code > 0x20 && code < 0x7f;
    if (alphanumeric) table[code] |= kToken | kHostName;
    if (visible && code != '#') table[code] |= kTarget;
    if (visible || code == ' ' || code == '\t' || code >= 0x80) table[code] |= kFieldValue;
  }
  for (const char mark : std::string_view("!#$%&'*+-.^_`|~")) {
    table[static_cast<unsigned char>(mark)] |= kToken;
  }
  for (const char mark : std::string_view("-._~")) {
    table[static_cast<unsigned char>(mark)] |= kHostName;
  }
  return table;
}

inline constexpr std::array<uint8_t, 256> kTable = make_table();

constexpr bool is(char byte, Class wanted) noexcept {
  return (kTable[static_cast<unsigned char>(byte)] & wanted) != 0;
}

}  // namespace character

constexpr bool is_token_character(char byte) noexcept {
  return character::is(byte, character::kToken);
}

constexpr bool consists_of(std::string_view text, character::Class wanted) noexcept {
  for (const char byte : text) {
    if (!character::is(byte, wanted)) return false;
  }
  return true;
}

// A token: a method, a field name, a transfer coding.
constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && consists_of(text, character::kToken);
}

constexpr char to_lower(char byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte;
}

// Makes a token lower case where it stands, eight bytes at a time. Only for text without bytes
// beyond ASCII.
inline void lower_token(char* text, size_t size) noexcept {
  constexpr uint64_t kEach = 0x0101010101010101;  // times a byte: that byte everywhere
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, text + i, sizeof word);
    // The top bit of each byte says whether it is at least "A" in the first sum, beyond "Z" in the
    // second.
    const uint64_t from_a = word + kEach * (0x80 - 'A');
    const uint64_t beyond_z = word + kEach * (0x7f - 'Z');
    word |= ((from_a ^ beyond_z) & (kEach * 0x80)) >> 2;
    std::memcpy(text + i, &word, sizeof word);
  }
  for (; i < size; ++i) text[i] = to_lower(text[i]);
}

// Whether text, in any case, is the given lower-case word.
constexpr bool equals_ignoring_case(std::string_view text, std::string_view lower_case) noexcept {
  if (text.size() != lower_case.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (to_lower(text[i]) != lower_case[i]) return false;
  }
  return true;
}

// Without optional white space (RFC 9110 section 5.6.3) at either end.
constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts the next member off a comma-separated list and trims it; empty members, which RFC 9110
// section 5.6.1 lets a recipient meet, come out as empty views. False when the list is used up.
constexpr bool next_list_member(std::string_view& list, std::string_view& member) noexcept {
  if (list.data() == nullptr) return false;
  const size_t comma = list.find(',');
  member = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  return true;
}

// Whether a comma-separated list has the given lower-case word as a member, in any case.
constexpr bool list_contains(std::string_view list, std::string_view lower_case) noexcept {
  std::string_view member;
  while (next_list_member(list, member)) {
    if (equals_ignoring_case(member, lower_case)) return true;
  }
  return false;
}

}  // namespace cppcorn::http
