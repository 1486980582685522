#include "serve/http_server.h"

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/threads.h"
#include "serve/readers.h"

namespace cowatch::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;

constexpr size_t largest_json_body = 16u << 20;
constexpr uint32_t largest_header = 16u << 10;
constexpr size_t file_piece = 256u << 10;
constexpr size_t first_read = 8u << 10;  // a common request comes whole in one call of the system

// "bytes=a-b" of one range within `size`; nullopt: none or more than this server answers, the whole is sent
// then.
struct ByteRange {
  uint64_t begin = 0, end = 0;  // equal: no range was asked for
};
ByteRange parse_range(std::string_view text, uint64_t size, bool& unsatisfiable) {
  unsatisfiable = false;
  if (!text.starts_with("bytes=") || text.find(',') != text.npos) return {};
  text.remove_prefix(6);
  const size_t dash = text.find('-');
  if (dash == text.npos) return {};
  const auto number = [](std::string_view digits, uint64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  uint64_t begin = 0, last = size - 1;
  const auto left = text.substr(0, dash), right = text.substr(dash + 1);
  if (left.empty()) {
    uint64_t length = 0;
    if (!number(right, length)) return {};
    begin = size - std::min(size, length);
  } else if (!number(left, begin) || (!right.empty() && !number(right, last))) {
    return {};
  }
  last = std::min(last, size - 1);
  unsatisfiable = begin > last || begin >= size;
  if (unsatisfiable) return {};
  return ByteRange{begin, last + 1};
}

bool host_is_ours(std::string_view host, const std::string& address) {
  // A page elsewhere may point a name of its own at 127.0.0.1 and read what is served there (DNS rebinding).
  if (address != "127.0.0.1" && address != "::1") return true;
  if (const size_t colon = host.rfind(':'); colon != host.npos && host.find(']', colon) == host.npos)
    host = host.substr(0, colon);
  return host == "127.0.0.1" || host == "localhost" || host == "[::1]";
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, Service& service, const ServerSettings& settings, Readers& readers,
          std::atomic<size_t>& open)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        service_(service),
        settings_(settings),
        readers_(readers),
        open_(open) {
    ++open_;
  }
  ~Session() { --open_; }

  void start() {
    beast::error_code ignored;
    socket_.non_blocking(true, ignored);
    expire_after_idle();
    keep_time();
    read();
  }

 private:
  using Clock = std::chrono::steady_clock;

  void expire_after_idle() { until_ = Clock::now() + std::chrono::seconds(settings_.idle_seconds); }
  void expire_never() { until_ = Clock::time_point::max(); }
  // The timer is looked at when it goes off, not set for each request: that would cost as much as refusing
  // one.
  void keep_time() {
    const auto latest = Clock::now() + std::chrono::seconds(settings_.idle_seconds);
    timer_.expires_at(std::min(until_, latest));
    timer_.async_wait([waiting = weak_from_this()](beast::error_code) {
      const auto self = waiting.lock();
      if (!self || !self->socket_.is_open()) return;
      if (Clock::now() < self->until_) return self->keep_time();
      beast::error_code ignored;
      self->socket_.close(ignored);
    });
  }

  void read() {
    parser_.emplace();
    buffer_.reserve(first_read);
    parser_->header_limit(largest_header);
    parser_->body_limit(std::max(largest_json_body, service_.upload_limit()));
    expire_after_idle();
    http::async_read_header(
        socket_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code error, size_t) { self->on_header(error); });
  }

  void on_header(beast::error_code error) {
    if (error) return refuse(error);
    const uint64_t limit = body_limit();
    parser_->body_limit(limit);
    // The parser compares a stated length with the limit it had when the header came, the larger of the two.
    if (const auto length = parser_->content_length(); length && *length > limit)
      return refuse(http::error::body_limit);
    if (turned_away()) return;
    if (parser_->get()[http::field::expect] == "100-continue") {
      go_on_ = {http::status::continue_, 11};
      http::async_write(socket_, go_on_, [self = shared_from_this()](beast::error_code failed, size_t) {
        if (!failed) self->read_body();
      });
      return;
    }
    read_body();
  }

  // A search that is refused for want of time is answered here, by bytes that are ready: its body, which is in
  // the buffer as a rule, is not even looked at.
  bool turned_away() {
    const auto& message = parser_->get();
    const auto length = parser_->content_length();
    if (!service_.vectors().busy() || !length || *length > buffer_.size()) return false;
    Request head;
    try {
      head = head_of(message);
    } catch (const Error&) {
      return false;  // answered in full
    }
    if (!host_is_ours(head.header("host"), settings_.address) || !service_.vectors().turns_away(head))
      return false;
    buffer_.consume(*length);
    keep_alive_ = message.keep_alive();
    static const std::string refusals[2] = {busy_bytes(false), busy_bytes(true)};
    const std::string& bytes = refusals[keep_alive_];
    beast::error_code error;
    const size_t sent = socket_.send(asio::buffer(bytes), 0, error);
    if (error && error != asio::error::would_block) {
      close();
    } else if (sent == bytes.size()) {
      next();
    } else {  // whoever asks does not read
      asio::async_write(socket_, asio::buffer(bytes) + sent,
                        [self = shared_from_this()](beast::error_code failed, size_t) {
                          failed ? self->close() : self->next();
                        });
    }
    return true;
  }

  void next() { keep_alive_ ? read() : close(); }

  static std::string busy_bytes(bool keep_alive) {
    Response response = VectorService::too_busy();
    http::response<http::string_body> reply;
    reply.result(static_cast<unsigned>(response.status));
    dress(response, reply);
    reply.body() = std::move(response.body);
    reply.keep_alive(keep_alive);
    reply.prepare_payload();
    std::ostringstream bytes;
    bytes << reply;
    return std::move(bytes).str();
  }

  template <typename Message>
  static Request head_of(const Message& message) {
    Request request;
    request.method = std::string(message.method_string());
    for (const auto& field : message) {
      std::string name(field.name_string());
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request.headers[std::move(name)] = std::string(field.value());
    }
    parse_target({message.target().data(), message.target().size()}, request);
    return request;
  }

  uint64_t body_limit() const {
    const bool upload = parser_->get().target().starts_with("/api/search/upload");
    return upload ? service_.upload_limit() : largest_json_body;
  }

  void read_body() {
    // A common request is in the buffer already.
    beast::error_code error;
    parser_->eager(true);
    while (!error && !parser_->is_done() && buffer_.size() > 0)
      buffer_.consume(parser_->put(buffer_.data(), error));
    if (error && error != http::error::need_more) return refuse(error);
    if (parser_->is_done()) return answer();
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (error) return self->refuse(error);
                       self->answer();
                     });
  }

  // What cannot be parsed gets an answer where that is possible, and the connection ends.
  void refuse(beast::error_code error) {
    std::optional<Error> said;
    if (error == http::error::body_limit) {
      said.emplace(
          ErrorCode::too_large, "the body is too large",
          Error::Details{.expected = "at most " + std::to_string(body_limit()) + " bytes",
                         .remedy = "Send it in several requests."});
    } else if (error == http::error::header_limit) {
      said.emplace(ErrorCode::too_large, "the header is too large",
                   Error::Details{.expected = "at most 16 KiB"});
    } else if (error.category() == http::make_error_code(http::error::bad_method).category() &&
               error != http::error::end_of_stream && error != http::error::partial_message) {
      said.emplace(ErrorCode::bad_argument, "this is not HTTP: " + error.message());
    }
    if (!said) return close();
    keep_alive_ = false;
    send(is_for_collections() ? VectorService::refused(*said) : problem(*said), false, {});
  }

  bool is_for_collections() const {
    const auto target = parser_->get().target();
    Request request;
    request.path = std::string(target.substr(0, target.find('?')));
    return VectorService::owns(request);
  }

  void answer() {
    const auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    auto request = std::make_shared<Request>();
    Response response;
    try {
      *request = head_of(message);
      request->body = std::move(parser_->get().body());
      if (!host_is_ours(request->header("host"), settings_.address)) {
        throw Error(ErrorCode::bad_argument, "the request is for another host",
                    {.expected = "127.0.0.1 or localhost",
                     .found = std::string(request->header("host").substr(0, 80))});
      }
      if (VectorService::owns(*request)) return answer_later(std::move(request));
      const Readers::Held held(readers_);
      response = service_.answer(*request);
    } catch (const std::exception& error) {
      response = problem(error_of(error));
    }
    send(std::move(response), message.method() == http::verb::head, request->header("range"));
  }

  // The answer comes from a worker. While it is awaited nothing is read, only looked whether the other end
  // goes away: then the work is dropped.
  void answer_later(std::shared_ptr<Request> request) {
    auto cancel = std::make_shared<std::atomic<bool>>(false);
    expire_never();
    auto waiting = std::make_shared<Waiting>();
    service_.vectors().answer(
        request, cancel, [self = shared_from_this(), request, cancel, waiting](Response response) {
          // Answered at once, in this thread: nothing is watched yet.
          asio::dispatch(self->socket_.get_executor(), [self, request, cancel, waiting,
                                                        response = std::move(response)]() mutable {
            waiting->answered = true;
            beast::error_code ignored;
            if (waiting->watched) self->socket_.cancel(ignored);
            if (!cancel->load())
              self->send(std::move(response), request->method == "HEAD", request->header("range"));
          });
        });
    if (waiting->answered || buffer_.size() != 0) return;
    waiting->watched = true;
    watch(cancel);
  }
  // How far an answer is; both are looked at on the connection's strand only.
  struct Waiting {
    bool answered = false, watched = false;
  };
  void watch(std::shared_ptr<std::atomic<bool>> cancel) {
    socket_.async_wait(
        Tcp::socket::wait_read, [self = shared_from_this(), cancel](beast::error_code error) {
          if (error) return;
          char byte = 0;
          beast::error_code state;
          const size_t got =
              self->socket_.receive(asio::buffer(&byte, 1), Tcp::socket::message_peek, state);
          if (got == 0 && state != asio::error::would_block) cancel->store(true);
        });
  }

  void send(Response response, bool head, std::string_view range) {
    reply_ = {};
    reply_.result(static_cast<unsigned>(response.status));
    if (!response.file.empty()) open_file(response, range);
    dress(response, reply_);
    reply_.body() = std::move(response.body);
    reply_.keep_alive(keep_alive_);
    reply_.prepare_payload();
    if (!file_left_.empty()) reply_.content_length(file_left_.size());
    if (head) {
      reply_.body().clear();
      file_left_ = {};
    }
    expire_after_idle();
    http::async_write(socket_, reply_, [self = shared_from_this()](beast::error_code error, size_t) {
      self->send_file(error);
    });
  }

  // The fields of every answer.
  static void dress(const Response& response, http::response<http::string_body>& reply) {
    reply.version(11);
    for (const auto& [name, value] : response.headers) reply.set(name, value);
    reply.set(http::field::content_type, response.content_type);
    reply.set("X-Content-Type-Options", "nosniff");
    reply.set("Referrer-Policy", "no-referrer");
    reply.set("Content-Security-Policy",
              "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' "
              "'unsafe-inline'; "
              "object-src 'none'; base-uri 'none'; frame-ancestors 'none'");
    if (response.file.empty()) reply.set(http::field::cache_control, "no-store");
  }

  // A file goes out of its map, as fast as the connection takes it; other requests are read between its pieces.
  void send_file(beast::error_code error) {
    if (error || file_left_.empty()) {
      file_ = {};
      file_left_ = {};
      return error ? close() : next();
    }
    expire_after_idle();
    socket_.async_write_some(asio::buffer(file_left_.data(), std::min(file_left_.size(), file_piece)),
                             [self = shared_from_this()](beast::error_code failed, size_t sent) {
                               self->file_left_ = self->file_left_.subspan(sent);
                               self->send_file(failed);
                             });
  }

  void open_file(Response& response, std::string_view range) {
    try {
      file_ = MappedFile(response.file);
      const auto bytes = file_.bytes();
      bool unsatisfiable = false;
      const ByteRange part = bytes.empty() ? ByteRange{} : parse_range(range, bytes.size(), unsatisfiable);
      response.headers.emplace_back("Accept-Ranges", "bytes");
      if (unsatisfiable) {
        reply_.result(http::status::range_not_satisfiable);
        response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(bytes.size()));
      } else if (part.end > part.begin) {
        reply_.result(http::status::partial_content);
        response.headers.emplace_back("Content-Range", "bytes " + std::to_string(part.begin) + "-" +
                                                           std::to_string(part.end - 1) + "/" +
                                                           std::to_string(bytes.size()));
        file_left_ = bytes.subspan(part.begin, part.end - part.begin);
      } else {
        file_left_ = bytes;
      }
    } catch (const std::exception& error) {
      response = problem(error_of(error));
      reply_.result(static_cast<unsigned>(response.status));
    }
  }

  void close() {
    beast::error_code ignored;
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  }

  Tcp::socket socket_;
  asio::steady_timer timer_;
  Clock::time_point until_;  // its other end has to act
  beast::flat_buffer buffer_;
  Service& service_;
  const ServerSettings& settings_;
  Readers& readers_;
  std::atomic<size_t>& open_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> reply_;
  MappedFile file_;
  std::span<const std::byte> file_left_;  // of it, to be sent after the reply
  http::response<http::empty_body> go_on_;
  bool keep_alive_ = false;
};

