#include "protocols/http1/request_parser.h"

#include <llhttp.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "protocols/http/token.h"
#include "protocols/http1/message_framing.h"
#include "protocols/http1/request_line.h"
#include "protocols/http1/trailer_section.h"
#include "src/base/assert.h"

namespace cppcorn::http1 {
namespace {

using http::Refusal;
using http::RequestHead;

// RFC 9112 section 2.2 lets a client send an empty line before a request; more than a few are an
// attack or a bug.
constexpr uint8_t kEmptyLinesMax = 8;
// From one piece of chunk data to the next: CR LF, the size with its extensions, CR LF. Signed
// uploads have extensions of 85 bytes.
constexpr uint64_t kChunkFramingBytesMax = 1024;
// Chunk extensions carry nothing for anybody here: a request may have this many bytes of them, and
// one more for each byte of its body.
constexpr uint64_t kChunkExtensionBytesFree = 4096;
// Spans of a head are 32 bits wide.
constexpr uint32_t kHeadBytesCeiling = uint32_t{1} << 30;
constexpr uint64_t kLineEndBytes = 2;

constexpr const char* kFieldTooLong = "field larger than the limit";
constexpr const char* kChunkFramingTooLong = "chunk framing longer than the limit";
constexpr Refusal kNoFault{400, {}, UINT64_MAX};

uint32_t head_bytes_max(const http::Limits& limits) noexcept {
  const uint32_t set =
      limits.head_bytes_max == 0 ? http::Limits{}.head_bytes_max : limits.head_bytes_max;
  return std::min(set, kHeadBytesCeiling);
}

uint32_t or_without_limit(uint32_t limit) noexcept { return limit == 0 ? UINT32_MAX : limit; }

}  // namespace

//             first byte              line complete         head complete, with a body
//   kIdle ──────────────▶ kRequestLine ─────────▶ kFields ─────────────┬─▶ kKnownLength
//     ▲                                              │                 └─▶ kChunked ─▶ kTrailers
//     │                                              │ without a body         last chunk    │
//     └──────────────────────────────────────────────┴──────────── last byte ──────────────┘
//   and from anywhere, when refused, at EOF, or behind a request that was the last: kEnded
struct RequestParser::Impl {
  // clang-format off
  enum class Phase : uint8_t {
    kIdle, kRequestLine, kFields, kKnownLength, kChunked, kTrailers, kEnded
  };
  // clang-format on
  enum class FieldPart : uint8_t { kNone, kName, kValue };

  // One run of llhttp over one piece; on the stack, so that an idle parser doesn't pay for it.
  struct Step {
    const char* piece;             // its first byte is at offset `position` of the request
    std::string_view payload;      // what on_body was given
    bool last_chunk;               // stopped behind the size line of the last chunk
    std::optional<Refusal> fault;  // why a callback stopped llhttp
  };

  Impl(const http::Limits& limits, Listener& listener) noexcept
      : limits(&limits), listener(&listener) {}

  size_t receive(std::string_view bytes);
  size_t receive_between(std::string_view bytes);
  size_t receive_request_line(std::string_view bytes);
  size_t receive_fields(std::string_view bytes);
  size_t receive_known_length(std::string_view bytes);
  size_t receive_chunked(std::string_view bytes);
  void receive_eof();

  void begin_request();
  void begin_fields();
  void finish_head();
  void normalise_fields();
  std::optional<Refusal> disagreement() const noexcept;
  void finish_request();

  // --- llhttp ---
  static const llhttp_settings_t& settings();
  static const llhttp_t& behind_request_line();
  uint64_t offset_of(const char* at) const noexcept {
    return position + static_cast<uint64_t>(at - step->piece);
  }
  static Impl& of(llhttp_t* parser) noexcept { return *static_cast<Impl*>(parser->data); }
  size_t execute(std::string_view bytes, Step* run);
  int on_field_name(const char* at, size_t size);
  int on_field_value(const char* at, size_t size);
  int on_field_complete();
  int on_payload(const char* at, size_t size);
  int on_chunk_header();
  int stop(int status, const char* reason, uint64_t offset = UINT64_MAX) noexcept;

