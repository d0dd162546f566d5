// Input: wsgi.input, a binary file to read the request's body from. Of a body that has been
// received it is the owner, and seekable; of one that streams (request_buffering off) it is the
// reader, and waits.
//
// A Python object: lives as long as the app keeps it. A received body may be read even after the
// request is over; a streaming one is cut off then.
#pragma once

#include "src/server/spool.h"
#include "workers/python/ref.h"
#include "workers/wsgi/outbox.h"

namespace cppcorn::wsgi {

// Makes the type. Once, from the module's initialisation. False with an exception pending.
bool make_input_type(python::GilHeld& gil) noexcept;

// The input over a body that has been received.
python::PyRef make_input(python::GilHeld& gil, server::Spool body) noexcept;
// The input over the body of a call that is still being received.
python::PyRef make_streaming_input(python::GilHeld& gil, Outbox& outbox, Call& call) noexcept;
// The request is over: the call is not touched any more when this returns. Another thread of the
// app's that waits for its bytes gets an exception.
void detach_input(python::GilHeld& gil, PyObject* input) noexcept;

}  // namespace cppcorn::wsgi
