#include "workers/wsgi/environ.h"

#include <cstring>
#include <utility>

#include "src/base/ascii.h"
#include "workers/python/convert.h"
#include "workers/python/interned.h"
#include "workers/wsgi/keys.h"

namespace cppcorn::wsgi {

using python::GilHeld;
using python::interned;
using python::make_latin1;
using python::PyRef;

namespace {

bool set(PyObject* environ, PyObject* key, PyObject* value) noexcept {
  return value != nullptr && PyDict_SetItem(environ, key, value) == 0;
}

bool set(PyObject* environ, PyObject* key, const PyRef& value) noexcept {
  return set(environ, key, value.get());
}

// A name is drawn from a small set: its object is there already.
PyRef method_text(GilHeld& gil, std::string_view method) noexcept {
  if (method == "GET") return PyRef::borrow(interned.GET);
  if (method == "POST") return PyRef::borrow(interned.POST);
  if (method == "HEAD") return PyRef::borrow(interned.HEAD);
  if (method == "PUT") return PyRef::borrow(interned.PUT);
  if (method == "DELETE") return PyRef::borrow(interned.DELETE);
  if (method == "PATCH") return PyRef::borrow(interned.PATCH);
  if (method == "OPTIONS") return PyRef::borrow(interned.OPTIONS);
  return make_latin1(gil, method);
}

PyRef text(GilHeld& gil, std::string_view bytes) noexcept {
  if (bytes.empty()) return PyRef::borrow(interned.empty);
  if (bytes == "/") return PyRef::borrow(interned.slash);
  return make_latin1(gil, bytes);
}

bool is_transfer_encoding(std::string_view name) noexcept { return name == "transfer-encoding"; }

}  // namespace

bool EnvironMaker::set_up(GilHeld& gil, EnvironFacts facts) {
  facts_ = std::move(facts);
  PyRef made = PyRef::steal(PyDict_New());
  const PyRef version = PyRef::steal(Py_BuildValue("(ii)", 1, 0));
  if (!made || !version) return false;
  PyObject* environ = made.get();
  // Keys whose value each request sets are here too, so that the copy already has room for them.
  const bool complete =
      set(environ, keys.REQUEST_METHOD, interned.GET) &&
      set(environ, keys.SCRIPT_NAME, text(gil, facts_.script_name)) &&
      set(environ, keys.PATH_INFO, interned.slash) &&
      set(environ, keys.QUERY_STRING, interned.empty) &&
      set(environ, keys.RAW_URI, interned.slash) &&
      set(environ, keys.SERVER_NAME, interned.empty) &&
      set(environ, keys.SERVER_PORT, interned.empty) &&
      set(environ, keys.SERVER_PROTOCOL, keys.http_1_1) &&
      set(environ, keys.SERVER_SOFTWARE, make_latin1(gil, facts_.server_software)) &&
      set(environ, keys.REMOTE_ADDR, interned.empty) && set(environ, keys.version, version) &&
      set(environ, keys.url_scheme, interned.http) &&
      set(environ, keys.input, facts_.empty_input) && set(environ, keys.errors, facts_.errors) &&
      set(environ, keys.multithread, facts_.multithread ? Py_True : Py_False) &&
      set(environ, keys.multiprocess, facts_.multiprocess ? Py_True : Py_False) &&
      set(environ, keys.run_once, Py_False) &&
      set(environ, keys.file_wrapper, facts_.file_wrapper) &&
      set(environ, keys.input_terminated, Py_True) &&
      set(environ, keys.early_hints, facts_.early_hints);
  template_ = std::move(made);
  return complete;
}

PyRef EnvironMaker::make(GilHeld& gil, const Call& call, PyObject* input, uint64_t body_bytes) {
  PyRef environ = PyRef::steal(PyDict_Copy(template_.get()));
  if (!environ) return environ;
  const bool complete =
      set_request_line(gil, environ.get(), call.head()) && set_ends(gil, environ.get(), call) &&
      set_fields(gil, environ.get(), call) && set_body(gil, environ.get(), call, input, body_bytes);
  return complete ? environ : PyRef();
}

bool EnvironMaker::set_request_line(GilHeld& gil, PyObject* environ,
                                    const http::RequestHead& head) {
  const std::string_view method = head.method();
  if (method != "GET" && !set(environ, keys.REQUEST_METHOD, method_text(gil, method))) return false;
  if (!head.query().empty() && !set(environ, keys.QUERY_STRING, make_latin1(gil, head.query()))) {
    return false;
  }
  if (head.version_minor() == 0 && !set(environ, keys.SERVER_PROTOCOL, keys.http_1_0)) return false;
  return set_path(gil, environ, head);
}

// PATH_INFO holds the bytes of the decoded path, as a str of the same code points (PEP 3333,
// "Unicode Issues").
bool EnvironMaker::set_path(GilHeld& gil, PyObject* environ, const http::RequestHead& head) {
  std::string_view path = head.path();
  const std::string& prefix = facts_.script_name;
  if (!prefix.empty()) {
    // A proxy may or may not have taken the prefix off; "/apiary" does not begin with "/api".
    if (path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/')) {
      path.remove_prefix(prefix.size());
    }
  }
  const bool encoded = path.find('%') != std::string_view::npos;
  const PyRef info = encoded ? make_latin1(gil, python::percent_decoded(path)) : text(gil, path);
  if (!set(environ, keys.PATH_INFO, info)) return false;
  if (!encoded && path == head.target()) return set(environ, keys.RAW_URI, info);
  return set(environ, keys.RAW_URI, make_latin1(gil, head.target()));
}

const EnvironMaker::AddressTexts* EnvironMaker::texts_of(GilHeld& gil,
                                                         const net::SocketAddress& address,
                                                         AddressTexts& slot) {
  if (slot.host && slot.address == address) return &slot;
  PyRef host = make_latin1(gil, address.host());
  PyRef port = make_latin1(gil, std::to_string(address.port()));
  if (!host || !port) return nullptr;
  slot.address = address;
  slot.host = std::move(host);
  slot.port = std::move(port);
  return &slot;
}

bool EnvironMaker::set_ends(GilHeld& gil, PyObject* environ, const Call& call) {
  const server::Endpoints& ends = call.endpoints();
  if (ends.tls && !set(environ, keys.url_scheme, interned.https)) return false;
  if (ends.peer.is_ip()) {
    AddressTexts& slot = peers_[ends.peer.port() & (kPeers - 1)];
    const AddressTexts* peer = texts_of(gil, ends.peer, slot);
    if (peer == nullptr || !set(environ, keys.REMOTE_ADDR, peer->host) ||
        !set(environ, keys.REMOTE_PORT, peer->port)) {
      return false;
    }
  }
  if (!ends.local.is_ip()) return set_unix_server(gil, environ, call);
  const AddressTexts* local = texts_of(gil, ends.local, local_);
  return local != nullptr && set(environ, keys.SERVER_NAME, local->host) &&
         set(environ, keys.SERVER_PORT, local->port);
}

// A unix socket has no name that a client could use: the Host field has. As gunicorn does.
bool EnvironMaker::set_unix_server(GilHeld& gil, PyObject* environ, const Call& call) {
  const std::string_view authority = call.head().authority();
  PyObject* default_port = call.endpoints().tls ? keys.port_443 : keys.port_80;
  // The colon of a port is behind the bracket of an IPv6 address.
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  const std::string_view port =
      colon == std::string_view::npos ? std::string_view() : authority.substr(colon + 1);
  return set(environ, keys.SERVER_NAME,
             host.empty() ? PyRef::borrow(keys.localhost) : make_latin1(gil, host)) &&
         set(environ, keys.SERVER_PORT,
             port.empty() ? PyRef::borrow(default_port) : make_latin1(gil, port));
}

bool EnvironMaker::set_fields(GilHeld& gil, PyObject* environ, const Call& call) {
  const http::RequestHead& head = call.head();
  const size_t count = head.field_count();
  for (size_t i = 0; i < count; ++i) {
    const http::Field field = head.field(i);
    // Foo_Bar and Foo-Bar would be one key: a client could pass for the proxy that sets the other
    // (--header-map; where it says refuse, the request never comes here).
    if (field.name.find('_') != std::string_view::npos) continue;
    // What the server has undone is no longer true of the body that the app gets (RFC 3875
    // section 4.1.18).
    if (!call.streams_body && is_transfer_encoding(field.name)) continue;
    if (field.name == "content-length") continue;  // set_body knows better
    if (!set_field(gil, environ, field)) return false;
  }
  return true;
}

bool EnvironMaker::set_field(GilHeld& gil, PyObject* environ, const http::Field& field) {
  const PyRef key = names_.get(gil, field.name);
  if (!key) return false;
  const PyRef value = make_latin1(gil, field.value);
  if (!value) return false;
  PyObject* there = PyDict_SetDefault(environ, key.get(), value.get());
  if (there == value.get() || there == nullptr) return there != nullptr;
  // A field that comes again is a list (RFC 9110 section 5.3); cookies have a separator of their
  // own (RFC 6265).
  PyObject* separator = field.name == "cookie" ? keys.semicolon : keys.comma;
  const PyRef begun = PyRef::steal(PyUnicode_Concat(there, separator));
  if (!begun) return false;
  return set(environ, key.get(), PyRef::steal(PyUnicode_Concat(begun.get(), value.get())));
}

// CONTENT_LENGTH is the length of the body without its transfer coding (RFC 3875 section 4.1.2),
// which for a chunked body is known once it has been received. Frameworks that read only what it
// says can read those too.
bool EnvironMaker::set_body(GilHeld& gil, PyObject* environ, const Call& call, PyObject* input,
                            uint64_t body_bytes) {
  const http::RequestHead& head = call.head();
  const bool known = head.has_content_length() || (head.chunked() && !call.streams_body);
  if (known) {
    const uint64_t length = head.chunked() ? body_bytes : head.content_length();
    if (!set(environ, keys.CONTENT_LENGTH, make_latin1(gil, std::to_string(length)))) return false;
  }
  return input == nullptr || set(environ, keys.input, input);
}

}  // namespace cppcorn::wsgi