class Listener {
 public:
  Listener(asio::io_context& context, Service& service, const ServerSettings& settings, Readers& readers)
      : context_(context),
        acceptor_(asio::make_strand(context)),
        service_(service),
        settings_(settings),
        readers_(readers) {
    beast::error_code error;
    const auto address = asio::ip::make_address(settings.address, error);
    if (error)
      throw Error(ErrorCode::bad_argument, "this is not an address",
                  {.expected = "such as 127.0.0.1",
                   .found = "'" + settings.address + "'",
                   .remedy = "Give --address a number of a network card; names are not looked up."});
    const Tcp::endpoint endpoint(address, settings.port);
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      throw Error(ErrorCode::conflict, "cannot listen: " + error.message(),
                  {.where = settings.address + ":" + std::to_string(settings.port),
                   .remedy = "Another program has the port: give --port, or 0 for any free one."});
    }
  }
  uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void accept() {
    acceptor_.async_accept(asio::make_strand(context_), [this](beast::error_code error, Tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) socket.set_option(Tcp::no_delay(true), error);  // answers are written whole
      if (!error && open_ < settings_.most_connections)
        std::make_shared<Session>(std::move(socket), service_, settings_, readers_, open_)->start();
      accept();
    });
  }

 private:
  asio::io_context& context_;
  Tcp::acceptor acceptor_;
  Service& service_;
  const ServerSettings& settings_;
  Readers& readers_;
  std::atomic<size_t> open_{0};
};

}  // namespace