  // --- refusing ---
  bool in_body() const noexcept {
    return phase == Phase::kKnownLength || phase == Phase::kChunked || phase == Phase::kTrailers;
  }
  Refusal first_fault(Refusal fault) const noexcept;
  bool beyond_limits(uint64_t end) const noexcept;
  uint64_t section_limit() const noexcept;
  uint64_t field_limit() const noexcept;
  void refuse(Refusal refusal);
  void end() noexcept;

  llhttp_t llhttp;
  const http::Limits* limits;
  Listener* listener;
  std::unique_ptr<RequestHead> head;         // while it is being received
  std::unique_ptr<TrailerSection> trailers;  // from the first trailer field to the end
  RequestLine line{0};

  Step* step = nullptr;          // while llhttp runs
  uint64_t position = 0;         // bytes of this request before the piece
  uint64_t line_begin = 0;       // where the current field line begins
  uint64_t next_line_begin = 0;  // and the next one, as soon as the end of this one is known
  // Where the head, the trailers, or the framing after the last chunk data begins.
  uint64_t section_begin = 0;
  uint64_t body_bytes = 0;       // still to come for a known length; announced so far when chunked
  uint64_t extension_bytes = 0;  // of chunk extensions
  Phase phase = Phase::kIdle;
  FieldPart field_part = FieldPart::kNone;
  uint8_t empty_line_bytes = 0;  // CRs and LFs seen before the request
  bool paused = false;
  bool keep_alive = false;
  bool complete = false;  // llhttp saw the end of the message
};

// --- The flow ---

size_t RequestParser::Impl::receive(std::string_view bytes) {
  size_t used = 0;
  while (used < bytes.size() && phase != Phase::kEnded && !paused) {
    const std::string_view rest = bytes.substr(used);
    switch (phase) {
      case Phase::kIdle: used += receive_between(rest); break;
      case Phase::kRequestLine: used += receive_request_line(rest); break;
      case Phase::kFields: used += receive_fields(rest); break;
      case Phase::kKnownLength: used += receive_known_length(rest); break;
      case Phase::kChunked:
      case Phase::kTrailers: used += receive_chunked(rest); break;
      case Phase::kEnded: break;
    }
  }
  return phase == Phase::kEnded ? bytes.size() : used;
}

// Eats empty lines, CR LF each and no other.
size_t RequestParser::Impl::receive_between(std::string_view bytes) {
  size_t used = 0;
  while (used < bytes.size()) {
    const bool cr_before = empty_line_bytes % 2 == 1;
    if (bytes[used] != (cr_before ? '\n' : '\r')) {
      if (cr_before || bytes[used] == '\n') {
        refuse({400, "CR or LF alone before the request line"});
      } else {
        begin_request();
      }
      return used;
    }
    if (empty_line_bytes == 2 * kEmptyLinesMax) {
      refuse({400, "too many empty lines before the request line"});
      return used;
    }
    ++empty_line_bytes;
    ++used;
  }
  return used;
}

void RequestParser::Impl::begin_request() {
  head = listener->new_head();
  CPPCORN_DCHECK(head != nullptr && head->arena_size() == 0);
  line = RequestLine(
      std::min(or_without_limit(limits->request_line_bytes_max), head_bytes_max(*limits)));
  empty_line_bytes = 0;
  position = 0;
  phase = Phase::kRequestLine;
}

size_t RequestParser::Impl::receive_request_line(std::string_view bytes) {
  const size_t used = line.take(bytes);
  if (line.refused()) {
    refuse(line.refusal());
    return used;
  }
  head->append(bytes.substr(0, used));
  position += used;
  if (line.complete()) {
    if (auto refusal = line.finish(*head)) {
      refuse(*refusal);
    } else {
      begin_fields();
    }
  }
  return used;
}

void RequestParser::Impl::begin_fields() {
  llhttp = behind_request_line();
  llhttp.data = this;
  field_part = FieldPart::kNone;
  complete = false;
  line_begin = position;
  section_begin = 0;
  phase = Phase::kFields;
}

size_t RequestParser::Impl::receive_fields(std::string_view bytes) {
  Step run{};
  const size_t used = execute(bytes, &run);
  if (phase == Phase::kEnded) return used;
  head->append(bytes.substr(0, used));
  position += used;
  if (complete) finish_head();
  return used;
}

void RequestParser::Impl::finish_head() {
  normalise_fields();
  auto refusal = decide_framing(*head, *limits);
  if (!refusal) refusal = disagreement();
  if (refusal) {
    refuse(*refusal);
    return;
  }
  // An upgrade is only a wish; until somebody grants it, the connection carries plain HTTP.
  llhttp.upgrade = 0;
  keep_alive = head->keep_alive();
  const bool chunked = head->chunked();
  body_bytes = chunked ? 0 : head->content_length();
  // Our own state first: the listener may look at it.
  complete = false;
  extension_bytes = 0;
  section_begin = position;
  field_part = FieldPart::kNone;
  phase = chunked ? Phase::kChunked : Phase::kKnownLength;
  listener->on_request(std::move(head));
  if (phase == Phase::kKnownLength && body_bytes == 0) finish_request();
}

// Names to lower case, values without the white space around them.
void RequestParser::Impl::normalise_fields() {
  char* arena = head->arena();
  for (RequestHead::FieldSpan& field : head->fields()) {
    http::lower_token(arena + field.name.begin, field.name.size);
    const std::string_view value = http::trim(head->at(field.value));
    if (!value.empty()) field.value.begin = static_cast<uint32_t>(value.data() - arena);
    field.value.size = static_cast<uint32_t>(value.size());
  }
}

// llhttp has its own view of where the message ends. If it isn't ours, one of us errs: nobody shall
// profit from it.
std::optional<Refusal> RequestParser::Impl::disagreement() const noexcept {
  const bool chunked = (llhttp.flags & F_CHUNKED) != 0;
  const uint64_t length = (llhttp.flags & F_CONTENT_LENGTH) != 0 ? llhttp.content_length : 0;
  const bool agreed = chunked == head->chunked() && (chunked || length == head->content_length());
  if (agreed) return std::nullopt;
  return Refusal{400, "ambiguous message framing", position};
}

size_t RequestParser::Impl::receive_known_length(std::string_view bytes) {
  const auto used = static_cast<size_t>(std::min<uint64_t>(body_bytes, bytes.size()));
  body_bytes -= used;
  position += used;
  listener->on_body(bytes.substr(0, used));
  if (body_bytes == 0) finish_request();
  return used;
}

size_t RequestParser::Impl::receive_chunked(std::string_view bytes) {
  Step run{};
  const size_t used = execute(bytes, &run);
  if (phase == Phase::kEnded) return used;
  position += used;
  if (!run.payload.empty()) listener->on_body(run.payload);
  if (run.last_chunk) {
    phase = Phase::kTrailers;
    section_begin = line_begin = position;
  }
  if (complete) finish_request();
  return used;
}

void RequestParser::Impl::finish_request() {
  const std::unique_ptr<TrailerSection> done = std::move(trailers);
  const std::vector<http::Field>* fields = nullptr;
  if (done != nullptr) {
    if (const auto refusal = done->finish()) {
      refuse(*refusal);
      return;
    }
    if (!done->fields().empty()) fields = &done->fields();
  }
  if (keep_alive) {
    phase = Phase::kIdle;
  } else {
    end();
  }
  listener->on_request_end(fields);
}

void RequestParser::Impl::receive_eof() {
  switch (phase) {
    case Phase::kEnded: return;
    case Phase::kIdle: end(); return;
    default: refuse({400, "ended early", position}); return;
  }
}

// --- llhttp ---

const llhttp_settings_t& RequestParser::Impl::settings() {
  static const llhttp_settings_t instance = [] {
    llhttp_settings_t made;
    llhttp_settings_init(&made);
    made.on_header_field = [](llhttp_t* parser, const char* at, size_t size) {
      return of(parser).on_field_name(at, size);
    };
    made.on_header_value = [](llhttp_t* parser, const char* at, size_t size) {
      return of(parser).on_field_value(at, size);
    };
    made.on_chunk_extension_name = [](llhttp_t* parser, const char*, size_t size) {
      of(parser).extension_bytes += size;
      return 0;
    };
    made.on_chunk_extension_value = made.on_chunk_extension_name;
    made.on_header_value_complete = [](llhttp_t* parser) { return of(parser).on_field_complete(); };
    made.on_chunk_header = [](llhttp_t* parser) { return of(parser).on_chunk_header(); };
    // The next three stop llhttp, so that events are sent and heads are judged outside of C code.
    made.on_headers_complete = [](llhttp_t* parser) -> int {
      of(parser).complete = true;
      return HPE_PAUSED;
    };
    made.on_body = [](llhttp_t* parser, const char* at, size_t size) -> int {
      return of(parser).on_payload(at, size);
    };
    made.on_message_complete = [](llhttp_t* parser) -> int {
      of(parser).complete = true;
      return HPE_PAUSED;
    };
    return made;
  }();
  return instance;
}

// llhttp as it stands behind a request line. Copied for each request, since RequestLine has read
// the real one.
const llhttp_t& RequestParser::Impl::behind_request_line() {
  static const llhttp_t instance = [] {
    constexpr std::string_view kLine = "POST / HTTP/1.1\r\n";
    llhttp_t made;
    llhttp_init(&made, HTTP_REQUEST, &settings());
    CPPCORN_CHECK(llhttp_execute(&made, kLine.data(), kLine.size()) == HPE_OK);
    return made;
  }();
  return instance;
}

// Runs llhttp until it has eaten the bytes, or has an event; returns how many it took. Refuses what
// is wrong.
size_t RequestParser::Impl::execute(std::string_view bytes, Step* run) {
  step = run;
  step->piece = bytes.data();
  llhttp_resume(&llhttp);
  const llhttp_errno_t result = llhttp_execute(&llhttp, bytes.data(), bytes.size());
  step = nullptr;
  if (result == HPE_OK) {
    if (beyond_limits(position + bytes.size())) refuse(first_fault(kNoFault));
    return bytes.size();
  }
  const auto used = static_cast<size_t>(llhttp_get_error_pos(&llhttp) - bytes.data());
  if (result == HPE_PAUSED) {
    if ((complete || run->last_chunk) && position + used > section_limit())
      refuse(first_fault(kNoFault));
    return used;
  }
  // llhttp's reasons are literals; it has none when a callback stopped it.
  Refusal refusal{400, {}, position + used};
  if (run->fault) {
    refusal = {run->fault->status, run->fault->reason,
               std::min(run->fault->offset, refusal.offset)};
  } else if (const char* reason = llhttp_get_error_reason(&llhttp)) {
    refusal.reason = reason;
  }
  refuse(first_fault(refusal));
  return used;
}

int RequestParser::Impl::on_field_name(const char* at, size_t size) {
  const uint64_t begin = offset_of(at);
  if (field_part != FieldPart::kName) {
    field_part = FieldPart::kName;
    if (phase == Phase::kTrailers) {
      if (trailers == nullptr) trailers = std::make_unique<TrailerSection>();
      trailers->begin_field();
    } else {
      head->fields().push_back({{static_cast<uint32_t>(begin), 0}, {}});
    }
  }
  if (begin + size > field_limit()) return stop(431, kFieldTooLong, field_limit());
  if (trailers != nullptr) {
    trailers->append_name({at, size});
  } else {
    head->fields().back().name.size += static_cast<uint32_t>(size);
  }
  return 0;
}

int RequestParser::Impl::on_field_value(const char* at, size_t size) {
  const uint64_t begin = offset_of(at);
  // llhttp reports an empty value behind the line's end.
  const bool empty = size == 0 && field_part == FieldPart::kName;
  const uint64_t end = empty ? begin - kLineEndBytes : begin + size;
  if (end > field_limit()) return stop(431, kFieldTooLong, field_limit());
  next_line_begin = end + kLineEndBytes;
  if (trailers != nullptr) {
    trailers->append_value({at, size});
  } else {
    RequestHead::Span& value = head->fields().back().value;
    if (field_part != FieldPart::kValue) value.begin = static_cast<uint32_t>(begin);
    value.size += static_cast<uint32_t>(size);
  }
  field_part = FieldPart::kValue;
  return 0;
}

// Counted here and not where a field begins, because llhttp tells of a begun one only if no fault
// follows in the piece.
int RequestParser::Impl::on_field_complete() {
  line_begin = next_line_begin;
  field_part = FieldPart::kNone;
  const size_t count = trailers != nullptr ? trailers->count() : head->field_count();
  if (count > or_without_limit(limits->fields_max)) return stop(431, "too many fields");
  return 0;
}

int RequestParser::Impl::on_payload(const char* at, size_t size) {
  if (offset_of(at) > section_limit()) return stop(400, kChunkFramingTooLong, section_limit());
  section_begin = offset_of(at) + size;
  step->payload = {at, size};
  return HPE_PAUSED;
}

// The chunk-size line is complete; llhttp holds the size.
int RequestParser::Impl::on_chunk_header() {
  if (extension_bytes > kChunkExtensionBytesFree + body_bytes) {
    return stop(400, "too many bytes of chunk extensions");
  }
  const uint64_t size = llhttp.content_length;
  if (__builtin_add_overflow(body_bytes, size, &body_bytes) ||
      (limits->body_bytes_max != 0 && body_bytes > limits->body_bytes_max)) {
    return stop(413, "body larger than the limit");
  }
  step->last_chunk = size == 0;
  return step->last_chunk ? HPE_PAUSED : 0;
}

// Makes a callback stop llhttp; without an offset the fault is where llhttp stands.
int RequestParser::Impl::stop(int status, const char* reason, uint64_t offset) noexcept {
  step->fault = {status, reason, offset};
  return HPE_USER;
}

// --- Limits and refusals ---
//
// A limit is an offset within the request: that of the first byte too many. Whatever is wrong
// first, by offset, decides, so that a request is judged alike however its bytes are cut into
// pieces.

uint64_t RequestParser::Impl::section_limit() const noexcept {
  if (phase == Phase::kChunked) return section_begin + kChunkFramingBytesMax;
  return section_begin + head_bytes_max(*limits);
}

uint64_t RequestParser::Impl::field_limit() const noexcept {
  if (phase == Phase::kChunked) return UINT64_MAX;
  return line_begin + or_without_limit(limits->field_bytes_max);
}

// For the end of a piece. CR LF may stand behind a field's last byte and belong to no field.
bool RequestParser::Impl::beyond_limits(uint64_t end) const noexcept {
  return end > section_limit() || end - kLineEndBytes > field_limit();
}

Refusal RequestParser::Impl::first_fault(Refusal fault) const noexcept {
  if (section_limit() <= fault.offset) {
    fault = phase == Phase::kChunked
                ? Refusal{400, kChunkFramingTooLong, section_limit()}
                : Refusal{431, "fields larger than the limit in total", section_limit()};
  }
  if (field_limit() <= fault.offset) fault = {431, kFieldTooLong, field_limit()};
  return fault;
}

void RequestParser::Impl::refuse(Refusal refusal) {
  const bool body = in_body();
  end();
  listener->on_refused(refusal, body);
}

void RequestParser::Impl::end() noexcept {
  phase = Phase::kEnded;
  head.reset();
  trailers.reset();
}

// --- The public face ---

RequestParser::RequestParser(const http::Limits& limits, Listener& listener) noexcept
    : impl_(std::make_unique<Impl>(limits, listener)) {}
RequestParser::~RequestParser() = default;

size_t RequestParser::receive(std::string_view bytes) { return impl_->receive(bytes); }
void RequestParser::receive_eof() { impl_->receive_eof(); }
void RequestParser::pause() noexcept { impl_->paused = true; }
void RequestParser::resume() noexcept { impl_->paused = false; }
bool RequestParser::paused() const noexcept { return impl_->paused; }
bool RequestParser::idle() const noexcept { return impl_->phase == Impl::Phase::kIdle; }
bool RequestParser::in_head() const noexcept {
  return impl_->phase == Impl::Phase::kRequestLine || impl_->phase == Impl::Phase::kFields;
}
bool RequestParser::in_body() const noexcept { return impl_->in_body(); }
bool RequestParser::dead() const noexcept { return impl_->phase == Impl::Phase::kEnded; }
size_t RequestParser::idle_memory() noexcept { return sizeof(RequestParser) + sizeof(Impl); }

}  // namespace cppcorn::http1
