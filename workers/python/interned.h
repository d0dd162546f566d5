// Interned: the str and bytes constants that engines need per request, made once. Immortal: the
// table is filled when the extension is loaded and never freed. To add one, add a line.
#pragma once

#include "workers/python/gil.h"

// A name in C++ and its text.
// clang-format off
#define CPPCORN_INTERNED_STR(X)                                                                    \
  /* values */                                                                                     \
  X(empty, "") X(slash, "/") X(star, "*") X(v1_0, "1.0") X(v1_1, "1.1")                            \
  X(http, "http") X(https, "https") X(lifespan, "lifespan")                                        \
  X(GET, "GET") X(HEAD, "HEAD") X(POST, "POST") X(PUT, "PUT") X(PATCH, "PATCH")                    \
  X(DELETE, "DELETE") X(OPTIONS, "OPTIONS")                                                        \
  /* attributes */                                                                                 \
  X(close, "close") X(read, "read") X(write, "write") X(fileno, "fileno")                          \
  /* keys of the ASGI scope */                                                                     \
  X(type, "type") X(asgi, "asgi") X(version, "version") X(spec_version, "spec_version")            \
  X(http_version, "http_version") X(method, "method") X(scheme, "scheme") X(path, "path")          \
  X(raw_path, "raw_path") X(query_string, "query_string") X(root_path, "root_path")                \
  X(headers, "headers") X(client, "client") X(server, "server") X(state, "state")                  \
  X(extensions, "extensions")                                                                      \
  /* keys of ASGI messages */                                                                      \
  X(body, "body") X(more_body, "more_body") X(status, "status") X(trailers, "trailers")            \
  X(more_trailers, "more_trailers") X(links, "links") X(file, "file") X(offset, "offset")          \
  X(count, "count") X(message, "message")                                                          \
  /* types of ASGI messages, and names of extensions */                                            \
  X(http_request, "http.request") X(http_disconnect, "http.disconnect")                            \
  X(http_response_start, "http.response.start")                                                    \
  X(http_response_body, "http.response.body")                                                      \
  X(http_response_trailers, "http.response.trailers")                                              \
  X(http_response_early_hint, "http.response.early_hint")                                          \
  X(http_response_pathsend, "http.response.pathsend")                                              \
  X(http_response_zerocopysend, "http.response.zerocopysend")

#define CPPCORN_INTERNED_BYTES(X) X(empty_bytes, "") X(slash_bytes, "/")
// clang-format on

namespace cppcorn::python {

struct Interned {
#define CPPCORN_X(name, text) PyObject* name = nullptr;
  CPPCORN_INTERNED_STR(CPPCORN_X)
  CPPCORN_INTERNED_BYTES(CPPCORN_X)
#undef CPPCORN_X
};

// Filled by intern_all().
extern Interned interned;
// Once, from the module's initialisation; again does nothing. False with an exception pending.
bool intern_all(GilHeld&) noexcept;

}  // namespace cppcorn::python
