// EnvironMaker: the environ of PEP 3333 for each request, as CGI (RFC 3875) names things. What is
// the same for every request stands in a template that is copied; the keys' objects are made once,
// and so are the texts of addresses that come again.
//
// One per engine, used with the GIL held; lives until the process ends.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "src/net/socket_address.h"
#include "src/server/exchange.h"
#include "workers/python/header_names.h"
#include "workers/python/ref.h"
#include "workers/wsgi/call.h"

namespace cppcorn::wsgi {

// What is the same for all requests of a worker.
struct EnvironFacts {
  std::string server_software;
  std::string script_name;  // "" or "/api": also taken off the front of paths that have it
  bool multithread = false;
  bool multiprocess = false;
  python::PyRef errors;        // wsgi.errors
  python::PyRef file_wrapper;  // wsgi.file_wrapper
  python::PyRef early_hints;   // wsgi.early_hints
  python::PyRef empty_input;   // wsgi.input of requests without a body
};

class EnvironMaker {
 public:
  EnvironMaker() noexcept : names_(python::HeaderNames::Form::kWsgiKey) {}

  // Makes the template. False with an exception pending.
  bool set_up(python::GilHeld& gil, EnvironFacts facts);
  // A new dict for this request. input, empty when it has no body, holds body_bytes (if the body
  // has been received). Empty with an exception pending.
  python::PyRef make(python::GilHeld& gil, const Call& call, PyObject* input, uint64_t body_bytes);

 private:
  // The two texts of an address.
  struct AddressTexts {
    net::SocketAddress address;
    python::PyRef host;
    python::PyRef port;
  };
  // A power of two: as many clients as one host (or proxy) has connections at a time.
  static constexpr size_t kPeers = 256;

  const AddressTexts* texts_of(python::GilHeld& gil, const net::SocketAddress& address,
                               AddressTexts& slot);
  bool set_request_line(python::GilHeld& gil, PyObject* environ, const http::RequestHead& head);
  bool set_path(python::GilHeld& gil, PyObject* environ, const http::RequestHead& head);
  bool set_ends(python::GilHeld& gil, PyObject* environ, const Call& call);
  bool set_unix_server(python::GilHeld& gil, PyObject* environ, const Call& call);
  bool set_fields(python::GilHeld& gil, PyObject* environ, const Call& call);
  bool set_field(python::GilHeld& gil, PyObject* environ, const http::Field& field);
  bool set_body(python::GilHeld& gil, PyObject* environ, const Call& call, PyObject* input,
                uint64_t body_bytes);

  EnvironFacts facts_;
  python::PyRef template_;
  python::HeaderNames names_;
  AddressTexts local_;
  std::array<AddressTexts, kPeers> peers_;
};

}  // namespace cppcorn::wsgi
