// The str objects of an environ's keys and of values that come again and again, made once.
// Immortal, like python::interned. To add one, add a line.
#pragma once

#include "workers/python/ref.h"

// name in C++, text
#define CPPCORN_WSGI_KEYS(X)                   \
  X(REQUEST_METHOD, "REQUEST_METHOD")          \
  X(SCRIPT_NAME, "SCRIPT_NAME")                \
  X(PATH_INFO, "PATH_INFO")                    \
  X(QUERY_STRING, "QUERY_STRING")              \
  X(RAW_URI, "RAW_URI")                        \
  X(CONTENT_TYPE, "CONTENT_TYPE")              \
  X(CONTENT_LENGTH, "CONTENT_LENGTH")          \
  X(SERVER_NAME, "SERVER_NAME")                \
  X(SERVER_PORT, "SERVER_PORT")                \
  X(SERVER_PROTOCOL, "SERVER_PROTOCOL")        \
  X(SERVER_SOFTWARE, "SERVER_SOFTWARE")        \
  X(REMOTE_ADDR, "REMOTE_ADDR")                \
  X(REMOTE_PORT, "REMOTE_PORT")                \
  X(version, "wsgi.version")                   \
  X(url_scheme, "wsgi.url_scheme")             \
  X(input, "wsgi.input")                       \
  X(errors, "wsgi.errors")                     \
  X(multithread, "wsgi.multithread")           \
  X(multiprocess, "wsgi.multiprocess")         \
  X(run_once, "wsgi.run_once")                 \
  X(file_wrapper, "wsgi.file_wrapper")         \
  X(input_terminated, "wsgi.input_terminated") \
  X(early_hints, "wsgi.early_hints")           \
  X(http_1_0, "HTTP/1.0")                      \
  X(http_1_1, "HTTP/1.1")                      \
  X(localhost, "localhost")                    \
  X(port_80, "80")                             \
  X(port_443, "443")                           \
  X(comma, ",")                                \
  X(semicolon, "; ")                           \
  X(raw, "raw")                                \
  X(tell, "tell")

namespace cppcorn::wsgi {

struct Keys {
#define CPPCORN_X(name, text) PyObject* name = nullptr;
  CPPCORN_WSGI_KEYS(CPPCORN_X)
#undef CPPCORN_X
};

// Filled by make_keys().
extern Keys keys;
// Once, from the module's initialisation; again does nothing. False with an exception pending.
bool make_keys(python::GilHeld&) noexcept;

}  // namespace cppcorn::wsgi
