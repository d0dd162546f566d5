#include "workers/asgi/scope.h"

#include <cstring>

#include "workers/python/convert.h"
#include "workers/python/interned.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::interned;
using python::PyRef;

namespace {

static_assert(std::is_trivially_copyable_v<net::SocketAddress>);

// Of the bytes: a difference in padding only costs a hit.
size_t hash(const net::SocketAddress& address) noexcept {
  unsigned char bytes[sizeof(address)];
  std::memcpy(bytes, &address, sizeof(address));
  uint32_t hash = 2166136261u;
  for (const unsigned char byte : bytes) hash = (hash ^ byte) * 16777619u;
  return hash ^ (hash >> 16);
}

bool set(PyObject* dict, PyObject* key, const PyRef& value) noexcept {
  return value && PyDict_SetItem(dict, key, value.get()) == 0;
}

bool set_new(PyObject* dict, PyObject* key, const PyRef& value) noexcept {
  return set(dict, key, value);
}

PyRef dict_of_empty_dicts(std::initializer_list<PyObject*> keys) {
  PyRef dict = PyRef::steal(PyDict_New());
  for (PyObject* key : keys) {
    if (!dict || !set_new(dict.get(), key, PyRef::steal(PyDict_New()))) return {};
  }
  return dict;
}

// ASGI's "server" of a unix socket.
PyRef unix_pair(GilHeld& gil, const std::string& name) {
  const PyRef path = python::make_file_name(gil, name);
  return path ? PyRef::steal(PyTuple_Pack(2, path.get(), Py_None)) : PyRef();
}

PyRef method_text(GilHeld& gil, std::string_view method) {
  if (method == "GET") return PyRef::borrow(interned.GET);
  if (method == "POST") return PyRef::borrow(interned.POST);
  if (method == "HEAD") return PyRef::borrow(interned.HEAD);
  if (method == "PUT") return PyRef::borrow(interned.PUT);
  if (method == "PATCH") return PyRef::borrow(interned.PATCH);
  if (method == "DELETE") return PyRef::borrow(interned.DELETE);
  if (method == "OPTIONS") return PyRef::borrow(interned.OPTIONS);
  return python::make_latin1(gil, method);
}

}  // namespace

PyRef AddressCache::get(GilHeld& gil, const net::SocketAddress& address) {
  if (!address.is_ip()) return PyRef::borrow(Py_None);
  Slot& slot = slots_[hash(address) & (kSlots - 1)];
  if (slot.pair && slot.address == address) return slot.pair;
  const PyRef host = python::make_latin1(gil, address.host());
  const PyRef port = PyRef::steal(PyLong_FromLong(address.port()));
  if (!host || !port) return {};
  PyRef pair = PyRef::steal(PyTuple_Pack(2, host.get(), port.get()));
  if (!pair) return {};
  slot.address = address;
  slot.pair = pair;
  return pair;
}

bool ScopeBuilder::prepare(GilHeld& gil, const Options& options) {
  if (!options.root_path_in_target) prefix_ = options.root_path;
  const PyRef version = python::make_latin1(gil, "3.0");
  const PyRef spec_version = python::make_latin1(gil, "2.5");
  const PyRef asgi = PyRef::steal(PyDict_New());
  if (!asgi || !set(asgi.get(), interned.version, version) ||
      !set(asgi.get(), interned.spec_version, spec_version)) {
    return false;
  }
  extensions_ =
      dict_of_empty_dicts({interned.http_response_early_hint, interned.http_response_pathsend,
                           interned.http_response_zerocopysend});
  extensions_with_trailers_ =
      dict_of_empty_dicts({interned.http_response_early_hint, interned.http_response_pathsend,
                           interned.http_response_zerocopysend, interned.http_response_trailers});
  for (const std::string& name : options.unix_servers) {
    unix_servers_.push_back(name.empty() ? PyRef::borrow(Py_None) : unix_pair(gil, name));
    if (!unix_servers_.back()) return false;
  }

  // Every key is in the template, so that a copy never grows.
  template_ = PyRef::steal(PyDict_New());
  PyObject* scope = template_.get();
  const PyRef none = PyRef::borrow(Py_None);
  return extensions_ && extensions_with_trailers_ && scope &&
         set_new(scope, interned.type, PyRef::borrow(interned.http)) &&
         set(scope, interned.asgi, asgi) &&
         set_new(scope, interned.http_version, PyRef::borrow(interned.v1_1)) &&
         set_new(scope, interned.method, PyRef::borrow(interned.GET)) &&
         set_new(scope, interned.scheme, PyRef::borrow(interned.http)) &&
         set(scope, interned.path, none) && set(scope, interned.raw_path, none) &&
         set_new(scope, interned.query_string, PyRef::borrow(interned.empty_bytes)) &&
         set_new(scope, interned.root_path, python::make_utf8(gil, options.root_path)) &&
         set(scope, interned.headers, none) && set(scope, interned.client, none) &&
         set(scope, interned.server, none) && set(scope, interned.state, none) &&
         set(scope, interned.extensions, none);
}