void serve(Service& service, const ServerSettings& settings, const std::function<void(uint16_t)>& started) {
  const size_t reading = std::max<size_t>(1, cowatch::threads()),
               threads = std::max(settings.threads, reading + 2);
  asio::io_context context(static_cast<int>(threads));
  Readers readers(reading);
  Listener listener(context, service, settings, readers);
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](beast::error_code, int) { context.stop(); });
  // Behind what is ready to be read; by the same thread where that is free then.
  service.vectors().search_in([&](std::function<void()> turn, bool elsewhere) {
    const auto held_turn = [&readers, turn = std::move(turn)] {
      const Readers::Held held(readers);
      turn();
    };
    elsewhere ? asio::post(context, held_turn) : asio::defer(context, held_turn);
  });
  listener.accept();
  started(listener.port());
  // What a connection's handler throws, memory that ran out, ends that connection and nothing else.
  const auto safely = [](const auto& work) {
    try {
      work();
    } catch (const std::exception& error) {
      log(LogLevel::error, std::string("a connection was given up: ") + error.what());
    }
  };
  const auto run = [&] {
    while (!context.stopped()) safely([&] { context.run(); });
  };
  const auto run_shortly = [&] { safely([&] { context.run_one_for(Readers::patience); }); };
  // A handler may leave work that is announced to nobody, because the thread that ran it would go on with it.
  const auto wake_one = [&] { asio::post(context, [] {}); };
  std::vector<std::jthread> others;
  for (size_t i = 1; i < reading; ++i) others.emplace_back(run);
  for (size_t i = reading; i < threads; ++i) others.emplace_back([&] { readers.stand_in(run_shortly, wake_one); });
  run();
  readers.stop();
  others.clear();
  // Answers that are still to come need their connections.
  service.vectors().search_in({});
  service.vectors().drain();
}

}  // namespace cowatch::serve
