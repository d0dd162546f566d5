// ScopeBuilder: the "scope" of a request, exactly as the ASGI HTTP specification says (3.0,
// HTTP 2.5), built by copying a template dict and replacing what differs. One per engine; used on
// the loop's thread with the GIL.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "src/net/socket_address.h"
#include "src/server/exchange.h"
#include "workers/python/header_names.h"
#include "workers/python/ref.h"

namespace cppcorn::asgi {

// The two-item "client" and "server" of addresses seen lately, so that a connection's second
// request makes neither anew. Direct-mapped: bounded whatever clients do.
class AddressCache {
 public:
  // (host, port), or None for an address that is not of an IP family. Empty with an exception
  // pending.
  python::PyRef get(python::GilHeld& gil, const net::SocketAddress& address);

 private:
  static constexpr size_t kSlots = 256;  // a power of two
  struct Slot {
    net::SocketAddress address;
    python::PyRef pair;
  };
  std::array<Slot, kSlots> slots_;
};

class ScopeBuilder {
 public:
  struct Options {
    std::string root_path;
    // Targets begin with root_path as they come. Else it is put before path and raw_path, as
    // uvicorn does and Starlette expects.
    bool root_path_in_target = false;
    // For each listener the path of its unix socket, for "server"; empty for others.
    std::vector<std::string> unix_servers;
  };

  // False with an exception pending.
  bool prepare(python::GilHeld& gil, const Options& options);
  // The lifespan's namespace, of which each scope gets a shallow copy.
  void set_state(python::PyRef state) noexcept { state_ = std::move(state); }

  // A new scope; empty with an exception pending.
  python::PyRef build(python::GilHeld& gil, const server::Exchange& exchange);

 private:
  bool fill(python::GilHeld& gil, PyObject* scope, const server::Exchange& exchange);
  bool set_target(python::GilHeld& gil, PyObject* scope, const http::RequestHead& head);
  bool set_ends(python::GilHeld& gil, PyObject* scope, const server::Endpoints& endpoints);
  python::PyRef headers(python::GilHeld& gil, const http::RequestHead& head);

  std::string prefix_;  // of path and raw_path
  python::PyRef template_;
  python::PyRef extensions_;                 // what every client gets
  python::PyRef extensions_with_trailers_;   // for one that said "TE: trailers"
  std::vector<python::PyRef> unix_servers_;  // by the listener's number; None for others
  python::PyRef state_;
  python::HeaderNames names_{python::HeaderNames::Form::kAsgiBytes};
  AddressCache addresses_;
};

}  // namespace cppcorn::asgi
