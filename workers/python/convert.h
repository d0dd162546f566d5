// Between bytes of ours and Python's str and bytes. Functions that make an object give an empty
// PyRef, with the exception pending, when memory runs out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "workers/python/ref.h"

namespace cppcorn::python {

inline PyRef make_bytes(GilHeld&, std::string_view bytes) noexcept {
  return PyRef::steal(
      PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
}
// Bytes as the str of the same code points: what PEP 3333 calls a native string, and all of ASCII.
inline PyRef make_latin1(GilHeld&, std::string_view bytes) noexcept {
  return PyRef::steal(
      PyUnicode_DecodeLatin1(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), nullptr));
}
// UTF-8 to str; what is not UTF-8 becomes U+FFFD.
inline PyRef make_utf8(GilHeld&, std::string_view bytes) noexcept {
  return PyRef::steal(
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "replace"));
}
// Names of files: undecodable bytes survive the way back (os.fsdecode).
inline PyRef make_file_name(GilHeld&, std::string_view bytes) noexcept {
  return PyRef::steal(
      PyUnicode_DecodeFSDefaultAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
}

// The contents of a bytes object, alive as long as it is.
inline std::string_view bytes_view(PyObject* bytes) noexcept {
  return {PyBytes_AS_STRING(bytes), static_cast<size_t>(PyBytes_GET_SIZE(bytes))};
}
// The text of a str that is pure ASCII, without a copy; nothing for other text.
inline std::optional<std::string_view> ascii_view(PyObject* text) noexcept {
  if (!PyUnicode_IS_ASCII(text)) return std::nullopt;
  return std::string_view(static_cast<const char*>(PyUnicode_DATA(text)),
                          static_cast<size_t>(PyUnicode_GET_LENGTH(text)));
}
// The text of a str whose code points all fit a byte (a native string of PEP 3333), without a copy;
// nothing for others.
inline std::optional<std::string_view> latin1_view(PyObject* text) noexcept {
  if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND) return std::nullopt;
  return std::string_view(static_cast<const char*>(PyUnicode_DATA(text)),
                          static_cast<size_t>(PyUnicode_GET_LENGTH(text)));
}

// A str as UTF-8, lone surrogates as "?"; for texts that people read. Never raises; something that
// is no str gives its type's name in angle brackets.
std::string to_utf8(GilHeld&, PyObject* text);

// A path with its %XX undone; a "%" that two hex digits do not follow stays.
std::string percent_decoded(std::string_view path);

}  // namespace cppcorn::python
