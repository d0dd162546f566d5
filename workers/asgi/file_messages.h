// The files that an app sends by http.response.pathsend and http.response.zerocopysend: from the
// message to a range of an open file of our own, which sendfile reads. Regular files only:
// everything else may block or has no end.
#pragma once

#include <optional>

#include "src/base/buffer_chain.h"
#include "workers/asgi/message.h"

namespace cppcorn::asgi {

// The whole file at "path". nullopt with an exception pending (OSError with the path where it
// cannot be opened).
std::optional<FileRange> open_path(python::GilHeld& gil, const Message& message);
// "file" from "offset", or from its position, which moves on; "count" bytes, or to the end. The
// descriptor is duplicated: the app may close its own as soon as send() returns. nullopt with an
// exception pending.
std::optional<FileRange> duplicate_file(python::GilHeld& gil, const Message& message);

}  // namespace cppcorn::asgi