PyRef ScopeBuilder::build(GilHeld& gil, const server::Exchange& exchange) {
  PyRef scope = PyRef::steal(PyDict_Copy(template_.get()));
  if (!scope || !fill(gil, scope.get(), exchange)) return {};
  return scope;
}

bool ScopeBuilder::fill(GilHeld& gil, PyObject* scope, const server::Exchange& exchange) {
  const http::RequestHead& head = exchange.head();
  if (head.version_minor() == 0 &&
      PyDict_SetItem(scope, interned.http_version, interned.v1_0) != 0) {
    return false;
  }
  PyObject* extensions =
      head.accepts_trailers() ? extensions_with_trailers_.get() : extensions_.get();
  return set_new(scope, interned.method, method_text(gil, head.method())) &&
         set_target(gil, scope, head) && set_new(scope, interned.headers, headers(gil, head)) &&
         set_ends(gil, scope, exchange.endpoints()) &&
         set_new(scope, interned.state,
                 PyRef::steal(state_ ? PyDict_Copy(state_.get()) : PyDict_New())) &&
         set_new(scope, interned.extensions, PyRef::steal(PyDict_Copy(extensions)));
}

// What is not UTF-8 after decoding becomes U+FFFD, as in uvicorn: lone surrogates would only fail
// later, in the app's first attempt to write the path anywhere. raw_path has the truth.
bool ScopeBuilder::set_target(GilHeld& gil, PyObject* scope, const http::RequestHead& head) {
  const std::string_view raw = head.path();
  const bool encoded = raw.find('%') != std::string_view::npos;
  PyRef path;
  PyRef raw_path;
  const bool prefixed = !prefix_.empty() && raw.starts_with('/');  // "*" is no path
  if (!prefixed && !encoded) {
    path = python::make_utf8(gil, raw);
    raw_path = python::make_bytes(gil, raw);
  } else {
    const std::string prefix = prefixed ? prefix_ : std::string();
    path = python::make_utf8(gil, prefix + python::percent_decoded(raw));
    raw_path = python::make_bytes(gil, prefix + std::string(raw));
  }
  if (!set(scope, interned.path, path) || !set(scope, interned.raw_path, raw_path)) return false;
  const std::string_view query = head.query();
  return query.empty() || set_new(scope, interned.query_string, python::make_bytes(gil, query));
}

bool ScopeBuilder::set_ends(GilHeld& gil, PyObject* scope, const server::Endpoints& endpoints) {
  if (endpoints.tls && PyDict_SetItem(scope, interned.scheme, interned.https) != 0) return false;
  if (!set_new(scope, interned.client, addresses_.get(gil, endpoints.peer))) return false;
  if (endpoints.local.is_unix()) {
    return set(scope, interned.server, unix_servers_[endpoints.listener]);
  }
  return set_new(scope, interned.server, addresses_.get(gil, endpoints.local));
}

PyRef ScopeBuilder::headers(GilHeld& gil, const http::RequestHead& head) {
  const size_t count = head.field_count();
  PyRef list = PyRef::steal(PyList_New(static_cast<Py_ssize_t>(count)));
  if (!list) return {};
  for (size_t i = 0; i < count; ++i) {
    const http::Field field = head.field(i);
    PyRef name = names_.get(gil, field.name);
    PyRef value = python::make_bytes(gil, field.value);
    PyObject* pair = name && value ? PyTuple_New(2) : nullptr;
    if (pair == nullptr) return {};
    PyTuple_SET_ITEM(pair, 0, name.release());
    PyTuple_SET_ITEM(pair, 1, value.release());
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), pair);
  }
  return list;
}

}  // namespace cppcorn::asgi
